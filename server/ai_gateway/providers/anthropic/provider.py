"""Anthropic's Messages API, natively (https://platform.claude.com/docs/en/api/messages)."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from urllib.parse import quote

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import ModelInfo, Piece, Prompt
from ai_gateway.near import near_names
from ai_gateway.providers.anthropic.body import chat_body
from ai_gateway.providers.anthropic.reading import chat_pieces
from ai_gateway.providers.anthropic.refusals import MODEL_HINT, allowed_max_tokens, anthropic_failure
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.error_response import ErrorResponse
from ai_gateway.providers.http import RefusedByUpstream, Upstream
from ai_gateway.providers.network import Network
from ai_gateway.providers.response_format import schema_of
from ai_gateway.providers.wire import count_in, objects_in, whole_object

ANTHROPIC_BASE_URL = "https://api.anthropic.com"
API_VERSION = "2023-06-01"
"""The one that every model and every compatible server takes; 2026-10-21 adds nothing that is used here."""
DEFAULT_MAX_TOKENS = 8192
PAGE_MODELS = 1000
"""The most that the API lists at once."""
MAX_PAGES = 10
REMEMBERED_FORMATS = 64


class AnthropicProvider(LLMProvider):
    """Chat with Claude, with one key.

    It learns from refusals: a model's own limit of tokens, and a JSON Schema that the API will not enforce.

    Args:
        api_key: Sent as `x-api-key`.
        base_url: With or without `/v1`; `ANTHROPIC_BASE_URL` is without, by convention.
        default_max_tokens: The longest answer where a query sets no limit; the API wants one. Thinking counts.
        network: How the API is reached.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = ANTHROPIC_BASE_URL,
        default_max_tokens: int = DEFAULT_MAX_TOKENS,
        network: Network | None = None,
    ) -> None:
        self._upstream = Upstream(base_url.rstrip("/").removesuffix("/v1"), network or Network())
        self._headers = {"x-api-key": api_key, "anthropic-version": API_VERSION}
        self._default_max_tokens = default_max_tokens
        self._most_tokens: dict[str | None, int] = {}
        self._refused_formats: deque[int] = deque(maxlen=REMEMBERED_FORMATS)

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask for a streamed message; a whole one that took ten minutes would be cut off on the way."""
        body = self._body(prompt, model)
        try:
            async with (
                self._upstream.request("POST", "/v1/messages", headers=self._headers, payload=body) as response,
                aclosing(chat_pieces(response)) as pieces,
            ):
                async for piece in pieces:
                    yield piece
        except RefusedByUpstream as refusal:
            failure = anthropic_failure(refusal.response)
            if failure.kind is FailureKind.UNSUPPORTED:
                self._learn(refusal.response, failure.parameter, prompt, model)
                failure.mended = self._body(prompt, model) != body
            raise failure from refusal

    async def models(self) -> Sequence[ModelInfo]:
        """List the models that still answer."""
        listed: list[ModelInfo] = []
        after = ""
        for _ in range(MAX_PAGES):
            page = await self._get(f"/v1/models?limit={PAGE_MODELS}{after}")
            listed += [_info_of(entry) for entry in objects_in(page.get("data")) if _answers(entry)]
            if page.get("has_more") is not True or not page.get("last_id"):
                break
            after = f"&after_id={quote(str(page['last_id']), safe='')}"
        return tuple(listed)

    async def check(self, model: str | None) -> None:
        """Look the model up, which costs nothing and proves the key.

        It is asked for by name, for the list leaves out a model's other names; a compatible server may only list.
        """
        if model is None:
            await self._get("/v1/models?limit=1")
        elif not await self._is_known(model):
            names = [info.id for info in await self.models()]
            if model not in names:
                raise _not_found(model, names)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._upstream.aclose()

    def _body(self, prompt: Prompt, model: str | None) -> dict[str, object]:
        wanted = self._default_max_tokens if prompt.max_tokens is None else prompt.max_tokens
        return chat_body(
            prompt,
            model,
            max_tokens=min(wanted, self._most_tokens.get(model, wanted)),
            format_is_refused=_format_key(model, schema_of(prompt)) in self._refused_formats,
        )

    def _learn(self, response: ErrorResponse, parameter: str | None, prompt: Prompt, model: str | None) -> None:
        """Remember what a refusal says of the model."""
        if parameter == "response_format":
            self._refused_formats.append(_format_key(model, schema_of(prompt)))
        elif (allowed := allowed_max_tokens(response.text)) is not None:
            self._most_tokens[model] = allowed

    async def _is_known(self, model: str) -> bool:
        try:
            return _answers(await self._get(f"/v1/models/{quote(model, safe='')}"))
        except ProviderFailure as failure:
            if failure.kind is not FailureKind.MODEL_NOT_FOUND:
                raise
            return False

    async def _get(self, path: str) -> Mapping[str, object]:
        try:
            return whole_object(await self._upstream.get_json(path, headers=self._headers))
        except RefusedByUpstream as refusal:
            raise anthropic_failure(refusal.response) from refusal


def _format_key(model: str | None, schema: Mapping[str, object] | None) -> int:
    """Stand for a JSON Schema asked of a model, without keeping it: it may be large."""
    return hash((model, json.dumps(schema)))


def _answers(entry: Mapping[str, object]) -> bool:
    """Whether a listed model can still be asked."""
    return entry.get("lifecycle") != "retired"


def _info_of(entry: Mapping[str, object]) -> ModelInfo:
    return ModelInfo(str(entry.get("id")), context_tokens=count_in(entry.get("max_input_tokens")) or None)


def _not_found(model: str, names: Sequence[str]) -> ProviderFailure:
    near = near_names(model, names)
    hint = f"Anthropic does not have this model; did you mean {' or '.join(near)}?" if near else MODEL_HINT
    return ProviderFailure(FailureKind.MODEL_NOT_FOUND, "the model is not on offer", hint=hint)
