"""Telling a model that is being loaded from one that is slow or dead: Ollama is silent in either case."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from ai_gateway.failures import ProviderFailure
from ai_gateway.providers.ollama.names import canonical
from ai_gateway.providers.ollama.server import OllamaServer
from ai_gateway.providers.wire import objects_in

SILENCE_SECONDS = 1.0
"""A model that is in memory mostly begins to answer before."""
LOOK_SECONDS = 1.0
"""How often Ollama is asked again while it loads."""


class LoadWatch:
    """Asks Ollama, for each request that has waited long, whether its model is in memory yet.

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
    async def over(self, model: str, on_left: Callable[[str], None] | None = None) -> AsyncIterator[None]:
        """Watch for as long as the context waits for `model`'s first byte; what it waits for never fails by this.

        Args:
            model: What is waited for.
            on_left: Called with it where the wait is given up during a load, which Ollama gives up then too.
        """
        wait = object()
        looks: list[asyncio.Task[None]] = []
        begin = asyncio.get_running_loop().call_later(
            self._silence_seconds, lambda: looks.append(asyncio.create_task(self._look(model, wait)))
        )
        try:
            yield
        except asyncio.CancelledError:
            if on_left is not None and wait in self._waits_for_loads:
                on_left(model)
            raise
        finally:
            begin.cancel()
            for look in looks:
                look.cancel()
                await asyncio.wait((look,))
            self._waits_for_loads.discard(wait)

    async def _look(self, model: str, wait: object) -> None:
        with suppress(ProviderFailure):  # then it is not known, and the request itself will tell what is wrong
            while (names := await names_in_memory(self._server)) is not None and canonical(model) not in names:
                self._waits_for_loads.add(wait)
                await asyncio.sleep(LOOK_SECONDS)
        self._waits_for_loads.discard(wait)


async def names_in_memory(server: OllamaServer) -> set[str] | None:
    """Give the canonical names of the models that are in memory; None: Ollama does not say.

    Since Ollama runs all models by llama-server (mid-2026), one is listed when it is loaded; before, as soon as its
    load had begun.

    Raises:
        ProviderFailure: It can't be asked.
    """
    listed = (await server.json("GET", "/api/ps")).get("models")
    return {canonical(str(entry.get("name"))) for entry in objects_in(listed)} if isinstance(listed, list) else None
