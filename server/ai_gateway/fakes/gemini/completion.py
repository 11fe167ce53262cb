"""What Gemini generates: whole, as server-sent events, or as one JSON array (https://ai.google.dev/api/generate-content)."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ai_gateway.fakes.answers import Answer, Frame, Kind, encode, split_words, sse
from ai_gateway.fakes.completion import Completion
from ai_gateway.fakes.gemini.failures import error_body

_SEAL = b"fake thought "


def signature(serial: int) -> str:
    """A thought signature of this fake."""
    return base64.b64encode(_SEAL + str(serial).encode()).decode()


def is_signature(text: object) -> bool:
    """Whether this fake signed it, or it is what Google takes in place of a signature."""
    try:
        return text == "skip_thought_signature_validator" or base64.b64decode(str(text)).startswith(_SEAL)
    except binascii.Error:
        return False


@dataclass(frozen=True, kw_only=True)
class GeminiCompletion(Completion):
    """An answer as Gemini writes it, and however it is asked for.

    `signs` is for the models that number and sign their calls. With a `block_reason`, the prompt was blocked.
    """

    stream_type: ClassVar[str] = "text/event-stream"

    serial: int
    signs: bool = False
    as_array: bool = False
    late_usage: bool = False
    block_reason: str | None = None

    def answer(self, *, stream: bool) -> Answer:
        """The HTTP answer, which may be an array in place of a stream of events."""
        if stream and self.as_array:
            return Answer.stream(self._array(), self, "application/json; charset=UTF-8")
        return super().answer(stream=stream)

    def document(self) -> dict[str, object]:
        """The body of an answer that isn't streamed."""
        if self.block_reason is not None:
            return self._blocked()
        parts: list[Mapping[str, object]] = [{"text": self.reply.thinking, "thought": True}] * bool(self.reply.thinking)
        parts += [{"text": self.reply.text}] * bool(self.reply.text)
        return self._chunk([*parts, *self._calls()], self.finish_reason, self.reply.text_tokens)

    @property
    def finish_reason(self) -> str:
        """Why the model stopped."""
        return self.reply.finish_reason or "STOP"

    def event(self, payload: bytes, kind: Kind = "other") -> Frame:
        """`payload` as an event, or as an element of the array, with a comma after all but the last."""
        if not self.as_array:
            return Frame(sse(payload), kind)
        is_last = kind == ("usage" if self.late_usage else "finish")
        return Frame(payload + (b"\n" if is_last else b"\n,\r\n"), kind)

    def delta(self, text: str) -> Frame:
        """One more piece of text."""
        return self._event([{"text": text}], "delta")

    def error(self, message: str) -> Frame:
        """An error in place of a chunk."""
        return self.event(encode(error_body(500, message)))

    def _array(self) -> Iterator[Frame]:
        yield Frame(b"[", "start")
        yield from self.frames()
        yield Frame(b"]\n", "end")

    def frames(self) -> Iterator[Frame]:
        """The frames of a streamed answer, without the brackets of an array."""
        if self.block_reason is not None:
            yield self.event(encode(self._blocked()), "finish")
            return
        for word in split_words(self.reply.thinking):
            yield self._event([{"text": word, "thought": True}], "delta")
        yield from map(self.piece, self.reply.pieces)
        for call in self._calls():
            yield self._event([call], "delta")
        yield self._event(
            [{"text": ""}], "finish", self.finish_reason, 0 if self.late_usage else self.reply.text_tokens
        )
        if self.late_usage:
            yield self.event(encode(self._envelope(self.reply.text_tokens)), "usage")

    def _event(
        self, parts: list[Mapping[str, object]], kind: Kind, finish_reason: str | None = None, written: int = 0
    ) -> Frame:
        return self.event(encode(self._chunk(parts, finish_reason, written)), kind)

    def _chunk(self, parts: list[Mapping[str, object]], finish_reason: str | None, written: int) -> dict[str, object]:
        candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if finish_reason is not None:
            candidate["finishReason"] = finish_reason
        return {"candidates": [candidate]} | self._envelope(written)

    def _envelope(self, written: int) -> dict[str, object]:
        """What every chunk carries; a count of zero is left out."""
        thought = self.reply.thinking_tokens
        counts = {
            "promptTokenCount": self.prompt_tokens,
            "candidatesTokenCount": written,
            "totalTokenCount": self.prompt_tokens + written + thought,
            "thoughtsTokenCount": thought,
        }
        return {
            "usageMetadata": {name: count for name, count in counts.items() if count},
            "modelVersion": self.answering_model,
            "responseId": f"response-{self.serial}",
        }

    def _blocked(self) -> dict[str, object]:
        return {"promptFeedback": {"blockReason": self.block_reason}} | self._envelope(0)

    def _calls(self) -> Iterator[Mapping[str, object]]:
        """The calls; of those made together, only the first is signed."""
        for index, call in enumerate(self.reply.tool_calls):
            function = {"name": call.name, "args": call.arguments_object}
            part: dict[str, object] = {"functionCall": function | ({"id": call.id} if self.signs else {})}
            if self.signs and index == 0:
                part["thoughtSignature"] = signature(self.serial)
            yield part
