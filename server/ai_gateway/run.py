"""One query on its way through the chain: what was tried, what is known, how much time is left."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field, replace

from ai_gateway.clock import Clock
from ai_gateway.escalation import INSTRUCTION
from ai_gateway.failures import (
    POLICIES,
    Failover,
    FailureKind,
    NoTierAnswered,
    OpenReason,
    ProviderFailure,
    QueryRefused,
)
from ai_gateway.model import (
    Answer,
    Attempt,
    Backend,
    BreakerState,
    EmbeddingInput,
    Finish,
    FinishReason,
    Message,
    Outcome,
    Prompt,
    Query,
    Usage,
)
from ai_gateway.tier import ProviderTier

log = logging.getLogger(__name__)

DEFAULT_QUERY_SECONDS = 300.0
MAX_ANSWER_CHARACTERS = 8 * 1024 * 1024
LONG_UNITS = (("days", 24 * 3600), ("h", 3600), ("min", 60))
"""Of waits, with their seconds; from two of one on, a wait is told in it."""
PRIVATE = "private"
EMBEDS_NOT = "no_embeddings"
EMBEDS_NOT_HINT = "set the embedding_model of a tier whose provider makes embeddings"
PRIVATE_HINT = "a private query reaches local tiers only; start one, or ask without private"


@dataclass(slots=True)
class Asking:
    """One tier being asked for one query, over both of its tries."""

    tier: ProviderTier
    prompt: Prompt | EmbeddingInput
    model: str | None
    started_at: float
    texts: list[str] = field(default_factory=list)
    characters: int = 0
    first_token_ms: float | None = None
    finish: Finish | None = None
    elapsed_ms: float = 0.0

    @property
    def has_shown(self) -> bool:
        """Whether the asker has seen text of it."""
        return bool(self.texts)

    def show(self, text: str) -> None:
        """Take in a piece of the answer."""
        self.texts.append(text)
        self.characters += len(text)
        if self.characters > MAX_ANSWER_CHARACTERS:
            raise ProviderFailure(FailureKind.SERVER, "the answer has no end")

    def end(self, finish: Finish) -> None:
        """Take in the terminal marker, unless what it ends is no answer."""
        if finish.reason is FinishReason.CONTENT_FILTER:
            raise ProviderFailure(FailureKind.CONTENT_FILTER, "the content filter cut the answer off")
        says_something = self.texts or finish.tool_calls or finish.vectors or finish.reason is FinishReason.REFUSAL
        if not says_something:
            raise ProviderFailure(FailureKind.EMPTY, f"an answer without text (finish reason {finish.reason})")
        self.finish = finish

    def attempt(self, outcome: Outcome, reason: str | None, failure: ProviderFailure | None) -> Attempt:
        """Give the record of it."""
        retry_after_seconds = None
        if failure is not None:
            reopens_in = self.tier.breaker.reopens_in_seconds
            retry_after_seconds = failure.retry_after_seconds if reopens_in is None else reopens_in
        return Attempt(
            provider=self.tier.name,
            backend=self.tier.backend,
            outcome=outcome,
            model=self.model,
            reason=reason,
            elapsed_ms=self.elapsed_ms,
            retry_after_seconds=retry_after_seconds,
        )


class Run:
    """What is known so far about one query on its way through the chain."""

    def __init__(self, query: Query, clock: Clock) -> None:
        self.query = query
        self.query_id = uuid.uuid4().hex
        self.attempts: list[Attempt] = []
        self.may_escalate = False
        self.others_may_follow = False
        self.failed_tiers: set[ProviderTier] = set()
        self.retried_tiers: set[ProviderTier] = set()
        self._clock = clock
        self._started_at = clock.monotonic()
        seconds = DEFAULT_QUERY_SECONDS if query.timeout_seconds is None else query.timeout_seconds
        self._ends_at = self._started_at + seconds
        self._too_short_tokens = 0
        self._hints: dict[str, str] = {}

    @property
    def remaining_seconds(self) -> float:
        """What is left of the query's time."""
        return self._ends_at - self._clock.monotonic()

    def share_seconds(self, *, is_begun: bool) -> float:
        """How much of it a tier may take: half while another could still take over, all once it has begun."""
        return self.remaining_seconds / (2 if self.others_may_follow and not is_begun else 1)

    @property
    def prompt(self) -> Prompt | EmbeddingInput:
        """What is asked, with leave to escalate where that leads anywhere."""
        prompt = self.query.prompt
        if not self.may_escalate or not isinstance(prompt, Prompt):
            return prompt
        return replace(prompt, messages=(Message("system", INSTRUCTION), *prompt.messages))

    def excludes(self, tier: ProviderTier) -> tuple[str, str] | None:
        """Say why a tier must not be asked, whatever its breaker says, and what a person can do about that."""
        if self.query.private and tier.backend is not Backend.LOCAL:
            return PRIVATE, PRIVATE_HINT
        if (missing := tier.missing) is not None:
            return OpenReason.NOT_CONFIGURED, missing
        if isinstance(self.query.prompt, EmbeddingInput) and not tier.embedding_models:
            return EMBEDS_NOT, EMBEDS_NOT_HINT
        if tier.context_tokens is not None and tier.context_tokens <= self._too_short_tokens:
            return FailureKind.CONTEXT_TOO_LONG, POLICIES[FailureKind.CONTEXT_TOO_LONG].hint
        if self.remaining_seconds <= 0:
            return FailureKind.DEADLINE, POLICIES[FailureKind.DEADLINE].hint
        return None

    def may_ask(self, tier: ProviderTier, *, early: bool = False) -> bool:
        """Say whether a tier could take over, as things are; `early` as for its breaker's `acquire`."""
        is_open = tier.breaker.state is BreakerState.OPEN
        return self.excludes(tier) is None and (not is_open or (early and tier.breaker.may_be_probed_early))

    def skipped(
        self, tier: ProviderTier, reason: str, hint: str | None, retry_after_seconds: float | None = None
    ) -> Attempt:
        """Remember what a person can do about a tier that is not asked."""
        if hint is not None:
            self._hints.setdefault(tier.name, hint)
        return Attempt(
            provider=tier.name,
            backend=tier.backend,
            outcome=Outcome.SKIPPED,
            reason=reason,
            retry_after_seconds=retry_after_seconds,
        )

    def failed(self, tier: ProviderTier, failure: ProviderFailure) -> None:
        """Remember how a tier failed."""
        tier.last_failure = failure
        self.failed_tiers.add(tier)
        self._hints[tier.name] = failure.hint_for(tier.name)
        if failure.policy.failover is Failover.LARGER_WINDOW and tier.context_tokens is not None:
            self._too_short_tokens = max(self._too_short_tokens, tier.context_tokens)
        log.info("%s failed: %s, %s", tier.name, failure.kind, failure.detail)

    def refused(self, tier: ProviderTier, failure: ProviderFailure) -> QueryRefused:
        """Say why no other tier is bothered with the query."""
        return QueryRefused(
            f"{tier.name} refused the query: {failure.kind} ({failure.detail})",
            kind=failure.kind,
            attempts=tuple(self.attempts),
            hint=failure.hint_for(tier.name),
        )

    def nobody_answered(self) -> NoTierAnswered:
        """Say why, tier by tier."""
        reasons = ", ".join(_told(attempt) for attempt in self.attempts)
        waits = [attempt.retry_after_seconds for attempt in self.attempts if attempt.retry_after_seconds is not None]
        return NoTierAnswered(
            f"no tier answered: {reasons}",
            attempts=tuple(self.attempts),
            retry_after_seconds=min(waits, default=None),
            hint="; ".join(dict.fromkeys(self._hints.values())) or "wait until a tier reopens, or reset it",
        )

    def answer(self, asking: Asking, *, state: BreakerState) -> Answer:
        """Put the answer together."""
        assert asking.finish is not None  # noqa: S101 - the caller checked
        content = "".join(asking.texts)
        finish = asking.finish
        model = finish.model or asking.model
        usage = finish.usage or Usage.estimate(asking.prompt, content)
        return Answer(
            content=content,
            backend=asking.tier.backend,
            provider=asking.tier.name,
            model=model,
            state=state,
            finish_reason=finish.reason,
            usage=usage,
            query_id=self.query_id,
            elapsed_ms=1000 * (self._clock.monotonic() - self._started_at),
            attempts=tuple(self.attempts),
            tool_calls=finish.tool_calls,
            vectors=finish.vectors,
            cost_usd=asking.tier.cost_usd(model, usage) if finish.cost_usd is None else finish.cost_usd,
        )


def _told(attempt: Attempt) -> str:
    seconds = attempt.retry_after_seconds
    wait = "" if seconds is None else f", again in {wait_in_words(seconds)}"
    return f"{attempt.provider} {attempt.outcome} ({attempt.reason}{wait})"


def wait_in_words(seconds: float) -> str:
    """Say how long a wait is, no more exactly than a person wants to know it."""
    unit, length = next(((unit, length) for unit, length in LONG_UNITS if seconds >= 2 * length), ("s", 1))
    return f"{seconds / length:.0f} {unit}"
