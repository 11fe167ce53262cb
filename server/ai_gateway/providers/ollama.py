"""Ollama's own API (https://docs.ollama.com/api): NDJSON, errors as plain strings, cold loads.

Its OpenAI-compatible path can't set the context length, and truncates a long prompt without a word; this one refuses.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Delta, Finish, FinishReason, Message, Piece, Prompt, ToolCall, Usage
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.failure_rows import ErrorResponse, Row, read_failure, stream_error
from ai_gateway.providers.http import Network, RefusedByUpstream, Upstream, UpstreamResponse, read_to_end
from ai_gateway.providers.lines import LineDecoder, objects_in, parsed

OLLAMA_BASE_URL = "http://127.0.0.1:11434"

CLOSE_SECONDS = 0.05
"""How long the end of the body may take after the last line."""

CLOUD_HINT = "this is one of Ollama's cloud models; choose a local one"
OLLAMA_ROWS = (
    Row(FailureKind.MODEL_NOT_FOUND, 404, text="model .*not found", hint="pull the model first: ollama pull {model}"),
    Row(FailureKind.CONTEXT_TOO_LONG, 400, text="context length"),
    Row(FailureKind.UNSUPPORTED, 400, text="does not support"),
    Row(
        FailureKind.SERVER,
        500,
        text="more system memory",
        hint="the model needs more memory than this machine has free; choose a smaller one",
    ),
    Row(FailureKind.OVERLOADED, 503, text="server busy"),
    Row(
        FailureKind.ENTITLEMENT,
        (401, 403, 502),
        html=False,
        hint=CLOUD_HINT,
    ),
)
START_HINT = "start Ollama: ollama serve"
SUPPORT_MISSING = {"tools": "tools", "thinking": "think"}
FINISH_REASONS = {"length": FinishReason.LENGTH}


class OllamaProvider(LLMProvider):
    """Chat with models on this machine.

    Args:
        base_url: Where Ollama listens.
        context_tokens: The context length to load a model with (`num_ctx`); None: Ollama's own.
        network: How Ollama is reached.
    """

    def __init__(
        self,
        *,
        base_url: str = OLLAMA_BASE_URL,
        context_tokens: int | None = None,
        network: Network | None = None,
    ) -> None:
        self._upstream = Upstream(base_url, network or Network())
        self._context_tokens = context_tokens

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask `/api/chat`; no bytes arrive while the model loads."""
        _refuse_cloud(model, {})
        try:
            async with (
                self._upstream.request("POST", "/api/chat", headers={}, payload=self._body(prompt, model)) as response,
                aclosing(_pieces(response, model)) as pieces,
            ):
                async for piece in pieces:
                    yield piece
        except RefusedByUpstream as refusal:
            raise _failure(refusal.response, model) from refusal
        except ProviderFailure as failure:
            if failure.kind is FailureKind.NETWORK:
                failure.hint = failure.hint or START_HINT
            raise

    async def check(self, model: str | None) -> None:
        """List the models that were pulled, and look for `model` among them."""
        try:
            reply = await self._upstream.get_json("/api/tags", headers={})
        except RefusedByUpstream as refusal:
            raise _failure(refusal.response, model) from refusal
        except ProviderFailure as failure:
            failure.hint = failure.hint or START_HINT
            raise
        entry = _entry_of(reply, model) if model is not None else {}
        _refuse_cloud(model, entry or {})
        if entry is None:
            raise ProviderFailure(
                FailureKind.MODEL_NOT_FOUND,
                "the model was not pulled",
                hint=f"pull the model first: ollama pull {model}",
            )

    async def aclose(self) -> None:
        """Close its connections."""
        await self._upstream.aclose()

    def _body(self, prompt: Prompt, model: str | None) -> dict[str, object]:
        options: dict[str, object] = {}
        if self._context_tokens is not None:
            options["num_ctx"] = self._context_tokens
        if prompt.temperature is not None:
            options["temperature"] = prompt.temperature
        if prompt.max_tokens is not None:
            options["num_predict"] = prompt.max_tokens
        if prompt.stop:
            options["stop"] = list(prompt.stop)
        body: dict[str, object] = {
            "model": model,
            "messages": [_message_body(message) for message in prompt.messages],
            "stream": True,
            "truncate": False,
            "shift": False,
            "options": options,
        }
        if prompt.tools:
            body["tools"] = [tool.as_dict() for tool in prompt.tools]
        if prompt.response_format is not None:
            body["format"] = _format_of(prompt.response_format)
        return body


async def _pieces(response: UpstreamResponse, model: str | None) -> AsyncGenerator[Piece, None]:
    reading = _Reading(model)
    async with aclosing(response.batches(LineDecoder())) as batches:
        async for batch in batches:
            if text := "".join([reading.text_of(line) for line in batch]):
                yield Delta(text)
            if reading.finish is not None:
                await read_to_end(batches, within_seconds=CLOSE_SECONDS)
                yield reading.finish
                return
    raise ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker")


class _Reading:
    """What a chat has said so far, besides its text."""

    def __init__(self, model: str | None) -> None:
        self._model = model
        self._calls: list[ToolCall] = []
        self.finish: Finish | None = None

    def text_of(self, line: bytes) -> str:
        """Take in one line, and give its text."""
        value = parsed(line)
        if not isinstance(value, dict):
            return ""  # one malformed line does not make the stream unsound; a missing terminal marker does
        if value.get("error"):
            raise _failure(stream_error(value["error"], status=value.get("status"), now=time.time()), self._model)
        _refuse_cloud(None, value)
        text = self._text_of_message(value.get("message"))
        if value.get("done") is True:
            self.finish = self._finish(value)
        return text

    def _text_of_message(self, message: object) -> str:
        if not isinstance(message, dict):
            return ""
        for call in objects_in(message.get("tool_calls")):
            function = call.get("function")
            if isinstance(function, dict):
                call_id = str(call.get("id") or f"call_{len(self._calls)}")
                arguments = json.dumps(function.get("arguments") or {})
                self._calls.append(ToolCall(call_id, str(function.get("name")), arguments))
        content = message.get("content")
        return content if isinstance(content, str) else ""

    def _finish(self, value: Mapping[str, object]) -> Finish:
        usual = FinishReason.TOOL_CALLS if self._calls else FinishReason.STOP
        model = value.get("model")
        return Finish(
            FINISH_REASONS.get(str(value.get("done_reason")), usual),
            _usage_of(value),
            model if isinstance(model, str) else None,
            tuple(self._calls),
        )


def _usage_of(value: Mapping[str, object]) -> Usage | None:
    """Read the counters; Ollama leaves out one that is zero."""
    read, written = value.get("prompt_eval_count"), value.get("eval_count")
    if not isinstance(read, int) and not isinstance(written, int):
        return None
    return Usage(read if isinstance(read, int) else 0, written if isinstance(written, int) else 0)


def _entry_of(reply: object, model: str) -> Mapping[str, object] | None:
    models = objects_in(reply.get("models")) if isinstance(reply, dict) else []
    return next((entry for entry in models if entry.get("name") in (model, f"{model}:latest")), None)


def _refuse_cloud(model: str | None, entry: Mapping[str, object]) -> None:
    """Keep prompts on this machine: Ollama passes those for its cloud models on, through the same port."""
    if entry.get("remote_host") or (model or "").endswith(("-cloud", ":cloud")):
        raise ProviderFailure(FailureKind.ENTITLEMENT, "this model is not on this machine", hint=CLOUD_HINT)


def _message_body(message: Message) -> dict[str, object]:
    body: dict[str, object] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {"function": {"name": call.name, "arguments": _arguments(call)}} for call in message.tool_calls
        ]
    return body


def _arguments(call: ToolCall) -> object:
    try:
        return json.loads(call.arguments)
    except ValueError:
        return {}


def _format_of(response_format: Mapping[str, object]) -> object:
    """Turn OpenAI's response format into Ollama's: `"json"`, or a schema."""
    schema = response_format.get("json_schema")
    if isinstance(schema, Mapping):
        return schema.get("schema", "json")
    return "json" if response_format.get("type") in {"json_object", "json_schema"} else None


def _failure(response: ErrorResponse, model: str | None) -> ProviderFailure:
    failure = read_failure(OLLAMA_ROWS, response)
    if failure.hint is not None:
        failure.hint = failure.hint.replace("{model}", model or "MODEL")
    if failure.kind is FailureKind.UNSUPPORTED:
        failure.parameter = next((own for word, own in SUPPORT_MISSING.items() if word in response.text), None)
    return failure
