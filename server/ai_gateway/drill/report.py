"""What a drill has shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ai_gateway.drill.faults import FAULTS
from ai_gateway.model import Attempt, Backend, BreakerState, Outcome
from ai_gateway.words import wait_in_words

LEAST_TENTH_MS = 95.0
"""What is shorter would round to no tenth of a second, or hide how short it was."""


class Ending(StrEnum):
    """Why a drill was over."""

    IN_TIME = "in_time"
    STOPPED = "stopped"
    """A person ended it."""
    SETTINGS_CHANGED = "settings_changed"
    """They have made another tier of it, which is asked instead."""


class QuestionOutcome(StrEnum):
    """What became of a question of the drill's own."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    UNFINISHED = "unfinished"
    """It was still waiting when the drill ended."""


@dataclass(frozen=True, slots=True)
class DrillQuestion:
    """A question that the drill asked, as anybody could have."""

    asked_after_seconds: float
    """Since the drill began."""
    outcome: QuestionOutcome
    elapsed_ms: float
    provider: str | None = None
    """Who answered."""
    backend: Backend | None = None
    model: str | None = None
    attempts: tuple[Attempt, ...] = ()
    """Every tier that was tried or skipped, in order; none are known of an unfinished question."""
    was_retracted: bool = False
    """Whether text was shown that had to be taken back."""
    hint: str | None = None
    """What to do, where nobody answered."""

    @property
    def why(self) -> str:
        """Why those did not answer who were tried or skipped before, in a line; empty if nobody was."""
        return ", ".join(
            f"{attempt.provider} {attempt.outcome} ({attempt.reason})"
            for attempt in self.attempts
            if attempt.outcome is not Outcome.ANSWERED
        )

    def attempts_of(self, provider: str) -> tuple[Attempt, ...]:
        """Give what it met at one provider."""
        return tuple(attempt for attempt in self.attempts if attempt.provider == provider)

    def was_skipped(self, provider: str) -> bool:
        """Whether the provider's breaker turned it away."""
        return any(attempt.outcome is Outcome.SKIPPED for attempt in self.attempts_of(provider))


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A change of the rehearsed tier's breaker."""

    after_seconds: float
    """Since the drill began."""
    before: BreakerState
    after: BreakerState
    reason: str | None
    reopens_in_seconds: float | None

    @property
    def told(self) -> str:
        """Say it in a line."""
        why = f" ({self.reason})" if self.reason else ""
        seconds = self.reopens_in_seconds if self.after is BreakerState.OPEN else None
        wait = "" if seconds is None else f", a probe in {wait_in_words(seconds)}"
        return f"{self.before} to {self.after}{why}{wait}"


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What happened while one tier failed on purpose, and afterwards."""

    provider: str
    fault: str
    seconds: float
    """How long it was to last."""
    lasted_seconds: float
    ending: Ending
    questions: tuple[DrillQuestion, ...]
    breaker: tuple[BreakerChange, ...]
    recovery: DrillQuestion | None = None
    """The question asked afterwards; None: none was."""
    advice: tuple[str, ...] = ()
    """What could be better, best first."""

    @property
    def finished(self) -> tuple[DrillQuestion, ...]:
        """The questions whose end was seen."""
        return tuple(question for question in self.questions if question.outcome is not QuestionOutcome.UNFINISHED)

    @property
    def answered(self) -> tuple[DrillQuestion, ...]:
        """Those that got an answer."""
        return tuple(question for question in self.questions if question.outcome is QuestionOutcome.ANSWERED)

    @property
    def was_met(self) -> bool:
        """Whether any question came as far as the tier, or was still waiting somewhere."""
        return any(question.attempts_of(self.provider) for question in self.finished) or not self.finished

    @property
    def all_answered(self) -> bool:
        """Whether the outage did no harm: every question that came to an end got an answer, and one did."""
        return bool(self.finished) and self.answered == self.finished

    @property
    def verdict(self) -> str:
        """Say it in one line."""
        did = f"while {self.provider} {FAULTS[self.fault].past}"
        asked, answered = len(self.finished), len(self.answered)
        if not asked:
            waited = f"; the first was still waiting after {_spent_by(self.questions)}" if self.questions else ""
            return f"no question came to an end {did}{waited}"
        questions = "question was" if asked == 1 else "questions were"
        found = f"{answered} of {asked} {questions} answered {did}"
        if not self.was_met:
            return f"{found}, and nobody noticed: {self.answered[0].provider} comes before it and answered"
        more = "; one more was still waiting at the end" if len(self.questions) > asked else ""
        return f"{found}{self._how_quickly()}{more}"

    def _how_quickly(self) -> str:
        if not self.answered:
            return ""
        first, *others = self.answered
        if not others:
            return f", after {_spent_by([first])}"
        return f"; the first took {_spent_by([first])}, the others {_spent_by(others)}"


def spent(milliseconds: float) -> str:
    """Say how long something took."""
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= LEAST_TENTH_MS else f"{milliseconds:.0f} ms"


def _spent_by(questions: Sequence[DrillQuestion]) -> str:
    shortest, longest = (spent(pick(question.elapsed_ms for question in questions)) for pick in (min, max))
    return longest if shortest == longest else f"{shortest} to {longest}"
