"""OpenAI's chat completions wire, spoken by OpenAI, Copilot and every compatible server.

Tolerant in what it reads (https://platform.openai.com/docs/api-reference/chat-streaming, and what compatible servers
really send): chunks without choices, several choices, comments, missing fields, an error inside a 200, no `[DONE]`.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Delta, Finish, FinishReason, Piece, Prompt, ToolCall, Usage
from ai_gateway.providers.failure_rows import Row, read_failure, stream_error
from ai_gateway.providers.http import UpstreamResponse, read_to_end
from ai_gateway.providers.lines import Decoder, WholeDecoder, objects_in, parsed
from ai_gateway.providers.sse import SseDecoder

FINISH_REASONS: Mapping[str, FinishReason] = {
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
}

CLOSE_SECONDS = 0.05
"""How long the end of the body may take after `[DONE]`."""
USAGE_SECONDS = 2.0
"""How long usage and `[DONE]` may take after the finish reason; some servers send neither."""

OPENAI_ROWS = (
    Row(
        FailureKind.CONTEXT_TOO_LONG,
        400,
        codes=("context_length_exceeded", "model_max_prompt_tokens_exceeded", "exceed_context_size_error"),
    ),
    Row(
        FailureKind.CONTEXT_TOO_LONG,
        (400, 413, 422),
        text="maximum context length|context window|prompt token count of|context size",
    ),
    Row(FailureKind.CONTENT_FILTER, (400, 403), codes=("content_policy_violation", "invalid_prompt", "content_filter")),
    Row(FailureKind.UNSUPPORTED, (400, 404, 422), codes=("unsupported_parameter", "unsupported_value")),
    Row(FailureKind.MODEL_NOT_FOUND, (400, 403, 404), codes=("model_not_found",)),
    Row(
        FailureKind.INVALID_REQUEST,
        400,
        codes=("invalid_value", "invalid_type", "string_above_max_length", "integer_above_max_value"),
    ),
    Row(
        FailureKind.QUOTA,
        429,
        codes=(
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "billing_hard_limit_reached",
            "billing_not_active",
        ),
    ),
    Row(FailureKind.CONTEXT_TOO_LONG, 429, text="request too large"),
    Row(FailureKind.LOADING, 503, text="loading model"),
)


def chat_body(prompt: Prompt, model: str | None, *, max_tokens_name: str = "max_tokens") -> dict[str, object]:
    """Build the body of a streaming request; usage is asked for."""
    body: dict[str, object] = {
        "messages": [message.as_dict() for message in prompt.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if model is not None:
        body["model"] = model
    for name, value in prompt.options().items():
        body[max_tokens_name if name == "max_tokens" else name] = value
    if prompt.tools:
        body["tools"] = [tool.as_dict() for tool in prompt.tools]
    return body


async def chat_pieces(response: UpstreamResponse, rows: Iterable[Row]) -> AsyncGenerator[Piece, None]:
    """Read a completion, streamed or whole.

    Raises:
        ProviderFailure: It holds an error, or ended before its terminal marker.
    """
    reading = _Reading(rows)
    async with aclosing(response.batches(_CompletionDecoder())) as batches:
        async for batch in batches:
            if text := reading.text_of_events(batch):
                yield Delta(text)
            if reading.is_over:
                rest = await read_to_end(batches, within_seconds=reading.patience_seconds)
                if text := reading.text_of_events(rest):
                    yield Delta(text)
    yield reading.finish()


class _CompletionDecoder:
    """Tells a stream of events from a whole document by how it begins, for some servers call either by a wrong type."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take in the next chunk."""
        if self._decoder is None and (begun := chunk.lstrip()):
            self._decoder = WholeDecoder() if begun.startswith((b"{", b"[")) else SseDecoder()
        return self._decoder.feed(chunk) if self._decoder else []

    def end(self) -> list[bytes]:
        """The body is over."""
        return self._decoder.end() if self._decoder else []


class _Reading:
    """What a completion has said so far, besides its text."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._calls: list[_PartialCall] = []
        self._calls_by_place: dict[tuple[str, str], _PartialCall] = {}
        self._done = False

    @property
    def is_over(self) -> bool:
        """Whether the terminal marker was seen: what may still come is usage."""
        return self._done or self._reason is not None

    @property
    def patience_seconds(self) -> float:
        """How long to wait for what may still come."""
        return CLOSE_SECONDS if self._done else USAGE_SECONDS

    def text_of_events(self, events: Iterable[bytes]) -> str:
        """Take in what arrived together, and give its text."""
        return "".join([self._text_of_event(data) for data in events])

    def finish(self) -> Finish:
        """Give the terminal marker, if the upstream did."""
        if self._reason is None and not self._done:
            raise ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker")
        if self._reason == "error":
            raise ProviderFailure(FailureKind.STREAM_BROKEN, "the upstream gave up in the middle of the answer")
        reason = FINISH_REASONS.get(self._reason or "", FinishReason.STOP)
        if self._calls and reason is FinishReason.STOP:
            reason = FinishReason.TOOL_CALLS
        return Finish(reason, self._usage, self._model, tuple(call.whole() for call in self._calls))

    def _text_of_event(self, data: bytes) -> str:
        if data.strip() == b"[DONE]":
            self._done = True
            return ""
        chunk = parsed(data)
        if not isinstance(chunk, dict):
            return ""  # one malformed chunk does not make the stream unsound; a missing terminal marker does
        if chunk.get("error"):
            raise read_failure(self._rows, stream_error(chunk["error"], now=time.time()))
        model = chunk.get("model")
        self._model = model if model and isinstance(model, str) else self._model
        self._usage = _usage_of(chunk.get("usage")) or self._usage
        return "".join([self._text_of_choice(choice) for choice in objects_in(chunk.get("choices"))])

    def _text_of_choice(self, choice: Mapping[str, object]) -> str:
        reason = choice.get("finish_reason")
        delta = choice.get("delta")
        if delta is None:  # a whole message ends with itself
            delta = choice.get("message")
            reason = reason or self._reason or ("stop" if delta else None)
        if isinstance(reason, str) and reason:
            self._reason = reason
        if not isinstance(delta, dict):
            return ""
        for position, call in enumerate(objects_in(delta.get("tool_calls"))):
            self._take_call(call, place=(str(choice.get("index")), str(call.get("index", position))))
        content = delta.get("content")
        return content if isinstance(content, str) else ""

    def _take_call(self, fragment: Mapping[str, object], place: tuple[str, str]) -> None:
        call = self._calls_by_place.get(place)
        if call is None or call.is_another(fragment):
            call = self._calls_by_place[place] = _PartialCall()
            self._calls.append(call)
        call.add(fragment)


class _PartialCall:
    """A tool call whose arguments arrive in fragments."""

    def __init__(self) -> None:
        self._id = ""
        self._name = ""
        self._arguments: list[str] = []

    def is_another(self, fragment: Mapping[str, object]) -> bool:
        """Whether the fragment begins a call of its own: some servers number all calls alike, or not at all."""
        return bool(self._id and fragment.get("id")) and str(fragment["id"]) != self._id

    def add(self, fragment: Mapping[str, object]) -> None:
        """Take in a fragment; arguments are text, but some servers give the object itself."""
        self._id = str(fragment.get("id") or self._id)
        function = fragment.get("function")
        if isinstance(function, dict):
            self._name = str(function.get("name") or self._name)
            arguments = function.get("arguments") or ""
            self._arguments.append(arguments if isinstance(arguments, str) else json.dumps(arguments))

    def whole(self) -> ToolCall:
        """Give the call."""
        return ToolCall(self._id, self._name, "".join(self._arguments) or "{}")


def _usage_of(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    details = value.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(_count(value.get("prompt_tokens")), _count(value.get("completion_tokens")), _count(cached))


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
