"""A Redis server that is away, stands still, refuses, forgets or is none: it is said at once, and things go on."""

from __future__ import annotations

import asyncio
import signal
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from ai_gateway.store.base import Entry, StoreUnavailable
from store.redis_server import REDIS_SERVER, WHY_SKIPPED, RedisServer, running_redis
from support.conditions import until
from support.fake_clock import FakeClock

pytest.importorskip("redis")

from redis.asyncio import Redis

from ai_gateway.store.redis_store import RedisStore

pytestmark = pytest.mark.skipif(REDIS_SERVER is None, reason=WHY_SKIPPED)

HANG_SECONDS = 5.0
PASSWORD = "s3cret-p4ssw0rd"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """One that no other test uses."""
    with running_redis() as server:
        yield server


@pytest.fixture
async def opened(clock: FakeClock) -> AsyncIterator[Callable[[str], RedisStore]]:
    stores: list[RedisStore] = []

    def open_store(url: str) -> RedisStore:
        stores.append(RedisStore(url, clock=clock))
        return stores[-1]

    yield open_store
    for store in stores:
        await store.aclose()


@pytest.fixture
def later(clock: FakeClock) -> float:
    return clock.time() + 3600


@pytest.fixture
async def judge(server: RedisServer) -> AsyncIterator[Redis]:
    """Redis's own client, to see what the server has."""
    client = Redis.from_url(server.url)
    yield client
    await client.aclose()


async def heard(store: RedisStore) -> None:
    """Wait until it hears the others."""
    await store.get("any", "any")
    await until(lambda: not store.has_news())


async def failure(store: RedisStore) -> str:
    """Use it in vain; give all that is said about that."""
    started = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        await store.get("space", "name")
    assert time.monotonic() - started < HANG_SECONDS
    assert store.problem == str(caught.value)
    assert not store.has_news()
    return "".join(traceback.format_exception(caught.value))


class TestAway:
    async def test_a_server_that_is_away_is_said_until_it_is_back(
        self, server: RedisServer, opened: Callable[[str], RedisStore], clock: FakeClock, later: float
    ) -> None:
        server.stop()
        store = opened(server.url)
        assert "it can't be reached" in await failure(store)
        server.start()
        clock.advance(60)
        assert await store.put("space", "name", b"value", expires_at=later) is not None
        assert store.problem is None

    async def test_after_a_failure_it_is_left_alone_for_a_while(
        self, server: RedisServer, opened: Callable[[str], RedisStore], clock: FakeClock
    ) -> None:
        server.stop()
        store = opened(server.url)
        await failure(store)
        server.start()
        assert "it can't be reached" in await failure(store)
        clock.advance(60)
        assert await store.get("space", "name") is None

    async def test_a_server_that_was_started_anew_is_found_and_listened_to_again(
        self, server: RedisServer, opened: Callable[[str], RedisStore], clock: FakeClock, later: float
    ) -> None:
        store, other = opened(server.url), opened(server.url)
        await heard(store)
        server.stop()
        await failure(store)
        server.start()
        clock.advance(60)
        await store.get("space", "name")
        assert store.has_news()  # nobody knows what others have written meanwhile
        await heard(store)
        await other.put("space", "name", b"", expires_at=later)
        await until(store.has_news)

    async def test_one_that_ends_while_nothing_is_asked_may_have_news(
        self, server: RedisServer, opened: Callable[[str], RedisStore]
    ) -> None:
        store = opened(server.url)
        await heard(store)
        server.stop()
        await until(store.has_news)

    async def test_a_server_that_stands_still_holds_nobody_up_and_mixes_nothing_up(
        self, server: RedisServer, opened: Callable[[str], RedisStore], clock: FakeClock, later: float
    ) -> None:
        store = opened(server.url)
        versions = [await store.put("space", f"{number}", b"%d" % number, expires_at=later) for number in range(20)]
        server.signal(signal.SIGSTOP)
        for number in range(3):
            started = time.monotonic()
            with pytest.raises(StoreUnavailable, match="did not answer in time"):
                await store.get("space", f"{number}")
            assert time.monotonic() - started < HANG_SECONDS
            clock.advance(60)
        server.signal(signal.SIGCONT)
        for number, version in enumerate(versions):
            assert version is not None
            assert await store.get("space", f"{number}") == Entry(b"%d" % number, version)

    async def test_it_can_be_closed_while_the_server_stands_still(
        self, server: RedisServer, opened: Callable[[str], RedisStore]
    ) -> None:
        store = opened(server.url)
        await heard(store)
        server.signal(signal.SIGSTOP)
        async with asyncio.timeout(HANG_SECONDS):
            await store.aclose()

    async def test_an_operation_that_is_cancelled_leaves_the_next_one_its_own_answer(
        self, server: RedisServer, opened: Callable[[str], RedisStore], later: float
    ) -> None:
        store = opened(server.url)
        for number in range(30):
            await store.put("space", f"{number}", b"%d" % number, expires_at=later)
        for number in range(30):
            asking = asyncio.create_task(store.get("space", f"{number}"))
            for _ in range(number % 10):
                await asyncio.sleep(0)
            asking.cancel()
            found = await store.get("space", f"{29 - number}")
            assert found is not None
            assert found.value == b"%d" % (29 - number)


class TestRefused:
    async def test_a_wrong_password_is_said_and_not_shown(self, opened: Callable[[str], RedisStore]) -> None:
        with running_redis("--requirepass", PASSWORD) as server:
            said = await failure(opened(f"unix://:wrong-{PASSWORD}@{server.socket}"))
            assert "it refuses the user or password" in said
            assert PASSWORD not in said
            assert "it refuses the user or password" in await failure(opened(server.url))
            assert await opened(f"unix://:{PASSWORD}@{server.socket}").get("space", "name") is None

    async def test_who_may_not_listen_has_to_look_each_time(
        self, server: RedisServer, judge: Redis, opened: Callable[[str], RedisStore]
    ) -> None:
        await judge.acl_setuser(
            "deaf",
            enabled=True,
            passwords=[f"+{PASSWORD}"],
            keys=["*"],
            channels=["*"],
            categories=["+@all"],
            commands=["-subscribe"],
        )
        store = opened(f"unix://deaf:{PASSWORD}@{server.socket}")
        for _ in range(50):
            await store.get("space", "name")
            assert store.has_news()
        assert store.problem is None

    @pytest.mark.parametrize(
        "url",
        [
            f"http://:{PASSWORD}@localhost:1", f"localhost/{PASSWORD}", f"redis://:{PASSWORD}/x@localhost",
            f"redis://user:1/{PASSWORD}@localhost", f"redis://localhost:{PASSWORD}", f"redis://localhost?no={PASSWORD}",
            f"redis://localhost?max_connections={PASSWORD}", f"redis://[{PASSWORD}", "",
        ],
    )  # fmt: skip
    async def test_what_is_no_url_is_said_and_not_shown(self, opened: Callable[[str], RedisStore], url: str) -> None:
        said = await failure(opened(url))
        assert "`redis_url` is not the URL of a Redis server" in said
        assert PASSWORD not in said

    @pytest.mark.parametrize(
        "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$x\r\n", b"*1\r\n:y\r\n", b"\xff" * 99, b""]
    )
    async def test_what_is_no_redis_server_is_said(self, opened: Callable[[str], RedisStore], answer: bytes) -> None:
        async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(answer)
            writer.close()

        async with await asyncio.start_server(reply, "127.0.0.1", 0) as listener:
            port = listener.sockets[0].getsockname()[1]
            said = await failure(opened(f"redis://:{PASSWORD}@127.0.0.1:{port}/0"))
        assert "the Redis server on 127.0.0.1 can't be used" in said
        assert PASSWORD not in said


class TestOnTheServer:
    async def test_nothing_outlives_its_time_there(
        self, server: RedisServer, judge: Redis, opened: Callable[[str], RedisStore], later: float
    ) -> None:
        await opened(server.url).put("space", "name", b"value", expires_at=later)
        assert await judge.pexpiretime("ai-gateway:entry:space:name") == int(later * 1000)

    async def test_versions_go_on_after_the_server_forgot_everything(
        self, server: RedisServer, judge: Redis, opened: Callable[[str], RedisStore], later: float
    ) -> None:
        store = opened(server.url)
        before = await store.put("space", "name", b"", expires_at=later)
        await judge.flushall()
        assert await store.put("space", "name", b"", expires_at=later, if_version=before) is None
        after = await store.put("space", "name", b"", expires_at=later, if_version=0)
        assert before is not None
        assert after is not None
        assert after > before

    async def test_another_prefix_is_another_store(
        self, server: RedisServer, opened: Callable[[str], RedisStore], clock: FakeClock, later: float
    ) -> None:
        store, other = opened(server.url), RedisStore(server.url, prefix="other:", clock=clock)
        await store.put("space", "name", b"", expires_at=later)
        assert await other.get("space", "name") is None
        assert await other.remove("space") == 0
        assert await store.get("space", "name") is not None
        await other.aclose()

    async def test_what_the_server_let_go_is_cleared_away(
        self, server: RedisServer, judge: Redis, opened: Callable[[str], RedisStore], later: float
    ) -> None:
        store = opened(server.url)
        await store.put("space", "one", b"", expires_at=later)
        await store.put("space", "two", b"", expires_at=later)
        await judge.delete("ai-gateway:entry:space:one")
        assert [*await store.entries("space")] == ["two"]
        assert await judge.zcard("ai-gateway:index:space") == 1
        await store.remove("space")
        assert await judge.keys("ai-gateway:*") == [b"ai-gateway:version"]

    async def test_a_closed_store_leaves_no_connection(
        self, server: RedisServer, judge: Redis, opened: Callable[[str], RedisStore]
    ) -> None:
        store = opened(server.url)
        await heard(store)
        assert len(await judge.client_list()) > 1
        await store.aclose()
        async with asyncio.timeout(HANG_SECONDS):
            while len(await judge.client_list()) > 1:
                pass
