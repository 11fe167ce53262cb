"""The chat-completions wire that OpenAI, Copilot and many others speak.

Shapes: https://platform.openai.com/docs/api-reference/chat and …/chat/streaming.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from .answers import Answer, Frame, Kind, Reply, Spelling, ToolCall, encode, split_words

DONE = b"data: [DONE]\n\n"
_ARGUMENT_FRAGMENT = 8


def sse(payload: bytes, event: str = "") -> bytes:
    """One server-sent event."""
    return (f"event: {event}\n".encode() if event else b"") + b"data: " + payload + b"\n\n"


def error_envelope(
    message: str, kind: str | None = None, param: str | None = None, code: str | int | None = None
) -> dict[str, object]:
    """OpenAI's error body; `kind` is its `type`."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _arguments(call: ToolCall) -> str:
    return call.arguments if isinstance(call.arguments, str) else encode(call.arguments).decode()


@dataclass(frozen=True, kw_only=True)
class ChatCompletion(Spelling):
    """One answer, whole or streamed, as OpenAI writes it. Tokens are words."""

    reply: Reply
    model: str
    prompt_tokens: int
    serial: int
    include_usage: bool = False
    obfuscate: bool = True
    created: int = field(default_factory=lambda: int(time.time()))

    def answer(self, *, stream: bool) -> Answer:
        """The HTTP answer."""
        if not stream:
            return Answer.of(self.document())
        return Answer.stream(self.frames(), self, "text/event-stream; charset=utf-8")

    def document(self) -> dict[str, object]:
        """The body of an answer that isn't streamed."""
        message: dict[str, object] = {
            "role": "assistant",
            "content": None if self.reply.tool_calls and not self.reply.text else self.reply.text,
            "refusal": None,
            "annotations": [],
        }
        if self.reply.thinking:
            message["reasoning_content"] = self.reply.thinking
        if self.reply.tool_calls:
            message["tool_calls"] = [self._tool_call(call, _arguments(call)) for call in self.reply.tool_calls]
        choice = self.choice(self.finish_reason, message=message)
        return self.envelope("chat.completion", [choice]) | {"usage": self.usage()}

    def usage(self) -> dict[str, object]:
        """The token counts; thinking is part of the completion."""
        thinking = len(self.reply.thinking.split())
        completion = len(self.reply.text.split()) + thinking
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": thinking,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    @property
    def finish_reason(self) -> str:
        """Why the model stopped."""
        return self.reply.finish_reason or ("tool_calls" if self.reply.tool_calls else "stop")

    def frames(self) -> Iterator[Frame]:
        """The events of a streamed answer."""
        yield self.chunk({"role": "assistant", "content": "", "refusal": None}, "start")
        for word in split_words(self.reply.thinking):
            yield self.chunk({self.thinking_field: word}, "delta")
        yield from map(self.piece, self.reply.pieces)
        for index, call in enumerate(self.reply.tool_calls):
            yield from self._tool_fragments(index, call)
        yield self.chunk({}, "finish", self.finish_reason)
        if self.include_usage:
            yield self.usage_chunk()
        yield Frame(DONE, "end")

    def _tool_fragments(self, index: int, call: ToolCall) -> Iterator[Frame]:
        yield self.chunk({"tool_calls": [{"index": index, **self._tool_call(call, "")}]}, "delta")
        arguments = _arguments(call)
        for start in range(0, len(arguments), _ARGUMENT_FRAGMENT):
            fragment = {"arguments": arguments[start : start + _ARGUMENT_FRAGMENT]}
            yield self.chunk({"tool_calls": [{"index": index, "function": fragment}]}, "delta")

    def _tool_call(self, call: ToolCall, arguments: str) -> dict[str, object]:
        return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}

    thinking_field: ClassVar[str] = "reasoning_content"

    def envelope(self, kind: str, choices: list[Mapping[str, object]]) -> dict[str, object]:
        """What surrounds the choices, in an answer (`kind` `chat.completion`) and in each event."""
        return {
            "id": f"chatcmpl-{self.serial}",
            "object": kind,
            "created": self.created,
            "model": self.reply.model or self.model,
            "choices": choices,
            "service_tier": "default",
            "system_fingerprint": "fp_fake",
        }

    def choice(self, finish_reason: str | None, **said: Mapping[str, object]) -> dict[str, object]:
        """The only choice, with the `message` or `delta` that it says."""
        return {"index": 0, **said, "logprobs": None, "finish_reason": finish_reason}

    def chunk(self, delta: Mapping[str, object], kind: Kind, finish_reason: str | None = None) -> Frame:
        """One event."""
        body = self.envelope("chat.completion.chunk", [self.choice(finish_reason, delta=delta)])
        if self.include_usage:
            body["usage"] = None
        if self.obfuscate:
            body["obfuscation"] = "x" * (8 - len(str(delta)) % 8)
        return self.event(encode(body), kind)

    def usage_chunk(self) -> Frame:
        """The event that carries the token counts, with no choice in it."""
        return self.event(encode(self.envelope("chat.completion.chunk", []) | {"usage": self.usage()}), "usage")

    def event(self, payload: bytes, kind: Kind = "other") -> Frame:
        """`payload` as a server-sent event."""
        return Frame(sse(payload), kind)

    def delta(self, text: str) -> Frame:
        """An event with one more piece of text."""
        return self.chunk({"content": text}, "delta")

    def error(self, message: str) -> Frame:
        """An event with an error in place of choices."""
        return self.event(encode(error_envelope(message, "server_error")))
