"""Loads that belong to no query: Ollama gives a load up when its client leaves, and a person mostly leaves before."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from contextlib import suppress
from functools import partial

import psutil

from ai_gateway.failures import FailureKind, ProviderFailure, where
from ai_gateway.providers.ollama.body import KEEP_ALIVE_SECONDS, load_body
from ai_gateway.providers.ollama.loading import names_in_memory
from ai_gateway.providers.ollama.models import LocalModels, refuse_remote
from ai_gateway.providers.ollama.names import canonical
from ai_gateway.providers.ollama.server import OllamaServer

log = logging.getLogger(__name__)

LONGEST_LOAD_SECONDS = 900.0
"""Ollama itself gives up one that makes no progress for five minutes (`OLLAMA_LOAD_TIMEOUT`)."""
GIB = 1024**3
MEMORY_HINT = (
    "close what needs the memory, or choose a smaller model: 'ai-gateway pull --recommended' finds one for this machine"
)


class Preloads:
    """Loads models in the background, each once at a time.

    Args:
        server: The Ollama that loads them.
        models: Its models.
        context_tokens: The context length that queries use; for another one Ollama would load the model again.
        spares_memory: Whether Ollama's memory is this machine's, so that one can see what there is.
    """

    def __init__(
        self, server: OllamaServer, models: LocalModels, context_tokens: int | None, *, spares_memory: bool
    ) -> None:
        self._server = server
        self._models = models
        self._context_tokens = context_tokens
        self._spares_memory = spares_memory
        self._loads: dict[str, asyncio.Task[None]] = {}
        self._ready_until: dict[str, float] = {}
        self._is_closed = False

    @property
    def is_under_way(self) -> bool:
        """Whether a model is being loaded by this."""
        return bool(self._loads)

    def is_ready(self, model: str) -> bool | None:
        """Say whether `model` is in memory because of this; None: not known."""
        name = canonical(model)
        if name in self._loads:
            return False
        return True if time.monotonic() < self._ready_until.get(name, -math.inf) else None

    async def load(self, model: str, *, spares_memory: bool = True) -> None:
        """Load `model`, and wait until that has ended; to stop waiting does not stop it.

        Args:
            model: Which.
            spares_memory: Whether it is left where there is not enough memory, as far as one can see.

        Raises:
            ProviderFailure: It can't be loaded, or there is not enough memory for it.
        """
        load = self._begin(model, spares_memory=spares_memory and self._spares_memory)
        await asyncio.wait((load,))
        if load.cancelled():
            raise ProviderFailure(FailureKind.NETWORK, "its connections were closed")
        load.result()

    def take_over(self, model: str) -> None:
        """Go on with a load that was begun for a query; it is not waited for."""
        if not self._is_closed:
            self._begin(model, spares_memory=False)

    async def aclose(self) -> None:
        """Give all loads up."""
        self._is_closed = True
        loads = tuple(self._loads.values())
        for load in loads:
            load.cancel()
        if loads:
            await asyncio.wait(loads)

    def _begin(self, model: str, *, spares_memory: bool) -> asyncio.Task[None]:
        name = canonical(model)
        load = self._loads.get(name)
        if load is None:
            self._ready_until.pop(name, None)
            load = self._loads[name] = asyncio.create_task(self._load(model, spares_memory=spares_memory))
            load.add_done_callback(partial(self._ended, name))
        return load

    async def _load(self, model: str, *, spares_memory: bool) -> None:
        try:
            async with asyncio.timeout(LONGEST_LOAD_SECONDS):
                await self._models.ensure(model)
                if spares_memory:
                    await self._refuse_too_large(model)
                body = load_body(model, self._context_tokens)
                refuse_remote(await self._server.json("POST", "/api/chat", payload=body, model=model))
        except TimeoutError as error:
            raise ProviderFailure(FailureKind.TIMEOUT, "the model took too long to load") from error
        except ProviderFailure:
            self._models.forget(model)
            raise
        self._ready_until[canonical(model)] = time.monotonic() + KEEP_ALIVE_SECONDS

    def _ended(self, name: str, load: asyncio.Task[None]) -> None:
        del self._loads[name]
        error = None if load.cancelled() else load.exception()
        if isinstance(error, ProviderFailure):
            log.info("a model was not loaded: %s, %s", error.kind, error.detail)
        elif error is not None:
            log.error("loading a model failed: %s", where(error))

    async def _refuse_too_large(self, model: str) -> None:
        """See that the model fits into the memory that is free now, unless it is there already.

        Raises:
            ProviderFailure: It does not.
        """
        size = 0
        with suppress(ProviderFailure):  # then it is not known, and the load itself will tell what is wrong
            if canonical(model) not in (await names_in_memory(self._server) or ()):
                size = await self._models.size_bytes(model)
        available = psutil.virtual_memory().available
        if size > available:
            detail = f"the model takes {size / GIB:.1f} GiB of memory, and {available / GIB:.1f} GiB are free"
            raise ProviderFailure(FailureKind.SERVER, detail, hint=MEMORY_HINT)
