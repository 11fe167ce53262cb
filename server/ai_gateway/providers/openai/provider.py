"""OpenAI, and any server that speaks its chat completions: LM Studio, llama.cpp, vLLM, Groq, OpenRouter, …"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import ModelInfo
from ai_gateway.near import near_names
from ai_gateway.providers.failure_rows import Row
from ai_gateway.providers.http import Upstream
from ai_gateway.providers.lines import objects_in
from ai_gateway.providers.network import Network
from ai_gateway.providers.openai.api import OpenAIApi
from ai_gateway.providers.openai.chat import OPENAI_ROWS, USAGE_WANTED
from ai_gateway.providers.openai.dialect import LIMIT_NAMES, Dialect

OPENAI_BASE_URL = "https://api.openai.com/v1"
WINDOW_NAMES = ("context_length", "context_window", "max_model_len", "max_context_length")
"""What OpenRouter, Groq, vLLM and Mistral call the longest prompt in their lists of models."""

COMPATIBLE_ROWS = (
    Row(FailureKind.LOADING, 503, text="loading model"),
    Row(
        FailureKind.LOADING,
        (400, 404),
        text="no models? loaded",
        hint="the server has no model loaded; load one there (LM Studio: its developer page, or 'lms load')",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        text="unexpected endpoint",
        hint="the server has no such path; set its base URL up to and with /v1",
    ),
    Row(
        FailureKind.UNSUPPORTED,
        501,
        codes=("not_supported_error",),
        hint="the server was started without this ability (llama-server: --embeddings for embeddings)",
    ),
    Row(
        FailureKind.UNSUPPORTED,
        (400, 500),
        text="requires? --jinja|does not support tools",
        hint="the server or its model can't call tools (llama-server: start it with --jinja)",
    ),
    Row(FailureKind.AUTH, 400, text="incorrect api key|invalid api key|api key not valid"),
    Row(FailureKind.CONTENT_FILTER, 403, text="input was flagged"),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        404,
        text="no endpoints found",
        hint="nobody serves this model under the account's settings; choose another, or allow more in its data policy",
    ),
    *OPENAI_ROWS,
)
"""What servers say that are compatible otherwise: llama.cpp, LM Studio, xAI and Gemini, OpenRouter."""


class OpenAIProvider(OpenAIApi):
    """Chat completions and embeddings with one key, or none.

    Args:
        api_key: Sent as a bearer token; None for servers on this machine that want none.
        base_url: Up to and with the version, as in `OPENAI_BASE_URL`.
        organization: Whom a request is charged to, for a key that may act for several.
        project: Likewise.
        network: How the server is reached.
    """

    rows: ClassVar[tuple[Row, ...]] = COMPATIBLE_ROWS

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str = OPENAI_BASE_URL,
        organization: str | None = None,
        project: str | None = None,
        network: Network | None = None,
    ) -> None:
        given = {
            "authorization": f"Bearer {api_key}" if api_key else None,
            "openai-organization": organization,
            "openai-project": project,
        }
        self._is_openai = urlsplit(base_url).hostname == "api.openai.com"
        super().__init__(
            Upstream(base_url, network or Network()),
            {name: value for name, value in given.items() if value},
            Dialect(limit_names=LIMIT_NAMES[::-1], refused_by=refused_by_openais) if self._is_openai else Dialect(),
            stream_options={**USAGE_WANTED, "include_obfuscation": False} if self._is_openai else USAGE_WANTED,
        )

    async def models(self) -> Sequence[ModelInfo]:
        """List what the server offers."""
        listed = await self._get("/models")
        entries = listed.get("data") if isinstance(listed, dict) else listed
        return [_model_of(entry) for entry in objects_in(entries) if isinstance(entry.get("id"), str)]

    async def check(self, model: str | None) -> None:
        """List the models, which costs nothing and proves the key.

        Only OpenAI's own list is held against `model`: compatible servers may take names that they do not list.
        """
        listed = [info.id for info in await self.models()]
        if self._is_openai and model is not None and model not in listed:
            raise _unknown(model, listed)


def refused_by_openais(model: str) -> Container[str]:
    """Give the parameters that a model of OpenAI refuses: those that reason take no sampling parameters."""
    name = model.removeprefix("ft:")
    reasons = re.match(r"o\d|gpt-([5-9]|\d\d)", name) is not None and "-chat" not in name
    return ("temperature", "stop") if reasons else ()


def _model_of(entry: Mapping[str, object]) -> ModelInfo:
    name = str(entry["id"])
    windows = (entry.get(field) for field in WINDOW_NAMES)
    window = next((window for window in windows if isinstance(window, int) and window > 0), None)
    return ModelInfo(name, window, embeds="embed" in name)


def _unknown(model: str, listed: Sequence[str]) -> ProviderFailure:
    near = near_names(model, listed)
    hint = f"the key may not use a model of this name; did you mean {' or '.join(near)}?" if near else None
    return ProviderFailure(FailureKind.MODEL_NOT_FOUND, "it is not in the upstream's list of models", hint=hint)
