"""A store on a Redis server, for a team that shares one account; needs the extra `redis`.

Each operation is one round trip, and one step of the server. News comes by its publish and subscribe, so that asking
for it costs nothing. A server that is away is noticed within `ANSWER_SECONDS`, and found again by itself.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from typing import cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.store.base import Entry, StoreUnavailable
from ai_gateway.store.holder import has_ended, this_process
from ai_gateway.store.redis_scripts import ENTRIES, GET, KEEP_WITHIN, PUT, REMOVE

ANSWER_SECONDS = 0.2
"""How long an operation may take, with connecting."""
REST_SECONDS = 1.0
"""How long the server is left alone after a failure."""
MAX_EXPIRES_MS = 2**48
"""Some thousand years: what Redis takes as a time, for what never expires."""

FAILURES = (RedisError, OSError, TimeoutError, ValueError)
"""What redis-py raises; `ValueError` where what answers is no Redis server."""
REASONS = {
    "AuthenticationError": "it refuses the user or password of its URL",
    "NoPermissionError": "it does not let its user do this",
    "ReadOnlyError": "it is a replica that can't be written to",
    "OutOfMemoryError": "its memory is full",
    "TimeoutError": "it did not answer in time",
    "ConnectionError": "it can't be reached",
    "OSError": "it can't be reached",
    "InvalidResponse": "it is no Redis server",
    "ValueError": "it is no Redis server",
}
"""By the name of an error or of its nearest base."""

UNTIL_THEN = "what is learnt stays in this process until it can"

Argument = str | bytes | float


class RedisStore:
    """A `Store` on a Redis server.

    Nothing is opened before the first use, which has to be within an event loop. An operation that is given up after a
    time may have been done all the same. Of a process on another machine nobody can know here whether it has ended, so
    that its leases last until they expire; `is_gone` knows it of this machine's.

    Args:
        url: `redis://`, `rediss://` (TLS) or `unix://`, as redis-py reads it, the password percent-encoded. It may hold
            a password, and is in no text.
        prefix: What all keys and the channel begin with; stores with another prefix are other stores.
        clock: The time. What expires goes by it, and is deleted by the server's own.
    """

    def __init__(self, url: str, *, prefix: str = "ai-gateway:", clock: Clock = SYSTEM_CLOCK) -> None:
        self._prefix = prefix
        self._clock = clock
        self._me = secrets.token_bytes(8)
        self._rest_until = 0.0
        self._problem: str | None = None
        self._listener: asyncio.Task[None] | None = None
        self._listens_from = 0.0
        self._is_listening = self._is_news = False
        self._client = _client(url)
        if self._client is not None:
            self._address = urlsplit(url).hostname or "this machine"
        else:
            self._rest_until = math.inf
            self._problem = "`redis_url` is not the URL of a Redis server; its password has to be percent-encoded"

    @property
    def holder(self) -> str:
        """This process: pid, start, machine."""
        return this_process()

    @property
    def problem(self) -> str | None:
        """Why the server can't be used."""
        return self._problem

    async def get(self, space: str, name: str) -> Entry | None:
        """Give what is kept under a name."""
        found = await self._ask(GET, [self._prefix_in(space) + name], [self._clock.time()])
        if found is None:
            return None
        value, version = cast(tuple[bytes, bytes], found)
        return Entry(value, int(version))

    async def entries(self, space: str, *, newest: int | None = None) -> Mapping[str, Entry]:
        """Give a whole space, the latest written first."""
        limit = -1 if newest is None else newest
        found = await self._ask(ENTRIES, [self._index(space)], [self._prefix_in(space), limit, self._clock.time()])
        rows = cast(list[tuple[bytes, bytes, bytes]], found)
        return {name.decode(): Entry(value, int(version)) for name, value, version in rows}

    async def put(
        self, space: str, name: str, value: bytes, *, expires_at: float, if_version: int | None = None
    ) -> int | None:
        """Keep a value; None: something else is there."""
        keys = [self._prefix_in(space) + name, self._index(space), f"{self._prefix}version"]
        expires_ms = int(min(expires_at * 1000, MAX_EXPIRES_MS))
        condition = "" if if_version is None else if_version
        times: list[Argument] = [expires_at, expires_ms, condition, self._clock.time()]
        version = await self._ask(PUT, keys, [name, value, *times, self._channel, self._me])
        return None if version is None else int(cast(bytes, version))

    async def remove(self, space: str, name: str | None = None) -> int:
        """Forget one name or a whole space."""
        names = [] if name is None else [name]
        row: list[Argument] = [self._prefix_in(space), self._clock.time(), self._channel, self._me, *names]
        return cast(int, await self._ask(REMOVE, [self._index(space)], row))

    async def keep_within(self, space: str, *, max_bytes: int | None = None, max_entries: int | None = None) -> None:
        """Forget what has expired in this space, and what was written longest ago."""
        limits = [math.inf if limit is None else limit for limit in (max_bytes, max_entries)]
        await self._ask(KEEP_WITHIN, [self._index(space)], [self._prefix_in(space), self._clock.time(), *limits])

    def has_news(self) -> bool:
        """Whether another instance said that it has written; always, as long as it could not be heard."""
        if self._clock.monotonic() < self._rest_until:
            return False
        is_news, self._is_news = self._is_news or not self._is_listening, False
        return is_news

    def is_gone(self, holder: str) -> bool:
        """Whether a process of this machine has ended; some 70 microseconds."""
        return has_ended(holder)

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        self._problem = "the store is closed"
        self._rest_until = math.inf
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener], timeout=ANSWER_SECONDS)
        if client is not None:
            with suppress(*FAILURES):  # then the server was away, and the connections are closed all the same
                await client.aclose()

    def _prefix_in(self, space: str) -> str:
        return f"{self._prefix}entry:{space}:"

    def _index(self, space: str) -> str:
        return f"{self._prefix}index:{space}"

    @property
    def _channel(self) -> str:
        return f"{self._prefix}news"

    async def _ask(self, script: str, keys: list[str], arguments: Sequence[Argument]) -> object:
        client = self._client
        if client is None or self._clock.monotonic() < self._rest_until:
            raise StoreUnavailable(self._problem)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer: object = await client.register_script(script)(keys, arguments)
        except FAILURES as error:
            raise self._unavailable(error) from None  # redis-py's texts may quote what was sent
        self._problem = None
        self._listen(client)
        return answer

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        self._problem = f"the Redis server on {self._address} can't be used ({_reason(error)}); {UNTIL_THEN}"
        self._rest_until = self._clock.monotonic() + REST_SECONDS
        if self._listener is not None:
            self._listener.cancel()  # its connection may have ended without a word
        return StoreUnavailable(self._problem)

    def _listen(self, client: Redis) -> None:
        if self._listener is None or (self._listener.done() and self._clock.monotonic() >= self._listens_from):
            self._listener = asyncio.create_task(self._hear(client), name="news of the store")

    async def _hear(self, client: Redis) -> None:
        """Note that others have written, until the connection ends."""
        try:
            async with aclosing(client.pubsub()) as channel:
                await channel.subscribe(self._channel)
                while True:
                    self._note(await channel.get_message(timeout=None))
        except FAILURES:  # an operation that fails as well says so; until it is heard again, everything may be news
            self._listens_from = self._clock.monotonic() + REST_SECONDS
        finally:
            self._is_listening = False

    def _note(self, message: Mapping[str, object] | None) -> None:
        if message is not None:
            self._is_listening = True
            self._is_news |= message["data"] != self._me


def _reason(error: Exception) -> str:
    kinds = *type(error.__cause__).__mro__, *type(error).__mro__  # redis-py wraps a refusal in a `ConnectionError`
    return next((REASONS[kind.__name__] for kind in kinds if kind.__name__ in REASONS), "it refuses what is asked")


def _client(url: str) -> Redis | None:
    try:
        if "@" in urlsplit(url).path:  # a password with a slash in it: what stands before would be shown as the host
            return None
        client = Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=None,  # it would use `asyncio.wait_for`, which loses cancellations before Python 3.12
        )
        client.connection_pool.make_connection()  # type: ignore[no-untyped-call] # redis-py's own; checks the rest of it
    except (ValueError, TypeError, RedisError):
        return None
    return client
