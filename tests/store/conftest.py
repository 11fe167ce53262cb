"""The two kinds of store, each at a place where several can be opened."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from ai_gateway.store.base import Store
from ai_gateway.store.sqlite import SqliteStore
from store.redis_server import REDIS_SERVER, WHY_SKIPPED, RedisServer, running_redis
from support.fake_clock import FakeClock

OpenStore = Callable[[], Store]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(time=time.time())  # a Redis server deletes by its own clock what has expired


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    if REDIS_SERVER is None:
        pytest.skip(WHY_SKIPPED)
    with running_redis() as server:
        yield server


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.db"


@pytest.fixture(params=["sqlite", "redis"])
def address(request: pytest.FixtureRequest, store_file: Path) -> tuple[str, str]:
    """What `store.processes.opened` takes: a file, or a URL and a prefix."""
    if request.param == "sqlite":
        return str(store_file), ""
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.url, f"test-{uuid4()}:"


@pytest.fixture
async def open_store(address: tuple[str, str], clock: FakeClock) -> AsyncIterator[OpenStore]:
    """Opens one more store at the same place."""
    stores: list[Store] = []

    def opened() -> Store:
        place, prefix = address
        if not prefix:
            stores.append(SqliteStore(Path(place), clock=clock))
        else:
            from ai_gateway.store.redis_store import RedisStore  # noqa: PLC0415 - the package may not be installed

            stores.append(RedisStore(place, prefix=prefix, clock=clock))
        return stores[-1]

    yield opened
    for store in stores:
        await store.aclose()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture
def other(open_store: OpenStore) -> Store:
    return open_store()
