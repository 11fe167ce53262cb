"""Google's Gemini API (https://ai.google.dev/api) in its own words: generateContent, embeddings, the list of models."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from urllib.parse import quote, urlsplit

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Embedded, EmbeddingInput, ModelInfo, Piece, Prompt, Usage, Vector
from ai_gateway.near import near_names
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.failure_rows import ErrorResponse
from ai_gateway.providers.gemini.body import generate_body
from ai_gateway.providers.gemini.reading import generated_pieces, usage_of
from ai_gateway.providers.gemini.refusals import gemini_failure, refuses_instructions
from ai_gateway.providers.http import Network, RefusedByUpstream, Upstream
from ai_gateway.providers.lines import objects_in

GEMINI_BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
API_VERSION = "v1beta"
EMBEDDING_BATCH = 100
"""So many texts fit into one request (`BatchEmbedContentsRequest.requests`)."""
MAX_PAGES = 20
MODEL_HINT = "name a model for Gemini in its settings"


class GeminiProvider(LLMProvider):
    """Gemini with one API key.

    Args:
        api_key: Sent in a header, never in an address, which logs would keep.
        base_url: With the version, as in `GEMINI_BASE_URL`, or without: then it is `v1beta`.
        network: How Gemini is reached.
        clock: Tells when the daily quota is renewed.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = GEMINI_BASE_URL,
        network: Network | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._upstream = Upstream(_versioned(base_url), network or Network())
        self._headers = {"x-goog-api-key": api_key}
        self._clock = clock
        self._without_instructions: set[str] = set()

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask `streamGenerateContent`."""
        name = _named(model)
        apart = name not in self._without_instructions
        body = generate_body(prompt, name.removeprefix("models/"), instructions_apart=apart)
        path = f"/{name}:streamGenerateContent?alt=sse"
        try:
            async with (
                self._upstream.request("POST", path, headers=self._headers, payload=body) as response,
                aclosing(generated_pieces(response, self._clock)) as pieces,
            ):
                async for piece in pieces:
                    yield piece
        except RefusedByUpstream as refusal:
            failure = self._failure(refusal.response)
            if refuses_instructions(refusal.response):
                self._without_instructions.add(name)
                failure.mended = apart
            raise failure from refusal

    async def embed(self, given: EmbeddingInput, model: str | None) -> Embedded:
        """Ask `batchEmbedContents`, a hundred texts at a time.

        Shortened vectors are scaled to unit length: gemini-embedding-001 gives only its longest so, and who compares
        vectors by their dot product, as those of other upstreams can be, would be misled by the rest
        (https://ai.google.dev/gemini-api/docs/embeddings). It leaves their cosines, and unit vectors, as they are.
        """
        name = _named(model)
        vectors: list[Vector] = []
        usages: list[Usage | None] = []
        for start in range(0, len(given.texts), EMBEDDING_BATCH):
            texts = given.texts[start : start + EMBEDDING_BATCH]
            body = _embedding_body(texts, name, given.dimensions)
            reply = await self._ask("POST", f"/{name}:batchEmbedContents", body)
            vectors += _vectors_in(reply, len(texts))
            usages.append(usage_of(reply.get("usageMetadata")))
        if given.dimensions is not None:
            vectors = [_scaled(vector) for vector in vectors]
        return Embedded(tuple(vectors), name.removeprefix("models/"), _sum(usages))

    async def models(self) -> Sequence[ModelInfo]:
        """List the models that chat or embed."""
        found: list[ModelInfo] = []
        page = ""
        for _ in range(MAX_PAGES):
            reply = await self._ask("GET", f"/models?pageSize=1000{page}")
            found += [info for entry in objects_in(reply.get("models")) if (info := _info_of(entry)) is not None]
            token = reply.get("nextPageToken")
            if not token:
                break
            page = f"&pageToken={quote(str(token), safe='')}"
        return found

    async def check(self, model: str | None) -> None:
        """List the models, which costs nothing and proves the key; one that is not listed is asked after by name."""
        listed = [info.id for info in await self.models()]
        if model is None or model.removeprefix("models/") in listed:
            return
        try:
            await self._ask("GET", f"/{_named(model)}")
        except ProviderFailure as failure:
            if failure.kind is FailureKind.MODEL_NOT_FOUND and (
                near := near_names(model.removeprefix("models/"), listed)
            ):
                failure.hint = f"Gemini does not have this model; did you mean {' or '.join(near)}?"
            raise

    async def aclose(self) -> None:
        """Close its connections."""
        await self._upstream.aclose()

    async def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, object]:
        try:
            async with self._upstream.request(method, path, headers=self._headers, payload=body) as response:
                reply = await response.json()
        except RefusedByUpstream as refusal:
            raise self._failure(refusal.response) from refusal
        if not isinstance(reply, dict):
            raise ProviderFailure(FailureKind.SERVER, "the upstream's answer is not a JSON object")
        return reply

    def _failure(self, response: ErrorResponse) -> ProviderFailure:
        return gemini_failure(response, now=self._clock.time())


def _versioned(base_url: str) -> str:
    """Give the address with a version: earlier settings name the host alone, as Google's own clients do."""
    base_url = base_url.rstrip("/")
    last = urlsplit(base_url).path.rpartition("/")[2]
    return base_url if re.match(r"v\d", last) else f"{base_url}/{API_VERSION}"


def _named(model: str | None) -> str:
    """Give the resource name of a model, fit for a path: `models/…`, or another collection's if it says so."""
    if not model:
        raise ProviderFailure(FailureKind.MODEL_NOT_FOUND, "no model was named", hint=MODEL_HINT)
    return quote(model if "/" in model else f"models/{model}")


def _info_of(entry: Mapping[str, object]) -> ModelInfo | None:
    name, methods, window = (entry.get(key) for key in ("name", "supportedGenerationMethods", "inputTokenLimit"))
    known = methods if isinstance(methods, list) else []
    chats, embeds = "generateContent" in known, "embedContent" in known or "batchEmbedContents" in known
    if not isinstance(name, str) or not (chats or embeds):
        return None
    return ModelInfo(name.removeprefix("models/"), window if isinstance(window, int) else None, embeds and not chats)


def _embedding_body(texts: Sequence[str], model: str, dimensions: int | None) -> dict[str, object]:
    """Ask for a vector of each text: several parts of one content would become a single vector."""
    wanted = {} if dimensions is None else {"outputDimensionality": dimensions}
    return {"requests": [{"model": model, "content": {"parts": [{"text": text}]}, **wanted} for text in texts]}


def _vectors_in(reply: Mapping[str, object], count: int) -> list[Vector]:
    found = [entry.get("values") for entry in objects_in(reply.get("embeddings"))]
    try:
        vectors = [tuple(map(float, values)) for values in found if isinstance(values, list)]
    except (TypeError, ValueError):
        vectors = []
    if len(vectors) != count:
        raise ProviderFailure(FailureKind.SERVER, "the upstream did not give one vector for each text")
    return vectors


def _scaled(vector: Vector) -> Vector:
    length = math.hypot(*vector)
    return tuple(value / length for value in vector) if length else vector


def _sum(usages: Sequence[Usage | None]) -> Usage | None:
    known = [usage for usage in usages if usage is not None]
    return Usage(sum(usage.input_tokens for usage in known), 0) if len(known) == len(usages) else None
