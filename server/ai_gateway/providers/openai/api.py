"""What OpenAI, Azure and all who copied them have in common: chat completions and embeddings in OpenAI's shape."""

from __future__ import annotations

import base64
import math
import struct
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import ClassVar

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Embedded, EmbeddingInput, Piece, Prompt, Usage, Vector
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.failure_rows import Row, read_failure, stream_error
from ai_gateway.providers.http import RefusedByUpstream, Upstream, UpstreamResponse
from ai_gateway.providers.lines import objects_in
from ai_gateway.providers.openai.chat import USAGE_WANTED, chat_body, chat_pieces
from ai_gateway.providers.openai.dialect import Dialect
from ai_gateway.providers.openai.reading import error_in, usage_of

MAX_EMBEDDED_TEXTS = 2048
"""In one request (https://platform.openai.com/docs/api-reference/embeddings/create)."""
MAX_EMBEDDED_CHARACTERS = 200_000
"""In one request, which may have 300 000 tokens: a character is seldom more than one."""


class OpenAIApi(LLMProvider):
    """A provider whose upstream speaks OpenAI's API; a subclass says where and how.

    Args:
        upstream: The server.
        headers: The credential, and what else goes with every request.
        dialect: How the server wants its requests.
        stream_options: What is asked of a stream besides the answer.
    """

    rows: ClassVar[tuple[Row, ...]]
    """What the server's refusals mean."""

    def __init__(
        self,
        upstream: Upstream,
        headers: Mapping[str, str],
        dialect: Dialect,
        *,
        stream_options: Mapping[str, object] = USAGE_WANTED,
    ) -> None:
        self._upstream = upstream
        self._headers = headers
        self._dialect = dialect
        self._stream_options = stream_options

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask for a streamed completion."""
        body = self._dialect.spelled(chat_body(prompt, model, stream_options=self._stream_options))
        async with (
            self._post(self._path("/chat/completions", model), body) as response,
            aclosing(chat_pieces(response, self.rows, cost_usd_of=cost_usd_in)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def embed(self, given: EmbeddingInput, model: str | None) -> Embedded:
        """Make the vectors, in as many requests as the API's limits ask for."""
        return joined([await self._embed(texts, given.dimensions, model) for texts in batches_of(given.texts)])

    async def aclose(self) -> None:
        """Close its connections."""
        await self._upstream.aclose()

    def _path(self, endpoint: str, model: str | None) -> str:  # noqa: ARG002 - a subclass may need the model
        """Say where under the base URL an endpoint is."""
        return endpoint

    async def _get(self, endpoint: str) -> object:
        try:
            return self._sound(await self._upstream.get_json(self._path(endpoint, None), headers=self._headers))
        except RefusedByUpstream as refusal:
            raise read_failure(self.rows, refusal.response) from refusal

    @asynccontextmanager
    async def _post(self, path: str, body: Mapping[str, object]) -> AsyncIterator[UpstreamResponse]:
        try:
            async with self._upstream.request("POST", path, headers=self._headers, payload=body) as response:
                yield response
        except RefusedByUpstream as refusal:
            raise self._dialect.understand(refusal.response, self.rows, body) from refusal

    async def _embed(self, texts: Sequence[str], dimensions: int | None, model: str | None) -> Embedded:
        body = self._dialect.spelled(embedding_body(texts, dimensions, model))
        async with self._post(self._path("/embeddings", model), body) as response:
            return embedded_in(self._sound(await response.json()), len(texts))

    def _sound(self, document: object) -> object:
        """Give a document, unless it is an error in spite of its status."""
        if isinstance(document, dict) and (error := error_in(document)):
            raise read_failure(self.rows, stream_error(error, now=time.time()))
        return document


def embedding_body(texts: Sequence[str], dimensions: int | None, model: str | None) -> dict[str, object]:
    """Build the body of a request for vectors."""
    wanted = {"model": model, "input": texts, "encoding_format": "float", "dimensions": dimensions}
    return {name: value for name, value in wanted.items() if value is not None}


def embedded_in(document: object, count: int) -> Embedded:
    """Read the answer to one request for vectors.

    Raises:
        ProviderFailure: There is not one for each text.
    """
    if not isinstance(document, dict):
        raise ProviderFailure(FailureKind.SERVER, "the upstream's answer holds no vectors")
    named = document.get("model")
    return Embedded(
        vectors_in(document, count),
        named if named and isinstance(named, str) else None,
        usage_of(document.get("usage")),
        cost_usd_in(document),
    )


def joined(found: Sequence[Embedded]) -> Embedded:
    """Put the answers to several requests together.

    Raises:
        ProviderFailure: They are of different models.
    """
    models = {part.model for part in found}
    if len(models) > 1:
        raise ProviderFailure(FailureKind.SERVER, "the upstream changed its model between two requests")
    usages = [part.usage for part in found if part.usage is not None]
    costs = [part.cost_usd for part in found if part.cost_usd is not None]
    return Embedded(
        vectors=tuple(vector for part in found for vector in part.vectors),
        model=next(iter(models), None),
        usage=Usage(sum(usage.input_tokens for usage in usages), 0) if len(usages) == len(found) else None,
        cost_usd=sum(costs) if costs else None,
    )


def batches_of(texts: Sequence[str], max_texts: int = MAX_EMBEDDED_TEXTS) -> Iterator[Sequence[str]]:
    """Cut texts into as few requests as their limits allow; a text that is too long goes alone."""
    start = characters = 0
    for position, text in enumerate(texts):
        characters += len(text)
        if position - start == max_texts or (position > start and characters > MAX_EMBEDDED_CHARACTERS):
            yield texts[start:position]
            start, characters = position, len(text)
    if start < len(texts):
        yield texts[start:]


def vectors_in(document: Mapping[str, object], count: int) -> tuple[Vector, ...]:
    """Read the vectors in the order of their texts, whatever order they come in.

    Raises:
        ProviderFailure: There is not one for each text.
    """
    entries = objects_in(document.get("data"))
    by_index = {str(entry.get("index", position)): _vector(entry) for position, entry in enumerate(entries)}
    vectors = [by_index.get(str(index)) for index in range(count)]
    if len(entries) != count or None in vectors:
        raise ProviderFailure(FailureKind.SERVER, "the upstream did not make one vector for each text")
    return tuple(vector for vector in vectors if vector is not None)


def _vector(entry: Mapping[str, object]) -> Vector | None:
    """Read a vector: numbers, or little-endian 32-bit floats in base64 where a server knows only that."""
    values = entry.get("embedding")
    try:
        if isinstance(values, str):
            raw = base64.b64decode(values, validate=True)
            values = list(struct.unpack(f"<{len(raw) // 4}f", raw))
        vector = tuple(map(float, values)) if isinstance(values, list) else ()
    except (TypeError, ValueError, struct.error):
        return None
    return vector if vector and all(map(math.isfinite, vector)) else None


def cost_usd_in(chunk: Mapping[str, object]) -> float | None:
    """Find what OpenRouter charged, in US dollars (https://openrouter.ai/docs/use-cases/usage-accounting)."""
    usage = chunk.get("usage")
    cost = usage.get("cost") if isinstance(usage, dict) else None
    return float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0 else None
