"""Google's Gemini API (https://ai.google.dev/api) in its own words: generateContent, embeddings, the list of models."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from urllib.parse import quote, urlsplit

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Embedded, EmbeddingInput, ModelInfo, Piece, Prompt, Vector
from ai_gateway.near import near_names
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.error_response import ErrorResponse
from ai_gateway.providers.gemini.body import chat_body, embedding_body
from ai_gateway.providers.gemini.reading import chat_pieces, usage_of
from ai_gateway.providers.gemini.refusals import gemini_failure, refuses_instructions
from ai_gateway.providers.http import RefusedByUpstream, Upstream
from ai_gateway.providers.network import Network
from ai_gateway.providers.vectors import batches_of, joined, vectors_of
from ai_gateway.providers.wire import count_in, objects_in, text_in, whole_object

GEMINI_BASE_URL = "https://generativelanguage.googleapis.com/v1beta"
API_VERSION = "v1beta"
MAX_EMBEDDED_TEXTS = 100
"""In one request (`BatchEmbedContentsRequest.requests`)."""
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
        body = chat_body(prompt, name.removeprefix("models/"), instructions_apart=apart)
        path = f"/{name}:streamGenerateContent?alt=sse"
        try:
            async with (
                self._upstream.request("POST", path, headers=self._headers, payload=body) as response,
                aclosing(chat_pieces(response, self._clock)) as pieces,
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
        batches = batches_of(given.texts, MAX_EMBEDDED_TEXTS)
        return joined([await self._embed(texts, given.dimensions, name) for texts in batches])

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

    async def _embed(self, texts: Sequence[str], dimensions: int | None, name: str) -> Embedded:
        reply = await self._ask("POST", f"/{name}:batchEmbedContents", embedding_body(texts, name, dimensions))
        rows = [entry.get("values") for entry in objects_in(reply.get("embeddings"))]
        vectors = vectors_of(rows, len(texts))
        return Embedded(
            vectors if dimensions is None else tuple(map(_scaled, vectors)),
            name.removeprefix("models/"),
            usage_of(reply.get("usageMetadata")),
        )

    async def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, object]:
        try:
            async with self._upstream.request(method, path, headers=self._headers, payload=body) as response:
                return whole_object(await response.json())
        except RefusedByUpstream as refusal:
            raise self._failure(refusal.response) from refusal

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
    name, methods = text_in(entry.get("name")), entry.get("supportedGenerationMethods")
    known = methods if isinstance(methods, list) else []
    chats, embeds = "generateContent" in known, "embedContent" in known or "batchEmbedContents" in known
    if not name or not (chats or embeds):
        return None
    return ModelInfo(
        name.removeprefix("models/"), count_in(entry.get("inputTokenLimit")) or None, embeds=embeds and not chats
    )


def _scaled(vector: Vector) -> Vector:
    length = math.hypot(*vector)
    return tuple(value / length for value in vector) if length else vector
