"""One query on its way through the chain: what was tried, what is known, how much time is left."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from ai_gateway.clock import Clock
from ai_gateway.escalation import INSTRUCTION
from ai_gateway.failures import (
    POLICIES,
    Failover,
    FailureKind,
    InvalidQuery,
    NoTierAnswered,
    OpenReason,
    ProviderFailure,
    QueryRefused,
)
from ai_gateway.model import (
    Answer,
    AnyPrompt,
    Attempt,
    BreakerState,
    EmbeddingInput,
    Finish,
    FinishReason,
    Infill,
    Message,
    Outcome,
    PriceClass,
    Prompt,
    Query,
    SpendRule,
    Usage,
)
from ai_gateway.reasons import why_not
from ai_gateway.routing import Exclusion, Question, Situation, Standing, exclusion_of
from ai_gateway.sent import Sent, texts_of, tools_of
from ai_gateway.tier import ProviderTier
from ai_gateway.trace import Step, TraceDraft, Try

if TYPE_CHECKING:
    from ai_gateway.privacy.masking import Masked, Masker  # only for those who want it

log = logging.getLogger(__name__)

DEFAULT_QUERY_SECONDS = 300.0
MAX_ANSWER_CHARACTERS = 8 * 1024 * 1024
NO_USAGE = Usage(0, 0)
MODEL_NAME = re.compile(r"[\w.:/\\@+-]{1,200}")
"""What an upstream may call its model: whatever else it says there may quote the prompt, and traces keep the name."""
BREAKER_REASONS = frozenset(OpenReason)
HINTS: Mapping[Exclusion, str] = MappingProxyType(
    {
        Exclusion.PRIVATE: "a private query reaches local tiers only; start one, or ask without private",
        Exclusion.LEFT_OUT: "the query leaves {tier} out; ask without that to have it asked",
        Exclusion.NOT_CONFIGURED: "{tier} is not configured; 'ai-gateway doctor' says what is missing",
        Exclusion.EMBEDS_NOT: "set the embedding_model of a tier whose provider makes embeddings",
        Exclusion.FILLS_NOT: "{tier} answers only what a person asks; let another tier complete code",
        Exclusion.CONTEXT_TOO_LONG: POLICIES[FailureKind.CONTEXT_TOO_LONG].hint,
        Exclusion.DEADLINE: POLICIES[FailureKind.DEADLINE].hint,
        Exclusion.SPENDING: "{tier} costs more than the first tier; allow it with spend = auto, or in spending.rule",
        Exclusion.DAILY_CAP: "as much was spent today as spending.daily_cap_usd allows; raise it, or wait for tomorrow",
    }
)
"""What a person can do about a tier that must not be asked."""

_question_of = lru_cache(maxsize=64)(Question)
"""Equal questions are the same object: traces keep them, and to find one takes a fifth of the time of making it."""


@dataclass(slots=True)
class Asking:
    """One tier being asked for one query, over both of its tries."""

    tier: ProviderTier
    prompt: AnyPrompt
    model: str | None
    started_at: float
    masked: Masked | None = None
    """Of a prompt that holds secrets: what the tier sees instead of them."""
    tries: list[Try] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    characters: int = 0
    first_token_ms: float | None = None
    finish: Finish | None = None
    usage: Usage = NO_USAGE
    """What it took, as the upstream says or else by estimate."""
    cost_usd: float | None = None
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
        if not says_something and not isinstance(self.prompt, Infill):  # in a gap, nothing may be what fits
            raise ProviderFailure(FailureKind.EMPTY, f"an answer without text (finish reason {finish.reason})")
        if finish.model is not None and MODEL_NAME.fullmatch(finish.model) is None:
            finish = replace(finish, model=None)
        self.finish = finish
        self.usage = finish.usage or Usage.estimate(self.prompt, "".join(self.texts))
        self.cost_usd = finish.cost_usd
        if finish.cost_usd is None:
            self.cost_usd = self.tier.cost_usd(finish.model or self.model, self.usage)

    def break_off(self) -> None:
        """Take in that it ended before its time: what was written has to be paid for, by estimate."""
        self.usage = Usage.estimate(self.prompt, "".join(self.texts))
        self.cost_usd = self.tier.cost_usd(self.model, self.usage)

    def mask(self, masker: Masker) -> None:
        """Let the tier see placeholders instead of secrets."""
        try:
            masked = masker.mask(self.prompt)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidQuery("tools and response_format may hold only what JSON can") from error
        if masked.count:
            self.prompt, self.masked = masked.prompt, masked

    def step(self, step: Step, attempt: Attempt) -> Step:
        """Complete the record of the step that led here."""
        tier = self.tier
        return step.came_to(
            attempt,
            first_token_ms=self.first_token_ms,
            tries=tuple(self.tries),
            address=tier.provider.address or tier.base_url,
            characters=self.prompt.characters(),
            cost_usd=self.cost_usd,
            usage=self.usage,
            is_rehearsal=tier.is_rehearsal,
        )

    def sent(self) -> Sent:
        """Give what the tier was sent; it holds the texts themselves, and no copies."""
        tier = self.tier
        address = tier.provider.address or tier.base_url
        texts = tuple(texts_of(self.prompt))
        return Sent(tier.name, tier.backend, self.model, address, texts, tools_of(self.prompt))

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
    """What is known so far about one query on its way through the chain.

    Args:
        query: What is asked.
        draft: Where its steps are written down.
        clock: The time.
        rule: Whether a dearer tier may answer, where the query does not say.
    """

    def __init__(self, query: Query, draft: TraceDraft, clock: Clock, *, rule: SpendRule) -> None:
        self.query = query
        self.draft = draft
        self.attempts: list[Attempt] = []
        self.may_escalate = False
        self.others_may_follow = False
        self.failed_tiers: set[ProviderTier] = set()
        self.retried_tiers: set[ProviderTier] = set()
        self.is_cap_reached = False
        self._rule = query.spend or rule
        self._may_ask_for_more = self._rule is SpendRule.ASK and query.dearest is None
        self._allowed = PriceClass.METERED if self._rule is SpendRule.AUTO else None
        self._clock = clock
        self._started_at = clock.monotonic()
        seconds = DEFAULT_QUERY_SECONDS if draft.timeout_seconds is None else draft.timeout_seconds
        self._ends_at = self._started_at + seconds
        self._too_short_tokens = 0
        self._hints: dict[str, str] = {}
        self._own_hints: dict[str, str] = {}
        """Of those: what is known better than the reason of the attempt tells."""

    @property
    def elapsed_ms(self) -> float:
        """How long it has taken so far."""
        return 1000 * (self._clock.monotonic() - self._started_at)

    @property
    def remaining_seconds(self) -> float:
        """What is left of the query's time."""
        return self._ends_at - self._clock.monotonic()

    def share_seconds(self, *, is_begun: bool) -> float:
        """How much of it a tier may take: half while another could still take over, all once it has begun."""
        return self.remaining_seconds / (2 if self.others_may_follow and not is_begun else 1)

    @property
    def prompt(self) -> AnyPrompt:
        """What is asked, with leave to escalate where that leads anywhere."""
        prompt = self.query.prompt
        if not self.may_escalate or not isinstance(prompt, Prompt):
            return prompt
        return replace(prompt, messages=(Message("system", INSTRUCTION), *prompt.messages))

    def situation(self, tiers: Sequence[ProviderTier], standings: Sequence[Standing]) -> Situation:
        """Say all that the next decision is made of."""
        facts = tuple(tier.facts_for(self.query) for tier in tiers)
        return Situation(self._question, facts, tuple(standings))

    def used_to(self, tiers: Sequence[ProviderTier]) -> None:
        """Take what the first of them costs for what the person is used to; the query itself may allow less."""
        if self._allowed is None:
            first = (tier.price_class for tier in tiers if tier.missing is None and not tier.is_emergency)
            self._allowed = next(first, PriceClass.FREE)
        if (dearest := self.query.dearest) is not None and dearest.rank < self._allowed.rank:
            self._allowed = dearest

    def admits(self, tier: ProviderTier) -> bool:
        """Say whether a tier might be asked, as far as its breaker lets it."""
        return exclusion_of(self._question, tier.facts_for(self.query)) is None

    def consented(self, price: PriceClass, *, granted: bool) -> None:
        """Take in what the person said to a dearer class of tiers; they are asked once."""
        self._may_ask_for_more = False
        if granted:
            self._allowed = price

    @property
    def _question(self) -> Question:
        return _question_of(
            self.query.private,
            isinstance(self.query.prompt, EmbeddingInput),
            self._too_short_tokens,
            self.remaining_seconds > 0,
            self._allowed or PriceClass.METERED,
            self._may_ask_for_more,
            self.is_cap_reached,
            isinstance(self.query.prompt, Infill),
            self.query.without,
        )

    def excluded(self, tier: ProviderTier, exclusion: Exclusion, retry_after_seconds: float | None = None) -> Attempt:
        """Remember what a person can do about a tier that must not be asked."""
        missing = tier.missing if exclusion is Exclusion.NOT_CONFIGURED else None
        return self.skipped(tier, exclusion, missing or HINTS[exclusion].format(tier=tier.name), retry_after_seconds)

    def skipped(
        self, tier: ProviderTier, reason: str, hint: str | None, retry_after_seconds: float | None = None
    ) -> Attempt:
        """Remember what a person can do about a tier that is not asked."""
        if hint is not None:
            self._hints.setdefault(tier.name, hint)
        if reason in BREAKER_REASONS and tier.own_hint is not None:
            self._own_hints.setdefault(tier.name, tier.own_hint)
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
        if failure.hint is not None:
            self._own_hints[tier.name] = failure.hint
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
            hints=self._own_hints,
        )

    def nobody_answered(self) -> NoTierAnswered:
        """Say why, tier by tier."""
        reasons = "; ".join(why_not(attempt) for attempt in self.attempts)
        waits = [attempt.retry_after_seconds for attempt in self.attempts if attempt.retry_after_seconds is not None]
        return NoTierAnswered(
            f"no tier answered: {reasons}",
            attempts=tuple(self.attempts),
            retry_after_seconds=min(waits, default=None),
            hint="; ".join(dict.fromkeys(self._hints.values())) or "wait until a tier reopens, or reset it",
            hints=self._own_hints,
        )

    def answer(self, asking: Asking, *, state: BreakerState) -> Answer:
        """Put the answer together."""
        assert asking.finish is not None  # noqa: S101 - the caller checked
        content = "".join(asking.texts)
        finish = asking.finish
        return Answer(
            content=content,
            backend=asking.tier.backend,
            provider=asking.tier.name,
            model=finish.model or asking.model,
            state=state,
            finish_reason=finish.reason,
            usage=asking.usage,
            query_id=self.draft.query_id,
            elapsed_ms=self.elapsed_ms,
            attempts=tuple(self.attempts),
            tool_calls=finish.tool_calls,
            vectors=finish.vectors,
            cost_usd=asking.cost_usd,
        )
