"""Several processes at one store: they race, are killed in the middle, or stand still with a lock."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, aclosing, closing, suppress
from pathlib import Path

import pytest

from ai_gateway.store.base import StoreUnavailable
from ai_gateway.store.sqlite import SqliteStore
from store import processes
from store.conftest import OpenStore
from support.fake_clock import FakeClock

HANG_SECONDS = 5.0
"""SQLite's own default is to wait as long; a store waits fifty milliseconds."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def remove_file(path: Path) -> None:
    path.unlink()


async def put_at_last(store: SqliteStore, clock: FakeClock) -> None:
    """Put it while another process writes without end, which may be the quicker one fifty milliseconds long."""
    async with asyncio.timeout(HANG_SECONDS):
        while True:
            with suppress(StoreUnavailable):
                await store.put("after", "name", b"value", expires_at=clock.time() + 3600)
                return
            clock.advance(60)
            await asyncio.sleep(0)


def taken_by_racers(place: str, prefix: str = "") -> list[list[int]]:
    with ExitStack() as stack:
        racers = [stack.enter_context(processes.started("race", place, prefix)) for _ in range(4)]
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        return [json.loads(line(racer)) for racer in racers]


class TestRace:
    async def test_of_many_that_want_a_lease_exactly_one_gets_it(
        self, address: tuple[str, str], open_store: OpenStore
    ) -> None:
        taken = taken_by_racers(*address)
        assert sorted(number for numbers in taken for number in numbers) == [*range(processes.ROUNDS)]
        assert len(await open_store().entries("leases")) == processes.ROUNDS

    def test_of_many_that_find_a_damaged_file_all_go_on_with_the_same_new_one(self, store_file: Path) -> None:
        store_file.parent.mkdir()
        store_file.write_bytes(b"garbage" * 5000)
        taken = taken_by_racers(str(store_file))
        assert sorted(number for numbers in taken for number in numbers) == [*range(processes.ROUNDS)]


class TestKilled:
    async def test_a_process_that_is_killed_while_it_writes_leaves_the_store_whole(
        self, address: tuple[str, str], open_store: OpenStore, clock: FakeClock
    ) -> None:
        survivor = open_store()
        await survivor.get("numbers", "one")
        for _ in range(3):
            with processes.started("write", *address) as writer:
                holder = line(writer)
                assert not survivor.is_gone(holder)
                writer.kill()
                writer.wait()
                assert survivor.is_gone(holder)
            assert await survivor.put("after", "name", b"value", expires_at=clock.time() + 3600) is not None
            for entry in (await survivor.entries("numbers")).values():
                assert entry.value == entry.value[:1] * processes.LARGE
            assert await open_store().get("after", "name") is not None
            assert survivor.problem is None

    async def test_the_file_of_a_killed_process_passes_every_check(self, store_file: Path) -> None:
        with processes.started("write", str(store_file)) as writer:
            line(writer)
            writer.kill()
        with closing(sqlite3.connect(store_file)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    async def test_a_dead_process_is_gone_before_anybody_has_taken_notice(
        self, address: tuple[str, str], open_store: OpenStore
    ) -> None:
        with processes.started("write", *address) as writer:
            holder = line(writer)
            writer.kill()
            await asyncio.to_thread(os.waitid, os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)
            assert open_store().is_gone(holder)


class TestDeleted:
    async def test_a_file_that_is_deleted_while_another_process_writes_is_begun_anew_by_both(
        self, store_file: Path, clock: FakeClock
    ) -> None:
        async with aclosing(SqliteStore(store_file, clock=clock)) as store:
            with processes.started("write", str(store_file)) as writer:
                line(writer)
                for _ in range(20):
                    remove_file(store_file)
                    await put_at_last(store, clock)
                    assert await store.get("after", "name") is not None
                async with asyncio.timeout(HANG_SECONDS):
                    while await store.get("numbers", "one") is None:  # noqa: ASYNC110 - the writer calls nobody
                        await asyncio.sleep(0)
            assert await store.get("after", "name") is not None
            assert not store_file.with_name("store.db.damaged").exists()

    @pytest.mark.parametrize("endings", [[""], ["", "-wal"], ["", "-shm"], ["", "-wal", "-shm"], ["-wal"]])
    async def test_one_that_had_the_deleted_file_open_finds_the_new_one(
        self, store_file: Path, clock: FakeClock, endings: list[str]
    ) -> None:
        async with aclosing(SqliteStore(store_file, clock=clock)) as store:
            with processes.started("idle", str(store_file)) as idle:
                for ending in endings:
                    remove_file(store_file.with_name(store_file.name + ending))
                assert await store.put("after", "name", b"value", expires_at=clock.time() + 3600) is not None
                assert idle.stdin is not None
                idle.stdin.write("go on\n")
                idle.stdin.flush()
                assert json.loads(line(idle)) == ["name"]
                assert idle.wait() == 0
            assert await store.get("after", "name") is not None


class TestStopped:
    @pytest.fixture
    def store(self, store_file: Path, clock: FakeClock) -> SqliteStore:
        return SqliteStore(store_file, clock=clock)

    async def test_a_stopped_process_with_the_write_lock_holds_nobody_up(
        self, store: SqliteStore, store_file: Path, clock: FakeClock
    ) -> None:
        later = clock.time() + 3600
        async with aclosing(store):
            await store.put("space", "name", b"before", expires_at=later)
            with processes.started("lock", str(store_file)) as stopped:
                stopped.send_signal(signal.SIGSTOP)
                started = time.monotonic()
                with pytest.raises(StoreUnavailable, match="another process is busy"):
                    await store.put("space", "name", b"after", expires_at=later)
                assert time.monotonic() - started < HANG_SECONDS
                assert store.problem is not None
                found = await store.get("space", "name")
                assert found is not None
                assert found.value == b"before"
            clock.advance(60)
            assert await store.put("space", "name", b"after", expires_at=later) is not None
            assert store.problem is None

    async def test_it_can_be_opened_for_reading_while_one_is_stopped(
        self, store: SqliteStore, store_file: Path, clock: FakeClock
    ) -> None:
        async with aclosing(store):
            await store.put("space", "name", b"before", expires_at=clock.time() + 3600)
            with processes.started("lock", str(store_file)) as stopped:
                stopped.send_signal(signal.SIGSTOP)
                async with aclosing(SqliteStore(store_file, clock=clock)) as second:
                    assert await second.get("space", "name") is not None

    async def test_one_that_is_stopped_while_it_opens_the_store_holds_nobody_up(
        self, store: SqliteStore, store_file: Path, clock: FakeClock
    ) -> None:
        import fcntl  # noqa: PLC0415 - Windows has none

        store_file.parent.mkdir()
        async with aclosing(store):
            with store_file.with_name("store.db.lock").open("wb") as opening:
                fcntl.flock(opening, fcntl.LOCK_EX)
                started = time.monotonic()
                with pytest.raises(StoreUnavailable, match="another process is busy"):
                    await store.get("space", "name")
                assert time.monotonic() - started < HANG_SECONDS
            clock.advance(60)
            assert await store.get("space", "name") is None

    async def test_it_rests_after_it_was_held_up_instead_of_waiting_again(
        self, store: SqliteStore, store_file: Path, clock: FakeClock
    ) -> None:
        later = clock.time() + 3600
        async with aclosing(store):
            await store.get("space", "name")
            with processes.started("lock", str(store_file)) as stopped:
                stopped.send_signal(signal.SIGSTOP)
                with pytest.raises(StoreUnavailable):
                    await store.put("space", "name", b"", expires_at=later)
            with pytest.raises(StoreUnavailable, match="another process is busy"):
                await store.put("space", "name", b"", expires_at=later)
            clock.advance(60)
            assert await store.put("space", "name", b"", expires_at=later) is not None
