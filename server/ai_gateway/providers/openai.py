"""OpenAI, and any server that speaks its chat completions: LM Studio, llama.cpp, vLLM, Groq, OpenRouter, …"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from urllib.parse import urlsplit

from ai_gateway.failures import FailureKind
from ai_gateway.model import Piece, Prompt
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.failure_rows import read_failure
from ai_gateway.providers.http import Network, RefusedByUpstream, Upstream
from ai_gateway.providers.openai_chat import OPENAI_ROWS, chat_body, chat_pieces

OPENAI_BASE_URL = "https://api.openai.com/v1"
OWN_NAMES = {"max_completion_tokens": "max_tokens"}


class OpenAIProvider(LLMProvider):
    """Chat completions with one key, or none.

    Args:
        api_key: Sent as a bearer token; None for servers on this machine that want none.
        base_url: Up to and with the version, as in `OPENAI_BASE_URL`.
        network: How the server is reached.
    """

    def __init__(
        self, api_key: str | None = None, *, base_url: str = OPENAI_BASE_URL, network: Network | None = None
    ) -> None:
        self._upstream = Upstream(base_url, network or Network())
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        is_openai = urlsplit(base_url).hostname == "api.openai.com"
        self._max_tokens_name = "max_completion_tokens" if is_openai else "max_tokens"
        self._asks_for_usage = True

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask for a streamed completion."""
        body = chat_body(prompt, model, max_tokens_name=self._max_tokens_name)
        if not self._asks_for_usage:
            del body["stream_options"]
        try:
            async with (
                self._upstream.request("POST", "/chat/completions", headers=self._headers, payload=body) as response,
                aclosing(chat_pieces(response, OPENAI_ROWS)) as pieces,
            ):
                async for piece in pieces:
                    yield piece
        except RefusedByUpstream as refusal:
            failure = read_failure(OPENAI_ROWS, refusal.response)
            if failure.kind is FailureKind.UNSUPPORTED:
                failure.mended = self._mend(failure.parameter or "", body)
                failure.parameter = OWN_NAMES.get(failure.parameter or "", failure.parameter)
            raise failure from refusal

    async def check(self, model: str | None) -> None:  # noqa: ARG002 - compatible servers list models by other names
        """List the models, which costs nothing and proves the key."""
        try:
            await self._upstream.get_json("/models", headers=self._headers)
        except RefusedByUpstream as refusal:
            raise read_failure(OPENAI_ROWS, refusal.response) from refusal

    async def aclose(self) -> None:
        """Close its connections."""
        await self._upstream.aclose()

    def _mend(self, parameter: str, refused: Mapping[str, object]) -> bool:
        """Learn from a refusal; say whether the same query would now be asked differently than it was."""
        if parameter == "max_tokens" and parameter in refused:
            self._max_tokens_name = "max_completion_tokens"
            return True
        if parameter.startswith("stream_options") and "stream_options" in refused:
            self._asks_for_usage = False
            return True
        return False
