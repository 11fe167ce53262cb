"""What Azure writes when a model speaks: OpenAI's wire, and what the content filter saw."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ai_gateway.fakes.answers import Frame, encode
from ai_gateway.fakes.openai.completion import NOTHING_FILTERED, ChatCompletion

_CLEAN = {**NOTHING_FILTERED, "jailbreak": {"filtered": False, "detected": False}}


@dataclass(frozen=True, kw_only=True)
class AzureCompletion(ChatCompletion):
    """A chat completion that says so."""

    def frames(self) -> Iterator[Frame]:
        """The events, after one about the prompt."""
        seen = [{"prompt_index": 0, "content_filter_results": _CLEAN}]
        preamble = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": seen}
        yield self.event(encode(preamble), "start")
        yield from super().frames()

    def document(self) -> dict[str, object]:
        """The whole answer, and what was seen in the prompt."""
        return super().document() | {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _CLEAN}]}

    def choice(self, finish_reason: str | None, **said: Mapping[str, object]) -> dict[str, object]:
        """The only choice, and what was seen in it."""
        return super().choice(finish_reason, **said) | {"content_filter_results": _CLEAN}
