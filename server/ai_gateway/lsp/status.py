"""Telling the client how things are, whenever that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ai_gateway.clock import Clock
from ai_gateway.gateway import Gateway
from ai_gateway.health import Health

LOOK_SECONDS = 3.0
"""How often it is looked at what others have changed, while nothing else happens: credentials, and other windows."""


class StatusPublisher:
    """Publishes once at the beginning, and then at every change.

    Breakers change by themselves too, when an open period ends, and nobody calls then: so the publisher wakes at the
    earliest of these times. Others change credentials, and what the windows share: it looks for that from time to time.
    Changes within one turn of the event loop are published together.

    Args:
        gateway: Whose status it is; its `on_change` becomes the publisher's.
        publish: Called with each new status.
        clock: Measures the time until a breaker reopens.
    """

    def __init__(self, gateway: Gateway, publish: Callable[[Health], None], clock: Clock) -> None:
        self._gateway = gateway
        self._publish = publish
        self._clock = clock
        self._changed = asyncio.Event()
        gateway.on_change = self._changed.set

    async def run(self) -> None:
        """Publish until cancelled."""
        looking = asyncio.ensure_future(self._look_around())
        try:
            while True:
                health = await self._gateway.health()
                self._changed.clear()  # whatever health itself has noticed is in it
                self._publish(health)
                await self._next_change()
        finally:
            looking.cancel()

    async def _next_change(self) -> None:
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._changed.wait())]
        seconds = self._gateway.seconds_to_next_change()
        if seconds is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _look_around(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._gateway.refresh()
