"""What Anthropic writes when Claude speaks: server-sent events, or one message.

Shapes: https://platform.claude.com/docs/en/build-with-claude/streaming and …/api/messages/create.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ai_gateway.fakes.answers import Frame, Kind, ToolCall, encode, split_words, sse
from ai_gateway.fakes.anthropic.failures import error_event
from ai_gateway.fakes.completion import Completion

_SIGNATURE = "ZmFrZSBzaWduYXR1cmU="
_PLAIN_USAGE = {"service_tier": "standard"}


@dataclass(frozen=True, kw_only=True)
class AnthropicCompletion(Completion):
    """An answer as Anthropic writes it: a message.

    Of the `prompt_tokens`, so many were read from the prompt cache, and so many written to it.
    """

    serial: int
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0

    def document(self) -> dict[str, object]:
        """The body of an answer that isn't streamed."""
        content: list[dict[str, object]] = []
        if self.reply.thinking:
            content.append({"type": "thinking", "thinking": self.reply.thinking, "signature": _SIGNATURE})
        if self.reply.text:
            content.append({"type": "text", "text": self.reply.text, "citations": None})
        content += [{**_call_block(call), "input": call.arguments_object} for call in self.reply.tool_calls]
        usage = {**self._input_usage(), **self._output_usage(), **_PLAIN_USAGE}
        return self._envelope(content, self.stop_reason, usage)

    @property
    def stop_reason(self) -> str:
        """Why the model stopped."""
        return self.reply.finish_reason or ("tool_use" if self.reply.tool_calls else "end_turn")

    def frames(self) -> Iterator[Frame]:
        """The events of a streamed answer."""
        usage = {**self._input_usage(), "output_tokens": 1, **_PLAIN_USAGE}
        yield self._event("message_start", "start", message=self._envelope([], None, usage))
        if self.reply.thinking:
            yield from self._thinking()
        if self.reply.pieces:
            yield self._start(self._text_place, {"type": "text", "text": ""})
            yield self._event("ping")
            yield from map(self.piece, self.reply.pieces)
            yield self._event("content_block_stop", index=self._text_place)
        for place, call in enumerate(self.reply.tool_calls, self._text_place + bool(self.reply.pieces)):
            yield from self._tool_use(place, call)
        stop = {"stop_reason": self.stop_reason, "stop_sequence": None, "stop_details": self._stop_details}
        yield self._event("message_delta", "finish", delta=stop, usage=self._output_usage())
        yield self._event("message_stop", "end")

    def event(self, payload: bytes, kind: Kind = "other") -> Frame:
        """`payload` as a server-sent event, called by the type that it names."""
        return Frame(sse(payload, _type_of(payload)), kind)

    def delta(self, text: str) -> Frame:
        """One more piece of text."""
        return self._delta(self._text_place, {"type": "text_delta", "text": text})

    def error(self, message: str) -> Frame:
        """A failure, with status 200 long sent."""
        return self.event(encode(error_event("api_error", message)))

    @property
    def _text_place(self) -> int:
        return 1 if self.reply.thinking else 0

    @property
    def _stop_details(self) -> dict[str, object] | None:
        return {"type": "refusal", "category": None, "explanation": None} if self.stop_reason == "refusal" else None

    def _thinking(self) -> Iterator[Frame]:
        yield self._start(0, {"type": "thinking", "thinking": "", "signature": ""})
        for word in split_words(self.reply.thinking):
            yield self._delta(0, {"type": "thinking_delta", "thinking": word})
        yield self._event("content_block_delta", index=0, delta={"type": "signature_delta", "signature": _SIGNATURE})
        yield self._event("content_block_stop", index=0)

    def _tool_use(self, place: int, call: ToolCall) -> Iterator[Frame]:
        yield self._start(place, {**_call_block(call), "input": {}})
        for fragment in ("", *call.argument_fragments):  # the real API's first one is empty
            yield self._delta(place, {"type": "input_json_delta", "partial_json": fragment})
        yield self._event("content_block_stop", index=place)

    def _start(self, place: int, block: Mapping[str, object]) -> Frame:
        return self._event("content_block_start", index=place, content_block=block)

    def _delta(self, place: int, delta: Mapping[str, object]) -> Frame:
        return self._event("content_block_delta", "delta", index=place, delta=delta)

    def _event(self, name: str, kind: Kind = "other", **fields: object) -> Frame:
        return self.event(encode({"type": name, **fields}), kind)

    def _envelope(self, content: object, stop_reason: str | None, usage: Mapping[str, object]) -> dict[str, object]:
        return {
            "id": f"msg_fake{self.serial}",
            "type": "message",
            "role": "assistant",
            "model": self.answering_model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "stop_details": self._stop_details if stop_reason else None,
            "usage": usage,
        }

    def _input_usage(self) -> dict[str, object]:
        """What was read, in three counts that do not overlap."""
        return {
            "input_tokens": self.prompt_tokens - self.cache_read_tokens - self.cache_creation_tokens,
            "cache_creation_input_tokens": self.cache_creation_tokens,
            "cache_read_input_tokens": self.cache_read_tokens,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.cache_creation_tokens,
                "ephemeral_1h_input_tokens": 0,
            },
        }

    def _output_usage(self) -> dict[str, object]:
        thinking = self.reply.thinking_tokens
        return {
            "output_tokens": self.reply.text_tokens + thinking,
            "output_tokens_details": {"thinking_tokens": thinking},
        }


def _call_block(call: ToolCall) -> dict[str, object]:
    return {"type": "tool_use", "id": call.id, "name": call.name}


def _type_of(payload: bytes) -> str:
    """The name of the event that carries `payload`; what isn't JSON is a delta that was damaged."""
    try:
        named = json.loads(payload)
    except ValueError:
        return "content_block_delta"
    return str(named.get("type", "error" if "error" in named else "message")) if isinstance(named, dict) else "message"
