"""Reading and writing descriptors without holding up the event loop."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ai_gateway.lsp.framing import frame
from ai_gateway.lsp.outbox import CONGESTED_BYTES, FULL_BYTES
from ai_gateway.lsp.stdio_in import CHUNKS_AHEAD, READ_BYTES, LoopReader, Reader, ThreadReader, reader_for
from ai_gateway.lsp.stdio_out import PipeOutbox
from support.rpc import HANG_SECONDS

MEGABYTE = 1024 * 1024

READERS = [ThreadReader] if sys.platform == "win32" else [LoopReader, ThreadReader]


class Room:
    """An outbox that is as full as a test wants it."""

    def __init__(self) -> None:
        self.unsent_bytes = 0
        self.pauses = asyncio.Semaphore(0)
        """Released for each chunk after which its reader waits."""
        self._has_room = asyncio.Event()

    def send(self, body: bytes) -> None:
        raise AssertionError(body)

    async def drained(self) -> None:
        self.pauses.release()
        await self._has_room.wait()

    async def aclose(self) -> None:
        return

    def fill(self) -> None:
        self.unsent_bytes = FULL_BYTES + 1

    def empty(self) -> None:
        self.unsent_bytes = 0
        self._has_room.set()


class Pipe:
    """A pipe with a reader on one end."""

    def __init__(self, kind: type[Reader]) -> None:
        self.source, self.sink = os.pipe()
        self.room = Room()
        self.received = bytearray()
        self.ended = asyncio.Event()
        self.hung_up = threading.Event()
        kind(self.source, self.received.extend, self.room, on_hangup=self.hung_up.set, on_end=self.ended.set).start()

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(_write, self.sink, data)

    async def end(self) -> None:
        os.close(self.sink)
        async with asyncio.timeout(HANG_SECONDS):
            await self.ended.wait()
            assert await asyncio.to_thread(self.hung_up.wait, HANG_SECONDS)
        os.close(self.source)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@pytest.mark.parametrize("kind", READERS)
async def test_all_that_was_sent_is_delivered_before_the_end_is_told(kind: type[Reader]) -> None:
    pipe, data = Pipe(kind), os.urandom(3 * MEGABYTE)
    await pipe.write(data)
    await pipe.end()
    assert bytes(pipe.received) == data


@pytest.mark.parametrize("kind", READERS)
async def test_nothing_more_is_read_while_the_replies_are_not(kind: type[Reader]) -> None:
    pipe = Pipe(kind)
    pipe.room.fill()
    writing = asyncio.ensure_future(pipe.write(bytes(20 * MEGABYTE)))
    chunks_ahead = 1 if kind is LoopReader else CHUNKS_AHEAD
    async with asyncio.timeout(HANG_SECONDS):
        for _ in range(chunks_ahead):
            await pipe.room.pauses.acquire()
    assert not writing.done()
    assert len(pipe.received) <= chunks_ahead * READ_BYTES
    pipe.room.empty()
    await writing
    await pipe.end()
    assert len(pipe.received) == 20 * MEGABYTE


@pytest.mark.skipif(sys.platform == "win32", reason="there it is always the thread")
def test_the_event_loop_reads_where_it_can(pipe: tuple[int, int], tmp_path: Path) -> None:
    file = os.open(tmp_path / "file", os.O_RDONLY | os.O_CREAT)
    assert (reader_for(pipe[0]), reader_for(file)) == (LoopReader, ThreadReader)
    os.close(file)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    source, sink = os.pipe()
    yield source, sink
    for descriptor in (source, sink):
        with suppress(OSError):
            os.close(descriptor)


def read(descriptor: int, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        found += os.read(descriptor, size - len(found))
    return bytes(found)


async def test_messages_arrive_whole_and_in_order_however_large_they_are(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    outbox = PipeOutbox(sink, on_broken=lambda: None)
    bodies = [os.urandom(size) for size in (10, 5000, 1, 300_000, 20, 2 * MEGABYTE, *range(100))]
    for body in bodies:
        outbox.send(body)
    expected = b"".join(map(frame, bodies))
    assert await asyncio.to_thread(read, source, len(expected)) == expected
    await outbox.aclose()


async def test_a_short_message_is_there_at_once(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    PipeOutbox(sink, on_broken=lambda: None).send(b"{}")
    os.set_blocking(source, False)
    if sys.platform != "win32":
        assert os.read(source, 100) == frame(b"{}")


async def test_who_waits_is_woken_when_the_client_has_read(pipe: tuple[int, int]) -> None:
    source, sink = pipe
    outbox = PipeOutbox(sink, on_broken=lambda: None)
    body = bytes(2 * CONGESTED_BYTES)
    outbox.send(body)
    waiting = [asyncio.ensure_future(outbox.drained()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(wait.done() for wait in waiting)
    await asyncio.to_thread(read, source, len(frame(body)))
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.gather(*waiting)
    await outbox.aclose()
    assert outbox.unsent_bytes == 0


@pytest.mark.parametrize("size", [2, MEGABYTE], ids=["at once", "queued"])
async def test_it_is_told_when_nobody_reads_any_more(pipe: tuple[int, int], size: int) -> None:
    source, sink = pipe
    is_broken = threading.Event()
    outbox = PipeOutbox(sink, on_broken=is_broken.set)
    os.close(source)
    outbox.send(bytes(size))
    outbox.send(bytes(size))
    assert await asyncio.to_thread(is_broken.wait, HANG_SECONDS)
    async with asyncio.timeout(HANG_SECONDS):
        await outbox.drained()
    await outbox.aclose()
