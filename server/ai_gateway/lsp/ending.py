"""How the process ends: asked by whoever notices first, done by the event loop, and without it if it hangs."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

GRACE_SECONDS = 1.5
"""How long the event loop may take to end the process."""
SIGNAL_EXIT = 128


class Ending:
    """Waits to be asked to end the process.

    Once asked, a thread outside the event loop ends the process after a grace, whatever the loop is doing.

    Args:
        usual_code: Gives the exit code, where whoever asks names none.
    """

    def __init__(self, usual_code: Callable[[], int]) -> None:
        self._usual_code = usual_code
        self._loop = asyncio.get_running_loop()
        self._code: asyncio.Future[int] = self._loop.create_future()
        self._asked: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        threading.Thread(target=self._enforce, name="watchdog", daemon=True).start()

    def expect(self) -> None:
        """Let the grace begin: the event loop will notice by itself that the end has come, or else it hangs."""
        self._asked.put(None)

    def ask(self, code: int | None = None) -> None:
        """Ask for the end, from any thread or from a signal handler; the first one names the exit code."""
        self._asked.put(code)
        with suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._settle, code)

    async def wait(self) -> int:
        """Wait until somebody asks, and give the exit code."""
        return await asyncio.shield(self._code)

    def on_signals(self) -> None:
        """Let SIGINT and SIGTERM ask for the end."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._take_signal)

    def _take_signal(self, number: int, _frame: FrameType | None) -> None:
        self.ask(SIGNAL_EXIT + number)

    def _settle(self, code: int | None) -> None:
        if not self._code.done():
            self._code.set_result(self._usual_code() if code is None else code)

    def _enforce(self) -> None:
        code = self._asked.get()
        time.sleep(GRACE_SECONDS)
        os._exit(self._usual_code() if code is None else code)
