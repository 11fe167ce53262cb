"""What holds of any chain, whatever its upstreams do: a few tiers with random faults, some queries, random waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.chain import FailoverChain
from ai_gateway.escalation import MARKER
from ai_gateway.failures import FailureKind, NoTierAnswered, OpenReason, ProviderFailure, QueryRefused
from ai_gateway.model import (
    Answer,
    Attempt,
    Backend,
    BreakerState,
    Delta,
    Finish,
    FinishReason,
    Outcome,
    Piece,
    Prompt,
    Query,
    Reset,
    Started,
    ToolCall,
)
from ai_gateway.providers.base import LLMProvider
from ai_gateway.tier import ProviderTier
from support.chains import HELLO, HELLO_PROMPT, Seen, watch
from support.fake_clock import FakeClock

Step = Piece | Exception | float | None
"""A piece to yield, an error to raise, seconds to let pass, or a turn of the event loop."""


@dataclass
class Play:
    """One call of a provider, and how far it came."""

    text: str = ""
    has_finished: bool = False
    is_closed: bool = False


class FaultyProvider(LLMProvider):
    """Plays one script for each call, the last one over and over, and remembers each."""

    def __init__(self, clock: FakeClock, scripts: Sequence[Sequence[Step]], name: str) -> None:
        self._clock = clock
        self._scripts = scripts
        self._name = name
        self.plays: list[Play] = []
        self.at_each_step: Callable[[], None] = lambda: None
        self.at_each_call: Callable[[], None] = lambda: None

    @override
    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        script = self._scripts[min(len(self.plays), len(self._scripts) - 1)]
        self.plays.append(play := Play())
        self.at_each_call()
        try:
            for step in script:
                self.at_each_step()
                if isinstance(step, float):
                    self._clock.advance(step)
                elif isinstance(step, Exception):
                    raise step
                elif isinstance(step, Finish):
                    play.has_finished = True
                    yield step
                elif isinstance(step, Delta):
                    text = step.text.replace("#", f"{self._name}{len(self.plays)} ")
                    play.text += text
                    yield Delta(text)
                else:
                    await asyncio.sleep(0)
        finally:
            play.is_closed = True


@dataclass
class Stage:
    """A chain over faulty providers, on one clock."""

    clock: FakeClock
    tiers: list[ProviderTier]
    escalation: list[ProviderTier] = field(default_factory=list)
    noted: list[Attempt] = field(default_factory=list)

    @property
    def chain(self) -> FailoverChain:
        return FailoverChain(
            self.tiers,
            escalation=self.escalation,
            clock=self.clock,
            on_attempt=lambda attempt, _: self.noted.append(attempt),
        )

    @property
    def providers(self) -> dict[str, FaultyProvider]:
        found = {tier.name: tier.provider for tier in (*self.tiers, *self.escalation)}
        return {name: provider for name, provider in found.items() if isinstance(provider, FaultyProvider)}

    def calls(self) -> Counter[str]:
        return Counter({name: len(provider.plays) for name, provider in self.providers.items()})

    def all_streams_are_closed(self) -> bool:
        return all(play.is_closed for provider in self.providers.values() for play in provider.plays)

    def nobody_holds_a_probe(self) -> bool:
        return all(is_free(tier.breaker) for tier in (*self.tiers, *self.escalation))


def is_free(breaker: CircuitBreaker) -> bool:
    """Whether no probe is out: somebody who may probe is let in."""
    may_probe = breaker.state is BreakerState.HALF_OPEN or breaker.may_be_probed_early
    if breaker.state is BreakerState.CLOSED or not may_probe:
        return True
    permit = breaker.acquire(early=True)
    if permit is not None:
        permit.release()
    return permit is not None


failures = st.builds(
    ProviderFailure,
    st.sampled_from(FailureKind),
    st.just("as drawn"),
    retry_after_seconds=st.none() | st.sampled_from([0.0, 1.0, 30.0]),
    mended=st.booleans(),
    parameter=st.none() | st.just("temperature"),
)
errors = failures | st.sampled_from([OSError(), TimeoutError(), ValueError(), KeyError()])
finishes = st.builds(
    Finish,
    st.sampled_from(FinishReason),
    tool_calls=st.sampled_from([(), (ToolCall("1", "now", "{}"),)]),
)
texts = st.sampled_from(["#", "#", "", " ", "[ESC", "ALATE]", f"{MARKER} #"])
waits = st.sampled_from([None, None, 0.5, 3.0])
scripts = st.builds(
    lambda steps, ending: [*steps, *ending],
    st.lists(texts.map(Delta) | waits, max_size=5),
    st.just([Finish()]) | st.lists(errors, max_size=1) | st.lists(finishes, max_size=2),
)


@st.composite
def stages(draw: st.DrawFn, *, escalation: int = 0) -> Stage:
    clock = FakeClock()

    def tier(name: str) -> ProviderTier:
        breaker = CircuitBreaker(draw(st.integers(1, 3)), 60, clock=clock)
        if draw(st.integers(0, 3)) == 0:
            breaker.trip(draw(st.sampled_from(OpenReason)), open_seconds=draw(st.sampled_from([0.0, 1.0, 60.0])))
        return ProviderTier(
            name,
            FaultyProvider(clock, draw(st.lists(scripts, min_size=1, max_size=3)), name),
            backend=draw(st.sampled_from(Backend)),
            breaker=breaker,
            context_tokens=draw(st.sampled_from([None, 8000, 32_000])),
            disabled=draw(st.sampled_from([None] * 9 + ["not now"])),
        )

    names = [f"tier{number}" for number in range(draw(st.integers(1, 4)))]
    return Stage(clock, [tier(name) for name in names], [tier(f"strong{number}") for number in range(escalation)])


queries = st.builds(
    lambda private, timeout_seconds, temperature: replace(
        HELLO,
        private=private,
        timeout_seconds=timeout_seconds,
        prompt=replace(HELLO_PROMPT, temperature=temperature),
    ),
    st.sampled_from([False, False, True]),
    st.sampled_from([None, None, 5.0, 0.0]),
    st.sampled_from([None, 0.5]),
)
pauses = st.sampled_from([0.0, 2.0, 60.0, 3600.0])
any_number = settings(max_examples=250, deadline=None)


def is_final(attempt: Attempt) -> bool:
    """Whether nobody else may be asked after it."""
    kinds = {FailureKind.INVALID_REQUEST, FailureKind.CONTENT_FILTER}
    return attempt.outcome is Outcome.FAILED and attempt.reason in kinds


def check_answer(stage: Stage, seen: Seen) -> None:
    """A success is whole: all that its provider said, once, up to its terminal marker."""
    answer, play = seen.answer, stage.providers[seen.answer.provider].plays[-1]
    assert play.has_finished
    assert answer.content == seen.text == play.text
    assert answer.content or answer.tool_calls or answer.finish_reason is FinishReason.REFUSAL
    assert answer.finish_reason is not FinishReason.CONTENT_FILTER
    assert answer.attempts[-1].outcome is Outcome.ANSWERED
    assert not any(is_final(attempt) for attempt in answer.attempts)
    assert answer.attempts == tuple(stage.noted)


def check_error(stage: Stage, seen: Seen) -> None:
    """An error tells of every attempt, and leaves nothing on the screen."""
    assert isinstance(seen.error, NoTierAnswered)
    assert seen.text == ""
    assert seen.error.attempts == tuple(stage.noted)
    assert seen.error.hint
    assert all(attempt.outcome in {Outcome.FAILED, Outcome.SKIPPED} for attempt in stage.noted)
    assert isinstance(seen.error, QueryRefused) is any(is_final(attempt) for attempt in stage.noted)
    if isinstance(seen.error, QueryRefused):
        assert stage.noted[-1].reason == seen.error.kind
    else:
        assert {attempt.provider for attempt in stage.noted} == {tier.name for tier in stage.tiers}


def without_markers(text: str) -> str:
    while (text := text.lstrip()).startswith(MARKER):
        text = text.removeprefix(MARKER)
    return text


def check_events(seen: Seen) -> None:
    """Text is begun before it flows, and retracted before another begins; nothing follows the answer."""
    shown_by: str | None = None
    for event in seen.events:
        if isinstance(event, Started):
            assert shown_by is None
            shown_by = event.provider
        elif isinstance(event, Delta | Reset):
            assert shown_by is not None
            shown_by = None if isinstance(event, Reset) else shown_by
    assert [isinstance(event, Answer) for event in seen.events[:-1]] == [False] * (len(seen.events) - 1)
    assert shown_by in {None, seen.answer.provider if seen.error is None else None}


@any_number
@given(stages(), st.lists(st.tuples(queries, pauses), min_size=1, max_size=4))
def test_any_query_ends_in_one_whole_answer_or_an_error_that_tells_all(
    stage: Stage, asked: Sequence[tuple[Query, float]]
) -> None:
    async def ask_all() -> None:
        for query, pause in asked:
            stage.noted.clear()
            before = stage.calls()
            seen = await watch(stage.chain, query)
            check_events(seen)
            (check_answer if seen.error is None else check_error)(stage, seen)
            assert max((stage.calls() - before).values(), default=0) <= 2
            assert stage.all_streams_are_closed()
            assert stage.nobody_holds_a_probe()
            stage.clock.advance(pause)

    asyncio.run(ask_all())


@any_number
@given(stages(escalation=2), queries)
def test_a_query_that_may_escalate_keeps_to_the_rules_and_never_shows_the_marker(stage: Stage, query: Query) -> None:
    async def ask() -> None:
        seen = await watch(stage.chain, replace(query, escalate=True))
        check_events(seen)
        assert not seen.text.lstrip().startswith(MARKER)
        if seen.error is None:
            play = stage.providers[seen.answer.provider].plays[-1]
            assert play.has_finished
            assert seen.answer.content == seen.text
            assert seen.text in {play.text, without_markers(play.text)}
        escalated = Counter(attempt.provider for attempt in stage.noted if attempt.reason == "escalated")
        assert escalated.total() <= 2
        assert all(count <= 2 + escalated[name] for name, count in stage.calls().items())
        assert stage.all_streams_are_closed()
        assert stage.nobody_holds_a_probe()

    asyncio.run(ask())


Picture = tuple[BreakerState, OpenReason | None, int, float | None]


def pictures(stage: Stage) -> dict[str, Picture]:
    return {
        tier.name: (
            tier.breaker.state,
            tier.breaker.reason,
            tier.breaker.consecutive_failures,
            tier.breaker.reopens_in_seconds,
        )
        for tier in stage.tiers
    }


def check_cancelled(stage: Stage, before: dict[str, Picture]) -> None:
    """The attempt under way is noted as cancelled, and no breaker shows anything but what failed before it."""
    assert [attempt.outcome for attempt in stage.noted].count(Outcome.CANCELLED) == 1
    assert stage.noted[-1].outcome is Outcome.CANCELLED
    failed = {attempt.provider for attempt in stage.noted if attempt.outcome is Outcome.FAILED}
    after = pictures(stage)
    assert {name: after[name] for name in after if name not in failed} == {
        name: before[name] for name in before if name not in failed
    }
    assert stage.all_streams_are_closed()
    assert stage.nobody_holds_a_probe()


def without_waits(stage: Stage) -> Stage:
    """The same stage where no time passes, so that breakers can be compared."""
    for provider in stage.providers.values():
        provider._scripts = [[None if isinstance(step, float) else step for step in s] for s in provider._scripts]
    return stage


@any_number
@given(stages().map(without_waits), st.integers(1, 12))
def test_a_cancel_at_any_moment_leaves_the_breakers_as_they_were(stage: Stage, moment: int) -> None:
    steps = 0

    def cancel_at_the_moment() -> None:
        nonlocal steps
        steps += 1
        task = asyncio.current_task()
        if steps == moment and task is not None:
            task.cancel()

    async def ask() -> None:
        for provider in stage.providers.values():
            provider.at_each_step = cancel_at_the_moment
            provider._scripts = [[turn for step in script for turn in (None, step)] for script in provider._scripts]
        before = pictures(stage)
        asking = asyncio.create_task(watch(stage.chain, HELLO))
        await asyncio.wait([asking])
        if asking.cancelled():
            check_cancelled(stage, before)
        else:
            assert steps < moment

    asyncio.run(ask())


@any_number
@given(stages().map(without_waits), st.integers(0, 8))
def test_a_consumer_that_leaves_at_any_event_leaves_the_breakers_as_they_were(stage: Stage, count: int) -> None:
    async def ask() -> None:
        before = pictures(stage)
        last: object = None
        async with aclosing(stage.chain.stream(HELLO)) as events:
            try:
                for _ in range(count):
                    last = await anext(events)
            except (StopAsyncIteration, NoTierAnswered):
                return
        if isinstance(last, Started | Delta):
            check_cancelled(stage, before)
        else:
            assert Outcome.CANCELLED not in {attempt.outcome for attempt in stage.noted}
        assert stage.nobody_holds_a_probe()

    asyncio.run(ask())


def intruders(tier: ProviderTier) -> list[str]:
    """Watch a tier for queries that are let in half-open without being its one probe; they will stand in the list."""
    provider, found, seen = tier.provider, list[str](), set[object]()
    assert isinstance(provider, FaultyProvider)

    def look() -> None:
        query = asyncio.current_task()
        is_first_try, is_half_open = query not in seen, tier.breaker.state is BreakerState.HALF_OPEN
        seen.add(query)
        if is_first_try and is_half_open and tier.breaker.acquire(early=True) is not None:
            found.append(tier.name)

    provider.at_each_call = look
    return found


@any_number
@given(stages(), st.integers(2, 8))
def test_of_any_number_of_queries_at_once_one_at_most_probes_a_tier(stage: Stage, count: int) -> None:
    found = [intruders(tier) for tier in stage.tiers]

    async def ask_all() -> None:
        for seen in await asyncio.gather(*(watch(stage.chain) for _ in range(count))):
            check_events(seen)
            assert seen.error is not None or seen.text == seen.answer.content
        assert not any(found)
        assert stage.all_streams_are_closed()
        assert stage.nobody_holds_a_probe()

    asyncio.run(ask_all())


@pytest.mark.parametrize("timeout_seconds", [None, 0.0])
def test_a_chain_of_disabled_tiers_asks_nobody(timeout_seconds: float | None) -> None:
    clock = FakeClock()
    provider = FaultyProvider(clock, [[Finish()]], "a")
    stage = Stage(clock, [ProviderTier("a", provider, disabled="not now")])
    seen = asyncio.run(watch(stage.chain, replace(HELLO, timeout_seconds=timeout_seconds)))
    check_error(stage, seen)
    assert provider.plays == []
