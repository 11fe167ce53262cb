"""Waiting for what nobody announces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HANG_SECONDS = 60


async def until(condition: Callable[[], object]) -> None:
    """Look again and again, while everything else goes on."""
    async with asyncio.timeout(HANG_SECONDS):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
