"""Ollama's own API (https://docs.ollama.com/api): models on this machine, which may have to be loaded first.

Its OpenAI-compatible path can't set the context length, and truncates a long prompt without a word; this one refuses.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from urllib.parse import urlsplit

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Embedded, EmbeddingInput, Infill, ModelInfo, Piece, Prompt, Vector
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.network import Network, is_loopback
from ai_gateway.providers.ollama.address import is_ollamas_cloud
from ai_gateway.providers.ollama.body import chat_body, embedding_body, infill_body, infill_chat_body, refuse_hopeless
from ai_gateway.providers.ollama.loading import SILENCE_SECONDS, LoadWatch, names_in_memory
from ai_gateway.providers.ollama.models import LocalModels, named, refuse_cloud_name, refuse_remote
from ai_gateway.providers.ollama.names import canonical, is_model_name
from ai_gateway.providers.ollama.preloads import Preloads
from ai_gateway.providers.ollama.pull import PullProgress, pull_progress
from ai_gateway.providers.ollama.reading import chat_pieces, usage_of
from ai_gateway.providers.ollama.refusals import PULL_ROWS, SUFFIX
from ai_gateway.providers.ollama.server import OllamaServer
from ai_gateway.providers.vectors import vectors_of
from ai_gateway.providers.wire import text_in

__all__ = ["OLLAMA_BASE_URL", "OllamaProvider", "PullProgress"]

OLLAMA_BASE_URL = "http://127.0.0.1:11434"


class OllamaProvider(LLMProvider):
    """Models on this machine. One that is elsewhere is never asked: prompts may be private, and the network away.

    Args:
        base_url: Where Ollama listens.
        context_tokens: The context length to load a model with (`num_ctx`); None: Ollama's own.
        network: How Ollama is reached.
        silence_seconds: How long it may be silent before it is asked whether it is loading the model.
    """

    def __init__(
        self,
        *,
        base_url: str = OLLAMA_BASE_URL,
        context_tokens: int | None = None,
        network: Network | None = None,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._server = OllamaServer(base_url, network or Network())
        self._context_tokens = context_tokens
        self._models = LocalModels(self._server)
        is_here = is_loopback(urlsplit(base_url).hostname or "")
        self._preloads = Preloads(self._server, self._models, context_tokens, spares_memory=is_here)
        self._watch = LoadWatch(self._server, silence_seconds=silence_seconds)
        self._missing = (
            "this address is Ollama's cloud; set local.base_url to an Ollama of your own"
            if is_ollamas_cloud(base_url)
            else None
        )

    @property
    def missing(self) -> str | None:
        """What to do where the address is not a machine of one's own."""
        return self._missing

    @property
    def is_loading(self) -> bool:
        """Whether a model is loaded: for a request that waits for it, or ahead of one."""
        return self._watch.sees_loading or self._preloads.is_under_way

    def is_ready(self, model: str) -> bool | None:
        """Say whether `model` was preloaded, and should be in memory still."""
        return self._preloads.is_ready(model)

    async def preload(self, model: str) -> None:
        """Load `model` as queries will want it, if this machine has the memory; it stays for 15 minutes after each use.

        What is loaded already stays as long. Leaving a load does not end it; `aclose` does.
        """
        await self._preloads.load(named(model))

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask `/api/chat`; no bytes arrive while the model loads."""
        model = named(model)
        refuse_hopeless(prompt, self._context_tokens)
        await self._models.ensure(model)
        async with self._asked("/api/chat", chat_body(prompt, model, self._context_tokens), model) as pieces:
            async for piece in pieces:
                yield piece

    async def fill(self, given: Infill, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask `/api/generate` with a suffix where the model has a template for that, else `/api/chat`.

        Who types leaves soon and often, and Ollama gives up a load when its client leaves. So a model that is not in
        memory is loaded first, by itself, and whoever comes next finds it there.
        """
        model = named(model)
        refuse_hopeless(given, self._context_tokens)
        await self._models.ensure(model)
        await self._load_first(model)
        if self._models.may_insert(model):
            try:
                body = infill_body(given, model, self._context_tokens)
                async with self._asked("/api/generate", body, model) as pieces:
                    async for piece in pieces:
                        yield piece
            except ProviderFailure as failure:
                if failure.parameter != SUFFIX:
                    raise
                self._models.inserts_not(model)
            else:
                return
        body = infill_chat_body(given, model, self._context_tokens)
        async with self._asked("/api/chat", body, model) as pieces:
            async for piece in pieces:
                yield piece

    @asynccontextmanager
    async def _asked(
        self, path: str, body: Mapping[str, object], model: str
    ) -> AsyncIterator[AsyncGenerator[Piece, None]]:
        try:
            async with AsyncExitStack() as stack:
                async with self._watch.over(model, on_left=self._preloads.take_over):
                    asking = self._server.request("POST", path, payload=body, model=model)
                    response = await stack.enter_async_context(asking)
                yield await stack.enter_async_context(aclosing(chat_pieces(response, model)))
        except ProviderFailure:
            self._models.forget(model)
            raise

    async def _load_first(self, model: str) -> None:
        names = None
        with suppress(ProviderFailure):  # then it is not known, and the request itself will tell what is wrong
            names = await names_in_memory(self._server)
        if names is not None and canonical(model) not in names:
            await self._preloads.load(model, spares_memory=False)

    async def embed(self, given: EmbeddingInput, model: str | None) -> Embedded:
        """Ask `/api/embed`, which takes all texts at once, and refuses one that is too long instead of cutting it."""
        model = named(model)
        await self._models.ensure(model)
        body = embedding_body(given, model)
        try:
            async with self._watch.over(model):
                reply = await self._server.json("POST", "/api/embed", payload=body, model=model)
            refuse_remote(reply)
        except ProviderFailure:
            self._models.forget(model)
            raise
        rows = reply.get("embeddings")
        vectors = vectors_of(rows if isinstance(rows, list) else [], len(given.texts))
        return Embedded(_of_length(given.dimensions, vectors), text_in(reply.get("model")) or None, usage_of(reply))

    async def models(self) -> Sequence[ModelInfo]:
        """List the models that were pulled, without those that are elsewhere."""
        return await self._models.infos()

    async def check(self, model: str | None) -> None:
        """List the models that were pulled, and look for `model` among them."""
        await self._models.check(model)

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        """Download `model`, and yield how far it is; the last one `is_done`.

        Closing the generator stops the download. What has arrived is kept, and the next call goes on from there.

        Raises:
            ProviderFailure: There is no such model, or it can't be downloaded.
        """
        if not is_model_name(model):
            hint = "a model's name looks like llama3.2, qwen3:8b or someone/model:tag"
            raise ProviderFailure(FailureKind.MODEL_NOT_FOUND, "no model can have this name", hint=hint)
        refuse_cloud_name(model)
        self._models.forget(model)
        asking = self._server.request(
            "POST", "/api/pull", payload={"model": model, "stream": True}, model=model, rows=PULL_ROWS
        )
        async with asking as response, aclosing(pull_progress(response, model)) as steps:
            async for step in steps:
                yield step

    async def aclose(self) -> None:
        """Close its connections, and give up what is loaded ahead."""
        await self._preloads.aclose()
        await self._server.aclose()


def _of_length(dimensions: int | None, vectors: tuple[Vector, ...]) -> tuple[Vector, ...]:
    """Insist on what was asked for: an Ollama before 0.11.11 makes vectors as long as it likes."""
    if dimensions is not None and any(len(vector) != dimensions for vector in vectors):
        detail = f"the model makes no vectors of length {dimensions}"
        raise ProviderFailure(FailureKind.UNSUPPORTED, detail, parameter="dimensions")
    return vectors
