"""What was: of several windows together, by way of a store in a file; of one process where nothing is shared."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from ai_gateway.drill.rehearsal import rehearse
from ai_gateway.failures import NoTierAnswered, OpenReason
from ai_gateway.fakes import Fault
from ai_gateway.gateway import Gateway
from ai_gateway.history import days as days_module
from ai_gateway.history import transitions as transitions_module
from ai_gateway.history.days import KEPT_DAYS, MOST_MODELS, Days, Model, Page, Tally
from ai_gateway.history.past import History
from ai_gateway.history.transitions import KEPT, PastTransition, Transitions
from ai_gateway.model import Answer, Backend, BreakerState, Outcome, PriceClass, Query
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.recorder import TRACES
from ai_gateway.store.base import Entry, StoreUnavailable
from ai_gateway.store.sqlite import SqliteStore
from ai_gateway.tier import ProviderTier
from ai_gateway.trace import QueryOutcome
from support.chains import HANG_SECONDS
from support.fake_clock import FakeClock
from support.filling import GAP
from support.other_window import other_window
from support.person import Person

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
TODAY = date.fromtimestamp(FakeClock().time()).isoformat()
DAY_SECONDS = 24 * 3600.0
OVERLOADED_SECONDS = 30.0
PLAN = Model("plan", Backend.CLOUD, "plan-model")
DEAR = Model("dear", Backend.CLOUD, "dear-model")
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"


def times(count: int) -> Page:
    """A day on which that many were answered."""
    return Page({PLAN: Tally(queries=count)}, misses=count)


def add(days: Days, clock: FakeClock) -> None:
    """Let one more be answered."""
    today = days.of(clock.time())
    today += times(1)


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "store.db", clock=clock)
    yield store
    await store.aclose()


async def told(window: Gateway, *others: Gateway) -> History:
    """What a window tells when all have written what they know."""
    for other in others:
        await other.history()
    return await window.history()


def changes(past: History) -> list[tuple[str, BreakerState, BreakerState]]:
    return [(each.provider, each.before, each.after) for each in past.transitions]


# Of windows together


async def test_what_all_windows_did_adds_up_by_day_and_model(person: Person) -> None:
    one, other = await person.window(), await person.window()
    first, second = await one.query("one"), await other.query("two")
    person.die(person.plan)
    third = await one.query("three")
    page = (await told(one, other)).days[TODAY]
    usages = [answer.usage for answer in (first, second)]
    plan = page.tallies[PLAN]
    assert (plan.queries, plan.failures) == (2, 1)
    assert plan.input_tokens == sum(usage.input_tokens for usage in usages) > 0
    assert plan.output_tokens == sum(usage.output_tokens for usage in usages) > 0
    assert page.tallies[DEAR] == Tally(1, third.usage.input_tokens, third.usage.output_tokens, third.cost_usd)
    assert (page.hits, page.misses) == (0, 3)
    assert (await told(other)).days == {TODAY: page}


async def test_what_a_process_did_that_has_ended_is_told_and_counted_once(person: Person) -> None:
    window = await person.window()
    async with other_window({"services": person.services(), "order": ["plan", "dear", "home"]}) as other:
        for prompt in ("one", "two"):
            assert await other.ask(prompt) == ["plan", [["plan", None]]]
        await other.close()
    await window.query("three")
    assert [(await told(window)).days[TODAY].tallies[PLAN].queries for _ in range(2)] == [3, 3]
    later = await person.window()
    past = await told(later)
    assert past.days[TODAY].tallies[PLAN].queries == 3
    assert [(query.provider, query.outcome) for query in past.queries] == [("plan", QueryOutcome.ANSWERED)] * 3


async def test_each_transition_is_told_once_however_many_windows_learnt_of_it(person: Person, clock: FakeClock) -> None:
    one, other = await person.window(), await person.window()
    person.plan.fault(Fault.overloaded())
    await one.query("one")
    opened_at = clock.time()
    await other.query("two")
    clock.advance(OVERLOADED_SECONDS)
    assert (await other.query("three")).provider == "plan"
    assert (await one.query("four")).provider == "plan"
    past = await told(one, other)
    assert past.transitions == [
        PastTransition(opened_at, "plan", CLOSED, OPEN, OpenReason.OUTAGE),
        PastTransition(opened_at + OVERLOADED_SECONDS, "plan", OPEN, HALF_OPEN, OpenReason.OUTAGE),
        PastTransition(opened_at + OVERLOADED_SECONDS, "plan", HALF_OPEN, CLOSED, None),
    ]
    figures = one.metrics() + other.metrics()
    assert figures.providers["plan"].transitions == {"open": 1, "half_open": 1, "closed": 1}


async def test_the_last_queries_are_told_latest_first_with_who_was_asked(person: Person, clock: FakeClock) -> None:
    one, other = await person.window(), await person.window()
    for window in (one, other):
        person.priced(window)
    await one.query("one")
    clock.advance(1)
    person.die(person.plan)
    await other.query("two")
    clock.advance(1)
    await one.query("two", private=True)
    clock.advance(1)
    person.die(person.dear, person.home)
    with pytest.raises(NoTierAnswered):
        await one.query("three")
    past = await told(one, other)
    last, private, dear, first = past.queries
    assert [query.asked_at for query in past.queries] == [clock.time() - age for age in (0, 1, 2, 3)]
    assert (last.outcome, last.provider, last.model, last.cost_usd) == (QueryOutcome.FAILED, None, None, None)
    assert [(tried.provider, tried.outcome, tried.reason) for tried in last.attempts][:3] == [
        ("plan", Outcome.SKIPPED, "outage"),
        ("dear", Outcome.FAILED, "overloaded"),
        ("home", Outcome.FAILED, "overloaded"),
    ]
    assert (private.private, private.provider, private.backend) == (True, "home", Backend.LOCAL)
    assert (dear.private, dear.provider, dear.model, dear.cost_usd) == (False, "dear", "dear-model", 1.0)
    assert [(tried.provider, tried.reason, tried.is_rehearsal) for tried in dear.attempts] == [
        ("plan", "overloaded", False),
        ("dear", None, False),
    ]
    assert first.input_tokens > 0 < first.output_tokens
    assert dear.first_token_ms is not None
    assert last.first_token_ms is None
    assert [query.query_id for query in (await one.history(queries=2)).queries] == [last.query_id, private.query_id]
    assert (await one.history(queries=0)).queries == []


async def test_an_answer_that_is_given_again_is_counted_where_it_came_from(person: Person) -> None:
    window = await person.window()
    asked = await window.query("one")
    await window.query("one")
    go_on = asyncio.Event()
    person.plan.fault(Fault.hold(go_on))
    both = [asyncio.create_task(window.query("two")) for _ in range(2)]
    await person.plan.wait_for_calls(2)
    go_on.set()
    second, _ = await asyncio.gather(*both)
    past = await told(window)
    page = past.days[TODAY]
    assert (page.hits, page.misses) == (1, 3)
    assert page.tallies[PLAN].queries == 2
    assert page.tallies[PLAN].input_tokens == asked.usage.input_tokens + second.usage.input_tokens
    assert sorted(query.cached for query in past.queries) == [False, False, False, True]
    [again] = [query for query in past.queries if query.cached]
    assert (again.input_tokens, again.output_tokens, again.cost_usd, again.attempts) == (0, 0, 0.0, ())
    assert sum(query.input_tokens for query in past.queries) == page.tallies[PLAN].input_tokens


async def test_what_was_written_before_an_answer_broke_off_has_cost_something(person: Person) -> None:
    window = person.priced(await person.window(order=["dear", "home"]))
    person.dear.fault(Fault.cut(after=2))
    answer = await window.query("one")
    past = await told(window)
    tally = past.days[TODAY].tallies[DEAR]
    assert (answer.provider, tally.queries, tally.failures, tally.cost_usd) == ("home", 0, 1, 1.0)
    assert past.queries[0].cost_usd == 1.0


async def test_gaps_that_were_filled_count_in_days_and_are_no_queries(person: Person) -> None:
    window = await person.window()
    usage = (await answer_to(window, Query(GAP, dearest=PriceClass.INCLUDED))).usage
    past = await told(window)
    assert past.queries == []
    assert past.days[TODAY].tallies == {PLAN: Tally(1, usage.input_tokens, usage.output_tokens, None)}


async def answer_to(window: Gateway, query: Query) -> Answer:
    async for event in window.stream(query):
        if isinstance(event, Answer):
            return event
    raise AssertionError("there is an answer or an error")


@pytest.mark.parametrize("fault", ["overloaded", "cut"])
async def test_a_drill_leaves_no_trace_but_in_the_queries_that_met_it(person: Person, fault: str) -> None:
    window = await person.window()
    async with asyncio.timeout(HANG_SECONDS):
        report = await rehearse(window, "plan", fault, 0.5)
    assert report.breaker or fault == "cut"
    past = await told(window)
    page = past.days[TODAY]
    answered = Counter(question.provider for question in (*report.questions, report.recovery) if question)
    del answered[None]  # the last question may not have come to an end
    assert Counter({model.provider: tally.queries for model, tally in page.tallies.items()}) == answered
    assert sum(tally.failures for tally in page.tallies.values()) == 0
    assert past.transitions == []
    assert "plan" not in window.metrics().providers or not window.metrics().providers["plan"].transitions
    assert sum(query.input_tokens for query in past.queries) == sum(each.input_tokens for each in page.tallies.values())
    rehearsed = {(tried.provider, tried.outcome) for query in past.queries for tried in query.attempts
                 if tried.is_rehearsal}  # fmt: skip
    assert rehearsed == {("plan", Outcome.FAILED)}


async def test_where_nothing_is_shared_a_window_tells_of_itself_alone(person: Person) -> None:
    one = await person.window(store={"enabled": False})
    other = await person.window(store={"enabled": False})
    await other.query("one")
    person.die(person.plan)
    await one.query("one")
    past = await told(one, other)
    assert [query.provider for query in past.queries] == ["dear"]
    assert changes(past) == [("plan", CLOSED, OPEN)]
    tallies = past.days[TODAY].tallies
    assert (tallies[PLAN], tallies[DEAR].queries) == (Tally(failures=1), 1)


async def test_one_made_by_hand_tells_of_itself(clock: FakeClock) -> None:
    tiers = [ProviderTier("openai", ScriptedProvider("yes"), ("m",), Backend.CLOUD)]
    async with Gateway(tiers, clock=clock) as gateway:
        assert await gateway.history() == History([], [], {})
        await gateway.query("one")
        gateway.force("openai", OPEN, seconds=60)
        past = await gateway.history()
    assert [query.provider for query in past.queries] == ["openai"]
    assert changes(past) == [("openai", CLOSED, OPEN)]
    assert past.days[TODAY].tallies[Model("openai", Backend.CLOUD, "m")].queries == 1


async def test_while_the_store_is_away_a_window_tells_of_itself_and_writes_it_down_later(
    person: Person, tmp_path: Path, clock: FakeClock
) -> None:
    place = tmp_path / "state"
    place.write_text("a file, where a folder should be")
    shared = {"path": str(place / "gateway.db")}
    window = await person.window(store=shared)
    await window.query("one")
    assert (await told(window)).days[TODAY].tallies[PLAN].queries == 1
    place.unlink()
    clock.advance(60)
    await window.query("two")
    await told(window)
    assert (await told(await person.window(store=shared))).days[TODAY].tallies[PLAN].queries == 2


def test_nothing_of_it_is_imported_before_there_is_something_to_keep() -> None:
    script = (
        "import sys, ai_gateway.lsp.answers, ai_gateway.gateway\n"
        "print([name for name in sys.modules if name.startswith('ai_gateway.history')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


# Days


async def test_midnight_is_that_of_the_calendar_here(monkeypatch: pytest.MonkeyPatch, store: SqliteStore) -> None:
    if os.name != "posix":
        pytest.skip("the zone of a process can be set on POSIX only")
    clock = FakeClock(time=datetime(2027, 3, 14, 4, 59, 59, tzinfo=UTC).timestamp())
    days = Days(clock)
    with monkeypatch.context() as environment:
        environment.setenv("TZ", NEW_YORK)
        time.tzset()
        add(days, clock)
        clock.advance(1)
        add(days, clock)
        await days.write(store)
        clock.advance(23 * 3600 - 1)  # it has no more hours there, as summer time begins
        add(days, clock)
        await days.write(store)
        found = await days.read(store, 2)
        today = await days.read(store, 1)
    time.tzset()
    assert found == {"2027-03-13": times(1), "2027-03-14": times(2)}
    assert today == {"2027-03-14": times(2)}


async def test_only_so_many_days_are_told_and_kept(store: SqliteStore, clock: FakeClock) -> None:
    days = Days(clock)
    for _ in range(KEPT_DAYS + 3):
        clock.advance(DAY_SECONDS)
        add(days, clock)
        await days.write(store)
    assert len(await days.read(store, 30)) == len(await days.read(None, 30)) == 30
    assert len(await days.read(store, KEPT_DAYS)) == len(await days.read(None, KEPT_DAYS)) == KEPT_DAYS
    assert len(await store.entries(days_module.SPACE)) == KEPT_DAYS
    assert [*await days.read(None, KEPT_DAYS + 10)] == [*await days.read(None, KEPT_DAYS)]
    clock.advance(KEPT_DAYS * DAY_SECONDS)
    assert await days.read(store, KEPT_DAYS) == {}
    assert await store.entries(days_module.SPACE) == {}


async def test_more_days_than_are_kept_are_no_harm(store: SqliteStore, clock: FakeClock) -> None:
    today = date.fromtimestamp(clock.time())
    for ago in (*range(KEPT_DAYS), 100, 2000):
        day = (today - timedelta(days=ago)).isoformat()
        await store.put(days_module.SPACE, day, times(1).to_bytes(), expires_at=clock.time() + DAY_SECONDS)
    found = await Days(clock).read(store, KEPT_DAYS)
    assert [*found] == [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(KEPT_DAYS))]


class Interrupted(SqliteStore):
    """Lets something happen between a reading and a writing."""

    meanwhile: Callable[[], object] | None = None

    @override
    async def get(self, space: str, name: str) -> Entry | None:
        entry = await super().get(space, name)
        if (meanwhile := self.meanwhile) is not None:
            self.meanwhile = None
            await meanwhile()  # type: ignore[misc]  # each is a coroutine function
        return entry


@pytest.mark.parametrize("is_first", [True, False])
async def test_of_two_windows_that_write_at_once_neither_is_lost(
    store: SqliteStore, tmp_path: Path, clock: FakeClock, is_first: bool
) -> None:
    one, other, slow = Days(clock), Days(clock), Interrupted(tmp_path / "store.db", clock=clock)
    if not is_first:
        add(one, clock)
        await one.write(store)
    add(one, clock)
    add(other, clock)
    slow.meanwhile = lambda: other.write(store)
    await one.write(slow)
    await slow.aclose()
    expected = times(2) if is_first else times(3)
    assert await one.read(store, 1) == await other.read(store, 1) == {TODAY: expected}


class Away(SqliteStore):
    """Can't be written to."""

    @override
    async def put(
        self, space: str, name: str, value: bytes, *, expires_at: float, if_version: int | None = None
    ) -> int | None:
        raise StoreUnavailable("away")


async def test_what_could_not_be_written_is_told_all_the_same_and_written_once(
    store: SqliteStore, tmp_path: Path, clock: FakeClock
) -> None:
    days, transitions, away = Days(clock), Transitions(clock), Away(tmp_path / "store.db", clock=clock)
    add(days, clock)
    transitions.add(PastTransition(clock.time(), "plan", CLOSED, OPEN, OpenReason.QUOTA))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await days.write(away)
        with pytest.raises(StoreUnavailable):
            await transitions.write(away)
    assert await days.read(away, 1) == {TODAY: times(1)}
    assert len(await transitions.read(away, 1)) == 1
    await away.aclose()
    for _ in range(2):
        await days.write(store)
        await transitions.write(store)
    assert await days.read(store, 1) == await Days(clock).read(store, 1) == {TODAY: times(1)}
    assert len(await transitions.read(store, 1)) == len(await Transitions(clock).read(store, 1)) == 1


def test_a_day_tells_only_so_many_models_apart_and_loses_none() -> None:
    page = Page()
    for number in range(MOST_MODELS + 50):
        page += Page({Model("plan", Backend.CLOUD, f"model {number}"): Tally(queries=1, cost_usd=0.5)})
    assert len(page.tallies) == MOST_MODELS + 1
    assert page.tallies[Model("plan", Backend.CLOUD, None)] == Tally(queries=50, cost_usd=25.0)


# What others wrote


ROW = {"provider": "plan", "backend": "cloud", "model": None, "queries": 1, "input_tokens": 1, "output_tokens": 1,
        "cost_usd": None, "failures": 0}  # fmt: skip


def day_with(**wrong: object) -> bytes:
    return json.dumps({"tallies": [{**ROW, **wrong}], "hits": 0, "misses": 0}).encode()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"tallies": [1], "hits": 0, "misses": 0}',
        b'{"tallies": [], "hits": -1, "misses": 0}',
        b'{"tallies": [], "hits": 1%s, "misses": 0}' % (b"0" * 400),
        day_with(provider=None),
        day_with(model=7),
        day_with(backend="somewhere"),
        day_with(queries="7"),
        day_with(cost_usd=float("nan")),
        day_with(cost_usd=-1),
        day_with(cost_usd=float("inf")),
    ],
)
async def test_a_day_that_can_t_be_read_counts_anew(
    store: SqliteStore, clock: FakeClock, caplog: pytest.LogCaptureFixture, value: bytes
) -> None:
    await store.put(days_module.SPACE, TODAY, value, expires_at=clock.time() + DAY_SECONDS)
    days = Days(clock)
    with caplog.at_level(logging.WARNING):
        assert await days.read(store, 1) == {TODAY: Page()}
    assert TODAY in caplog.text
    add(days, clock)
    await days.write(store)
    assert await days.read(store, 1) == {TODAY: times(1)}


async def test_what_is_damaged_of_the_past_is_left_out_and_the_rest_is_told(person: Person, clock: FakeClock) -> None:
    window = await person.window()
    await window.query("one")
    window.force("plan", OPEN, seconds=60)
    whole = await told(window)
    assert window.store is not None
    [trace] = (await window.store.entries(TRACES)).values()
    until, before = clock.time() + DAY_SECONDS, {"at": clock.time(), "provider": "plan", "before": "closed"}
    for number, value in enumerate(damaged(json.loads(trace.value))):
        await window.store.put(TRACES, f"damaged {number}", value, expires_at=until)
    for number, row in enumerate(
        [[], {}, before, {**before, "after": "ajar", "reason": None}, {**before, "after": "open", "reason": "none"},
         {**before, "after": "open", "reason": None, "at": "now"}]
    ):  # fmt: skip
        await window.store.put(transitions_module.SPACE, f"{number}", json.dumps(row).encode(), expires_at=until)
    await window.store.put(transitions_module.SPACE, "no JSON", b"{", expires_at=until)
    await window.store.put(days_module.SPACE, "yesterday", times(1).to_bytes(), expires_at=until)
    await window.store.put(days_module.SPACE, "20270115", times(1).to_bytes(), expires_at=until)
    assert await window.history() == whole
    assert (len(whole.queries), len(whole.transitions)) == (1, 1)


def damaged(trace: dict[str, Any]) -> list[bytes]:
    """Traces that lack something, or have it wrong."""
    [step] = trace["steps"]
    wrong: list[Mapping[str, object]] = [
        {"steps": None},
        {"steps": [1]},
        {"steps": [{**step, "usage": 7}]},
        {"steps": [{**step, "cost_usd": "dear"}]},
        {"steps": [{**step, "attempt": {}}]},
        {"given": 7},
        {"given": {}},
        {"asked": None},
        {"asked_at": None},
        {"asked_at": 1e400},
        {"elapsed_ms": -1},
        {"query_id": None},
        {"outcome": "lost"},
    ]
    return [b"", b"[]", b"[" * 100_000, *(json.dumps({**trace, **each}).encode() for each in wrong)]


async def test_transitions_are_told_of_so_many_hours_and_no_more_than_so_many_are_kept(
    store: SqliteStore, clock: FakeClock
) -> None:
    transitions = Transitions(clock)
    for number in range(KEPT + 5):
        transitions.add(PastTransition(clock.time() + number, "plan", CLOSED, OPEN, None))
        await transitions.write(store)
    kept = await transitions.read(store, 1)
    assert [each.at - clock.time() for each in kept] == list(range(5, KEPT + 5))
    assert kept == await transitions.read(None, 1) == await Transitions(clock).read(store, 1)
    assert len(await store.entries(transitions_module.SPACE)) == KEPT
    clock.advance(3600 + KEPT)
    assert [each.at for each in await transitions.read(store, 1)] == [clock.time() - 3600 + n for n in range(5)]
    assert len(await transitions.read(store, 2)) == KEPT
    clock.advance(transitions_module.KEPT_SECONDS)
    assert await transitions.read(store, 24 * 365) == []


COUNTS = st.integers(0, 2**40)
TALLIES = st.builds(Tally, COUNTS, COUNTS, COUNTS, st.none() | st.floats(0, 1e9), COUNTS)
MODELS = st.builds(Model, st.text(max_size=5), st.sampled_from(Backend), st.none() | st.text(max_size=5))
PAGES = st.builds(Page, st.dictionaries(MODELS, TALLIES, max_size=4), COUNTS, COUNTS)


@given(PAGES)
def test_a_day_comes_back_as_it_was(page: Page) -> None:
    assert Page.of(TODAY, Entry(page.to_bytes(), 1)) == page
