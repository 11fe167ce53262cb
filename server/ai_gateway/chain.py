"""The failover chain: ordered tiers, asked in turn until one answers whole.

Who is next is decided in `routing`; what a failure leads to is looked up in `failures.POLICIES`. The chain does it, and
has the only loop that retries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ai_gateway.breakers.breaker import Permit
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
    Infill,
    Message,
    Outcome,
    Piece,
    Prompt,
    Query,
    Reset,
    SpendRule,
    Started,
    Tool,
)
from ai_gateway.providers.base import prompt_of
from ai_gateway.routing import Action, Exclusion, Standing, decide
from ai_gateway.run import Asking, Run
from ai_gateway.spending.consents import NoConsent
from ai_gateway.telemetry.metrics import ESCALATED
from ai_gateway.tier import ProviderTier
from ai_gateway.trace import Step, TraceDraft, Try, draft_of

if TYPE_CHECKING:
    from ai_gateway.privacy.masking import Masker, Unmasker  # only for those who want it

LONGEST_RETRY_WAIT_SECONDS = 2.0
FAST_FAILURE_SECONDS = 2.0
"""A failure that took longer is not worth a second try: the person has waited enough."""

AttemptListener = Callable[[Attempt, Step], None]
"""Called with each attempt as it ends, and all that is known of how it went."""


class Spending(Protocol):
    """What a person has to say about money."""

    @property
    def rule(self) -> SpendRule:
        """Whether a dearer tier may answer, where the query does not say."""
        ...

    @property
    def is_cap_reached(self) -> bool:
        """Whether as much was spent today as may be."""
        ...

    @property
    def renews_in_seconds(self) -> float:
        """How long it is until another may be spent."""
        ...

    async def consent(self, tier: ProviderTier, run: Run) -> NoConsent | None:
        """Ask the person whether `tier` may answer, though it is dearer than those before it; None: it may."""
        ...

    def spent(self, tier: ProviderTier, cost_usd: float | None) -> None:
        """Add up what an answer of `tier` cost."""
        ...


class FailoverChain:
    """Asks its tiers in order until one answers.

    Args:
        tiers: In the order of asking.
        escalation: Stronger tiers, for answers that ask for one by beginning with the marker; at most two are used.
        clock: The time.
        on_attempt: Told of each attempt.
        spending: What a person has to say about money; None: nothing.
        masker: Hides secrets from tiers that are not local; None: they see everything.
    """

    def __init__(
        self,
        tiers: Sequence[ProviderTier],
        *,
        escalation: Sequence[ProviderTier] = (),
        clock: Clock = SYSTEM_CLOCK,
        on_attempt: AttemptListener | None = None,
        spending: Spending | None = None,
        masker: Masker | None = None,
    ) -> None:
        self.tiers = tuple(tiers)
        self.escalation = tuple(escalation[:2])
        self.everybody = (*self.tiers, *self.escalation)
        self._offers = [(tier.name, tier.base_url, tuple(tier.models)) for tier in self.everybody]
        self._clock = clock
        self._on_attempt = on_attempt
        self._spending = spending
        self._masker = masker

    @property
    def offers(self) -> Sequence[Sequence[object]]:
        """Name, address and models of each tier: with others, answers are other answers."""
        return self._offers

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

    async def stream(
        self, query: Query, draft: TraceDraft | None = None, *, has_spare: bool = False
    ) -> AsyncGenerator[Event, None]:
        """Ask, and yield what happens; the `Answer` comes last.

        Args:
            query: What is asked.
            draft: Where each step is written down.
            has_spare: Whether the caller has an old answer, which is better than that of an emergency tier.

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
        run = self._run_of(query, draft)
        run.used_to(tiers)
        run.is_cap_reached = self._spending is not None and self._spending.is_cap_reached
        if has_spare:
            usual = [tier for tier in tiers if not tier.is_emergency]
            tiers = usual if any(run.admits(tier) for tier in usual) else tiers
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

    def _run_of(self, query: Query, draft: TraceDraft | None) -> Run:
        rule = SpendRule.AUTO if self._spending is None else self._spending.rule
        return Run(query, draft or draft_of(query, self._clock), self._clock, rule=rule)

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
        fitting = [tier for tier in self.escalation if tier.fits_pins(query)]
        return [tier for tier in fitting if tier.breaker.state is not BreakerState.OPEN and run.admits(tier)]

    async def _walk(self, run: Run, tiers: Sequence[ProviderTier]) -> AsyncGenerator[Event, None]:
        """Do what is decided, step by step; each decision sees how the last step ended."""
        standings = [Standing.FRESH] * len(tiers)
        while True:
            run.is_cap_reached = self._spending is not None and self._spending.is_cap_reached
            situation = run.situation(tiers, standings)
            decision = decide(situation)
            step = Step(situation, decision, run.elapsed_ms)
            if decision.action is Action.GIVE_UP:
                run.draft.steps.append(step)
                raise run.nobody_answered()
            tier = tiers[decision.position]
            if decision.action is Action.ASK or decision.action is Action.PROBE_EARLY:
                permit = await tier.breaker.admit(early=decision.action is Action.PROBE_EARLY)
                if permit is not None:
                    standings[decision.position] = Standing.DONE
                    run.others_may_follow = decision.others_may_follow
                    async with aclosing(self._attempt(run, step, tier, permit)) as events:
                        async for event in events:
                            yield event
                            if isinstance(event, Answer):
                                return
                    continue
            standings[decision.position] = await self._pass_over(run, step, tier, standings[decision.position])

    async def _pass_over(self, run: Run, step: Step, tier: ProviderTier, standing: Standing) -> Standing:
        """Do what a step does that asks nobody; give what has become of the tier by it."""
        match step.decision.action:
            case Action.CONSENT:
                refusal = NoConsent.NOBODY_TO_ASK if self._spending is None else await self._spending.consent(tier, run)
                run.consented(tier.price_class, granted=refusal is None)
                if refusal is None:
                    run.draft.steps.append(step)
                    return standing
                self._note(run, step, run.skipped(tier, refusal, refusal.hint_for(tier.name)))
                return Standing.DONE
            case Action.AWAIT_PROBE:
                run.draft.steps.append(step)
                shows_fault = await _probe_of_another(tier, run.remaining_seconds)
                return Standing.DONE if shows_fault else standing
            case Action.SKIP if isinstance(step.decision.reason, Exclusion):
                self._note(run, step, run.excluded(tier, step.decision.reason, self._wait_for(step.decision.reason)))
                return Standing.DONE
            case Action.PROBE_EARLY:  # somebody else was quicker
                return standing if tier.breaker.has_probe_out else Standing.DONE
            case _:
                reason = tier.breaker.reason or OpenReason.OUTAGE
                self._note(run, step, run.skipped(tier, reason, tier.hint, tier.breaker.reopens_in_seconds))
                return Standing.TURNED_AWAY

    def _wait_for(self, exclusion: Exclusion) -> float | None:
        if exclusion is not Exclusion.DAILY_CAP or self._spending is None:
            return None
        return self._spending.renews_in_seconds

    async def _attempt(self, run: Run, step: Step, tier: ProviderTier, permit: Permit) -> AsyncGenerator[Event, None]:
        asking = Asking(tier, run.prompt, tier.model_for(run.query), self._clock.monotonic())
        outcome, reason, failed = Outcome.CANCELLED, None, None
        try:
            if self._masker is not None and tier.backend is not Backend.LOCAL:
                asking.mask(self._masker)
                run.draft.masked = max(run.draft.masked, asking.masked.count if asking.masked else 0)
            async with aclosing(self._tries(run, asking, permit)) as events:
                async for event in events:
                    yield event
            outcome = Outcome.ANSWERED
            self._succeed(permit, asking)
        except _EscalationAsked:
            outcome, reason = Outcome.ANSWERED, ESCALATED
            self._succeed(permit, asking)
            raise
        except ProviderFailure as failure:
            outcome, reason, failed = Outcome.FAILED, failure.kind, failure.bare()
            run.failed(tier, failed)
            _settle(permit, failure, asking)
        finally:
            permit.release()
            asking.elapsed_ms = 1000 * (self._clock.monotonic() - asking.started_at)
            self._book(asking, has_begun=asking.has_shown or reason == ESCALATED)
            self._note(run, step, asking.attempt(outcome, reason, failed), asking)
        if failed is None:
            if tier.breaker.reason is None:
                tier.last_failure = None
            yield run.answer(asking, state=self.state)
            return
        if asking.has_shown:
            yield Reset(failed.kind)
        if failed.policy.failover is Failover.NEVER:
            raise run.refused(tier, failed)

    def _book(self, asking: Asking, *, has_begun: bool) -> None:
        """Add up what an answer cost, also one that was not waited for to the end."""
        if asking.finish is None and has_begun:
            asking.break_off()
        if self._spending is not None and (has_begun or asking.finish is not None):
            self._spending.spent(asking.tier, asking.cost_usd)

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

    async def _tries(self, run: Run, asking: Asking, permit: Permit) -> AsyncGenerator[Event, None]:
        while True:
            asked_at = self._clock.monotonic()
            try:
                async with aclosing(self._ask(run, asking)) as events:
                    async for event in events:
                        yield event
            except ProviderFailure as failure:
                failed_at = self._clock.monotonic()
                is_open = asking.tier.breaker.state is BreakerState.OPEN  # others have found out meanwhile
                may_retry = permit.is_current and not is_open and asking.tier not in run.retried_tiers
                retries = may_retry and await self._is_worth_a_retry(run, asking, failure, failed_at - asked_at)
                waited_ms = 1000 * (self._clock.monotonic() - failed_at) if retries else None
                asking.tries.append(Try(failure.kind, failure.detail, 1000 * (failed_at - asked_at), waited_ms))
                if not retries:
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
        unmasker = asking.masked.unmasker() if asking.masked else None
        limits = asking.tier.limits
        limit = limits.first_token_seconds
        pace = None if isinstance(asking.prompt, Infill) else asking.tier.pace_of(asking.model)
        async with stream_of(asking.tier.provider, asking.prompt, asking.model, pace=pace) as pieces:
            while True:
                share = run.share_seconds(is_begun=asking.has_shown)
                if limits.total_seconds is not None:
                    limit = min(limit, limits.total_seconds - (self._clock.monotonic() - asking.started_at))
                piece = await next_piece(pieces, limit, share, run.query.first_token_seconds)
                limit = limits.idle_seconds
                text = piece.text if isinstance(piece, Delta) else ""
                if guard is not None:
                    text = guard.feed(text) if isinstance(piece, Delta) else guard.end()
                    if guard.found and run.may_escalate:
                        raise _EscalationAsked
                if unmasker is not None:
                    text, piece = _unmasked(unmasker, text, piece)
                if text:
                    if not asking.has_shown:
                        asking.first_token_ms = 1000 * (self._clock.monotonic() - asking.started_at)
                        yield Started(asking.tier.name, asking.tier.backend, asking.model)
                    asking.show(text)
                    yield Delta(text)
                if isinstance(piece, Finish):
                    asking.end(piece)
                    return

    def _note(self, run: Run, step: Step, attempt: Attempt, asking: Asking | None = None) -> None:
        step = step.came_to(attempt) if asking is None else asking.step(step, attempt)
        if asking is not None and step.has_sent:
            run.draft.sent.append(asking.sent())
        run.attempts.append(attempt)
        run.draft.steps.append(step)
        if self._on_attempt is not None:
            self._on_attempt(attempt, step)


async def _probe_of_another(tier: ProviderTier, remaining_seconds: float) -> bool:
    """Wait for the call that shows how a tier is, as long as it may take; say whether there is no use in asking now.

    A probe that was given up, or whose query was refused for what it asked, has shown nothing.
    """
    breaker, before = tier.breaker, tier.breaker.record.generation
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, min(breaker.reopens_in_seconds or 0.0, remaining_seconds))):
            await breaker.probed()
    has_shown = breaker.record.generation != before
    return breaker.has_probe_out or (has_shown and breaker.state is not BreakerState.CLOSED)


def _unmasked(unmasker: Unmasker, text: str, piece: Piece) -> tuple[str, Piece]:
    """Put the secrets back that the tier did not see."""
    text = unmasker.feed(text)
    if not isinstance(piece, Finish):
        return text, piece
    calls = tuple(replace(call, arguments=unmasker.arguments(call.arguments)) for call in piece.tool_calls)
    return text + unmasker.end(), replace(piece, tool_calls=calls)


async def final_answer(
    events: AsyncGenerator[Event, None], on_event: Callable[[Event], None] = lambda _: None
) -> Answer:
    """Run a stream of events to its end, tell of each, and give the answer."""
    async with aclosing(events):
        async for event in events:
            on_event(event)
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
