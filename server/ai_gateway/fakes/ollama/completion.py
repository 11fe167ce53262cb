"""What Ollama writes when a model speaks: NDJSON lines, or one object.

Shapes: https://github.com/ollama/ollama/blob/main/docs/api.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from ai_gateway.fakes.answers import Frame, Kind, Spelling, ToolCall, encode, split_words
from ai_gateway.fakes.completion import Completion
from ai_gateway.fakes.ollama.failures import JSON, NDJSON

_PROMPT_TOKEN_NS = 1_000_000
_TOKEN_NS = 10_000_000


def now() -> str:
    """This moment as Go writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def line(value: object, kind: Kind = "other") -> Frame:
    """One line of NDJSON."""
    return Frame(encode(value) + b"\n", kind)


class Lines(Spelling):
    """NDJSON that reports progress."""

    def event(self, payload: bytes, kind: Kind = "other") -> Frame:
        """The payload on a line of its own."""
        return Frame(payload + b"\n", kind)

    def delta(self, text: str) -> Frame:
        """A status."""
        return line({"status": text}, "delta")

    def error(self, message: str) -> Frame:
        """An error, with status 200 long sent."""
        return line({"error": message})


@dataclass(frozen=True, kw_only=True)
class OllamaCompletion(Lines, Completion):
    """An answer of `/api/chat`, or of `/api/generate` (`chat` false)."""

    document_type: ClassVar[str] = JSON
    stream_type: ClassVar[str] = NDJSON

    load_ns: int = 0
    chat: bool = True
    done_reason: str | None = None
    origin: Mapping[str, object] = field(default_factory=dict)

    def frames(self) -> Iterator[Frame]:
        """The lines of a streamed answer: tool calls arrive whole."""
        for word in split_words(self.reply.thinking):
            yield line(self._said(thinking=word), "delta")
        yield from map(self.piece, self.reply.pieces)
        if self.reply.tool_calls:
            yield line(self._said(tool_calls=self.reply.tool_calls), "delta")
        yield line(self._said() | self._done(), "finish")

    def document(self) -> dict[str, object]:
        """The whole answer."""
        said = self._said(self.reply.text, self.reply.thinking, self.reply.tool_calls)
        return said | self._done()

    def delta(self, text: str) -> Frame:
        """A line with one more piece of text."""
        return line(self._said(text), "delta")

    def _said(self, text: str = "", thinking: str = "", tool_calls: Sequence[ToolCall] = ()) -> dict[str, object]:
        aside: dict[str, object] = {"thinking": thinking} if thinking else {}
        if tool_calls:
            aside["tool_calls"] = [_tool_call(index, call) for index, call in enumerate(tool_calls)]
        said = (
            {"message": {"role": "assistant", "content": text, **aside}} if self.chat else {"response": text, **aside}
        )
        return {"model": self.answering_model, **self.origin, "created_at": now(), **said, "done": False}

    def _done(self) -> dict[str, object]:
        tokens = self.reply.text_tokens + self.reply.thinking_tokens
        prompt_ns, answer_ns = self.prompt_tokens * _PROMPT_TOKEN_NS, tokens * _TOKEN_NS
        statistics = {
            "total_duration": self.load_ns + prompt_ns + answer_ns,
            "load_duration": self.load_ns,
            "prompt_eval_count": self.prompt_tokens,
            "prompt_eval_duration": prompt_ns,
            "eval_count": tokens,
            "eval_duration": answer_ns,
        }
        reason = self.done_reason or self.reply.finish_reason or "stop"
        return {"done": True, "done_reason": reason, **{key: n for key, n in statistics.items() if n}}


def _tool_call(index: int, call: ToolCall) -> dict[str, object]:
    return {"id": call.id, "function": {"index": index, "name": call.name, "arguments": call.arguments}}
