"""OpenAI, and any server that speaks its chat completions: LM Studio, llama.cpp, vLLM, Groq, OpenRouter, …"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import ModelInfo
from ai_gateway.near import near_names
from ai_gateway.providers.http import Upstream
from ai_gateway.providers.network import Network
from ai_gateway.providers.openai.api import OpenAIApi
from ai_gateway.providers.openai.body import USAGE_WANTED
from ai_gateway.providers.openai.dialect import LIMIT_NAMES, Dialect
from ai_gateway.providers.openai.refusals import COMPATIBLE_ROWS
from ai_gateway.providers.refusals import Row
from ai_gateway.providers.wire import count_in, objects_in

OPENAI_BASE_URL = "https://api.openai.com/v1"
MISTRAL_INFILL_ENDPOINT = "/fim/completions"
"""https://docs.mistral.ai/api (FIM): the body of a completion, the answer of a chat."""
WINDOW_NAMES = ("context_length", "context_window", "max_model_len", "max_context_length")
"""What OpenRouter, Groq, vLLM and Mistral call the longest prompt in their lists of models."""


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
        host = urlsplit(base_url).hostname or ""
        self._is_openai = host == "api.openai.com"
        if host.endswith(".mistral.ai"):
            self.infill_endpoint = MISTRAL_INFILL_ENDPOINT
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
        return [_info_of(entry) for entry in objects_in(entries) if isinstance(entry.get("id"), str)]

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


def _info_of(entry: Mapping[str, object]) -> ModelInfo:
    name = str(entry["id"])
    windows = (count_in(entry.get(field)) for field in WINDOW_NAMES)
    return ModelInfo(name, next(filter(None, windows), None), embeds="embed" in name)


def _unknown(model: str, listed: Sequence[str]) -> ProviderFailure:
    near = near_names(model, listed)
    hint = f"the key may not use a model of this name; did you mean {' or '.join(near)}?" if near else None
    return ProviderFailure(FailureKind.MODEL_NOT_FOUND, "it is not in the upstream's list of models", hint=hint)
