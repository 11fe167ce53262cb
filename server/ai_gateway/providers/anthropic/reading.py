"""Reading an answer of Anthropic's Messages API (https://platform.claude.com/docs/en/build-with-claude/streaming)."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Finish, FinishReason, Piece, ToolCall, Usage
from ai_gateway.providers.anthropic.refusals import anthropic_failure
from ai_gateway.providers.error_response import stream_error
from ai_gateway.providers.http import UpstreamResponse
from ai_gateway.providers.reading import pieces_of
from ai_gateway.providers.sse import EventsOrDocument
from ai_gateway.providers.wire import object_in, objects_in, parsed_all, text_in

WINDOW_FULL = "model_context_window_exceeded"
FINISH_REASONS = {
    "max_tokens": FinishReason.LENGTH,
    WINDOW_FULL: FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.REFUSAL,
}
ERROR_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
PING = b'{"type":"ping"'
CLOSE_SECONDS = 0.05
"""How long the end of the body may take after `message_stop`."""


def chat_pieces(response: UpstreamResponse) -> AsyncGenerator[Piece, None]:
    """Read a message, streamed or whole.

    Raises:
        ProviderFailure: It holds an error, or ended before `message_stop`.
    """
    return pieces_of(response, _WithoutPings(), _Reading())


class _WithoutPings(EventsOrDocument):
    """Passes over pings: they prove that the connection is there, not that the model is at work."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take in the next chunk."""
        return [event for event in super().feed(chunk) if not event.replace(b" ", b"").startswith(PING)]


class _Reading:
    """What a message has said so far, besides its text."""

    def __init__(self) -> None:
        self._model: str | None = None
        self._reason: str | None = None
        self._counts: dict[str, int] = {}
        self._calls: dict[str, _PartialCall] = {}
        self._has_text = False
        self.is_over = False
        self.patience_seconds = CLOSE_SECONDS

    def text_of(self, messages: Sequence[bytes]) -> str:
        """Take in the events that arrived together, or the whole message, and give their text."""
        text = "".join([self._text_of_event(event) for event in map(object_in, parsed_all(messages))])
        self._has_text = self._has_text or bool(text)
        return text

    def _text_of_event(self, event: Mapping[str, object]) -> str:
        if self.is_over:
            return ""  # the answer is whole, whatever may follow
        if error := event.get("error"):
            kind = text_in(object_in(error).get("type"))
            raise anthropic_failure(stream_error(error, status=ERROR_STATUSES.get(kind), now=time.time()))
        return self._text_of(event)

    def finish(self) -> Finish:
        """Give the terminal marker, if the upstream did.

        A window that is full after some text cut the answer off, as any other limit does; without text, the prompt
        left no room for one, and only a larger window helps.
        """
        if not self.is_over:
            raise ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker")
        if self._reason == WINDOW_FULL and not self._has_text and not self._calls:
            raise ProviderFailure(FailureKind.CONTEXT_TOO_LONG, "the prompt fills the model's context window")
        reason = FINISH_REASONS.get(self._reason or "", FinishReason.STOP)
        if self._calls and reason is FinishReason.STOP:
            reason = FinishReason.TOOL_CALLS
        return Finish(reason, self._usage(), self._model, tuple(call.whole() for call in self._calls.values()))

    def _text_of(self, event: Mapping[str, object]) -> str:
        """Take in an event; pings, and events that are not known yet, say nothing."""
        place = str(event.get("index"))
        match event.get("type"):
            case "content_block_delta":
                return self._text_of_delta(place, object_in(event.get("delta")))
            case "content_block_start":
                return self._text_of_block(place, object_in(event.get("content_block")))
            case "message_start":
                return self._text_of_message(object_in(event.get("message")))
            case "message_delta":
                self._take_end(object_in(event.get("delta")).get("stop_reason"), event.get("usage"))
            case "message_stop":
                self.is_over = True
            case "message":
                self.is_over = True
                return self._text_of_message(event)
        return ""

    def _text_of_message(self, message: Mapping[str, object]) -> str:
        self._model = text_in(message.get("model")) or self._model
        self._take_end(message.get("stop_reason"), message.get("usage"))
        blocks = objects_in(message.get("content"))
        return "".join([self._text_of_block(str(place), block) for place, block in enumerate(blocks)])

    def _text_of_block(self, place: str, block: Mapping[str, object]) -> str:
        """Take in a block of text or a call; thoughts, and tools that the upstream runs itself, are not shown."""
        if block.get("type") == "tool_use":
            self._calls[place] = _PartialCall(block)
        return text_in(block.get("text")) if block.get("type") == "text" else ""

    def _text_of_delta(self, place: str, delta: Mapping[str, object]) -> str:
        if place in self._calls:
            self._calls[place].add(text_in(delta.get("partial_json")))
        return text_in(delta.get("text")) if delta.get("type") == "text_delta" else ""

    def _take_end(self, reason: object, usage: object) -> None:
        """Take in why it stopped and what was counted; counts are cumulative, so the last one of each counts."""
        self._reason = text_in(reason) or self._reason
        self._counts |= {name: count for name, count in object_in(usage).items() if isinstance(count, int)}

    def _usage(self) -> Usage | None:
        """Add up what was read: the API counts apart what came from its cache, went into it, and neither."""
        if not self._counts:
            return None
        read, written = (self._counts.get(f"cache_{what}_input_tokens", 0) for what in ("read", "creation"))
        return Usage(
            input_tokens=self._counts.get("input_tokens", 0) + read + written,
            output_tokens=self._counts.get("output_tokens", 0),
            cached_input_tokens=read,
            cache_write_tokens=written,
        )


class _PartialCall:
    """A tool call whose input arrives in fragments; in a whole message it is there at once."""

    def __init__(self, block: Mapping[str, object]) -> None:
        self._id = text_in(block.get("id"))
        self._name = text_in(block.get("name"))
        self._input = block.get("input") or {}
        self._fragments: list[str] = []

    def add(self, fragment: str) -> None:
        """Take in a fragment of JSON text."""
        self._fragments.append(fragment)

    def whole(self) -> ToolCall:
        """Give the call."""
        return ToolCall(self._id, self._name, "".join(self._fragments) or json.dumps(self._input))
