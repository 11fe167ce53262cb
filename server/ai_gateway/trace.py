"""The record of one query: what was considered, what was decided and why, what it took. No text of it is in there."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from ai_gateway.clock import Clock
from ai_gateway.failures import FailureKind
from ai_gateway.model import (
    Answer,
    AnyPrompt,
    Attempt,
    Backend,
    EmbeddingInput,
    FinishReason,
    Infill,
    Outcome,
    Prompt,
    Query,
    SpendRule,
    Usage,
)
from ai_gateway.routing import Decision, Situation, TierFacts, decide
from ai_gateway.sent import Sent

NEVER_SENT = frozenset({FailureKind.SIGNED_OUT})
"""Failures that come before anything is sent."""


class CacheVerdict(StrEnum):
    """What the cache had for a query."""

    OFF = "off"
    """It was not looked at."""
    MISS = "miss"
    HIT = "hit"
    STALE = "stale"
    """An answer past its time, given because nobody could give a new one."""
    JOINED = "joined"
    """The same was being asked already; both got that answer."""


class QueryOutcome(StrEnum):
    """How a query ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    REFUSED = "refused"
    """A tier refused the query itself, so no other was asked."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Try:
    """One call of an upstream that failed; an attempt has at most two."""

    kind: str
    detail: str
    elapsed_ms: float
    retried_after_ms: float | None = None
    """How long was waited before the second call; None: there was none."""


@dataclass(frozen=True, slots=True)
class Step:
    """One decision, and what came of it."""

    situation: Situation
    decision: Decision
    at_ms: float
    """Since the query began."""
    attempt: Attempt | None = None
    first_token_ms: float | None = None
    tries: tuple[Try, ...] = ()
    address: str | None = None
    """Where the prompt went."""
    characters: int = 0
    """How much of it."""
    cost_usd: float | None = None
    usage: Usage | None = None
    """What the tier that was asked took."""
    is_rehearsal: bool = False
    """Whether it was a drill that answered so, or did not."""

    @property
    def has_sent(self) -> bool:
        """Whether the prompt, or a part of it, may have gone out."""
        kinds = {failed.kind for failed in self.tries}
        is_kept_back = self.attempt is not None and self.attempt.outcome is Outcome.FAILED and kinds <= NEVER_SENT
        return self.characters > 0 and not (is_kept_back and kinds)

    @property
    def tier(self) -> TierFacts | None:
        """Whom it is about."""
        return None if self.decision.position < 0 else self.situation.tiers[self.decision.position]

    def came_to(
        self,
        attempt: Attempt,
        *,
        first_token_ms: float | None = None,
        tries: tuple[Try, ...] = (),
        address: str | None = None,
        characters: int = 0,
        cost_usd: float | None = None,
        usage: Usage | None = None,
        is_rehearsal: bool = False,
    ) -> Step:
        """Give the same with what came of it."""
        return Step(
            self.situation,
            self.decision,
            self.at_ms,
            attempt,
            first_token_ms,
            tries,
            address,
            characters,
            cost_usd,
            usage,
            is_rehearsal,
        )


@dataclass(frozen=True, slots=True)
class Given:
    """Where an answer came from, and what it took; no text of it."""

    provider: str
    backend: Backend
    model: str | None
    finish_reason: FinishReason
    usage: Usage
    cost_usd: float | None
    age_seconds: float | None
    """Of one from the cache."""

    @classmethod
    def of(cls, answer: Answer) -> Given:
        """Describe an answer."""
        return cls(
            provider=answer.provider,
            backend=answer.backend,
            model=answer.model,
            finish_reason=answer.finish_reason,
            usage=answer.usage,
            cost_usd=answer.cost_usd,
            age_seconds=answer.age_seconds,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query wanted; no text of it."""

    messages: int
    characters: int
    embeds: bool
    backend: Backend | None
    provider: str | None
    model: str | None
    private: str | None
    """Why only local tiers may see it; None: all may."""
    spend: SpendRule | None
    escalate: bool
    timeout_seconds: float | None
    fills: bool = False
    """Whether it was a gap to fill; then there are no messages."""
    files: int = 0
    """How many it quoted, as far as its client said so."""
    left_out: int = 0
    """How many were kept out of it."""
    without: tuple[str, ...] = ()
    """Providers that were not to be asked."""

    @classmethod
    def of(cls, query: Query, private: str | None, timeout_seconds: float | None) -> Asked:
        """Describe a query."""
        prompt = query.prompt
        return cls(
            messages=_count_of(prompt),
            characters=prompt.characters(),
            embeds=isinstance(prompt, EmbeddingInput),
            backend=query.backend,
            provider=query.provider,
            model=query.model or query.preferred_model,
            private=private,
            spend=query.spend,
            escalate=query.escalate,
            timeout_seconds=timeout_seconds,
            fills=isinstance(prompt, Infill),
            files=len(query.paths),
            left_out=query.left_out,
            without=query.without,
        )


def _count_of(prompt: AnyPrompt) -> int:
    if isinstance(prompt, Prompt):
        return len(prompt.messages)
    return len(prompt.texts) if isinstance(prompt, EmbeddingInput) else 0


@dataclass(frozen=True, slots=True)
class Trace:
    """All about one query."""

    query_id: str
    asked_at: float
    """Seconds since the epoch."""
    elapsed_ms: float
    outcome: QueryOutcome
    asked: Asked
    cache: CacheVerdict
    joined: str | None = None
    """The query that was being answered already."""
    steps: tuple[Step, ...] = ()
    masked: int = 0
    """Secrets that other machines got placeholders of."""
    given: Given | None = None
    hint: str | None = None
    """What a person can do, where nobody answered."""


@dataclass(slots=True)
class TraceDraft:
    """A trace while its query runs."""

    query_id: str
    query: Query
    asked_at: float
    started_at: float
    """Of the monotonic clock."""
    timeout_seconds: float | None
    """What holds for the query; None: nobody has said."""
    private: str | None = None
    cache: CacheVerdict = CacheVerdict.OFF
    joined: str | None = None
    masked: int = 0
    steps: list[Step] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list, repr=False)
    """What tiers were sent; no part of the trace."""

    def ended(
        self, outcome: QueryOutcome, elapsed_ms: float, *, answer: Answer | None = None, hint: str | None = None
    ) -> Trace:
        """Give the whole, now that it is known how it ended."""
        return Trace(
            query_id=self.query_id,
            asked_at=self.asked_at,
            elapsed_ms=elapsed_ms,
            outcome=outcome,
            asked=Asked.of(self.query, self.private, self.timeout_seconds),
            cache=self.cache,
            joined=self.joined,
            steps=tuple(self.steps),
            masked=self.masked,
            given=None if answer is None else Given.of(answer),
            hint=hint,
        )


def draft_of(query: Query, clock: Clock, *, timeout_seconds: float | None = None) -> TraceDraft:
    """Begin the record of a query; `timeout_seconds` is for one that names no limit of its own."""
    return TraceDraft(
        secrets.token_hex(16),
        query,
        asked_at=clock.time(),
        started_at=clock.monotonic(),
        timeout_seconds=timeout_seconds if query.timeout_seconds is None else query.timeout_seconds,
    )


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decision made again."""

    step: Step
    decision: Decision

    @property
    def is_same(self) -> bool:
        """Whether it came out as it did then."""
        return self.decision == self.step.decision


def replay(steps: tuple[Step, ...]) -> tuple[Replayed, ...]:
    """Make every routing decision again, on what was known then."""
    return tuple(Replayed(step, decide(step.situation)) for step in steps)
