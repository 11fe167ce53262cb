"""Telling a model that is being loaded from one that is slow or dead: Ollama is silent in either case."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from ai_gateway.failures import ProviderFailure
from ai_gateway.providers.ollama.names import canonical
from ai_gateway.providers.ollama.server import OllamaServer
from ai_gateway.providers.wire import objects_in

SILENCE_SECONDS = 1.0
"""A model that is in memory mostly begins to answer before."""


class LoadWatch:
    """Asks Ollama, once for each request that has waited long, whether its model is in memory yet.

    Args:
        server: The Ollama that is waited for.
        silence_seconds: How long is long.
    """

    def __init__(self, server: OllamaServer, *, silence_seconds: float = SILENCE_SECONDS) -> None:
        self._server = server
        self._silence_seconds = silence_seconds
        self._waits_for_loads: set[object] = set()

    @property
    def sees_loading(self) -> bool:
        """Whether a request waits for a model that is not in memory."""
        return bool(self._waits_for_loads)

    @asynccontextmanager
    async def over(self, model: str) -> AsyncIterator[None]:
        """Watch for as long as the context waits for `model`'s first byte; what it waits for never fails by this."""
        wait = object()
        looks: list[asyncio.Task[None]] = []
        begin = asyncio.get_running_loop().call_later(
            self._silence_seconds, lambda: looks.append(asyncio.create_task(self._look(model, wait)))
        )
        try:
            yield
        finally:
            begin.cancel()
            for look in looks:
                look.cancel()
                await asyncio.wait((look,))
            self._waits_for_loads.discard(wait)

    async def _look(self, model: str, wait: object) -> None:
        with suppress(ProviderFailure):  # then it is not known, and the request itself will tell what is wrong
            listed = (await self._server.json("GET", "/api/ps")).get("models")
            names = {canonical(str(entry.get("name"))) for entry in objects_in(listed)}
            if isinstance(listed, list) and canonical(model) not in names:
                self._waits_for_loads.add(wait)
