"""Text in few messages rather than many, without making anybody wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

FLUSH_EVERY_SECONDS = 0.016
"""One frame of a screen: showing text more often is of no use to anybody."""
FLUSH_CHARACTERS = 1024


class Coalescer:
    """Joins pieces of text. The first goes out at once, later ones a frame apart, or when they have become many.

    Args:
        send: Called with each joined text.
        loop: Tells the time and calls back; None: the one that runs.
    """

    def __init__(self, send: Callable[[str], None], loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._send = send
        self._loop = loop or asyncio.get_running_loop()
        self._pieces: list[str] = []
        self._characters = 0
        self._sent_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str) -> None:
        """Send the text, now or soon."""
        self._pieces.append(text)
        self._characters += len(text)
        due_at = self._sent_at + FLUSH_EVERY_SECONDS
        if self._characters >= FLUSH_CHARACTERS or self._loop.time() >= due_at:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_at(due_at, self.flush)

    def flush(self) -> None:
        """Send what waits."""
        text = "".join(self._pieces)
        self.discard()
        if text:
            self._sent_at = self._loop.time()
            self._send(text)

    def discard(self) -> None:
        """Forget what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pieces.clear()
        self._characters = 0
