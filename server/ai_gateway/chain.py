"""The failover chain: ordered tiers, asked in turn until one answers whole.

All routing is here, and the only loop that retries. What a failure leads to is looked up in `failures.POLICIES`; the
chain has no opinion of its own about any kind.
"""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace

from ai_gateway.breaker import Permit
from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.escalation import INSTRUCTION, MarkerGuard
from ai_gateway.failures import (
    POLICIES,
    Effect,
    Failover,
    FailureKind,
    InvalidQuery,
    NoTierAnswered,
    OpenReason,
    ProviderFailure,
    QueryRefused,
    Retry,
    where,
)
from ai_gateway.model import (
    Answer,
    Attempt,
    Backend,
    BreakerState,
    Delta,
    Event,
    Finish,
    FinishReason,
    Message,
    Outcome,
    Piece,
    Prompt,
    Query,
    Reset,
    Started,
    Tool,
    Usage,
)
from ai_gateway.providers.base import LLMProvider, prompt_of
from ai_gateway.tier import ProviderTier

log = logging.getLogger(__name__)

DEFAULT_QUERY_SECONDS = 300.0
LONGEST_RETRY_WAIT_SECONDS = 2.0
FAST_FAILURE_SECONDS = 2.0
"""A failure that took longer is not worth a second try: the person has waited enough."""
MAX_ANSWER_CHARACTERS = 8 * 1024 * 1024
PRIVATE = "private"
PRIVATE_HINT = "a private query reaches local tiers only; start one, or ask without private"

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
        return next((tier.breaker.state for tier in self.tiers if tier.disabled is None), BreakerState.CLOSED)

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
            InvalidQuery: Its pins leave no tier.
            NoTierAnswered: Nobody could answer; it says why, tier by tier.
        """
        tiers = self._pinned(query)
        run = _Run(query, self._clock)
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
        raise InvalidQuery(f"no tier has {asked}; there is: {known}", field=next(iter(wanted)))

    def _stronger(self, run: _Run) -> list[ProviderTier]:
        """Say to whom a model may hand the query on: to nobody, where the query itself chose the model."""
        query = run.query
        if not query.escalate or query.model is not None:
            return []
        return [tier for tier in self.escalation if tier.fits_pins(query) and run.may_ask(tier)]

    async def _walk(self, run: _Run, tiers: Sequence[ProviderTier]) -> AsyncGenerator[Event, None]:
        for tier, permit in self._admitted(run, tiers):
            async with aclosing(self._attempt(run, tier, permit)) as events:
                async for event in events:
                    yield event
                    if isinstance(event, Answer):
                        return
        raise run.nobody_answered()

    def _admitted(self, run: _Run, tiers: Sequence[ProviderTier]) -> Iterator[tuple[ProviderTier, Permit]]:
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

    async def _attempt(self, run: _Run, tier: ProviderTier, permit: Permit) -> AsyncGenerator[Event, None]:
        asking = _Asking(tier, run.prompt, tier.model_for(run.query), self._clock.monotonic())
        outcome, reason, failed = Outcome.CANCELLED, None, None
        try:
            async with aclosing(self._tries(run, asking)) as events:
                async for event in events:
                    yield event
            outcome = Outcome.ANSWERED
            permit.succeed()
        except _EscalationAsked:
            outcome, reason = Outcome.ANSWERED, "escalated"
            permit.succeed()
            raise
        except ProviderFailure as failure:
            outcome, reason, failed = Outcome.FAILED, failure.kind, failure.bare()
            run.failed(tier, failed)
            _settle(permit, failure, model_was_chosen=asking.model != tier.default_model)
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

    async def _tries(self, run: _Run, asking: _Asking) -> AsyncGenerator[Event, None]:
        for is_last in (False, True):
            asked_at = self._clock.monotonic()
            try:
                async with aclosing(self._ask(run, asking)) as events:
                    async for event in events:
                        yield event
            except ProviderFailure as failure:
                took = self._clock.monotonic() - asked_at
                if is_last or not await self._is_worth_a_retry(run, asking, failure, took):
                    raise
            else:
                return

    async def _is_worth_a_retry(self, run: _Run, asking: _Asking, failure: ProviderFailure, took: float) -> bool:
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
            case Retry.WITHOUT_PARAMETER:
                before, asking.prompt = asking.prompt, asking.prompt.without(failure.parameter or "")
                return asking.prompt != before
        return False

    async def _ask(self, run: _Run, asking: _Asking) -> AsyncGenerator[Event, None]:
        guard = MarkerGuard() if run.query.escalate else None
        limit = asking.tier.limits.first_token_seconds
        async with _stream_of(asking.tier.provider, asking.prompt, asking.model) as pieces:
            while True:
                piece = await _next_piece(pieces, limit, run.share_seconds(is_begun=asking.has_shown))
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

    def _note(self, run: _Run, attempt: Attempt, first_token_ms: float | None = None) -> None:
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


@dataclass(slots=True)
class _Asking:
    """One tier being asked for one query, over both of its tries."""

    tier: ProviderTier
    prompt: Prompt
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
        if not self.texts and not finish.tool_calls and finish.reason is not FinishReason.REFUSAL:
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


class _Run:
    """What is known so far about one query on its way through the chain."""

    def __init__(self, query: Query, clock: Clock) -> None:
        self.query = query
        self.query_id = uuid.uuid4().hex
        self.attempts: list[Attempt] = []
        self.may_escalate = False
        self.others_may_follow = False
        self.failed_tiers: set[ProviderTier] = set()
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
    def prompt(self) -> Prompt:
        """The prompt, with leave to escalate where that leads anywhere."""
        prompt = self.query.prompt
        if not self.may_escalate:
            return prompt
        return replace(prompt, messages=(Message("system", INSTRUCTION), *prompt.messages))

    def excludes(self, tier: ProviderTier) -> tuple[str, str] | None:
        """Say why a tier must not be asked, whatever its breaker says, and what a person can do about that."""
        if tier.disabled is not None:
            return OpenReason.NOT_CONFIGURED, tier.disabled
        if self.query.private and tier.backend is not Backend.LOCAL:
            return PRIVATE, PRIVATE_HINT
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

    def answer(self, asking: _Asking, *, state: BreakerState) -> Answer:
        """Put the answer together."""
        assert asking.finish is not None  # noqa: S101 - the caller checked
        content = "".join(asking.texts)
        return Answer(
            content=content,
            backend=asking.tier.backend,
            provider=asking.tier.name,
            model=asking.finish.model or asking.model,
            state=state,
            finish_reason=asking.finish.reason,
            usage=asking.finish.usage or Usage.estimate(asking.prompt, content),
            query_id=self.query_id,
            elapsed_ms=1000 * (self._clock.monotonic() - self._started_at),
            attempts=tuple(self.attempts),
            tool_calls=asking.finish.tool_calls,
        )


@contextmanager
def _cancels_kept() -> Iterator[None]:
    """Run a provider's own code; a cancel that comes meanwhile stays one, whatever that code makes of it."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


@asynccontextmanager
async def _stream_of(
    provider: LLMProvider, prompt: Prompt, model: str | None
) -> AsyncGenerator[AsyncGenerator[Piece, None], None]:
    """Begin a provider's stream, and end it whatever happens; a fault in its ending takes no answer or cancel away."""
    try:
        pieces = provider.stream(prompt, model)
    except ProviderFailure:
        raise
    except Exception as error:
        raise _crash(error) from error
    try:
        yield pieces
    finally:
        try:
            with _cancels_kept():
                await pieces.aclose()
        except Exception as error:  # noqa: BLE001 - it is whatever the provider's own code raises
            log.error("a provider's own code failed as its stream was closed: %s", where(error))  # noqa: TRY400 - the text may quote the prompt


async def _next_piece(pieces: AsyncGenerator[Piece, None], limit_seconds: float, share_seconds: float) -> Piece:
    """Wait for the next piece, and call everything that can happen instead by its kind."""
    if share_seconds <= 0:
        raise ProviderFailure(FailureKind.DEADLINE, "the query's time ran out")
    try:
        with _cancels_kept():
            async with asyncio.timeout(min(limit_seconds, share_seconds)) as scope:
                piece = await anext(pieces)
    except ProviderFailure:
        raise
    except StopAsyncIteration:
        raise ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker") from None
    except TimeoutError as error:
        if scope.expired() and share_seconds < limit_seconds:
            raise ProviderFailure(FailureKind.DEADLINE, "the query's time ran out") from error
        raise ProviderFailure(FailureKind.TIMEOUT, "nothing arrived in time") from error
    except OSError as error:
        raise ProviderFailure(FailureKind.NETWORK, f"the connection failed ({type(error).__name__})") from error
    except Exception as error:
        raise _crash(error) from error
    if not isinstance(piece, Piece):
        raise ProviderFailure(FailureKind.CRASHED, f"the provider yielded a {type(piece).__name__}, not a piece")
    return piece


def _crash(error: Exception) -> ProviderFailure:
    log.error("a provider's own code failed: %s", where(error))
    return ProviderFailure(FailureKind.CRASHED, f"the provider raised {type(error).__name__}")


def _settle(permit: Permit, failure: ProviderFailure, *, model_was_chosen: bool) -> None:
    policy = failure.policy
    if policy.effect is Effect.NONE or policy.reason is None or (policy.is_about_model and model_was_chosen):
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


def _told(attempt: Attempt) -> str:
    wait = f", again in {attempt.retry_after_seconds:.0f} s" if attempt.retry_after_seconds is not None else ""
    return f"{attempt.provider} {attempt.outcome} ({attempt.reason}{wait})"
