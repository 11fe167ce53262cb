"""Breakers of several processes that agree through one store."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from ai_gateway.breakers.breaker import CircuitBreaker, Permit
from ai_gateway.breakers.sharing import SPACE, SharedBreakers
from ai_gateway.failures import OpenReason
from ai_gateway.model import BreakerState
from ai_gateway.store.sqlite import SqliteStore
from support.chains import HANG_SECONDS
from support.fake_clock import FakeClock

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


class Window:
    """One process of the person: its own breaker, monotonic clock and store, over the same file."""

    def __init__(self, file: Path, clock: FakeClock) -> None:
        self.file = file
        self.store = SqliteStore(file, clock=clock)
        self.clock = clock
        self.breaker = CircuitBreaker(3, 60, clock=clock, jitter=lambda: 0.5)
        self.shared = SharedBreakers(self.store, clock)
        self.shared.share([("copilot", self.breaker)])

    async def sees(self) -> BreakerState:
        await self.shared.refresh()
        return self.breaker.state

    async def told(self) -> None:
        await self.shared.aclose()

    async def gives_its_lease_to_one_that_ended(self) -> None:
        """Make it so that this window's process was killed while it probed, which it tells nobody."""
        entry = (await self.store.entries(SPACE))["copilot"]
        _, _, rest = self.store.holder.partition("-")
        gone = entry.value.replace(self.store.holder.encode(), f"{pid_that_ended()}-{rest}".encode())
        assert gone != entry.value
        await self.store.put(SPACE, "copilot", gone, expires_at=math.inf)

    async def probe(self, *, early: bool = False) -> Permit | None:
        return await self.breaker.admit(early=early)


def pid_that_ended() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        return ended.pid


@pytest.fixture
async def windows(tmp_path: Path) -> AsyncIterator[tuple[Window, Window]]:
    """Two, whose monotonic clocks differ, as those of two machines do."""
    opened = [Window(tmp_path / "state" / "gateway.db", FakeClock(monotonic=start)) for start in (1000.0, 5.0)]
    yield opened[0], opened[1]
    for window in opened:
        await window.shared.aclose()
        await window.store.aclose()


def advance(windows: tuple[Window, Window], seconds: float) -> None:
    for window in windows:
        window.clock.advance(seconds)


async def test_what_one_finds_dead_the_other_skips_until_the_same_moment(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.trip(OpenReason.RATE, open_seconds=90)
    await one.told()
    assert await other.sees() is OPEN
    assert other.breaker.reason is OpenReason.RATE
    assert other.breaker.reopens_in_seconds == pytest.approx(90)
    advance(windows, 90)
    assert await other.sees() is HALF_OPEN


async def test_failures_of_both_add_up(windows: tuple[Window, Window]) -> None:
    one, other = windows
    for window in (one, other, one):
        assert await window.sees() is CLOSED
        permit = await window.probe()
        assert permit is not None
        permit.fail()
        await window.told()
    assert (await one.sees(), await other.sees()) == (OPEN, OPEN)


async def test_one_of_both_gets_the_probe_and_both_learn_what_it_showed(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.trip()
    await one.told()
    advance(windows, 60)
    await other.sees()
    permit = await one.probe()
    assert permit is not None
    assert await other.probe() is None
    assert other.breaker.has_probe_out
    permit.succeed()
    await one.told()
    assert await other.sees() is CLOSED
    assert await other.probe() is not None


async def test_a_probe_given_up_is_the_others_to_make(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.trip()
    await one.told()
    advance(windows, 60)
    await other.sees()
    permit = await one.probe()
    assert permit is not None
    permit.release()
    await one.told()
    assert await other.probe() is not None


async def test_the_lease_of_a_process_that_ended_is_void(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.trip()
    await one.told()
    advance(windows, 60)
    assert await one.probe() is not None
    await one.gives_its_lease_to_one_that_ended()
    await other.sees()
    assert await other.probe() is not None


async def test_what_only_a_new_credential_mends_is_nobody_elses_business(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.trip(OpenReason.AUTH, open_seconds=math.inf)
    await one.told()
    assert await other.sees() is CLOSED
    other.breaker.trip(OpenReason.QUOTA, open_seconds=100)
    await other.told()
    await one.shared.refresh()
    assert one.breaker.reason is OpenReason.AUTH
    one.breaker.reset()
    await one.told()
    assert await other.sees() is CLOSED


async def test_a_probe_that_shows_a_wrong_credential_frees_its_lease_for_the_other(
    windows: tuple[Window, Window],
) -> None:
    one, other = windows
    one.breaker.trip()
    await one.told()
    advance(windows, 60)
    await other.sees()
    permit = await one.probe()
    assert permit is not None
    permit.fail(OpenReason.AUTH, at_once=True, open_seconds=math.inf)
    await one.told()
    assert await other.probe() is not None


async def test_what_a_person_forces_holds_everywhere_for_its_time(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.force(OPEN, seconds=600)
    await one.told()
    assert (await other.sees(), other.breaker.reason) == (OPEN, OpenReason.FORCED)
    assert await other.probe(early=True) is None
    advance(windows, 600)
    assert await other.sees() is CLOSED


async def test_a_reset_is_one_for_all(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.trip()
    await one.told()
    assert await other.sees() is OPEN
    other.breaker.reset()
    await other.told()
    assert await one.sees() is CLOSED


async def test_a_later_process_finds_what_is_known(windows: tuple[Window, Window], tmp_path: Path) -> None:
    windows[0].breaker.trip(OpenReason.QUOTA, open_seconds=3600)
    await windows[0].told()
    later = Window(tmp_path / "state" / "gateway.db", FakeClock(monotonic=0.0))
    assert (await later.sees(), later.breaker.reason) == (OPEN, OpenReason.QUOTA)
    await later.store.aclose()


async def test_late_results_of_an_earlier_state_count_nowhere(windows: tuple[Window, Window]) -> None:
    one, other = windows
    late = await one.probe()
    assert late is not None
    other.breaker.trip()
    await other.told()
    assert await one.sees() is OPEN
    late.succeed()
    await one.told()
    assert (one.breaker.state, await other.sees()) == (OPEN, OPEN)


async def test_without_a_store_each_goes_on_alone(windows: tuple[Window, Window]) -> None:
    one, other = windows
    await one.store.aclose()
    one.breaker.trip()
    await one.told()
    assert one.breaker.state is OPEN
    one.clock.advance(60)
    permit = await one.probe()
    assert permit is not None
    permit.succeed()
    await one.told()
    assert (await one.sees(), await other.sees()) == (CLOSED, CLOSED)


async def test_a_record_that_cannot_be_read_is_written_anew(windows: tuple[Window, Window]) -> None:
    one, other = windows
    await one.store.put(SPACE, "copilot", b"no JSON", expires_at=math.inf)
    assert await other.sees() is CLOSED
    other.breaker.trip()
    await other.told()
    assert await one.sees() is OPEN


async def test_whoever_waits_for_the_probe_of_another_learns_how_it_ended(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.trip()
    await one.told()
    advance(windows, 60)
    permit = await one.probe()
    assert permit is not None
    assert await other.sees() is HALF_OPEN
    waiting = asyncio.create_task(other.breaker.probed())
    permit.succeed()
    await one.told()
    await asyncio.wait_for(waiting, HANG_SECONDS)
    assert other.breaker.state is CLOSED


async def test_a_process_that_is_killed_while_it_probes_keeps_nobody_waiting(
    windows: tuple[Window, Window], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = windows
    one.breaker.trip()
    await one.told()
    advance(windows, 60)
    assert await one.probe() is not None
    assert await other.sees() is HALF_OPEN
    assert other.breaker.has_probe_out
    waiting = asyncio.create_task(other.breaker.probed())
    monkeypatch.setattr(other.store, "is_gone", lambda holder: holder == one.store.holder)
    await asyncio.wait_for(waiting, HANG_SECONDS)
    assert await other.probe() is not None


async def test_a_probe_of_ones_own_is_not_watched(windows: tuple[Window, Window]) -> None:
    one, _ = windows
    one.breaker.trip()
    await one.told()
    advance(windows, 60)
    tasks = len(asyncio.all_tasks())
    permit = await one.probe()
    assert permit is not None
    assert await one.sees() is HALF_OPEN
    assert len(asyncio.all_tasks()) == tasks


async def test_a_breaker_that_is_shared_later_knows_what_was_found_out_before(windows: tuple[Window, Window]) -> None:
    one, other = windows
    gemini, known = (CircuitBreaker(clock=window.clock) for window in windows)
    one.shared.share([("copilot", one.breaker), ("gemini", gemini)])
    gemini.trip()
    await one.told()
    for _ in range(2):
        assert await other.sees() is CLOSED
    other.shared.share([("copilot", other.breaker), ("gemini", known)])
    await other.shared.refresh()
    assert known.state is OPEN


async def test_what_could_not_be_told_is_told_as_soon_as_the_store_is_back(windows: tuple[Window, Window]) -> None:
    one, other = windows
    assert await one.sees() is CLOSED
    with closing(sqlite3.connect(one.file, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        one.breaker.trip(OpenReason.RATE, open_seconds=90)
        await one.told()
    advance(windows, 2)
    await other.store.put(SPACE, "openai", b"{}", expires_at=math.inf)
    assert await one.sees() is OPEN
    await one.told()
    assert (await other.sees(), other.breaker.reason) == (OPEN, OpenReason.RATE)
    assert one.breaker.state is OPEN


async def test_who_asks_for_the_probe_at_once_has_not_forgotten_why(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.trip()
    assert await one.probe(early=True) is not None
    assert one.breaker.reason is OpenReason.OUTAGE
    assert await other.sees() is HALF_OPEN
    assert await other.probe(early=True) is None


async def test_a_reset_elsewhere_ends_also_what_only_this_process_knew(windows: tuple[Window, Window]) -> None:
    one, other = windows
    one.breaker.trip(OpenReason.AUTH, open_seconds=math.inf)
    await one.told()
    assert await other.sees() is CLOSED
    assert await one.sees() is OPEN
    other.breaker.reset()
    await other.told()
    assert await one.sees() is CLOSED


async def test_what_is_forced_elsewhere_holds_over_what_only_this_process_knows(
    windows: tuple[Window, Window],
) -> None:
    one, other = windows
    one.breaker.trip(OpenReason.AUTH, open_seconds=math.inf)
    await one.told()
    await other.sees()
    other.breaker.force(CLOSED, seconds=600)
    await other.told()
    assert await one.sees() is CLOSED
    advance(windows, 600)
    assert (await one.sees(), one.breaker.reason) == (OPEN, OpenReason.AUTH)
    assert await other.sees() is CLOSED


async def test_what_is_forced_here_is_told_and_what_only_this_process_knows_is_not(
    windows: tuple[Window, Window],
) -> None:
    one, other = windows
    one.breaker.trip(OpenReason.AUTH, open_seconds=math.inf)
    one.breaker.force(OPEN, seconds=600)
    await one.told()
    assert (await other.sees(), other.breaker.reason) == (OPEN, OpenReason.FORCED)
    advance(windows, 600)
    assert await other.sees() is CLOSED
    assert (await one.sees(), one.breaker.reason) == (OPEN, OpenReason.AUTH)


@pytest.mark.parametrize(
    "written",
    [
        b"null",
        b"5",
        b'"closed"',
        b"[" * 100_000,
        b'{"reason": "outage", "reopens_at": "soon"}',
        b'{"reason": "outage", "reopens_at": NaN}',
        b'{"reason": "outage", "reopens_at": 1%s}' % (b"0" * 400),
        b'{"reason": "outage", "reopens_at": 1, "probe_until": null}',
        b'{"reason": "outage", "reopens_at": 1, "openings": "x"}',
        b'{"reason": "outage", "reopens_at": 1, "generation": "x"}',
        b'{"reason": "outage", "reopens_at": 1, "holder": 5}',
        b'{"failures": [1]}',
    ],
    ids=range(12),
)
async def test_a_record_that_is_none_disturbs_nobody_and_is_written_anew(tmp_path: Path, written: bytes) -> None:
    first, second = Window(tmp_path / "gateway.db", FakeClock()), Window(tmp_path / "gateway.db", FakeClock())
    await first.store.put(SPACE, "copilot", written, expires_at=math.inf)

    assert await first.sees() is CLOSED
    first.breaker.trip()
    await first.told()

    assert await second.sees() is OPEN


@pytest.mark.parametrize(
    "record",
    [
        b'{"reason": "outage", "reopens_at": 1e15, "generation": 3}',
        b'{"reason": "auth", "reopens_at": Infinity, "generation": 3}',
        b'{"reason": "slow", "reopens_at": 1, "probe_until": 1e15, "holder": "elsewhere", "generation": 3}',
    ],
)
async def test_no_record_keeps_a_tier_out_for_longer_than_the_longest_open_period(
    tmp_path: Path, record: bytes
) -> None:
    clock = FakeClock()
    window, other = Window(tmp_path / "gateway.db", clock), Window(tmp_path / "gateway.db", clock)
    await other.store.put(SPACE, "copilot", record, expires_at=math.inf)
    await window.sees()
    assert await window.probe() is None

    for _ in range(10):
        clock.advance(window.breaker.limits.max_open_seconds / 10)
        await other.store.put("traces", "x", b"", expires_at=math.inf)  # news, so that the record is read anew
        await window.shared.refresh()

    assert await window.probe() is not None
    await window.told()


@asynccontextmanager
async def anothers_probe(folder: Path) -> AsyncIterator[Window]:
    """A window that knows of no probe yet, while another one's is out; at the end it succeeds, and both know."""
    clock = FakeClock()
    first, second = Window(folder / "gateway.db", clock), Window(folder / "gateway.db", clock)
    first.breaker.trip(open_seconds=0)
    await first.told()
    assert await second.sees() is HALF_OPEN
    permit = await first.probe()
    assert permit is not None
    yield second
    permit.succeed()
    async with asyncio.timeout(HANG_SECONDS):
        await second.breaker.probed()
    assert second.breaker.state is CLOSED
    await first.told()
    await second.told()


async def test_who_only_learns_of_anothers_probe_as_it_asks_for_one_is_told_of_its_end(tmp_path: Path) -> None:
    async with anothers_probe(tmp_path) as second:
        assert await second.probe() is None


async def test_who_only_learns_of_anothers_probe_as_it_tells_a_change_is_told_of_its_end(tmp_path: Path) -> None:
    async with anothers_probe(tmp_path) as second:
        second.breaker.force(CLOSED, seconds=0)  # a change that leaves the probe be
        await second.shared.told(second.shared._shared["copilot"])
        assert second.breaker.has_probe_out
