"""What several windows of one person know of each other's tiers, and what a person's hand does to a breaker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from ai_gateway.failures import InvalidQuery, NoTierAnswered, OpenReason, ProviderFailure
from ai_gateway.fakes import Fault
from ai_gateway.gateway import Gateway
from ai_gateway.health import HealthStatus, ProviderHealth
from ai_gateway.model import Attempt, BreakerState
from ai_gateway.telemetry.figures import gathered
from support.chains import HANG_SECONDS
from support.fake_clock import FakeClock
from support.other_window import OtherWindow, other_window
from support.person import DEAD, Person

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
OVERLOADED_SECONDS = 30.0


@pytest.fixture
async def processes() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as processes:
        yield processes


async def elsewhere(person: Person, processes: AsyncExitStack, *order: str) -> OtherWindow:
    """A window in another process, with the same settings."""
    settings = {"services": person.services(), "order": order or ("plan", "dear", "home")}
    return await processes.enter_async_context(other_window(settings))


async def seen(window: Gateway, provider: str = "plan") -> ProviderHealth:
    found = await window.health()
    return next(each for each in found.providers if each.name == provider)


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def reasons(attempts: tuple[Attempt, ...]) -> list[tuple[str, str | None]]:
    return [(attempt.provider, attempt.reason) for attempt in attempts]


# In processes of their own


async def test_what_one_process_finds_dead_another_skips(person: Person, processes: AsyncExitStack) -> None:
    window = await person.window()
    assert (await window.query("before")).provider == "plan"
    other = await elsewhere(person, processes)
    person.die(person.plan)
    assert await other.ask("one") == ["dear", [["plan", "overloaded"], ["dear", None]]]
    calls = person.plan.calls
    answer = await window.query("two")
    assert reasons(answer.attempts) == [("plan", "outage"), ("dear", None)]
    assert (await seen(window)).retry_after_seconds == pytest.approx(OVERLOADED_SECONDS)
    await other.close()
    later = await elsewhere(person, processes)
    assert await later.ask("three") == ["dear", [["plan", "outage"], ["dear", None]]]
    assert person.plan.calls == calls


async def test_one_process_probes_and_others_learn_what_that_showed(
    person: Person, processes: AsyncExitStack, clock: FakeClock
) -> None:
    window, other = await person.window(), await elsewhere(person, processes)
    person.plan.fault(DEAD)
    await window.query("one")
    clock.advance(OVERLOADED_SECONDS)
    await other.advance(OVERLOADED_SECONDS)
    go_on = asyncio.Event()
    person.plan.fault(Fault.hold(go_on))
    await other.begin_to_ask("two")
    await person.plan.wait_for_calls(2)
    for number in range(3):
        answer = await window.query(f"meanwhile {number}")
        assert reasons(answer.attempts) == [("plan", "outage"), ("dear", None)]
    assert person.plan.calls == 2
    go_on.set()
    assert await other.said() == ["plan", [["plan", None]]]
    assert (await window.query("three")).provider == "plan"
    assert person.plan.calls == 3


async def test_whoever_has_nobody_else_waits_for_the_probe_of_another_process_and_no_longer(
    person: Person, processes: AsyncExitStack, clock: FakeClock
) -> None:
    window, other = await person.window(order=["plan"]), await elsewhere(person, processes, "plan")
    person.plan.fault(DEAD)
    with pytest.raises(NoTierAnswered):
        await window.query("one")
    clock.advance(OVERLOADED_SECONDS)
    await other.advance(OVERLOADED_SECONDS)
    go_on = asyncio.Event()
    person.plan.fault(Fault.hold(go_on))
    await other.begin_to_ask("two")
    await person.plan.wait_for_calls(2)
    waiting = asyncio.create_task(window.query("three"))
    await turns()
    assert ((await seen(window)).state, person.plan.calls) == (HALF_OPEN, 2)
    go_on.set()
    assert await other.said() == ["plan", [["plan", None]]]
    assert (await waiting).provider == "plan"
    assert person.plan.calls == 3


@pytest.mark.parametrize("waits", [True, False])
async def test_a_process_that_is_killed_while_it_probes_leaves_the_probe_to_another_at_once(
    person: Person, processes: AsyncExitStack, clock: FakeClock, waits: bool
) -> None:
    window, other = await person.window(order=["plan"]), await elsewhere(person, processes, "plan")
    person.plan.fault(DEAD)
    with pytest.raises(NoTierAnswered):
        await window.query("one")
    clock.advance(OVERLOADED_SECONDS)
    await other.advance(OVERLOADED_SECONDS)
    person.plan.fault(Fault.hang())
    await other.begin_to_ask("two")
    await person.plan.wait_for_calls(2)
    assert (await seen(window)).state is HALF_OPEN
    asking = asyncio.create_task(window.query("three")) if waits else None
    await turns()
    await other.kill()
    answer = await (asking or asyncio.create_task(window.query("three")))
    assert (answer.provider, person.plan.calls) == ("plan", 3)
    assert (await seen(window)).state is CLOSED


async def test_what_a_person_forces_in_one_window_holds_in_all(person: Person, processes: AsyncExitStack) -> None:
    window, other = await person.window(), await elsewhere(person, processes)
    await other.force("plan", "open", 600.0)
    assert await other.ask("one") == ["dear", [["plan", "forced"], ["dear", None]]]
    assert (await window.query("two")).provider == "dear"
    window.reset("plan")
    assert (await window.query("three")).provider == "plan"
    await turns()
    assert await other.ask("four") == ["plan", [["plan", None]]]


# By hand


async def test_a_tier_that_is_kept_open_is_asked_by_nobody_until_its_time_is_over(
    person: Person, clock: FakeClock
) -> None:
    window = await person.window(order=["plan"])
    window.force("plan", OPEN, seconds=600)
    clock.advance(100)
    with pytest.raises(NoTierAnswered) as raised:
        await window.query("hi")
    assert reasons(raised.value.attempts) == [("plan", OpenReason.FORCED)]
    assert raised.value.retry_after_seconds == 500
    assert "by hand" in raised.value.hint
    assert "reset" in raised.value.hint
    found = await window.health()
    [plan] = found.providers
    assert (found.status, plan.state, plan.reason, plan.forced) == (HealthStatus.DOWN, OPEN, "forced", OPEN)
    assert (plan.retry_after_seconds, window.seconds_to_next_change()) == (500, 500)
    clock.advance(500)
    assert (await window.query("hi")).provider == "plan"
    assert (await seen(window)).forced is None


async def test_a_tier_that_is_kept_closed_is_asked_whatever_it_does_until_its_time_is_over(
    person: Person, clock: FakeClock
) -> None:
    window = await person.window()
    window.force("plan", CLOSED, seconds=600)
    person.die(person.plan)
    for number in range(3):
        answer = await window.query(f"{number}")
        assert reasons(answer.attempts) == [("plan", "overloaded"), ("dear", None)]
        clock.advance(1)
    assert (person.plan.calls, (await seen(window)).state, (await seen(window)).forced) == (3, CLOSED, CLOSED)
    clock.advance(597)
    assert (await seen(window)).state is HALF_OPEN
    assert (await seen(window)).reason == OpenReason.OUTAGE


async def test_a_reset_ends_what_a_hand_has_done(person: Person) -> None:
    window = await person.window()
    window.force("plan", OPEN, seconds=600)
    window.force("dear", CLOSED, seconds=600)
    assert window.reset() == ("plan", "dear", "home")
    assert [(await seen(window, name)).forced for name in ("plan", "dear")] == [None, None]
    assert (await window.query("hi")).provider == "plan"


async def test_a_hand_is_told_of_at_once_and_can_do_no_third_thing(person: Person) -> None:
    window = await person.window()
    changes: list[None] = []
    window.on_change = lambda: changes.append(None)
    window.force("plan", OPEN, seconds=600)
    assert changes
    with pytest.raises(InvalidQuery, match="open or closed"):
        window.force("plan", HALF_OPEN, seconds=600)
    with pytest.raises(InvalidQuery, match="nobody"):
        window.force("nobody", OPEN, seconds=600)


async def test_the_end_of_being_kept_closed_is_a_change_too(person: Person, clock: FakeClock) -> None:
    """Whoever shows the status wakes up then, or it would go on showing what is no longer so."""
    window = await person.window()
    window.force("plan", CLOSED, seconds=600)
    person.plan.fault(Fault.status(429, retry_after=3600))
    await window.query("hi")
    assert window.seconds_to_next_change() == 600
    clock.advance(600)
    assert (await seen(window)).state is OPEN


# Settings and figures


async def test_new_settings_leave_what_the_windows_know_of_each_other(person: Person) -> None:
    one, other = await person.window(), await person.window()
    person.plan.fault(DEAD)
    await one.query("one")
    await one.reconfigure(person.loaded(query={"timeout_seconds": 77}))
    assert (await seen(one)).state is OPEN
    one.reset("plan")
    await turns()
    assert (await seen(other)).state is CLOSED
    person.plan.fault(DEAD)
    await other.query("two")
    assert (await seen(one)).state is OPEN


async def test_a_tier_that_new_settings_add_is_known_dead_if_another_window_found_it_so(person: Person) -> None:
    one, other = await person.window(), await person.window(order=["home"])
    person.plan.fault(DEAD)
    await one.query("one")
    for _ in range(2):
        await other.query("two", cache="off")
    await other.reconfigure(person.loaded())
    assert reasons((await other.query("three")).attempts) == [("plan", "outage"), ("dear", None)]
    assert person.plan.calls == 1


async def test_a_window_whose_store_is_switched_off_knows_only_itself(person: Person) -> None:
    one, alone = await person.window(), await person.window(store={"enabled": False})
    person.plan.fault(DEAD)
    await one.query("one")
    assert (await alone.query("two")).provider == "plan"


async def test_a_breaker_that_opens_once_is_counted_once_however_many_windows_there_are(person: Person) -> None:
    one, other = await person.window(), await person.window()
    person.plan.fault(DEAD)
    await one.query("one")
    assert (await seen(other)).state is OPEN
    figures = one.metrics() + other.metrics()
    assert dict(figures.providers["plan"].openings) == {"outage": 1}


async def test_the_figures_of_all_windows_can_be_added_up(person: Person, clock: FakeClock) -> None:
    one, other = await person.window(), await person.window()
    await one.query("one")
    await one.aclose()
    assert other.store is not None
    assert (await gathered(other.store, clock=clock)).total_requests == 1


async def test_a_query_that_is_cancelled_while_the_team_is_asked_holds_nothing_open(person: Person) -> None:
    pytest.importorskip("redis", reason="the extra for teams is not installed")
    is_asked, is_over = asyncio.Event(), asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_asked.set()
        await is_over.wait()
        writer.close()

    service = {"base_url": "https://upstream.invalid", "model": "m", "api_key": "k"}
    async with asyncio.timeout(HANG_SECONDS), await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        window = await person.window(
            store={"redis_url": f"redis://127.0.0.1:{port}"},
            services={"plan": service},
            order=["plan"],
            network={"proxy": f"http://127.0.0.1:{port}"},
        )
        before = window.tiers[0].provider
        asking = asyncio.create_task(window.query("hi"))
        await is_asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await window.reconfigure(person.loaded(store={"enabled": False}))
        is_over.set()
        with pytest.raises(ProviderFailure, match="closed"):
            await before.check(None)
        figures = window.metrics()
        assert (figures.total_requests, figures.cancelled) == (1, 1)
