"""Reading what the client sends to standard input, without ever holding up the event loop.

Where the event loop can wait for the descriptor it does, which saves the way through another thread; for files, and
on Windows, a thread reads. Threads are daemons that hold no lock of Python's buffered streams, so that none of them
keeps the process from ending.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

from ai_gateway.lsp.outbox import FULL_BYTES, Outbox

READ_BYTES = 64 * 1024
CHUNKS_AHEAD = 16
"""How many chunks a thread reads before the first is dealt with."""


class Reader(ABC):
    """Reads a descriptor to its end, but not while the outbox is full.

    Args:
        descriptor: Where from.
        receive: Called in the event loop with each chunk.
        outbox: Where the replies go.
        on_hangup: Called in a thread, as soon as the client is known to be gone, whatever the loop is doing.
        on_end: Called in the event loop, when all that was sent before is dealt with.
    """

    def __init__(
        self,
        descriptor: int,
        receive: Callable[[bytes], None],
        outbox: Outbox,
        *,
        on_hangup: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        self._descriptor = descriptor
        self._receive = receive
        self._outbox = outbox
        self._on_hangup = on_hangup
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._pauses: set[asyncio.Task[None]] = set()

    @abstractmethod
    def start(self) -> None:
        """Begin to read."""

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, READ_BYTES)
        except OSError:  # a terminal that is gone
            return b""

    def _pause(self, resume: Callable[[], object]) -> None:
        """Read on when the client has read."""

        async def pause() -> None:
            await self._outbox.drained()
            resume()

        task = self._loop.create_task(pause())
        self._pauses.add(task)
        task.add_done_callback(self._pauses.discard)

    @property
    def _is_full(self) -> bool:
        return self._outbox.unsent_bytes > FULL_BYTES


class LoopReader(Reader):
    """For pipes and sockets where the event loop can wait for them."""

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._watch, name="hangup watch", daemon=True).start()
        self._resume()

    def _resume(self) -> None:
        self._loop.add_reader(self._descriptor, self._take)

    def _take(self) -> None:
        chunk = self._read()
        if not chunk:
            self._loop.remove_reader(self._descriptor)
            self._on_end()
            return
        self._receive(chunk)
        if self._is_full:
            self._loop.remove_reader(self._descriptor)
            self._pause(self._resume)

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, 0)  # a hangup is always told of
        poll.poll()
        self._on_hangup()


class ThreadReader(Reader):
    """For everything, everywhere."""

    def start(self) -> None:
        """Begin to read."""
        self._room = threading.Semaphore(CHUNKS_AHEAD)
        threading.Thread(target=self._read_on, name="reader", daemon=True).start()

    def _read_on(self) -> None:
        with suppress(RuntimeError):  # the loop is closed
            while self._room.acquire() and (chunk := self._read()):
                self._loop.call_soon_threadsafe(self._take, chunk)
            self._on_hangup()
            self._loop.call_soon_threadsafe(self._on_end)

    def _take(self, chunk: bytes) -> None:
        self._receive(chunk)
        if self._is_full:
            self._pause(self._room.release)
        else:
            self._room.release()


def reader_for(descriptor: int) -> type[Reader]:
    """Choose how to read a descriptor."""
    kind = os.fstat(descriptor).st_mode
    return LoopReader if sys.platform != "win32" and (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)) else ThreadReader
