"""A clock that stands still until it is told to move."""

from __future__ import annotations

import asyncio


class FakeClock:
    """Time as a test wants it. `sleep` returns at once, having moved the time."""

    def __init__(self, *, monotonic: float = 1000.0, time: float = 1_800_000_000.0) -> None:
        self._monotonic = monotonic
        self._time = time
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self._monotonic

    def time(self) -> float:
        return self._time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self._monotonic += seconds
        self._time += seconds
