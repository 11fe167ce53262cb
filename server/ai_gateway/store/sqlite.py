"""A store in one SQLite file of this machine, for all the windows of one person; no server, no thread.

Every operation is one short statement that completes without suspending. It survives a process that is killed or
stopped in the middle, a file that is deleted or damaged, a folder that can't be written to; what it can't do then, it
says.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.store.base import Entry, StoreUnavailable
from ai_gateway.store.holder import has_ended, this_process
from ai_gateway.store.sqlite_file import Damaged, StoreFile, Unusable, is_damage

REST_SECONDS = 1.0
"""How long it is left alone after a failure, so that one that takes its time is met once and not at every query."""
SLICE = 100
"""How many values are deleted at once."""
SWEEP_EVERY = 256
"""After how many writes, of all processes, what has expired is deleted."""

GET = "SELECT value, version FROM entry WHERE space = ? AND name = ? AND expires_at > ?"
ENTRIES = """
    SELECT name, value, version FROM entry INDEXED BY entry_by_age WHERE space = ? AND expires_at > ?
    ORDER BY version DESC LIMIT ?
"""
PUT = """
    INSERT OR REPLACE INTO entry (space, name, value, size, expires_at)
    SELECT :space, :name, :value, :size, :expires_at
    WHERE :if_version IS NULL OR :if_version = coalesce(
        (SELECT version FROM entry WHERE space = :space AND name = :name AND expires_at > :now), 0)
"""
REMOVE = "DELETE FROM entry WHERE space = ? AND name = ? AND expires_at > ?"
COUNT = "SELECT count(*) FROM entry INDEXED BY entry_by_age WHERE space = ? AND expires_at > ?"
DELETE = "DELETE FROM entry WHERE version IN (SELECT version FROM entry INDEXED BY entry_by_age WHERE {which} LIMIT ?)"
DELETE_EXPIRED = DELETE.format(which="expires_at <= ?")
DELETE_SPACE = DELETE.format(which="space = ?")
DELETE_OLD = DELETE.format(which="space = ? AND version <= ?")
NEWEST_BEYOND = """
    SELECT version FROM (
        SELECT version, sum(size) OVER newest_first AS bytes, row_number() OVER newest_first AS entries
        FROM entry INDEXED BY entry_by_age WHERE space = ? WINDOW newest_first AS (ORDER BY version DESC)
    ) WHERE bytes > ? OR entries > ? LIMIT 1
"""
NO_LIMIT = 2**62

FAILURES = (sqlite3.Error, OSError, Unusable, Damaged)

T = TypeVar("T")


@dataclass(slots=True)
class _Rest:
    until: float = 0.0
    problem: str | None = None


class SqliteStore:
    """A `Store` in a file.

    Nothing is opened before the first use. Operations wait for another process up to 50 ms; removing a space and
    `keep_within` go in slices and let others run between them. News is told from other connections' writes, so also
    from those of another `SqliteStore` of this process.

    Args:
        path: The file; readable for its owner only, in a folder that is made so.
        clock: The time.
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._file = StoreFile(path)
        self._connection: sqlite3.Connection | None = None
        self._seen: int | None = None
        self._rest, self._rest_of_writes = _Rest(), _Rest()

    @property
    def holder(self) -> str:
        """This process: pid, start, machine."""
        return this_process()

    @property
    def problem(self) -> str | None:
        """Why it can't be used or written to, else what was set aside."""
        return self._rest.problem or self._rest_of_writes.problem or self._file.notice

    async def get(self, space: str, name: str) -> Entry | None:
        """Give what is kept under a name."""
        return self._read(lambda database: _entry(database.execute(GET, (space, name, self._clock.time())).fetchone()))

    async def entries(self, space: str, *, newest: int | None = None) -> Mapping[str, Entry]:
        """Give a whole space, the latest written first."""
        limit = -1 if newest is None else newest
        return self._read(lambda database: _named(database.execute(ENTRIES, (space, self._clock.time(), limit))))

    async def put(
        self, space: str, name: str, value: bytes, *, expires_at: float, if_version: int | None = None
    ) -> int | None:
        """Keep a value; None: something else is there."""
        now = self._clock.time()
        row = {"space": space, "name": name, "value": value, "size": len(value), "expires_at": expires_at}
        version = self._write(lambda database: _put(database, {**row, "if_version": if_version, "now": now}))
        if version is not None and version % SWEEP_EVERY == 0:
            with suppress(StoreUnavailable):  # the value is kept, and that was all that was asked
                self._write(lambda database: database.execute(DELETE_EXPIRED, (now, SLICE)))
        return version

    async def remove(self, space: str, name: str | None = None) -> int:
        """Forget one name or a whole space, and with a space whatever was set aside as damaged."""
        now = self._clock.time()
        if name is not None:
            return self._write(lambda database: database.execute(REMOVE, (space, name, now)).rowcount)
        (count,) = self._read(lambda database: database.execute(COUNT, (space, now)).fetchone())
        await self._delete_all(DELETE_SPACE, space)
        await self._sliced(_pages_given_back)
        self._write(self._wipe)
        return int(count)

    async def keep_within(self, space: str, *, max_bytes: int | None = None, max_entries: int | None = None) -> None:
        """Forget what has expired, in any space, and what was written longest ago in this one."""
        await self._delete_all(DELETE_EXPIRED, self._clock.time())
        limits = (NO_LIMIT if max_bytes is None else max_bytes, NO_LIMIT if max_entries is None else max_entries)
        newest = self._read(lambda database: database.execute(NEWEST_BEYOND, (space, *limits)).fetchone())
        if newest is not None:
            await self._delete_all(DELETE_OLD, space, *newest)

    def has_news(self) -> bool:
        """Whether another connection has written since this was last asked.

        Where the file was deleted or replaced is noticed by whatever reads or writes next: to look for it each time
        would take as long again.
        """
        if self._clock.monotonic() < self._rest.until:
            return False
        if self._connection is None:
            return True
        try:
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:  # whoever reads now will find out why
            return True
        before, self._seen = self._seen, version
        return bool(before != version)

    def is_gone(self, holder: str) -> bool:
        """Whether a process of this machine has ended; some 70 microseconds."""
        return has_ended(holder)

    async def aclose(self) -> None:
        """Close the file; the last process that does so folds its log into it."""
        self._close()
        self._rest = _Rest(until=float("inf"), problem="the store is closed")

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return self._use(work, self._rest)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return self._use(work, self._rest_of_writes)

    def _use(self, work: Callable[[sqlite3.Connection], T], rest: _Rest) -> T:
        """Do it, once more on a new file if this one is damaged; a failure to write leaves reading as it is."""
        self._refuse_while_resting(self._rest, rest)
        try:
            result = self._done_on_sound_file(work)
        except FAILURES as error:
            raise self._unavailable(error, self._rest if self._connection is None else rest) from error
        self._rest.problem = rest.problem = None
        return result

    def _done_on_sound_file(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._opened())
        except FAILURES as error:
            if self._connection is None or not is_damage(error):
                raise
        self._close()
        self._connection = self._file.open(self._first_version(), after_damage=True)
        return work(self._connection)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and not self._file.is_there:  # deleted or replaced: others use another by now
            self._close()
        if self._connection is None:
            self._connection = self._file.open(self._first_version())
        return self._connection

    def _first_version(self) -> int:
        """Give a version that no earlier file has reached: a millisecond is less than a write takes."""
        return int(self._clock.time() * 1000)

    def _refuse_while_resting(self, *rests: _Rest) -> None:
        now = self._clock.monotonic()
        for rest in rests:
            if now < rest.until:
                raise StoreUnavailable(rest.problem)

    def _unavailable(self, error: Exception, rest: _Rest) -> StoreUnavailable:
        if rest is self._rest:
            self._close()
        rest.until = self._clock.monotonic() + REST_SECONDS
        rest.problem = self._file.explain(error)
        return StoreUnavailable(rest.problem)

    def _close(self) -> None:
        self._seen = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _delete_all(self, statement: str, *which: object) -> None:
        await self._sliced(lambda database: database.execute(statement, (*which, SLICE)).rowcount)

    async def _sliced(self, work: Callable[[sqlite3.Connection], int]) -> None:
        """Repeat it until nothing was left to do: a large space takes longer at once than the loop may wait."""
        is_left = True
        while is_left:
            is_left = self._write(work) > 0
            await asyncio.sleep(0)

    def _wipe(self, database: sqlite3.Connection) -> None:
        """Leave nothing of what was deleted in the log or in a damaged file."""
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._file.forget_damaged()


def _put(database: sqlite3.Connection, row: Mapping[str, object]) -> int | None:
    cursor = database.execute(PUT, row)
    return cursor.lastrowid if cursor.rowcount == 1 else None


def _pages_given_back(database: sqlite3.Connection) -> int:
    (before,) = database.execute("PRAGMA freelist_count").fetchone()
    database.executescript(f"PRAGMA incremental_vacuum({SLICE})")  # `execute` would stop after one page
    (after,) = database.execute("PRAGMA freelist_count").fetchone()
    return int(before - after)


def _named(rows: Iterable[tuple[object, object, object]]) -> dict[str, Entry]:
    found = {}
    for name, *row in rows:
        entry = _entry(row)
        if not isinstance(name, str) or entry is None:
            raise Damaged("a name that is no text")
        found[name] = entry
    return found


def _entry(row: Sequence[object] | None) -> Entry | None:
    if row is None:
        return None
    value, version = row
    if not isinstance(value, bytes) or not isinstance(version, int):
        raise Damaged("a value that is no bytes")
    return Entry(value, version)
