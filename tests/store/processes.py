"""What other processes do to a store: write without end, race for leases, hold the write lock, fill the disk.

Run as `python processes.py <what> <place> <prefix>`; each says on standard output when it has begun.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ai_gateway.clock import SystemClock
from ai_gateway.store.base import Store, StoreUnavailable
from ai_gateway.store.sqlite import SqliteStore

ROUNDS = 60
LARGE = 20_000
DISK_BYTES = 200_000


class RestlessClock(SystemClock):
    """Hours pass between two looks at it, so that a store never rests."""

    def __init__(self) -> None:
        self._looks = 0

    def monotonic(self) -> float:
        self._looks += 1
        return self._looks * 3600.0


def opened(place: str, prefix: str) -> Store:
    if not prefix:
        return SqliteStore(Path(place), clock=RestlessClock())
    from ai_gateway.store.redis_store import RedisStore  # noqa: PLC0415 - the package may not be installed

    return RedisStore(place, prefix=prefix, clock=RestlessClock())


@contextmanager
def started(what: str, place: str, prefix: str = "") -> Iterator[subprocess.Popen[str]]:
    """Start such a process, wait until it has begun, and end it."""
    command = [sys.executable, __file__, what, place, prefix]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            yield process
        finally:
            process.kill()


def say(what: object) -> None:
    print(what if isinstance(what, str) else json.dumps(what), flush=True)


async def race(store: Store) -> None:
    """Open the store when a line came in, and take every lease that nobody else has; say which ones."""
    say("begun")
    sys.stdin.readline()
    say([number for number in range(ROUNDS) if await is_taken(store, number)])
    await store.aclose()


async def is_taken(store: Store, number: int) -> bool:
    while True:
        try:
            version = await store.put(
                "leases", f"{number}", store.holder.encode(), expires_at=time.time() + 3600, if_version=0
            )
        except StoreUnavailable:  # the others were quicker fifty milliseconds long
            continue
        return version is not None


async def write(store: Store) -> None:
    """Write large values without end, each of one byte repeated."""
    number = 0
    while True:
        for name in ("one", "two", f"{number % 50}"):
            with suppress(StoreUnavailable):  # somebody else was busy with it fifty milliseconds long
                await store.put("numbers", name, bytes([number % 256]) * LARGE, expires_at=time.time() + 3600)
        if number == 10:
            say("begun")
            say(store.holder)
        number += 1


async def idle(store: Store) -> None:
    """Have it open with something in its log, and look into it again when a line came in."""
    for number in range(30):
        await store.put("numbers", f"{number}", bytes(LARGE), expires_at=time.time() + 3600)
    say("begun")
    sys.stdin.readline()
    say([*await store.entries("after")])
    await store.aclose()


def lock(place: str) -> None:
    """Hold the write lock."""
    database = sqlite3.connect(place, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    say("begun")
    sys.stdin.readline()


async def fill(store: Store) -> None:
    """Write until the disk takes no more; say what is then."""
    import resource  # noqa: PLC0415 - Windows has none

    resource.setrlimit(resource.RLIMIT_FSIZE, (DISK_BYTES, resource.RLIM_INFINITY))
    say("begun")
    count = 0
    try:
        while count < 1000:
            await store.put("numbers", f"{count}", bytes(LARGE), expires_at=time.time() + 3600)
            count += 1
    except StoreUnavailable as error:
        say([count, str(error), store.problem])
    say([name for name in await store.entries("numbers") if int(name) < count])
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    say([await store.put("numbers", "last", b"", expires_at=time.time() + 3600) is not None, store.problem])
    await store.aclose()


if __name__ == "__main__":
    _, what, place, prefix = sys.argv
    if what == "lock":
        lock(place)
    else:
        asyncio.run({"race": race, "write": write, "idle": idle, "fill": fill}[what](opened(place, prefix)))
