"""Figures of several processes, by way of a store in a file; the processes that have ended are real ones."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from ai_gateway.model import Attempt, Backend, Outcome, Usage
from ai_gateway.store.base import StoreUnavailable
from ai_gateway.store.sqlite import SqliteStore
from ai_gateway.telemetry.figures import ENDED, SILENT_SECONDS, SPACE, gathered, leave
from ai_gateway.telemetry.figures_row import FiguresRow
from ai_gateway.telemetry.histogram import BOUNDS_SECONDS, Histogram
from ai_gateway.telemetry.metrics import Metrics, MetricsSnapshot, Percentiles, ProviderMetrics
from support.fake_clock import FakeClock

HANG_SECONDS = 60
OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from ai_gateway.telemetry.figures import leave
from ai_gateway.telemetry.metrics import Metrics
from ai_gateway.store.sqlite import SqliteStore

async def main():
    store, metrics = SqliteStore(Path(sys.argv[1])), Metrics()
    for _ in range(int(sys.argv[2])):
        metrics.asked()
    await leave(store, metrics.snapshot())
    await store.aclose()

asyncio.run(main())
print("left", flush=True)
sys.stdin.read()
"""
NAME_OF_A_PROCESS = "from ai_gateway.store.holder import this_process; print(this_process())"


def run_to_its_end(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", *arguments], capture_output=True, text=True, check=True, timeout=HANG_SECONDS, input=""
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def ended() -> list[str]:
    """The names of three processes that have ended."""
    return [run_to_its_end(NAME_OF_A_PROCESS) for _ in range(3)]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "store.db")
    yield store
    await store.aclose()


def asked(times: int, *, ms: float = 100.0, cost_usd: float = 0.1) -> MetricsSnapshot:
    metrics = Metrics()
    for _ in range(times):
        metrics.asked()
        metrics.attempted(Attempt("openai", Backend.CLOUD, Outcome.ANSWERED, elapsed_ms=ms))
        metrics.spent("openai", Usage(10, 5), cost_usd)
    return metrics.snapshot()


async def put(store: SqliteStore, name: str, figures: MetricsSnapshot, *, folded: tuple[str, ...] = ()) -> None:
    row = FiguresRow(figures, 1_800_000_000.0, folded)
    assert await store.put(SPACE, name, row.to_bytes(), expires_at=math.inf)


async def names(store: SqliteStore) -> set[str]:
    return set(await store.entries(SPACE))


async def test_without_any_process_there_is_nothing(store: SqliteStore) -> None:
    assert await gathered(store) == MetricsSnapshot()
    assert await names(store) == set()


async def test_a_process_leaves_its_figures_in_place_of_its_earlier_ones(store: SqliteStore) -> None:
    await leave(store, asked(1))
    await leave(store, asked(3, ms=15.5))
    assert await gathered(store) == asked(3, ms=15.5)
    assert await names(store) == {store.holder}


async def test_figures_of_a_running_process_and_of_one_that_was_killed_are_summed(
    store: SqliteStore, tmp_path: Path
) -> None:
    await leave(store, asked(1))
    async with asyncio.timeout(HANG_SECONDS):
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", OTHER_PROCESS, str(tmp_path / "store.db"), "5",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert other.stdout is not None
        assert await other.stdout.readline() == b"left\n"
        assert (await gathered(store)).total_requests == 6
        assert ENDED not in await names(store)
        other.kill()
        await other.wait()
    assert (await gathered(store)).total_requests == 6
    assert await names(store) == {store.holder, ENDED}
    assert (await gathered(store)).total_requests == 6


async def test_rows_of_ended_processes_become_one_and_no_figure_changes(store: SqliteStore, ended: list[str]) -> None:
    await leave(store, asked(1))
    before = await gathered(store)
    for name, times in zip(ended, (2, 3, 4), strict=True):
        await put(store, name, asked(times, ms=3000))
        after = await gathered(store)
        assert after.total_requests == before.total_requests + times
        assert await gathered(store) == after
        assert await names(store) == {store.holder, ENDED}
        before = after
    openai = before.providers["openai"]
    assert (openai.answered, openai.cost_usd, openai.input_tokens) == (10, 1.0, 100)
    assert (openai.latency.count, openai.latency.sum_seconds) == (10, 27.1)


class BreaksOff(SqliteStore):
    """Fails when something is to be removed, as if the process were killed there."""

    @override
    async def remove(self, space: str, name: str | None = None) -> int:
        raise StoreUnavailable("killed")


async def test_a_folding_that_breaks_off_counts_nothing_twice(
    store: SqliteStore, tmp_path: Path, ended: list[str]
) -> None:
    await put(store, ended[0], asked(2))
    dying = BreaksOff(tmp_path / "store.db")
    with pytest.raises(StoreUnavailable):
        await gathered(dying)
    await dying.aclose()
    assert await names(store) == {ended[0], ENDED}
    assert (await gathered(store)).total_requests == 2
    assert await names(store) == {ENDED}
    await put(store, ended[1], asked(3))
    assert (await gathered(store)).total_requests == 5


async def test_a_broken_off_folding_is_finished_by_the_next_one(
    store: SqliteStore, tmp_path: Path, ended: list[str]
) -> None:
    await put(store, ended[0], asked(2))
    dying = BreaksOff(tmp_path / "store.db")
    with pytest.raises(StoreUnavailable):
        await gathered(dying)
    await put(store, ended[1], asked(3))
    with pytest.raises(StoreUnavailable):
        await gathered(dying)
    await dying.aclose()
    assert await names(store) == {ended[0], ended[1], ENDED}
    assert (await gathered(store)).total_requests == 5
    assert await names(store) == {ENDED}


class SecondToFold(SqliteStore):
    """Lets another one fold just before it does so itself."""

    @override
    async def put(
        self, space: str, name: str, value: bytes, *, expires_at: float, if_version: int | None = None
    ) -> int | None:
        await gathered(self.other)
        return await super().put(space, name, value, expires_at=expires_at, if_version=if_version)

    other: SqliteStore


@pytest.mark.parametrize("had_ended", [False, True], ids=["the first folding", "a later one"])
async def test_of_two_that_fold_at_once_one_gives_way(
    store: SqliteStore, tmp_path: Path, ended: list[str], *, had_ended: bool
) -> None:
    if had_ended:
        await put(store, ended[2], asked(5))
        await gathered(store)
    await put(store, ended[0], asked(2))
    await put(store, ended[1], asked(3))
    second = SecondToFold(tmp_path / "store.db")
    second.other = store
    expected = 10 if had_ended else 5
    assert (await gathered(second)).total_requests == expected
    await second.aclose()
    assert (await gathered(store)).total_requests == expected
    assert await names(store) == {ENDED}


async def test_a_process_of_another_machine_is_taken_for_ended_after_a_long_silence(tmp_path: Path) -> None:
    clock = FakeClock()
    store = SqliteStore(tmp_path / "store.db", clock=clock)
    elsewhere = "77-12345.00-0badcafe"
    await put(store, elsewhere, asked(2))
    clock.advance(SILENT_SECONDS)
    assert (await gathered(store, clock=clock)).total_requests == 2
    assert await names(store) == {elsewhere}
    clock.advance(1)
    assert (await gathered(store, clock=clock)).total_requests == 2
    assert await names(store) == {ENDED}
    await store.aclose()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"shape": 2, "written_at": 1}',
        b'{"shape": 1, "written_at": "soon"}',
        b'{"shape": 1, "written_at": NaN}',
        b'{"shape": 1, "written_at": 1, "figures": {"total_requests": -1}}',
        b'{"shape": 1, "written_at": 1, "figures": {"total_requests": "7"}}',
        b'{"shape": 1, "written_at": 1, "figures": {"providers": [1]}}',
        b'{"shape": 1, "written_at": 1, "figures": {"providers": {"a": {"latency": {"counts": [1]}}}}}',
        b'{"shape": 1, "written_at": 1, "folded": "all"}',
    ],
)
async def test_what_is_no_row_is_left_out_and_left_alone(
    store: SqliteStore, caplog: pytest.LogCaptureFixture, ended: list[str], value: bytes
) -> None:
    await put(store, ended[0], asked(2))
    await store.put(SPACE, ended[1], value, expires_at=math.inf)
    with caplog.at_level(logging.WARNING):
        assert (await gathered(store)).total_requests == 2
    assert ended[1] in caplog.text
    assert await names(store) == {ended[1], ENDED}


async def test_the_one_row_of_a_later_version_is_not_written_over(store: SqliteStore, ended: list[str]) -> None:
    later = json.dumps({"shape": 2, "figures": "of another kind"}).encode()
    await store.put(SPACE, ENDED, later, expires_at=math.inf)
    await put(store, ended[0], asked(2))
    assert (await gathered(store)).total_requests == 2
    entries = await store.entries(SPACE)
    assert set(entries) == {ended[0], ENDED}
    assert entries[ENDED].value == later


def test_a_row_of_an_earlier_version_lacks_some_figures_and_has_others_that_are_gone() -> None:
    row = {
        "shape": 1,
        "written_at": 1,
        "figures": {"total_requests": 7, "gone": 1, "providers": {"a": {"answered": 2}}},
    }
    read = FiguresRow.from_bytes(json.dumps(row).encode())
    assert read.figures == MetricsSnapshot(total_requests=7, providers={"a": ProviderMetrics(answered=2)})


@pytest.mark.parametrize(
    "row", [b"[" * 100_000, b'{"shape":1,"written_at":1%s}' % (b"0" * 400)], ids=["deep", "beyond any float"]
)
def test_a_row_that_no_number_type_or_stack_can_hold_is_none(row: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a number|nested too deep"):
        FiguresRow.from_bytes(row)


COUNTS = st.integers(0, 2**53)
BY_KIND = st.dictionaries(st.text(max_size=5), COUNTS, max_size=3)
SECONDS = st.floats(0, 1e9)
HISTOGRAMS = st.builds(
    Histogram,
    st.lists(COUNTS, min_size=len(BOUNDS_SECONDS) + 1, max_size=len(BOUNDS_SECONDS) + 1).map(tuple),
    SECONDS,
)
PERCENTILES = st.builds(Percentiles, *[st.none() | SECONDS] * 3)
PROVIDERS = st.builds(
    ProviderMetrics,
    answered=COUNTS,
    escalated=COUNTS,
    failures=BY_KIND,
    skipped=COUNTS,
    cancelled=COUNTS,
    retries=BY_KIND,
    transitions=BY_KIND,
    openings=BY_KIND,
    latency=HISTOGRAMS,
    first_token=HISTOGRAMS,
    latency_ms=PERCENTILES,
    first_token_ms=PERCENTILES,
    input_tokens=COUNTS,
    cached_input_tokens=COUNTS,
    output_tokens=COUNTS,
    cost_usd=st.none() | SECONDS,
)
SNAPSHOTS = st.builds(MetricsSnapshot, *[COUNTS] * 7, st.dictionaries(st.text(max_size=5), PROVIDERS, max_size=2))


@given(SNAPSHOTS, SECONDS, st.lists(st.text(max_size=5), max_size=3).map(tuple))
def test_a_row_comes_back_as_it_was(figures: MetricsSnapshot, written_at: float, folded: tuple[str, ...]) -> None:
    row = FiguresRow(figures, written_at, folded)
    assert FiguresRow.from_bytes(row.to_bytes()) == row
