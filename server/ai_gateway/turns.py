"""Work that is done in turns, so that the event loop has time for others as well."""

from __future__ import annotations

import asyncio
import time

TURN_SECONDS = 0.005
"""What a person does not feel."""


class Turns:
    """Keeps account of how long something has worked without a break."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def give_way(self) -> None:
        """Let others work, if this has taken a turn."""
        if time.monotonic() - self._since >= TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = time.monotonic()
