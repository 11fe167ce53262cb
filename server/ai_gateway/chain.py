"""The failover chain: ordered tiers, asked in turn until one answers whole.

All routing is here, and the only loop that retries. What a failure leads to is looked up in `failures.POLICIES`; the
chain has no opinion of its own about any kind.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing

from ai_gateway.breaker import Permit
from ai_gateway.calling import next_piece, stream_of
from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.escalation import MarkerGuard
from ai_gateway.failures import Effect, Failover, FailureKind, InvalidQuery, OpenReason, ProviderFailure, Retry
from ai_gateway.model import (
    Answer,
    Attempt,
    Backend,
    BreakerState,
    Delta,
    EmbeddingInput,
    Event,
    Finish,
    Message,
    Outcome,
    Prompt,
    Query,
    Reset,
    Started,
    Tool,
)
from ai_gateway.providers.base import prompt_of
from ai_gateway.run import Asking, Run
from ai_gateway.tier import ProviderTier

LONGEST_RETRY_WAIT_SECONDS = 2.0
FAST_FAILURE_SECONDS = 2.0
"""A failure that took longer is not worth a second try: the person has waited enough."""

AttemptListener = Callable[[Attempt, float | None], None]
"""Called with each attempt as it ends, and its milliseconds to the first token."""


class FailoverChain:
    """Asks its tiers in order until one answers.

    Args:
        tiers: In the order of asking.
        escalation: Stronger tiers, for answers that ask for one by beginning with the marker; at most two are used.
        clock: The time.
        on_attempt: Told of each attempt.
    """

    def __init__(
        self,
        tiers: Sequence[ProviderTier],
        *,
        escalation: Sequence[ProviderTier] = (),
        clock: Clock = SYSTEM_CLOCK,
        on_attempt: AttemptListener | None = None,
    ) -> None:
        self.tiers = tuple(tiers)
        self.escalation = tuple(escalation[:2])
        self._clock = clock
        self._on_attempt = on_attempt

    @property
    def state(self) -> BreakerState:
        """The state of the first configured tier's breaker."""
        return next((tier.breaker.state for tier in self.tiers if tier.missing is None), BreakerState.CLOSED)

    async def chat(
        self,
        messages: Sequence[Message | Mapping[str, object]],
        tools: Sequence[Tool | Mapping[str, object]] | None = None,
        model: str | None = None,
        *,
        timeout_seconds: float | None = None,
        escalate: bool = False,
        **options: object,
    ) -> Answer:
        """Ask for a whole answer.

        Args:
            messages: In OpenAI's shape, or as `Message`.
            tools: Likewise.
            model: Asked of the tiers that offer it; the others answer with their own.
            timeout_seconds: For everything together.
            escalate: Let a model ask for a stronger one.
            options: `temperature`, `max_tokens`, `stop`, `response_format`.

        Raises:
            InvalidQuery: A part of the query is malformed.
            NoTierAnswered: Nobody could answer; it says why, tier by tier.
        """
        try:
            prompt = prompt_of(messages, tools=tools, **options)
        except ValueError as error:
            raise InvalidQuery(str(error)) from error
        query = Query(prompt, preferred_model=model, timeout_seconds=timeout_seconds, escalate=escalate)
        return await final_answer(self.stream(query))

    async def stream(self, query: Query) -> AsyncGenerator[Event, None]:
        """Ask, and yield what happens; the `Answer` comes last.

        Raises:
            InvalidQuery: It asks nothing, or its pins leave no tier.
            NoTierAnswered: Nobody could answer; it says why, tier by tier.
        """
        if query.prompt.is_empty:
            field = "input" if isinstance(query.prompt, EmbeddingInput) else "prompt"
            raise InvalidQuery(f"the {field} is empty", field=field)
        tiers = self._pinned(query)
        for tier in tiers:
            tier.notice_credential()
        run = Run(query, self._clock)
        stronger = self._stronger(run)
        while True:
            run.may_escalate = bool(stronger)
            try:
                async with aclosing(self._walk(run, tiers)) as events:
                    async for event in events:
                        yield event
            except _EscalationAsked:
                tiers = [stronger.pop(0), *(tier for tier in tiers if tier not in run.failed_tiers)]
            else:
                return

    def _pinned(self, query: Query) -> list[ProviderTier]:
        tiers = [tier for tier in self.tiers if tier.fits_pins(query)]
        if tiers:
            return tiers
        if not self.tiers:
            raise InvalidQuery("no provider is configured; run 'ai-gateway doctor' to see what is missing")
        pins = {"provider": query.provider, "backend": query.backend, "model": query.model}
        wanted = {name: str(value) for name, value in pins.items() if value is not None}
        asked = " and ".join(f"the {name} {value!r}" for name, value in wanted.items())
        known = ", ".join(f"{tier.name} ({', '.join([tier.backend, *tier.models])})" for tier in self.tiers)
        advice = "; name a provider as well to ask it for any model" if wanted.keys() == {"model"} else ""
        raise InvalidQuery(f"no tier has {asked}; there is: {known}{advice}", field=next(iter(wanted)))

    def _stronger(self, run: Run) -> list[ProviderTier]:
        """Say to whom a model may hand the query on: to nobody, where the query itself chose the model."""
        query = run.query
        if not query.escalate or query.model is not None:
            return []
        return [tier for tier in self.escalation if tier.fits_pins(query) and run.may_ask(tier)]

    async def _walk(self, run: Run, tiers: Sequence[ProviderTier]) -> AsyncGenerator[Event, None]:
        for tier, permit in self._admitted(run, tiers):
            async with aclosing(self._attempt(run, tier, permit)) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Answer):
                        return
        raise run.nobody_answered()

    def _admitted(self, run: Run, tiers: Sequence[ProviderTier]) -> Iterator[tuple[ProviderTier, Permit]]:
        """Decide, one after the other, who is asked; each next step of it sees how the last one ended."""
        closed_to_us: list[ProviderTier] = []
        for position, tier in enumerate(tiers):
            run.others_may_follow = any(run.may_ask(later) for later in tiers[position + 1 :])
            breaker = tier.breaker
            if (exclusion := run.excludes(tier)) is not None:
                self._note(run, run.skipped(tier, *exclusion))
            elif (permit := breaker.acquire()) is not None:
                yield tier, permit
            else:
                closed_to_us.append(tier)
                reason = breaker.reason or OpenReason.OUTAGE
                self._note(run, run.skipped(tier, reason, tier.hint, breaker.reopens_in_seconds))
        closed_to_us.sort(key=_early_probe_order)
        for position, tier in enumerate(closed_to_us):
            run.others_may_follow = any(run.may_ask(later, early=True) for later in closed_to_us[position + 1 :])
            if run.excludes(tier) is None and (permit := tier.breaker.acquire(early=True)) is not None:
                yield tier, permit

    async def _attempt(self, run: Run, tier: ProviderTier, permit: Permit) -> AsyncGenerator[Event, None]:
        asking = Asking(tier, run.prompt, tier.model_for(run.query), self._clock.monotonic())
        outcome, reason, failed = Outcome.CANCELLED, None, None
        try:
            async with aclosing(self._tries(run, asking)) as events:
                async for event in events:
                    yield event
            outcome = Outcome.ANSWERED
            self._succeed(permit, asking)
        except _EscalationAsked:
            outcome, reason = Outcome.ANSWERED, "escalated"
            self._succeed(permit, asking)
            raise
        except ProviderFailure as failure:
            outcome, reason, failed = Outcome.FAILED, failure.kind, failure.bare()
            run.failed(tier, failed)
            _settle(permit, failure, asking)
        finally:
            permit.release()
            asking.elapsed_ms = 1000 * (self._clock.monotonic() - asking.started_at)
            self._note(run, asking.attempt(outcome, reason, failed), asking.first_token_ms)
        if failed is None:
            if tier.breaker.reason is None:
                tier.last_failure = None
            yield run.answer(asking, state=self.state)
            return
        if asking.has_shown:
            yield Reset(failed.kind)
        if failed.policy.failover is Failover.NEVER:
            raise run.refused(tier, failed)

    def _succeed(self, permit: Permit, asking: Asking) -> None:
        """Settle a success; if it took the last of the quota, leave the tier alone before it refuses.

        Not where the query itself chose the model: others may draw on another quota. Nor where the quota should have
        been renewed by now: whoever says that is behind the times.
        """
        tier, allowance = asking.tier, asking.tier.provider.allowance
        if allowance is None or not allowance.is_spent or _is_of_chosen_model(asking):
            permit.succeed()
            return
        wait = None if allowance.resets_at is None else allowance.resets_at - self._clock.time()
        if wait is not None and wait <= 0:
            permit.succeed()
            return
        spent = ProviderFailure(
            FailureKind.QUOTA, "its last answer took the last of the quota", retry_after_seconds=wait
        )
        tier.last_failure = spent
        _settle(permit, spent, asking)

    async def _tries(self, run: Run, asking: Asking) -> AsyncGenerator[Event, None]:
        while True:
            asked_at = self._clock.monotonic()
            try:
                async with aclosing(self._ask(run, asking)) as events:
                    async for event in events:
                        yield event
            except ProviderFailure as failure:
                took = self._clock.monotonic() - asked_at
                is_open = asking.tier.breaker.state is BreakerState.OPEN  # others have found out meanwhile
                if (
                    is_open
                    or asking.tier in run.retried_tiers
                    or not await self._is_worth_a_retry(run, asking, failure, took)
                ):
                    raise
                run.retried_tiers.add(asking.tier)
            else:
                return

    async def _is_worth_a_retry(self, run: Run, asking: Asking, failure: ProviderFailure, took: float) -> bool:
        if asking.has_shown or failure.mended:
            return not asking.has_shown
        match failure.policy.retry:
            case Retry.IF_FAST:
                return took < FAST_FAILURE_SECONDS
            case Retry.AFTER_WAIT:
                wait = failure.retry_after_seconds
                if wait is None or wait > min(LONGEST_RETRY_WAIT_SECONDS, run.remaining_seconds):
                    return False
                await self._clock.sleep(wait)
                return True
            case Retry.WITHOUT_PARAMETER if isinstance(asking.prompt, Prompt):
                before, asking.prompt = asking.prompt, asking.prompt.without(failure.parameter or "")
                return asking.prompt != before
        return False

    async def _ask(self, run: Run, asking: Asking) -> AsyncGenerator[Event, None]:
        guard = MarkerGuard() if run.query.escalate else None
        limit = asking.tier.limits.first_token_seconds
        async with stream_of(asking.tier.provider, asking.prompt, asking.model) as pieces:
            while True:
                piece = await next_piece(pieces, limit, run.share_seconds(is_begun=asking.has_shown))
                limit = asking.tier.limits.idle_seconds
                text = piece.text if isinstance(piece, Delta) else ""
                if guard is not None:
                    text = guard.feed(text) if isinstance(piece, Delta) else guard.end()
                    if guard.found and run.may_escalate:
                        raise _EscalationAsked
                if text:
                    if not asking.has_shown:
                        asking.first_token_ms = 1000 * (self._clock.monotonic() - asking.started_at)
                        yield Started(asking.tier.name, asking.tier.backend, asking.model)
                    asking.show(text)
                    yield Delta(text)
                if isinstance(piece, Finish):
                    asking.end(piece)
                    return

    def _note(self, run: Run, attempt: Attempt, first_token_ms: float | None = None) -> None:
        run.attempts.append(attempt)
        if self._on_attempt is not None:
            self._on_attempt(attempt, first_token_ms)


async def final_answer(events: AsyncGenerator[Event, None]) -> Answer:
    """Run a stream of events to its end, and give the answer."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                return event
    raise AssertionError("a stream of events ends in an answer or an error")


class _EscalationAsked(Exception):
    """The answer began with the marker."""


def _is_of_chosen_model(asking: Asking) -> bool:
    return asking.model != asking.tier.default_model


def _settle(permit: Permit, failure: ProviderFailure, asking: Asking) -> None:
    policy = failure.policy
    is_of_model_only = failure.is_about_model and _is_of_chosen_model(asking)
    if policy.effect is Effect.NONE or policy.reason is None or is_of_model_only:
        permit.release()
        return
    open_seconds = failure.retry_after_seconds
    if open_seconds is None:
        open_seconds = policy.open_seconds
    permit.fail(policy.reason, at_once=policy.effect is Effect.OPEN, open_seconds=open_seconds)


def _early_probe_order(tier: ProviderTier) -> tuple[bool, float]:
    """Local first, for it costs nothing; then whoever reopens soonest."""
    reopens_in = tier.breaker.reopens_in_seconds
    return tier.backend is not Backend.LOCAL, math.inf if reopens_in is None else reopens_in
