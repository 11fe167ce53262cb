"""Writing to standard output, without ever holding up the event loop."""

from __future__ import annotations

import asyncio
import os
import queue
import select
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from ai_gateway.lsp.framing import frame
from ai_gateway.lsp.outbox import CONGESTED_BYTES

BATCH_BYTES = 256 * 1024
FLUSH_SECONDS = 1.0


class PipeOutbox:
    """Writes to a descriptor in a thread; what waits is joined into one write.

    A short message is written at once where the system promises that this does not block: to a pipe that is ready,
    up to `PIPE_BUF` bytes (POSIX, `write`). That saves the way through the thread.

    Args:
        descriptor: Where to.
        on_broken: Called, from either thread, when nobody reads any more.
    """

    def __init__(self, descriptor: int, on_broken: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._queued_bytes = 0
        self._written_bytes = 0
        self._is_awaited = False
        self._has_drained = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._writes_at_once = _at_once(descriptor)
        self._thread = threading.Thread(target=self._write_queued, name="writer", daemon=True)
        self._thread.start()

    @property
    def unsent_bytes(self) -> int:
        """How much waits."""
        return self._queued_bytes - self._written_bytes

    def send(self, body: bytes) -> None:
        """Write a body, or queue it."""
        data = frame(body)
        if self.unsent_bytes == 0 and self._writes_at_once(len(data)):
            self._write(data)
        else:
            self._queued_bytes += len(data)
            self._queue.put(data)

    async def drained(self) -> None:
        """Wait until no more than `CONGESTED_BYTES` wait."""
        while self.unsent_bytes > CONGESTED_BYTES:
            self._has_drained.clear()
            self._is_awaited = True
            if self.unsent_bytes > CONGESTED_BYTES:  # still, now that the writer knows whom to tell
                await self._has_drained.wait()

    async def aclose(self) -> None:
        """Write what waits, for a moment."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, FLUSH_SECONDS)

    def _write_queued(self) -> None:
        is_open = True
        while is_open:
            data, is_open = self._batch()
            self._write(data)
            self._written_bytes += len(data)
            if self._is_awaited and self.unsent_bytes <= CONGESTED_BYTES:
                self._is_awaited = False
                with suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(self._has_drained.set)

    def _batch(self) -> tuple[bytes, bool]:
        """Wait for something to write; give it, and whether more may come."""
        pieces: list[bytes] = []
        size = 0
        while not pieces or (size < BATCH_BYTES and not self._queue.empty()):
            piece = self._queue.get()
            if piece is None:
                return b"".join(pieces), False
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces), True

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            self._descriptor = os.open(os.devnull, os.O_WRONLY)
            self._on_broken()


def _at_once(descriptor: int) -> Callable[[int], bool]:
    """Give a function that says whether so many bytes can be written now without blocking."""
    if sys.platform == "win32" or not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return lambda _size: False
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return lambda size: size <= select.PIPE_BUF and bool(poll.poll(0))
