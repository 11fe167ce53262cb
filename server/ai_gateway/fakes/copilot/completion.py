"""What Copilot writes when a model speaks: OpenAI's wire, in a dialect."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ai_gateway.fakes.answers import Frame, Kind, encode
from ai_gateway.fakes.openai.completion import NOTHING_FILTERED, ChatCompletion

NANO_UNITS_PER_TOKEN = 1_000_000


@dataclass(frozen=True, kw_only=True)
class CopilotCompletion(ChatCompletion):
    """A chat completion in Copilot's dialect: filter results, no `object`, and a price."""

    thinking_field: ClassVar[str] = "reasoning_text"

    def frames(self) -> Iterator[Frame]:
        """The events, after one that has no choice and no id."""
        prompt_filter = [{"content_filter_results": NOTHING_FILTERED, "prompt_index": 0}]
        preamble = {"choices": [], "created": 0, "id": "", "prompt_filter_results": prompt_filter}
        yield self.event(encode(preamble), "start")
        yield from super().frames()

    def document(self) -> dict[str, object]:
        """The whole answer and its price."""
        return super().document() | self._price()

    def envelope(self, kind: str, choices: list[Mapping[str, object]]) -> dict[str, object]:
        """As OpenAI's, but an event does not say what object it is."""
        body: dict[str, object] = {
            "choices": choices,
            "created": self.created,
            "id": f"chatcmpl-{self.serial}",
            "model": self.answering_model,
            "system_fingerprint": "fp_fake",
        }
        return body if kind.endswith(".chunk") else body | {"object": kind}

    def chunk(self, delta: Mapping[str, object], kind: Kind, finish_reason: str | None = None) -> Frame:
        """One event, with what the content filter saw."""
        choice: dict[str, object] = {"index": 0, "content_filter_results": NOTHING_FILTERED, "delta": delta}
        if finish_reason:
            choice["finish_reason"] = finish_reason
        return self.event(encode(self.envelope("chat.completion.chunk", [choice])), kind)

    def usage_chunk(self) -> Frame:
        """The token counts and the price."""
        counts = {"usage": self.usage()} | self._price()
        return self.event(encode(self.envelope("chat.completion.chunk", []) | counts), "usage")

    def error(self, message: str) -> Frame:
        """An event with an error and no choices."""
        return self.event(encode({"error": {"code": 500, "message": message}}))

    def _price(self) -> dict[str, object]:
        words = self.reply.text_tokens + self.prompt_tokens
        return {"copilot_usage": {"total_nano_aiu": words * NANO_UNITS_PER_TOKEN}}
