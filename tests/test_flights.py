from __future__ import annotations

import asyncio
import gc
import logging
import re
import traceback
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.caching.flights import MAX_UNREAD_CHARACTERS, Flights, Start
from ai_gateway.chain import FailoverChain, final_answer
from ai_gateway.failures import FailureKind, GatewayClosed, InvalidQuery, NoTierAnswered, QueryRefused, where
from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.model import (
    Answer,
    Backend,
    BreakerState,
    Delta,
    Event,
    FinishReason,
    Reset,
    Started,
    Usage,
)
from ai_gateway.providers.openai.provider import OpenAIProvider
from ai_gateway.tier import ProviderTier
from support.chains import HANG_SECONDS, HELLO

STARTED = Started("a", Backend.CLOUD, "m")
OTHER = Started("b", Backend.LOCAL, None)
RESET = Reset("stream_broken")
ANSWER = Answer(
    content="one two",
    backend=Backend.CLOUD,
    provider="a",
    model="m",
    state=BreakerState.CLOSED,
    finish_reason=FinishReason.STOP,
    usage=Usage(1, 1),
    query_id="1",
    elapsed_ms=1.0,
    attempts=(),
)
WHOLE = (STARTED, Delta("one "), Delta("two"), ANSWER)


def refused() -> NoTierAnswered:
    return NoTierAnswered("no tier answered", attempts=(), retry_after_seconds=3.0, hint="wait")


class Prompt:
    """Stands for a prompt: nothing may hold it once its query is over."""


class Upstream:
    """Tells what it is fed, and remembers how often it was begun and closed."""

    def __init__(self, *events: Event, fails: Exception | None = None, ends: bool = True) -> None:
        self.begun = 0
        self.closed = 0
        self.told = 0
        self.turns_to_close = 3
        self._steps: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self.feed(*events)
        if fails is not None:
            self._steps.put_nowait(fails)
        elif events and ends:
            self.end()

    def feed(self, *events: Event) -> None:
        for event in events:
            self._steps.put_nowait(event)

    def end(self) -> None:
        self._steps.put_nowait(None)

    def fail(self, error: Exception) -> None:
        self._steps.put_nowait(error)

    async def events(self, prompt: Prompt | None = None) -> AsyncGenerator[Event, None]:
        prompt = prompt or Prompt()
        self.prompt = weakref.ref(prompt)
        self.begun += 1
        try:
            while (step := await self._steps.get()) is not None:
                if isinstance(step, Exception):
                    raise step
                self.told += 1
                yield step
        finally:
            for _ in range(self.turns_to_close):
                await asyncio.sleep(0)
            self.closed += 1


class Consumer:
    """Reads a flight in a task of its own, and remembers what it saw."""

    def __init__(self, flights: Flights, start: Start, key: int = 1) -> None:
        self.seen: list[Event] = []
        self.task = asyncio.create_task(read_into(self.seen, flights.join(key, start)))

    async def end(self) -> list[Event]:
        """Wait until it has seen the end, or an error."""
        async with asyncio.timeout(HANG_SECONDS):
            await asyncio.wait([self.task])
        self.task.exception()
        return self.seen

    @property
    def error(self) -> BaseException | None:
        return self.task.exception()

    async def leave(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.end()


async def read_into(seen: list[Event], events: AsyncGenerator[Event, None]) -> None:
    async with aclosing(events):
        async for event in events:
            seen.append(event)  # noqa: PERF401 - what was seen before an error counts too


@pytest.fixture
def flights() -> Flights:
    return Flights()


@pytest.fixture(autouse=True)
async def complaints() -> AsyncGenerator[list[dict[str, object]], None]:
    """What the event loop complains of: exceptions that nobody retrieved, tasks that were lost."""
    found: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context))
    yield found
    gc.collect(1)  # all of the test that stands in cycles, and little else
    await some_turns()
    assert found == []


async def some_turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def all_of(events: AsyncGenerator[Event, None]) -> list[Event]:
    async with asyncio.timeout(HANG_SECONDS), aclosing(events):
        return [event async for event in events]


# sharing


async def test_one_consumer_sees_what_the_upstream_tells(flights: Flights) -> None:
    upstream = Upstream(*WHOLE)
    assert await all_of(flights.join(1, upstream.events)) == [*WHOLE]
    assert (upstream.begun, upstream.closed, len(flights)) == (1, 1, 0)


async def test_identical_queries_share_one_upstream_call(flights: Flights) -> None:
    upstream = Upstream()
    consumers = [Consumer(flights, upstream.events) for _ in range(5)]
    await some_turns()
    assert len(flights) == 1
    upstream.feed(*WHOLE)
    upstream.end()
    assert [await consumer.end() for consumer in consumers] == [[*WHOLE]] * 5
    assert (upstream.begun, upstream.closed, len(flights)) == (1, 1, 0)


async def test_other_queries_have_calls_of_their_own(flights: Flights) -> None:
    one, two = Upstream(*WHOLE), Upstream(OTHER, ANSWER)
    consumers = [Consumer(flights, one.events, key=1), Consumer(flights, two.events, key=2)]
    assert [await consumer.end() for consumer in consumers] == [[*WHOLE], [OTHER, ANSWER]]


async def test_whether_there_is_a_flight_to_join_can_be_known(flights: Flights) -> None:
    upstream = Upstream(STARTED, ends=False)
    assert 1 not in flights
    consumer = Consumer(flights, upstream.events)
    await some_turns()
    assert (1 in flights, 2 in flights) == (True, False)
    upstream.feed(ANSWER)
    await consumer.end()
    assert 1 not in flights


async def test_what_nobody_listens_to_is_not_begun(flights: Flights) -> None:
    upstream = Upstream(*WHOLE)
    await flights.join(1, upstream.events).aclose()
    await some_turns()
    assert (upstream.begun, len(flights)) == (0, 0)


async def test_the_upstream_runs_in_the_context_of_the_first_asker(flights: Flights) -> None:
    asker = ContextVar("asker", default="nobody")
    asker.set("the first")

    async def upstream() -> AsyncGenerator[Event, None]:
        yield Delta(asker.get())

    assert await all_of(flights.join(1, upstream)) == [Delta("the first")]


async def test_events_that_arrive_in_one_turn_are_read_in_one_turn(flights: Flights) -> None:
    upstream = Upstream(STARTED, *[Delta("x")] * 98, ends=False)
    consumers = [Consumer(flights, upstream.events) for _ in range(3)]
    seen = []
    while not consumers[-1].seen:
        seen.append([len(consumer.seen) for consumer in consumers])
        await asyncio.sleep(0)
    assert set(map(tuple, seen)) == {(0, 0, 0)}
    assert [len(consumer.seen) for consumer in consumers] == [99] * 3
    upstream.feed(ANSWER)
    for consumer in consumers:
        await consumer.end()


# coming late


async def test_a_late_consumer_gets_what_was_told_with_its_deltas_in_one_and_then_the_rest(flights: Flights) -> None:
    upstream = Upstream(STARTED, Delta("one "), Delta("two "), ends=False)
    first = Consumer(flights, upstream.events)
    await some_turns()
    late = Consumer(flights, upstream.events)
    await some_turns()
    assert late.seen == [STARTED, Delta("one two ")]
    upstream.feed(Delta("three"), ANSWER)
    upstream.end()
    assert await late.end() == [STARTED, Delta("one two "), Delta("three"), ANSWER]
    assert await first.end() == [STARTED, Delta("one "), Delta("two "), Delta("three"), ANSWER]
    assert upstream.begun == 1


@pytest.mark.parametrize(
    ("told", "replayed"),
    [
        ((), []),
        ((STARTED,), [STARTED]),
        ((STARTED, Delta("one"), RESET), []),
        ((STARTED, Delta("one"), RESET, OTHER), [OTHER]),
        ((STARTED, Delta("one"), RESET, OTHER, Delta("x"), RESET, STARTED, Delta("y")), [STARTED, Delta("y")]),
    ],
)
async def test_a_late_consumer_is_told_nothing_that_was_retracted(
    flights: Flights, told: tuple[Event, ...], replayed: list[Event]
) -> None:
    upstream = Upstream(*told, ends=False)
    first = Consumer(flights, upstream.events)
    await some_turns()
    late = Consumer(flights, upstream.events)
    await some_turns()
    assert (first.seen, late.seen) == ([*told], replayed)
    upstream.feed(RESET)
    upstream.end()
    assert (await first.end(), await late.end()) == ([*told, RESET], [*replayed, RESET])


async def test_what_arrives_while_a_late_consumer_reads_the_replay_is_neither_lost_nor_doubled(
    flights: Flights,
) -> None:
    upstream = Upstream(STARTED, Delta("one "), ends=False)
    first = Consumer(flights, upstream.events)
    await some_turns()
    async with aclosing(flights.join(1, upstream.events)) as late:
        seen = [await anext(late)]
        upstream.feed(Delta("two"), ANSWER)
        upstream.end()
        await first.end()
        seen += [event async for event in late]
    assert seen == [STARTED, Delta("one "), Delta("two"), ANSWER]


async def test_who_asks_when_all_was_told_but_the_upstream_not_closed_gets_the_answer(flights: Flights) -> None:
    upstream = Upstream(*WHOLE)
    upstream.turns_to_close = 50
    first = Consumer(flights, upstream.events)
    await some_turns()
    late = Consumer(flights, upstream.events)
    await some_turns()
    assert (first.seen, late.seen) == ([*WHOLE], [STARTED, Delta("one two"), ANSWER])
    assert upstream.closed == 0
    await first.end()
    await late.end()
    assert (upstream.begun, upstream.closed) == (1, 1)


async def test_an_upstream_that_has_answered_is_closed_in_order_when_all_have_left(flights: Flights) -> None:
    upstream = Upstream(*WHOLE, ends=False)
    assert await final_answer(flights.join(1, upstream.events)) == ANSWER
    assert (upstream.begun, upstream.closed, len(flights)) == (1, 1, 0)


async def test_who_asks_in_the_turn_in_which_a_flight_ends_begins_another(flights: Flights) -> None:
    one, two = Upstream(*WHOLE[:-1], ends=False), Upstream(OTHER, ANSWER)
    one.turns_to_close = 0
    first = Consumer(flights, one.events)
    await some_turns()
    one.feed(ANSWER)
    while not one.closed:
        second = flights.join(1, two.events)  # not begun before it is read
        await asyncio.sleep(0)
    assert not first.task.done()
    assert 1 not in flights
    assert await all_of(second) == [OTHER, ANSWER]
    assert await first.end() == [*WHOLE]
    assert (one.begun, two.begun, len(flights)) == (1, 1, 0)


async def test_a_consumer_that_has_not_read_its_answer_keeps_nobody_from_asking_anew(flights: Flights) -> None:
    one, two = Upstream(*WHOLE), Upstream(OTHER, ANSWER)
    async with aclosing(flights.join(1, one.events)) as slow:
        assert await anext(slow) == STARTED
        await some_turns()
        assert (one.closed, len(flights)) == (1, 0)
        assert await all_of(flights.join(1, two.events)) == [OTHER, ANSWER]
        assert [event async for event in slow] == [*WHOLE[1:]]
    assert len(flights) == 0


# errors


async def test_an_error_reaches_every_consumer_as_an_object_of_its_own(flights: Flights) -> None:
    refused = QueryRefused("no", kind=FailureKind.CONTENT_FILTER, attempts=(), hint="rephrase")
    upstream = Upstream(STARTED, ends=False)
    consumers = [Consumer(flights, upstream.events) for _ in range(3)]
    await some_turns()
    upstream.fail(refused)
    for consumer in consumers:
        assert await consumer.end() == [STARTED]
    errors = [consumer.error for consumer in consumers]
    assert len({id(error) for error in (*errors, refused)}) == 4
    for error in errors:
        assert isinstance(error, QueryRefused)
        assert (str(error), error.kind, error.hint, error.attempts) == ("no", refused.kind, "rephrase", ())
        assert (error.__cause__, error.__context__) == (None, None)


async def test_errors_tell_their_place_and_hold_nothing_of_the_query(flights: Flights) -> None:
    upstream = Upstream(STARTED, fails=ValueError("a bug"))
    consumers = [Consumer(flights, upstream.events) for _ in range(3)]
    for consumer in consumers:
        await consumer.end()
    errors = [consumer.error for consumer in consumers if consumer.error is not None]
    places = {where(error) for error in errors}
    assert len(errors) == 3
    assert len(places) == 1
    assert re.fullmatch(r"ValueError at test_flights.py:\d+ in events", places.pop())
    assert len({len(list(traceback.walk_tb(error.__traceback__))) for error in errors}) == 1
    assert upstream.prompt() is None


async def test_an_error_holds_nothing_of_what_others_asked(flights: Flights) -> None:
    upstream = Upstream()
    first = Consumer(flights, partial(upstream.events, Prompt()))
    await some_turns()
    second = Consumer(flights, upstream.events)
    await some_turns()
    upstream.fail(refused())
    await first.end()
    del first
    await second.end()
    assert isinstance(second.error, NoTierAnswered)
    assert upstream.prompt() is None


async def test_who_fails_and_asks_again_at_once_begins_another_flight(flights: Flights) -> None:
    for _ in range(3):
        upstream = Upstream(STARTED, fails=refused())
        with pytest.raises(NoTierAnswered):
            await all_of(flights.join(1, upstream.events))
        assert (upstream.begun, upstream.closed, len(flights)) == (1, 1, 0)


async def test_an_error_that_comes_at_once_is_raised_too(flights: Flights) -> None:
    def upstream() -> AsyncGenerator[Event, None]:
        raise InvalidQuery("malformed", field="prompt")

    with pytest.raises(InvalidQuery, match="malformed") as raised:
        await all_of(flights.join(1, upstream))
    assert raised.value.field == "prompt"


async def test_an_error_that_cannot_be_made_anew_still_tells_its_place(flights: Flights) -> None:
    class Odd(Exception):
        def __new__(cls, *, detail: str) -> Odd:
            return super().__new__(cls, detail)

        def __init__(self, *, detail: str) -> None:
            super().__init__(detail)

    with pytest.raises(RuntimeError, match=r"Odd at test_flights.py:\d+ in events$"):
        await all_of(flights.join(1, Upstream(fails=Odd(detail="secret")).events))


async def test_what_fails_while_it_is_given_up_is_told_to_the_log_without_its_text(
    flights: Flights, caplog: pytest.LogCaptureFixture
) -> None:
    async def upstream() -> AsyncGenerator[Event, None]:
        try:
            yield STARTED
            await asyncio.Event().wait()
        finally:
            raise ValueError("the prompt")

    async with aclosing(flights.join(1, upstream)) as events:
        assert await anext(events) == STARTED
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "ValueError at test_flights.py" in record.getMessage()
    assert "the prompt" not in caplog.text
    assert len(flights) == 0


# leaving


async def test_the_first_asker_may_leave_while_others_wait(flights: Flights) -> None:
    upstream = Upstream(STARTED, ends=False)
    first, second = Consumer(flights, upstream.events), Consumer(flights, upstream.events)
    await some_turns()
    await first.leave()
    assert (upstream.closed, len(flights)) == (0, 1)
    upstream.feed(*WHOLE[1:])
    upstream.end()
    assert await second.end() == [*WHOLE]
    assert (upstream.begun, upstream.closed, len(flights)) == (1, 1, 0)


async def test_the_first_asker_may_leave_before_the_upstream_has_begun(flights: Flights) -> None:
    upstream = Upstream(*WHOLE)
    first, second = Consumer(flights, upstream.events), Consumer(flights, upstream.events)
    await asyncio.sleep(0)  # both have joined, in one turn
    await first.leave()
    assert await second.end() == [*WHOLE]
    assert upstream.begun == 1


async def by_aclose(events: AsyncGenerator[Event, None]) -> None:
    await events.aclose()


async def by_cancel(events: AsyncGenerator[Event, None]) -> None:
    waiting = asyncio.ensure_future(anext(events))
    await some_turns()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def by_timeout(events: AsyncGenerator[Event, None]) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(events)


@pytest.mark.parametrize("leave", [by_aclose, by_cancel, by_timeout])
async def test_when_the_last_has_left_the_upstream_is_closed(
    flights: Flights, leave: Callable[[AsyncGenerator[Event, None]], Awaitable[None]]
) -> None:
    upstream = Upstream(STARTED, ends=False)
    async with aclosing(flights.join(1, upstream.events)) as events:
        assert await anext(events) == STARTED
        await leave(events)
        assert (upstream.closed, len(flights)) == (1, 0)
        assert [event async for event in events] == []


@pytest.mark.parametrize("leave", [by_aclose, by_cancel, by_timeout])
async def test_who_leaves_leaves_alone(
    flights: Flights, leave: Callable[[AsyncGenerator[Event, None]], Awaitable[None]]
) -> None:
    upstream = Upstream(STARTED, ends=False)
    other = Consumer(flights, upstream.events)
    async with aclosing(flights.join(1, upstream.events)) as events:
        assert await anext(events) == STARTED
        await leave(events)
    assert (upstream.closed, len(flights)) == (0, 1)
    upstream.feed(*WHOLE[1:])
    upstream.end()
    assert await other.end() == [*WHOLE]


async def test_an_upstream_that_waits_for_readers_is_closed_too(flights: Flights) -> None:
    upstream = Upstream(STARTED, *[Delta("x" * MAX_UNREAD_CHARACTERS)] * 3, ends=False)
    async with aclosing(flights.join(1, upstream.events)) as events:
        assert await anext(events) == STARTED
        await some_turns()
        assert upstream.told == 3
    assert (upstream.closed, len(flights)) == (1, 0)


async def test_all_may_leave_in_one_turn_before_anything_was_told(flights: Flights) -> None:
    upstream = Upstream(*WHOLE)
    consumers = [Consumer(flights, upstream.events) for _ in range(3)]
    await asyncio.sleep(0)
    for consumer in consumers:
        consumer.task.cancel()
    for consumer in consumers:
        with pytest.raises(asyncio.CancelledError):
            await consumer.end()
    assert (upstream.begun, upstream.closed, len(flights)) == (1, 1, 0)


async def test_who_asks_while_an_abandoned_upstream_is_closing_begins_another(flights: Flights) -> None:
    one, two = Upstream(STARTED, ends=False), Upstream(*WHOLE)
    one.turns_to_close = 50
    first = Consumer(flights, one.events)
    await some_turns()
    first.task.cancel()
    await some_turns(5)
    second = Consumer(flights, two.events)
    assert await second.end() == [*WHOLE]
    assert one.closed == 0
    with pytest.raises(asyncio.CancelledError):
        await first.end()
    assert (one.closed, two.closed, len(flights)) == (1, 1, 0)


async def test_who_is_cancelled_twice_leaves_an_upstream_that_still_closes(flights: Flights) -> None:
    upstream = Upstream(STARTED, ends=False)
    upstream.turns_to_close = 20
    consumer = Consumer(flights, upstream.events)
    await some_turns()
    consumer.task.cancel()
    await some_turns(3)
    await consumer.leave()
    assert upstream.closed == 0
    await some_turns(30)
    assert upstream.closed == 1


async def test_who_is_forgotten_has_left(flights: Flights) -> None:
    upstream = Upstream(STARTED, ends=False)
    events = flights.join(1, upstream.events)
    assert await anext(events) == STARTED
    del events
    await some_turns(20)
    assert (upstream.closed, len(flights)) == (1, 0)


async def test_the_upstream_socket_is_closed_when_the_last_has_left(flights: Flights) -> None:
    async with FakeOpenAI() as fake:
        fake.fault(Fault.stall(after=1))
        provider = OpenAIProvider(base_url=fake.base_url)
        chain = FailoverChain([ProviderTier("openai", provider, ["m"])])

        def start() -> AsyncGenerator[Event, None]:
            return chain.stream(HELLO)

        joined = [flights.join(1, start) for _ in range(2)]
        for events in joined:
            assert isinstance(await anext(events), Started)
        await joined[0].aclose()
        assert (fake.calls, fake.open_streams) == (1, 1)
        await joined[1].aclose()
        async with asyncio.timeout(HANG_SECONDS):
            await fake.wait_until_idle()
        assert (fake.calls, fake.disconnects) == (1, 1)
        await provider.aclose()


# what waits for whom


async def test_an_upstream_that_nobody_reads_is_paused(flights: Flights) -> None:
    piece = Delta("x" * 1024)
    upstream = Upstream(STARTED, *[piece] * 200, ANSWER)
    async with aclosing(flights.join(1, upstream.events)) as events:
        assert await anext(events) == STARTED
        await some_turns(300)
        assert upstream.told == 1 + MAX_UNREAD_CHARACTERS // 1024 + 1
        assert [event async for event in events] == [*[piece] * 200, ANSWER]


async def test_one_consumer_that_reads_is_enough_for_the_upstream_to_go_on(flights: Flights) -> None:
    pieces = [Delta("x" * MAX_UNREAD_CHARACTERS)] * 5
    upstream = Upstream(STARTED, *pieces, ANSWER)
    async with aclosing(flights.join(1, upstream.events)) as slow:
        assert await anext(slow) == STARTED
        reader = Consumer(flights, upstream.events)
        assert (await reader.end())[-1] == ANSWER
        assert [event async for event in slow] == [*pieces, ANSWER]


async def test_when_the_only_reader_leaves_the_upstream_waits_for_the_others(flights: Flights) -> None:
    pieces = [Delta("x" * MAX_UNREAD_CHARACTERS)] * 9
    upstream = Upstream(STARTED, ends=False)
    async with aclosing(flights.join(1, upstream.events)) as slow:
        assert await anext(slow) == STARTED
        reader = Consumer(flights, upstream.events)
        upstream.feed(*pieces[:3])
        await some_turns(50)
        assert upstream.told == 4
        await reader.leave()
        upstream.feed(*pieces[3:])
        await some_turns(50)
        assert upstream.told == 6
        upstream.end()
        assert [event async for event in slow] == pieces


# the end of everything


async def test_closing_ends_every_flight_and_says_so_to_whoever_waits(flights: Flights) -> None:
    one, two = Upstream(STARTED, ends=False), Upstream(STARTED, Delta("one "), ends=False)
    consumers = [Consumer(flights, one.events, 1), Consumer(flights, one.events, 1), Consumer(flights, two.events, 2)]
    await some_turns()
    await flights.aclose()
    assert (one.closed, two.closed, len(flights)) == (1, 1, 0)
    for consumer in consumers:
        await consumer.end()
        assert isinstance(consumer.error, GatewayClosed)
    assert consumers[2].seen == [STARTED, Delta("one ")]
    await flights.aclose()


async def test_an_answer_that_is_there_is_given_though_all_was_closed_meanwhile(flights: Flights) -> None:
    upstream = Upstream(*WHOLE)
    async with aclosing(flights.join(1, upstream.events)) as events:
        assert await anext(events) == STARTED
        await some_turns()
        await flights.aclose()
        assert [event async for event in events] == [*WHOLE[1:]]


async def test_an_error_that_is_there_stays_what_it_is_though_all_was_closed_meanwhile(flights: Flights) -> None:
    async with aclosing(flights.join(1, Upstream(STARTED, fails=refused()).events)) as events:
        assert await anext(events) == STARTED
        await some_turns()
        await flights.aclose()
        with pytest.raises(NoTierAnswered):
            await anext(events)


@pytest.mark.parametrize("turns", [1, 2, 10])
async def test_when_others_cancel_the_upstreams_task_nobody_hangs(flights: Flights, turns: int) -> None:
    upstream = Upstream(STARTED, ends=False)
    consumer = Consumer(flights, upstream.events)
    await some_turns(turns)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        if task is not consumer.task:
            task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer.end()
    assert upstream.closed == upstream.begun
    assert len(flights) == 0


@pytest.mark.parametrize("turns", [0, 1, 2, 10])
def test_a_loop_that_ends_meanwhile_ends_in_order(turns: int, caplog: pytest.LogCaptureFixture) -> None:
    upstreams: list[Upstream] = []
    seen: list[object] = []

    async def main() -> None:
        flights, upstream = Flights(), Upstream(STARTED, ends=False)
        upstream.turns_to_close = 0  # the loop cancels everything, whatever it is doing
        upstreams.append(upstream)
        seen.extend([Consumer(flights, upstream.events) for _ in range(2)])
        unread = flights.join(1, upstream.events)
        if turns > 5:
            assert await anext(unread) == STARTED
            seen.append(unread)
        await some_turns(turns)

    asyncio.run(main())
    gc.collect()
    [upstream] = upstreams
    assert upstream.closed == upstream.begun
    assert caplog.records == []


# nothing is left


async def ends_well(flights: Flights, upstream: Upstream, start: Start) -> None:
    upstream.feed(*WHOLE)
    upstream.end()
    assert (await final_answer(flights.join(1, start))) == ANSWER


async def fails(flights: Flights, upstream: Upstream, start: Start) -> None:
    upstream.feed(STARTED)
    upstream.fail(refused())
    with pytest.raises(NoTierAnswered):
        await all_of(flights.join(1, start))


async def is_left(flights: Flights, upstream: Upstream, start: Start) -> None:
    upstream.feed(STARTED)
    async with aclosing(flights.join(1, start)) as events:
        await anext(events)


async def is_cancelled(flights: Flights, _: Upstream, start: Start) -> None:
    consumers = [Consumer(flights, start) for _ in range(2)]
    await some_turns()
    for consumer in consumers:
        await consumer.leave()


async def is_closed(flights: Flights, _: Upstream, start: Start) -> None:
    consumers = [Consumer(flights, start) for _ in range(2)]
    await some_turns()
    await flights.aclose()
    for consumer in consumers:
        await consumer.end()


@contextmanager
def without_collector() -> Iterator[None]:
    """Let nothing be freed that stands in a cycle."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("course", [ends_well, fails, is_left, is_cancelled, is_closed])
async def test_no_cycle_keeps_a_query_in_memory(
    flights: Flights, course: Callable[[Flights, Upstream, Start], Awaitable[None]]
) -> None:
    upstream = Upstream()
    with without_collector():
        await course(flights, upstream, partial(upstream.events, Prompt()))
        await some_turns()
        assert upstream.prompt() is None
    assert (upstream.begun, upstream.closed) == (1, 1)


# whatever happens in whatever order

LARGE = Delta("x" * (MAX_UNREAD_CHARACTERS // 2))
tellings = st.tuples(
    st.sampled_from([STARTED, OTHER]), st.lists(st.sampled_from([Delta("one "), Delta(""), LARGE]), max_size=6)
)
scripts = st.builds(
    lambda retracted, last: (*[event for telling in retracted for event in (*told(telling), RESET)], *told(last)),
    st.lists(tellings, max_size=2),
    tellings,
)
courses = st.lists(
    st.one_of(
        st.just(("join", 0, 0)),
        st.tuples(st.just("tell"), st.just(0), st.integers(1, 5)),
        st.tuples(st.just("read"), st.integers(0, 7), st.integers(1, 5)),
        st.tuples(st.just("leave"), st.integers(0, 7), st.just(0)),
        st.tuples(st.just("turn"), st.just(0), st.integers(1, 4)),
    ),
    max_size=40,
)


def told(telling: tuple[Event, Sequence[Event]]) -> tuple[Event, ...]:
    return (telling[0], *telling[1])


def in_short(events: Sequence[Event]) -> list[Event]:
    """What a late consumer is told of what was told before."""
    short: list[Event] = []
    for event in events:
        if isinstance(event, Reset):
            short.clear()
        elif isinstance(event, Delta) and short and isinstance(before := short[-1], Delta):
            short[-1] = Delta(before.text + event.text)
        else:
            short.append(event)
    return short


class Play:
    """An upstream that tells its script as far as it is allowed to."""

    def __init__(self, script: Sequence[Event], error: NoTierAnswered | None) -> None:
        self.told: list[Event] = []
        self.begun = 0
        self.closed = 0
        self.may_tell = asyncio.Semaphore(0)
        self._script = script
        self._error = error

    async def events(self) -> AsyncGenerator[Event, None]:
        self.begun += 1
        try:
            for event in self._script:
                await self.may_tell.acquire()
                self.told.append(event)
                yield event
            await self.may_tell.acquire()
            if self._error is not None:
                raise self._error
        finally:
            try:
                await asyncio.sleep(0)  # its own cleaning up; a cancel may come meanwhile
            finally:
                self.closed += 1


class Reader:
    """Reads a flight as far as it is allowed to, and knows whose it is."""

    def __init__(self, stage: Stage) -> None:
        self.seen: list[Event] = []
        self.play: Play | None = None
        self.joined_at = 0
        self.may_read = asyncio.Semaphore(1)
        self.task = asyncio.create_task(self._read(stage))

    @property
    def expected(self) -> list[Event]:
        """What whoever stays has seen at last."""
        told_then = self.play.told if self.play is not None else []
        return [*in_short(told_then[: self.joined_at]), *told_then[self.joined_at :]]

    async def _read(self, stage: Stage) -> None:
        await self.may_read.acquire()
        self.play = stage.play_to_join()
        self.joined_at = len(self.play.told)
        async with aclosing(stage.flights.join(1, self.play.events)) as events:
            async for event in events:
                self.seen.append(event)
                await self.may_read.acquire()


class Stage:
    """Flights of one query, with all who ever took part."""

    def __init__(self, script: Sequence[Event], *, fails: bool) -> None:
        self.flights = Flights()
        self.fails = fails
        self._script = script
        self._plays: list[Play] = []
        self._readers: list[Reader] = []
        self._left: list[Reader] = []

    def play_to_join(self) -> Play:
        if 1 not in self.flights:
            self._plays.append(Play(self._script, refused() if self.fails else None))
        return self._plays[-1]

    async def do(self, what: str, who: int, count: int) -> None:
        match what:
            case "join":
                self._readers.append(Reader(self))
            case "tell":
                release((play.may_tell for play in self._plays[-1:]), count)
            case "read":
                release((reader.may_read for reader in self._readers[who : who + 1]), count)
            case "leave":
                await self._leave(who)
            case _:
                await some_turns(count)

    async def _leave(self, who: int) -> None:
        for reader in self._readers[who : who + 1]:
            if reader.task.done():
                continue
            reader.task.cancel()
            async with asyncio.timeout(HANG_SECONDS):
                await asyncio.wait([reader.task])
            assert reader.task.cancelled()
            self._left.append(reader)
            if all(other.task.done() for other in self._readers if other.play is reader.play):
                assert reader.play is None or reader.play.closed == reader.play.begun

    async def play_out(self) -> None:
        """Let everybody read to the end, and see that all is as it has to be."""
        staying = [reader for reader in self._readers if reader not in self._left]
        while not all(reader.task.done() for reader in staying):
            release(play.may_tell for play in self._plays)
            release(reader.may_read for reader in staying)
            await asyncio.sleep(0)
        errors = {id(error): error for reader in staying if (error := reader.task.exception())}
        assert len(errors) == (len(staying) if self.fails else 0)
        assert all(isinstance(error, NoTierAnswered) for error in errors.values())
        assert [reader.seen for reader in staying] == [reader.expected for reader in staying]
        assert all(reader.seen == reader.expected[: len(reader.seen)] for reader in self._left)
        assert [(play.begun, play.closed) for play in self._plays] == [(1, 1)] * len(self._plays)
        assert len(self.flights) == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}


def release(permits: Iterable[asyncio.Semaphore], count: int = 1) -> None:
    for permit in permits:
        for _ in range(count):
            permit.release()


@settings(max_examples=200, deadline=None)
@given(scripts, st.sampled_from(["answers", "fails", "stops"]), courses)
def test_whoever_stays_sees_everything_whatever_the_others_do(
    script: tuple[Event, ...], ending: str, course: list[tuple[str, int, int]]
) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complained.append(context))
        stage = Stage((*script, ANSWER) if ending == "answers" else script, fails=ending == "fails")
        for action in course:
            await stage.do(*action)
        await stage.play_out()

    complained: list[object] = []
    asyncio.run(main())
    assert complained == []
