"""What OpenAI, Azure and all who copied them have in common: chat completions and embeddings in OpenAI's shape."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import ClassVar

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Embedded, EmbeddingInput, Infill, Piece, Prompt
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.error_response import stream_error
from ai_gateway.providers.http import RefusedByUpstream, Upstream, UpstreamResponse
from ai_gateway.providers.openai.body import USAGE_WANTED, chat_body, embedding_body, infill_body
from ai_gateway.providers.openai.dialect import Dialect
from ai_gateway.providers.openai.embeddings import MAX_EMBEDDED_CHARACTERS, MAX_EMBEDDED_TEXTS, embedded_in
from ai_gateway.providers.openai.reading import chat_pieces, cost_usd_in, error_in
from ai_gateway.providers.refusals import Row, read_failure
from ai_gateway.providers.vectors import batches_of, joined

NO_INFILL = frozenset(
    {FailureKind.UNSUPPORTED, FailureKind.MODEL_NOT_FOUND, FailureKind.BAD_REQUEST, FailureKind.INVALID_REQUEST}
)
"""How servers refuse what they do not know: by the path, by the parameter or by the model."""


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
    infill_endpoint = "/completions"
    """Where gaps are filled."""

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
        self._fills_in_chats: set[str | None] = set()

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask for a streamed completion."""
        body = self._dialect.spelled(chat_body(prompt, model, stream_options=self._stream_options))
        async with (
            self._post(self._path("/chat/completions", model), body) as response,
            aclosing(chat_pieces(response, self.rows, cost_usd_of=cost_usd_in)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def fill(self, given: Infill, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask for a completion between a prompt and a suffix; in a chat where server or model know none.

        Mistral, DeepSeek (under `/beta`), Ollama and others fill gaps so. vLLM and llama.cpp refuse a suffix, OpenAI's
        models for chats refuse it all. What refused once is not tried again.
        """
        if model not in self._fills_in_chats:
            body = self._dialect.spelled(infill_body(given, model, stream_options=self._stream_options))
            try:
                async with (
                    self._post(self._path(self.infill_endpoint, model), body) as response,
                    aclosing(chat_pieces(response, self.rows, cost_usd_of=cost_usd_in)) as pieces,
                ):
                    async for piece in pieces:
                        yield piece
            except ProviderFailure as failure:
                if failure.mended or failure.kind not in NO_INFILL:
                    raise
                self._fills_in_chats.add(model)
            else:
                return
        async with aclosing(super().fill(given, model)) as pieces:
            async for piece in pieces:
                yield piece

    async def embed(self, given: EmbeddingInput, model: str | None) -> Embedded:
        """Make the vectors, in as many requests as the API's limits ask for."""
        batches = batches_of(given.texts, MAX_EMBEDDED_TEXTS, MAX_EMBEDDED_CHARACTERS)
        return joined([await self._embed(texts, given.dimensions, model) for texts in batches])

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
