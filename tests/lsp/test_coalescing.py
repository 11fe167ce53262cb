"""Few messages, and nobody waits: decided on a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from ai_gateway.lsp.coalescing import FLUSH_CHARACTERS, FLUSH_EVERY_SECONDS, Coalescer
from ai_gateway.lsp.server import GatewayServer
from ai_gateway.lsp.streaming import followed
from ai_gateway.messages.params import QueryParams
from ai_gateway.model import Backend, Delta, Event, Reset, Started


@dataclass
class Timer:
    when: float
    call: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class StandingLoop:
    """As much of an event loop as a coalescer needs."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(when, call))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer.when <= self.now and not timer.is_cancelled]
        self.timers = [timer for timer in self.timers if timer not in due]
        for timer in due:
            timer.call()


@pytest.fixture
def loop() -> StandingLoop:
    return StandingLoop()


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest.fixture
def coalescer(loop: StandingLoop, sent: list[str]) -> Coalescer:
    return Coalescer(sent.append, cast("asyncio.AbstractEventLoop", loop))


def test_the_first_text_is_sent_at_once_and_the_next_ones_together_a_frame_later(
    coalescer: Coalescer, loop: StandingLoop, sent: list[str]
) -> None:
    for text in "abc":
        coalescer.add(text)
    assert sent == ["a"]
    loop.advance(FLUSH_EVERY_SECONDS)
    assert sent == ["a", "bc"]
    assert loop.timers == []


def test_text_that_comes_slowly_is_sent_as_it_comes(coalescer: Coalescer, loop: StandingLoop, sent: list[str]) -> None:
    for text in "abc":
        coalescer.add(text)
        loop.advance(FLUSH_EVERY_SECONDS)
    assert sent == ["a", "b", "c"]


def test_much_text_is_not_held_back(coalescer: Coalescer, sent: list[str]) -> None:
    coalescer.add("a")
    coalescer.add("b" * (FLUSH_CHARACTERS - 1))
    coalescer.add("c")
    assert [len(text) for text in sent] == [1, FLUSH_CHARACTERS]


def test_a_flush_sends_what_waits_once_and_empty_text_never(
    coalescer: Coalescer, loop: StandingLoop, sent: list[str]
) -> None:
    coalescer.add("a")
    coalescer.add("b")
    coalescer.flush()
    coalescer.flush()
    loop.advance(1)
    assert sent == ["a", "b"]


def test_what_is_discarded_is_never_sent(coalescer: Coalescer, loop: StandingLoop, sent: list[str]) -> None:
    coalescer.add("a")
    coalescer.add("b")
    coalescer.discard()
    loop.advance(1)
    assert sent == ["a"]


class Listening:
    """As much of a server as an answer needs that is told while it comes in."""

    def __init__(self) -> None:
        self.values: list[dict[str, Any]] = []
        self.protocol = self.outbox = self.progress = self
        self.tokens: dict[object, object] = {}

    def notify(self, _method: str, params: dict[str, Any]) -> None:
        self.values.append(params["value"])

    async def drained(self) -> None:
        return


async def test_text_that_was_taken_back_is_not_sent_afterwards() -> None:
    async def events() -> AsyncGenerator[Event, None]:
        yield Started("one", Backend.CLOUD, None)
        for _ in range(100):
            yield Delta("x")
        yield Reset("stream_broken")
        yield Started("two", Backend.LOCAL, None)
        yield Delta("y")
        yield Delta("y" * FLUSH_CHARACTERS)
        raise ConnectionResetError

    server = Listening()
    params = QueryParams.parse({"prompt": "hello", "partialResultToken": 1})
    with pytest.raises(ConnectionResetError):
        await followed(cast("GatewayServer", server), events(), params)
    kinds = [value["kind"] for value in server.values]
    after = server.values[kinds.index("reset") :]
    assert set("".join(value.get("text", "") for value in after)) == {"y"}


async def test_nothing_is_kept_of_a_token_once_its_work_is_done() -> None:
    async def events() -> AsyncGenerator[Event, None]:
        assert server.tokens == {"work": asyncio.current_task()}
        yield Started("one", Backend.CLOUD, None)
        raise ConnectionResetError

    server = Listening()
    params = QueryParams.parse({"prompt": "hello", "workDoneToken": "work"})
    with pytest.raises(ConnectionResetError):
        await followed(cast("GatewayServer", server), events(), params)
    assert server.tokens == {}
    assert [value["kind"] for value in server.values] == ["begin", "report", "end"]
