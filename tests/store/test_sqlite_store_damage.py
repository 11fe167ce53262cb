"""A file that is damaged, deleted, locked away or somebody else's: it is said, and things go on."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, closing
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from ai_gateway.store.base import StoreUnavailable
from ai_gateway.store.sqlite import SqliteStore
from credentials.permissions import NOBODY, folder_for_all, nobody
from store import processes
from support.fake_clock import FakeClock

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody delete, replace or chmod an open file")


@pytest.fixture
def later(clock: FakeClock) -> float:
    return clock.time() + 3600


@pytest.fixture
async def store(store_file: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    async with aclosing(SqliteStore(store_file, clock=clock)) as store:
        yield store


@pytest.fixture
async def other(store_file: Path, clock: FakeClock) -> AsyncIterator[SqliteStore]:
    async with aclosing(SqliteStore(store_file, clock=clock)) as store:
        yield store


@pytest.fixture
def two(store: SqliteStore, other: SqliteStore) -> list[SqliteStore]:
    return [store, other]


async def filled(store: SqliteStore, later: float, *, values: int = 60) -> None:
    for number in range(values):
        await store.put("space", f"name {number}", bytes(2000), expires_at=later)


async def works(store: SqliteStore, later: float) -> bool:
    await store.put("proof", "name", b"value", expires_at=later)
    found = await store.get("proof", "name")
    return found is not None and found.value == b"value"


async def used_by_all(stores: list[SqliteStore], clock: FakeClock) -> None:
    for store in stores:
        try:
            await store.entries("space")
            await store.put("proof", "name", b"", expires_at=clock.time() + 3600)
        except StoreUnavailable:
            clock.advance(60)


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def contents(path: Path) -> bytes:
    return path.read_bytes()


def size(path: Path) -> int:
    return path.stat().st_size


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def make(path: Path, *, with_mode: int = 0o600) -> None:
    path.parent.mkdir()
    path.touch(with_mode)


def overwrite(path: Path, start: int, junk: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(junk)


def database(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def without_tables(path: Path) -> None:
    database(path, "DROP TABLE entry")


def with_texts_for_values(path: Path) -> None:
    database(path, "UPDATE entry SET value = 'text'")


def with_undecodable_names(path: Path) -> None:
    database(path, "UPDATE entry SET name = CAST(x'ff' || name AS TEXT)")


def of_a_layout_that_never_was(path: Path) -> None:
    database(path, "PRAGMA user_version = 0")


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(30_000))


def text(path: Path) -> None:
    path.write_text("{}", encoding="utf-8")


def cut_in_the_middle(path: Path) -> None:
    os.truncate(path, 5000)


def without_a_header(path: Path) -> None:
    overwrite(path, 0, b"\xff" * 100)


def with_a_junk_schema(path: Path) -> None:
    overwrite(path, 100, b"\xff" * 3900)


def with_junk_pages(path: Path) -> None:
    overwrite(path, 4096, b"\xff" * (path.stat().st_size - 4096))


DAMAGES = [
    without_tables, with_texts_for_values, with_undecodable_names, of_a_layout_that_never_was, garbage, text,
    cut_in_the_middle, without_a_header, with_a_junk_schema, with_junk_pages,
]  # fmt: skip


class TestDamagedFile:
    @pytest.mark.parametrize("damage", DAMAGES)
    async def test_it_is_set_aside_and_a_new_one_begun(
        self, store_file: Path, clock: FakeClock, later: float, damage: Callable[[Path], None]
    ) -> None:
        async with aclosing(SqliteStore(store_file, clock=clock)) as before:
            await filled(before, later)
        damage(store_file)
        junk = contents(store_file)
        async with aclosing(SqliteStore(store_file, clock=clock)) as store:
            assert await store.entries("space") == {}
            assert (
                store.problem
                == f"the store {store_file} was damaged; it was renamed to store.db.damaged, and a new one begun"
            )
            assert beside(store_file, ".damaged").read_bytes()[:1000] == junk[:1000]
            assert await works(store, later)
        async with aclosing(SqliteStore(store_file, clock=clock)) as after:
            assert await works(after, later)
            assert after.problem is None

    async def test_an_empty_file_is_a_new_store(self, store: SqliteStore, store_file: Path, later: float) -> None:
        make(store_file)
        assert await works(store, later)
        assert store.problem is None

    async def test_versions_of_the_new_one_are_greater_than_any_before(
        self, store: SqliteStore, store_file: Path, clock: FakeClock, later: float
    ) -> None:
        before = await store.put("space", "name", b"", expires_at=later)
        assert before is not None
        clock.advance(1)
        without_tables(store_file)
        after = await store.put("space", "name", b"", expires_at=later)
        assert after is not None
        assert after > before

    async def test_what_was_set_aside_goes_when_a_space_is_wiped(
        self, store: SqliteStore, store_file: Path, later: float
    ) -> None:
        store_file.parent.mkdir()
        garbage(store_file)
        await filled(store, later)
        assert beside(store_file, ".damaged").exists()
        await store.remove("space")
        assert not beside(store_file, ".damaged").exists()
        assert store.problem is None


class TestDamageWhileOpen:
    @posix
    @pytest.mark.parametrize("damage", DAMAGES)
    async def test_those_who_had_it_open_go_on_with_the_new_file_of_whoever_finds_it(
        self, two: list[SqliteStore], store_file: Path, clock: FakeClock, damage: Callable[[Path], None]
    ) -> None:
        later = clock.time() + 3600
        await filled(two[0], later)
        assert len(await two[1].entries("space")) == 60
        await two[0].remove("none")  # folds the log into the file, so that what is read comes from there
        damage(store_file)
        for store in two:
            await store.entries("space")
        async with aclosing(SqliteStore(store_file, clock=clock)) as third:
            assert await third.entries("space") == {}
            assert await two[0].put("proof", "shared", b"", expires_at=later) is not None
            assert await two[1].get("proof", "shared") is not None
            assert await third.get("proof", "shared") is not None
            assert any("was damaged" in (store.problem or "") for store in (*two, third))

    @posix
    @pytest.mark.parametrize("size", [0, 10, 4096, 20_000])
    async def test_a_file_cut_short_under_two_is_made_whole(
        self, two: list[SqliteStore], store_file: Path, clock: FakeClock, size: int
    ) -> None:
        later = clock.time() + 3600
        await filled(two[0], later)
        assert len(await two[1].entries("space")) == 60
        os.truncate(store_file, size)
        await used_by_all([*two, *two], clock)
        assert await two[0].put("proof", "shared", b"", expires_at=later) is not None
        assert await two[1].get("proof", "shared") is not None

    async def test_damage_is_news(self, store: SqliteStore, store_file: Path, later: float) -> None:
        await filled(store, later)
        assert store.has_news()
        assert not store.has_news()
        with_texts_for_values(store_file)
        await store.entries("space")
        assert store.has_news()


@posix
class TestDeletedFile:
    @pytest.mark.parametrize(
        "endings", [[""], ["", "-wal", "-shm"], ["", "-wal"], ["", "-shm"], ["", "-wal", "-shm", ".lock"]]
    )
    async def test_all_who_had_it_open_go_on_with_one_new_file(
        self, store: SqliteStore, other: SqliteStore, store_file: Path, later: float, endings: list[str]
    ) -> None:
        await filled(store, later)
        assert len(await other.entries("space")) == 60
        for ending in endings:
            beside(store_file, ending).unlink()
        assert other.has_news()
        assert await store.entries("space") == {}
        assert await works(store, later)
        found = await other.get("proof", "name")
        assert found is not None
        assert await works(other, later)
        assert store.problem is None

    async def test_the_folder_may_go_as_well(self, store: SqliteStore, store_file: Path, later: float) -> None:
        await filled(store, later)
        for file in store_file.parent.iterdir():
            file.unlink()
        store_file.parent.rmdir()
        assert await works(store, later)

    @pytest.mark.parametrize("endings", [["-wal"], ["-shm"], ["-wal", "-shm"]])
    async def test_without_its_log_it_is_usable_again_at_once(
        self, store: SqliteStore, store_file: Path, clock: FakeClock, later: float, endings: list[str]
    ) -> None:
        await filled(store, later)
        for ending in endings:
            beside(store_file, ending).unlink()
        async with aclosing(SqliteStore(store_file, clock=clock)) as second:
            await used_by_all([store, second, store, second], clock)
            assert await works(store, later)
            assert await works(second, later)

    async def test_another_file_in_its_place_is_shared_from_then_on(
        self, two: list[SqliteStore], store_file: Path, clock: FakeClock
    ) -> None:
        await filled(two[0], clock.time() + 3600)
        assert len(await two[1].entries("space")) == 60
        elsewhere = store_file.with_name("elsewhere.db")
        async with aclosing(SqliteStore(elsewhere, clock=clock)) as replacement:
            await replacement.put("space", "only", b"", expires_at=clock.time() + 3600)
        elsewhere.replace(store_file)
        assert two[0].has_news()
        assert await works(two[0], clock.time() + 3600)
        assert await two[1].get("proof", "name") is not None


class TestRefusedFile:
    async def refused(self, store: SqliteStore, why: str) -> None:
        with pytest.raises(StoreUnavailable, match=why):
            await store.get("space", "name")
        assert store.problem is not None
        assert why in store.problem
        assert not store.has_news()

    async def test_one_of_a_newer_version_is_left_alone(
        self, store: SqliteStore, store_file: Path, clock: FakeClock, later: float
    ) -> None:
        async with aclosing(SqliteStore(store_file, clock=clock)) as newer:
            await filled(newer, later)
        database(store_file, "PRAGMA user_version = 2")
        await self.refused(store, "a newer version of AI Gateway")
        database(store_file, "PRAGMA user_version = 1")
        clock.advance(60)
        assert len(await store.entries("space")) == 60
        assert store.problem is None

    async def test_a_database_of_another_program_is_left_alone(self, store: SqliteStore, store_file: Path) -> None:
        store_file.parent.mkdir()
        database(store_file, "CREATE TABLE theirs (x)")
        before = contents(store_file)
        await self.refused(store, "a database of another program")
        assert contents(store_file) == before

    async def test_a_folder_in_its_place_is_left_alone(self, store: SqliteStore, store_file: Path) -> None:
        kept = store_file / "kept"
        kept.mkdir(parents=True)
        await self.refused(store, "is no file")
        assert kept.is_dir()

    @posix
    async def test_a_pipe_in_its_place_holds_nobody_up(self, store: SqliteStore, store_file: Path) -> None:
        store_file.parent.mkdir()
        os.mkfifo(store_file)
        await self.refused(store, "is no file")

    async def test_a_file_in_place_of_its_folder_is_said(self, store: SqliteStore, store_file: Path) -> None:
        store_file.parent.touch()
        await self.refused(store, "can't be used")

    @posix
    async def test_a_folder_that_can_t_be_written_to_is_said_until_it_can(self, clock: FakeClock, later: float) -> None:
        with folder_for_all() as folder:
            folder.chmod(0o555)
            async with aclosing(SqliteStore(folder / "store.db", clock=clock)) as store:
                with nobody():
                    await self.refused(store, "can't be used")
                os.chown(folder, os.geteuid(), -1)
                folder.chmod(0o755)
                clock.advance(60)
                assert await works(store, later)
                assert store.problem is None

    @pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only the superuser gives files away")
    async def test_a_file_of_somebody_else_is_not_trusted(self, store: SqliteStore, store_file: Path) -> None:
        make(store_file)
        os.chown(store_file, NOBODY, -1)
        await self.refused(store, "belongs to somebody else")

    async def test_a_network_file_system_is_refused(
        self, store: SqliteStore, store_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root, folder = Path(store_file.anchor), store_file.parent
        disks = [SimpleNamespace(mountpoint=str(path), fstype=of) for path, of in ((root, "ext4"), (folder, "nfs4"))]
        monkeypatch.setattr(psutil, "disk_partitions", lambda **_: disks)
        await self.refused(store, "a network file system")
        assert not folder.exists()


class TestFullDisk:
    @posix
    def test_it_says_so_keeps_what_there_is_and_goes_on_when_there_is_room(self, store_file: Path) -> None:
        with processes.started("fill", str(store_file)) as filling:
            assert filling.stdout is not None
            count, error, problem = json.loads(filling.stdout.readline())
            assert 0 < count < 1000
            assert "can't be used" in error
            assert problem == error
            assert len(json.loads(filling.stdout.readline())) == count
            assert json.loads(filling.stdout.readline()) == [True, None]
            assert filling.wait() == 0


@posix
class TestPermissions:
    async def test_only_its_owner_may_read_any_of_its_files(
        self, store: SqliteStore, store_file: Path, later: float
    ) -> None:
        before = os.umask(0)
        try:
            await filled(store, later)
        finally:
            os.umask(before)
        modes = {file.name: oct(mode(file)) for file in store_file.parent.iterdir()}
        assert modes == dict.fromkeys(["store.db", "store.db-shm", "store.db-wal", "store.db.lock"], "0o600")
        assert mode(store_file.parent) == 0o700

    async def test_a_file_that_others_may_read_is_closed_to_them(
        self, store: SqliteStore, store_file: Path, later: float
    ) -> None:
        make(store_file, with_mode=0o644)
        assert await works(store, later)
        assert mode(store_file) == 0o600


class TestDisk:
    async def test_nothing_of_a_wiped_space_is_left_on_the_disk(
        self, store: SqliteStore, other: SqliteStore, store_file: Path, later: float
    ) -> None:
        for number in range(300):
            await store.put("answers", f"{number}", b"a thing that was said" * 100, expires_at=later)
        assert size(store_file) > 300_000
        await other.remove("answers")
        assert not any(b"a thing that was said" in file.read_bytes() for file in store_file.parent.iterdir())
        assert size(store_file) < 100_000

    async def test_its_log_stays_small(
        self, store: SqliteStore, other: SqliteStore, store_file: Path, later: float
    ) -> None:
        await other.get("space", "name")
        for _ in range(50):
            await filled(store, later)
        assert size(beside(store_file, "-wal")) < 2_000_000

    async def test_what_has_expired_is_deleted_by_and_by(
        self, store: SqliteStore, store_file: Path, clock: FakeClock
    ) -> None:
        for number in range(600):
            await store.put("figures", f"process {number}", bytes(500), expires_at=clock.time() + 1)
            clock.advance(1)
        with closing(sqlite3.connect(store_file)) as connection:
            assert connection.execute("SELECT count(*) FROM entry").fetchone()[0] < 500

    async def test_the_last_one_to_close_leaves_one_file(
        self, store_file: Path, clock: FakeClock, later: float
    ) -> None:
        store = SqliteStore(store_file, clock=clock)
        await filled(store, later)
        await store.aclose()
        assert sorted(file.name for file in store_file.parent.iterdir()) == ["store.db", "store.db.lock"]
