"""The chat-completions wire that OpenAI, Copilot and many others speak.

Shapes: https://platform.openai.com/docs/api-reference/chat and …/chat/streaming.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ai_gateway.fakes.answers import Frame, Kind, ToolCall, encode, split_words, sse
from ai_gateway.fakes.completion import Completion

DONE = b"data: [DONE]\n\n"
NOTHING_FILTERED = {
    name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")
}
"""What Azure's content filter says of most texts, and Copilot with it."""


def error_envelope(
    message: str, kind: str | None = None, param: str | None = None, code: str | int | None = None
) -> dict[str, object]:
    """OpenAI's error body; `kind` is its `type`."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True, kw_only=True)
class TextCompletion(Completion):
    """An answer without chat, as the older API writes it (https://platform.openai.com/docs/api-reference/completions)."""

    serial: int
    include_usage: bool = False
    created: int = field(default_factory=lambda: int(time.time()))

    def document(self) -> dict[str, object]:
        """The body of an answer that isn't streamed."""
        return self._said(self.reply.text, self._finish_reason) | {"usage": self._usage()}

    def frames(self) -> Iterator[Frame]:
        """The events of a streamed answer."""
        yield from map(self.piece, self.reply.pieces)
        yield self.event(encode(self._said("", self._finish_reason)), "finish")
        if self.include_usage:
            yield self.event(encode(self._said(None) | {"usage": self._usage()}), "usage")
        yield Frame(DONE, "end")

    def event(self, payload: bytes, kind: Kind = "other") -> Frame:
        """`payload` as a server-sent event."""
        return Frame(sse(payload), kind)

    def delta(self, text: str) -> Frame:
        """An event with one more piece of text."""
        return self.event(encode(self._said(text)), "delta")

    def error(self, message: str) -> Frame:
        """An event with an error in place of choices."""
        return self.event(encode(error_envelope(message, "server_error")))

    @property
    def _finish_reason(self) -> str:
        return self.reply.finish_reason or "stop"

    def _said(self, text: str | None, finish_reason: str | None = None) -> dict[str, object]:
        choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish_reason}
        return {
            "id": f"cmpl-{self.serial}",
            "object": "text_completion",
            "created": self.created,
            "model": self.answering_model,
            "choices": [] if text is None else [choice],
        }

    def _usage(self) -> dict[str, object]:
        total = self.prompt_tokens + self.reply.text_tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.reply.text_tokens,
            "total_tokens": total,
        }


@dataclass(frozen=True, kw_only=True)
class ChatCompletion(Completion):
    """An answer as OpenAI writes it."""

    thinking_field: ClassVar[str] = "reasoning_content"

    serial: int
    include_usage: bool = False
    obfuscate: bool = True
    created: int = field(default_factory=lambda: int(time.time()))

    def document(self) -> dict[str, object]:
        """The body of an answer that isn't streamed."""
        message: dict[str, object] = {
            "role": "assistant",
            "content": None if self.reply.tool_calls and not self.reply.text else self.reply.text,
            "refusal": None,
            "annotations": [],
        }
        if self.reply.thinking:
            message[self.thinking_field] = self.reply.thinking
        if self.reply.tool_calls:
            message["tool_calls"] = [self._tool_call(call, call.arguments_text) for call in self.reply.tool_calls]
        choice = self.choice(self.finish_reason, message=message)
        return self.envelope("chat.completion", [choice]) | {"usage": self.usage()}

    def usage(self) -> dict[str, object]:
        """The token counts; thinking is part of the completion."""
        thinking = self.reply.thinking_tokens
        completion = self.reply.text_tokens + thinking
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
        for fragment in call.argument_fragments:
            yield self.chunk({"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}, "delta")

    def _tool_call(self, call: ToolCall, arguments: str) -> dict[str, object]:
        return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}

    def envelope(self, kind: str, choices: list[Mapping[str, object]]) -> dict[str, object]:
        """What surrounds the choices, in an answer (`kind` `chat.completion`) and in each event."""
        return {
            "id": f"chatcmpl-{self.serial}",
            "object": kind,
            "created": self.created,
            "model": self.answering_model,
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
