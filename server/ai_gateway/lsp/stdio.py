"""The standard streams as a transport: one thread that reads, one that writes, on bare file descriptors.

Threads work alike on every system and with whatever the streams are: pipes, sockets, terminals, files. Both are
daemons and hold no lock of Python's buffered streams, so that neither keeps the process from ending.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from ai_gateway.lsp.framing import frame
from ai_gateway.lsp.outbox import CONGESTED_BYTES, FULL_BYTES, Outbox

READ_BYTES = 64 * 1024
CHUNKS_AHEAD = 16
"""How many chunks may be read before the first is dealt with."""
BATCH_BYTES = 256 * 1024
FLUSH_SECONDS = 1.0


def claim_standard_streams() -> tuple[int, int]:
    """Take standard input and output for the protocol alone, and give private descriptors of both.

    What is printed from now on goes to standard error, and a child process can't read the client's messages.
    """
    received, sent = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for descriptor in (received, sent):
        _make_plain(descriptor)
    return received, sent


class PipeReader:
    """Reads a descriptor in a thread, and hands each chunk to the event loop.

    Args:
        descriptor: Where from.
        receive: Called in the loop with each chunk.
        outbox: While it is full, nothing more is read.
        on_end: Called in the thread when there is no more, for the loop may be unable to.
    """

    def __init__(
        self, descriptor: int, receive: Callable[[bytes], None], outbox: Outbox, on_end: Callable[[], None]
    ) -> None:
        self._descriptor = descriptor
        self._receive = receive
        self._outbox = outbox
        self._on_end = on_end
        self._room = threading.Semaphore(CHUNKS_AHEAD)
        self._waits: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="reader", daemon=True).start()

    def _read(self) -> None:
        with suppress(OSError, RuntimeError):  # a terminal that is gone; a loop that is closed
            while self._room.acquire() and (chunk := os.read(self._descriptor, READ_BYTES)):
                self._loop.call_soon_threadsafe(self._deliver, chunk)
        self._on_end()

    def _deliver(self, chunk: bytes) -> None:
        self._receive(chunk)
        if self._outbox.unsent_bytes <= FULL_BYTES:
            self._room.release()
        else:
            wait = self._loop.create_task(self._release_later())
            self._waits.add(wait)
            wait.add_done_callback(self._waits.discard)

    async def _release_later(self) -> None:
        await self._outbox.drained()
        self._room.release()


class PipeOutbox:
    """Writes to a descriptor in a thread; what waits is joined into one write.

    Args:
        descriptor: Where to.
        on_broken: Called in the thread when nobody reads any more.
    """

    def __init__(self, descriptor: int, on_broken: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._bodies: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._queued_bytes = 0
        self._written_bytes = 0
        self._is_awaited = False
        self._has_drained = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write, name="writer", daemon=True)
        self._thread.start()

    @property
    def unsent_bytes(self) -> int:
        """How much waits."""
        return self._queued_bytes - self._written_bytes

    def send(self, body: bytes) -> None:
        """Queue a body."""
        self._queued_bytes += len(body)
        self._bodies.put(body)

    async def drained(self) -> None:
        """Wait until no more than `CONGESTED_BYTES` wait."""
        while self.unsent_bytes > CONGESTED_BYTES:
            self._has_drained.clear()
            self._is_awaited = True
            if self.unsent_bytes > CONGESTED_BYTES:  # again, now that the writer knows to tell
                await self._has_drained.wait()

    async def aclose(self) -> None:
        """Write what waits, for a moment."""
        self._bodies.put(None)
        await asyncio.to_thread(self._thread.join, FLUSH_SECONDS)

    def _write(self) -> None:
        is_open = True
        while is_open:
            bodies = [self._bodies.get()]
            while (size := sum(len(body or b"") for body in bodies)) < BATCH_BYTES and not self._bodies.empty():
                bodies.append(self._bodies.get())
            is_open = bodies[-1] is not None
            try:
                _write_all(self._descriptor, b"".join(frame(body) for body in bodies if body is not None))
            except OSError:
                self._descriptor = os.open(os.devnull, os.O_WRONLY)
                self._on_broken()
            self._wrote(size)

    def _wrote(self, size: int) -> None:
        self._written_bytes += size
        if self._is_awaited and self.unsent_bytes <= CONGESTED_BYTES:
            self._is_awaited = False
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._has_drained.set)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _make_plain(descriptor: int) -> None:
    """Let it block, and carry bytes as they are."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - exists on Windows only

        msvcrt.setmode(descriptor, os.O_BINARY)
    else:
        os.set_blocking(descriptor, True)
