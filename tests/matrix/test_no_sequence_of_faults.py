"""What no sequence of faults, cancels, waits and queries at once can bring about, at the gateway's own door.

The chain alone is looked at in `test_chain_properties`; here are also the cache, the queries that meet, and askers who
leave. A piece of text is unique to the call of a provider that said it, so that a text which was cut, doubled or put
together wrongly is none that anybody said.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.failures import FailureKind, NoTierAnswered, OpenReason, ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.model import (
    Answer,
    Backend,
    BreakerState,
    CacheMode,
    Delta,
    Event,
    Finish,
    FinishReason,
    Message,
    Piece,
    Prompt,
    Query,
    Reset,
    Started,
)
from ai_gateway.providers.base import LLMProvider
from ai_gateway.tier import ProviderTier
from support.fake_clock import FakeClock

HANG_SECONDS = 20.0
"""A query that is unanswered for so long stays so."""
LEASE_SECONDS = 60.0
TURNS_TO_BEGIN = 5

Step = Finish | Exception | float | str | None
"""A terminal marker, an error, seconds that pass, text (`#`) or a gate to wait at (`|`), or a turn of the loop."""


@dataclass
class Call:
    """One call of a provider, and how far it came."""

    prompt: str
    at: float
    is_probe: bool
    text: str = ""
    has_finished: bool = False
    is_closed: bool = False


class FaultyProvider(LLMProvider):
    """Plays its scripts, one for each call, over and over."""

    def __init__(self, world: World, name: str, scripts: Sequence[Sequence[Step]]) -> None:
        self.calls: list[Call] = []
        self.tier: ProviderTier | None = None
        self._world = world
        self._name = name
        self._scripts = scripts

    @override
    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        assert self.tier is not None
        script = self._scripts[len(self.calls) % len(self._scripts)]
        is_probe = self.tier.breaker.state is BreakerState.HALF_OPEN
        call = Call(prompt.messages[-1].content, self._world.clock.monotonic(), is_probe)
        self.calls.append(call)
        self._world.probes_together = max(self._world.probes_together, self._probes_at(call.at))
        try:
            for number, step in enumerate(script):
                match step:
                    case float():
                        self._world.clock.advance(step)
                    case Exception():
                        raise step
                    case Finish():
                        call.has_finished = True
                        yield step
                    case "#":
                        text = f"{self._name}/{len(self.calls)}/{number} "
                        call.text += text
                        yield Delta(text)
                    case "|":
                        await self._world.gate.wait()
                    case _:
                        await asyncio.sleep(0)
        finally:
            call.is_closed = True

    def _probes_at(self, now: float) -> int:
        """How many probes are under way whose lease has not ended."""
        return sum(call.is_probe and not call.is_closed and now < call.at + LEASE_SECONDS for call in self.calls)


@dataclass
class Asking:
    """One asker: what was asked, when, and what came of it."""

    prompt: str
    query: Query
    leaves_after: int | None
    asked_at: float = math.inf
    begun_at: float = math.inf
    """When it was certainly on its way: what it has of time counts from somewhere between the two."""
    events: list[Event] = field(default_factory=list)
    error: Exception | None = None
    has_left: bool = False

    async def ask(self, gateway: Gateway, clock: FakeClock) -> None:
        """Ask, and read on until the end, or until this asker has enough."""
        self.asked_at = clock.monotonic()
        try:
            async with aclosing(gateway.stream(self.query)) as events:
                async for event in events:
                    self.events.append(event)
                    if len(self.events) == self.leaves_after:
                        self.has_left = True
                        break
        except NoTierAnswered as error:
            self.error = error


class World:
    """A gateway over faulty providers, its askers, and a clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.gate = asyncio.Event()
        self.askings: list[Asking] = []
        self.providers: list[FaultyProvider] = []
        self.tiers: list[ProviderTier] = []
        self.probes_together = 0

    def add(self, plan: TierPlan) -> None:
        """Add a tier."""
        name = f"tier{len(self.tiers)}"
        provider = FaultyProvider(self, name, plan.scripts)
        breaker = CircuitBreaker(plan.threshold, 60, clock=self.clock, probe_lease_seconds=LEASE_SECONDS)
        if plan.open_for is not None:
            breaker.trip(plan.open_reason, open_seconds=plan.open_for)
        tier = ProviderTier(name, provider, backend=plan.backend, breaker=breaker)
        provider.tier = tier
        self.providers.append(provider)
        self.tiers.append(tier)

    async def live(self, happenings: Sequence[Happening]) -> None:
        """Let everything happen in order, wait until all askers have their answer, and see that nothing is left."""
        gateway = Gateway(self.tiers, clock=self.clock, cache_ttl_seconds=30, cache_max_entries=4)
        tasks: list[asyncio.Task[None]] = []
        for happening in happenings:
            match happening:
                case Ask():
                    together = [happening.asking() for _ in range(happening.together)]
                    self.askings += together
                    tasks += [asyncio.create_task(each.ask(gateway, self.clock)) for each in together]
                    await go_round(TURNS_TO_BEGIN)
                    for each in together:
                        each.begun_at = self.clock.monotonic()
                case Cancel() if tasks:
                    tasks[happening.number % len(tasks)].cancel()
                case Turns():
                    await go_round(happening.count)
                case Pass():
                    self.clock.advance(happening.seconds)
                case LetGo():
                    self.gate.set()
                    self.gate.clear()
        self.gate.set()
        if tasks:
            _, unanswered = await asyncio.wait(tasks, timeout=HANG_SECONDS)
            assert not unanswered
        for asking, task in zip(self.askings, tasks, strict=True):
            asking.has_left = asking.has_left or task.cancelled()
            assert task.cancelled() or task.exception() is None
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await gateway.aclose()

    def calls_about(self, prompt: str, provider: str | None = None) -> Iterator[Call]:
        """Give the calls that a prompt has led to."""
        for tier, faulty in zip(self.tiers, self.providers, strict=True):
            if provider in {None, tier.name}:
                yield from (call for call in faulty.calls if call.prompt == prompt)


async def go_round(turns: int) -> None:
    """Let the event loop go round so many times."""
    for _ in range(turns):
        await asyncio.sleep(0)


@dataclass(frozen=True)
class TierPlan:
    """What a tier is to be."""

    backend: Backend
    threshold: int
    scripts: Sequence[Sequence[Step]]
    open_for: float | None
    open_reason: OpenReason


@dataclass(frozen=True)
class Ask:
    """So many ask the same, together."""

    together: int
    number: int
    private: bool
    timeout_seconds: float | None
    cache: CacheMode
    leaves_after: int | None

    def asking(self) -> Asking:
        """Give it to somebody. The prompt tells who may see it, and until when."""
        prompt = f"{'secret' if self.private else 'open'} {self.number} within {self.timeout_seconds}"
        query = Query(
            Prompt((Message("user", prompt),)),
            private=self.private,
            timeout_seconds=self.timeout_seconds,
            cache=self.cache,
        )
        return Asking(prompt, query, self.leaves_after)


@dataclass(frozen=True)
class Cancel:
    """One of those who have asked gives up."""

    number: int


@dataclass(frozen=True)
class Turns:
    """The event loop goes round."""

    count: int


@dataclass(frozen=True)
class Pass:
    """Time passes."""

    seconds: float


@dataclass(frozen=True)
class LetGo:
    """Providers that wait at the gate go on."""


Happening = Ask | Cancel | Turns | Pass | LetGo

failures = st.builds(
    ProviderFailure,
    st.sampled_from(FailureKind),
    st.just("as drawn"),
    retry_after_seconds=st.none() | st.sampled_from([0.0, 1.0, 30.0]),
    mended=st.booleans(),
)
errors = failures | st.sampled_from([OSError(), TimeoutError(), ValueError()])
finishes = st.sampled_from([Finish(), Finish(), Finish(), Finish(FinishReason.LENGTH), Finish(FinishReason.REFUSAL)])
steps = st.sampled_from(["#", "#", "#", "|", None, None, 0.5, 3.0])
scripts = st.builds(
    lambda begun, ending: [*begun, *ending],
    st.lists(steps, max_size=6),
    finishes.map(lambda finish: ["#", finish]) | st.lists(errors, max_size=1) | finishes.map(lambda finish: [finish]),
)
plans = st.builds(
    TierPlan,
    st.sampled_from(Backend),
    st.integers(1, 3),
    st.lists(scripts, min_size=1, max_size=4),
    st.sampled_from([None, None, 0.0, 1.0, 60.0]),
    st.sampled_from(OpenReason),
)
asks = st.builds(
    Ask,
    st.sampled_from([1, 1, 1, 2, 3]),
    st.integers(0, 2),
    st.sampled_from([False, False, True]),
    st.sampled_from([None, None, None, None, 8.0, 8.0, 0.0]),
    st.sampled_from([CacheMode.ON, CacheMode.ON, CacheMode.REFRESH, CacheMode.OFF]),
    st.sampled_from([None] * 7 + [1, 2, 4]),
)
happenings = (
    asks
    | asks
    | asks
    | asks
    | st.builds(Cancel, st.integers(0, 40))
    | st.builds(Turns, st.integers(1, 20))
    | st.builds(Pass, st.sampled_from([0.5, 3.0, 31.0, 60.0, 3600.0]))
    | st.just(LetGo())
)


@settings(max_examples=300, deadline=None)
@given(st.lists(plans, min_size=1, max_size=3), st.lists(happenings, min_size=10, max_size=40))
def test_no_sequence_of_faults_breaks_a_promise(tiers: Sequence[TierPlan], happened: Sequence[Happening]) -> None:
    async def live() -> World:
        world = World()
        for plan in tiers:
            world.add(plan)
        await world.live(happened)
        return world

    world = asyncio.run(live())
    for asking in world.askings:
        check_that_it_was_answered(asking)
        check_that_its_events_are_in_order(asking)
        check_that_its_texts_were_said(world, asking)
    for tier, provider in zip(world.tiers, world.providers, strict=True):
        check_who_was_asked(world, tier, provider)
        assert can_be_probed(tier.breaker)
    assert world.probes_together <= 1


def check_that_it_was_answered(asking: Asking) -> None:
    """Whoever has not left got one answer, or an error that says why there is none."""
    answers = [event for event in asking.events if isinstance(event, Answer)]
    if asking.error is not None:
        assert not answers
    elif not asking.has_left:
        assert len(answers) == 1
        assert asking.events[-1] is answers[0]
    if answers and asking.query.private:
        assert answers[0].backend is Backend.LOCAL


def check_that_its_events_are_in_order(asking: Asking) -> None:
    """Text is begun before it flows, and retracted before another begins or where there is no answer."""
    shown_by: str | None = None
    for event in asking.events:
        if isinstance(event, Started):
            assert shown_by is None
            shown_by = event.provider
        elif isinstance(event, Delta | Reset):
            assert shown_by is not None
            shown_by = None if isinstance(event, Reset) else shown_by
        elif isinstance(event, Answer):
            assert shown_by in {None, event.provider}
    assert asking.error is None or shown_by is None


def check_that_its_texts_were_said(world: World, asking: Asking) -> None:
    """What is shown is the beginning of what one call has said, and an answer is all of it, up to its end."""
    provider, shown = "", ""
    for event in asking.events:
        match event:
            case Started():
                provider, shown = event.provider, ""
            case Reset():
                shown = ""
            case Delta():
                shown += event.text
                assert any(call.text.startswith(shown) for call in world.calls_about(asking.prompt, provider))
            case Answer():
                whole = [call.text for call in world.calls_about(asking.prompt, event.provider) if call.has_finished]
                assert event.content in whole
                assert event.content == shown


def check_who_was_asked(world: World, tier: ProviderTier, provider: FaultyProvider) -> None:
    """Nobody saw what was not for them, or was asked when the time was over, or is still at it."""
    for call in provider.calls:
        assert call.is_closed
        assert tier.backend is Backend.LOCAL or call.prompt.startswith("open")
        askings = [asking for asking in world.askings if asking.prompt == call.prompt]
        assert any(asking.asked_at <= call.at <= ends_at(asking) for asking in askings)


def ends_at(asking: Asking) -> float:
    return math.inf if asking.query.timeout_seconds is None else asking.begun_at + asking.query.timeout_seconds


def can_be_probed(breaker: CircuitBreaker) -> bool:
    """Whether every permit came back: whoever may call now, or would probe early, is let in."""
    if breaker.state is BreakerState.OPEN and not breaker.may_be_probed_early:
        return True
    permit = breaker.acquire(early=True)
    if permit is not None:
        permit.release()
    return permit is not None


async def test_a_second_try_is_no_second_probe() -> None:
    """Its first began while the breaker was closed; by now somebody else's call is to show how the tier is."""
    failing = ProviderFailure(FailureKind.SERVER, "as the test wants it")
    spent = ProviderFailure(FailureKind.QUOTA, "as the test wants it", retry_after_seconds=1.0)
    scripts: Sequence[Sequence[Step]] = [["|", failing], [spent], ["|", "|", "#", Finish()], ["#", Finish()]]
    world = World()
    world.add(TierPlan(Backend.CLOUD, 1, scripts, None, OpenReason.OUTAGE))
    asked = [Ask(1, number, False, None, CacheMode.OFF, None) for number in range(3)]
    await world.live([asked[0], Turns(9), asked[1], Turns(9), Pass(1.0), asked[2], Turns(9), LetGo(), Turns(9)])
    assert [call.prompt[:6] for call in world.providers[0].calls] == ["open 0", "open 1", "open 2"]
    assert world.probes_together == 1


async def test_whoever_joins_a_query_that_runs_out_of_time_still_has_their_own() -> None:
    refused = ProviderFailure(FailureKind.OVERLOADED, "as the test wants it")
    world = World()
    scripts: Sequence[Sequence[Step]] = [["|", refused], ["#", Finish()]]
    for script in scripts:
        world.add(TierPlan(Backend.CLOUD, 3, [script], None, OpenReason.OUTAGE))
    ask = Ask(1, 0, False, 8.0, CacheMode.ON, None)
    await world.live([ask, Turns(9), Pass(7.0), ask, Turns(9), Pass(1.5), LetGo(), Turns(9)])
    first, second = world.askings
    assert isinstance(first.error, NoTierAnswered)
    assert second.error is None
    assert isinstance(second.events[-1], Answer)
