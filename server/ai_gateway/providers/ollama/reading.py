"""Reading a chat of Ollama's (https://docs.ollama.com/api/chat), or what it generates (https://docs.ollama.com/api/generate).

Either is NDJSON, with counters left out where they are zero.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Finish, FinishReason, Piece, ToolCall, Usage
from ai_gateway.providers.http import UpstreamResponse
from ai_gateway.providers.lines import LineDecoder
from ai_gateway.providers.ollama.models import refuse_remote
from ai_gateway.providers.ollama.server import refuse_error
from ai_gateway.providers.reading import pieces_of
from ai_gateway.providers.wire import count_in, object_in, objects_in, parsed_all, text_in

CLOSE_SECONDS = 0.05
"""How long the end of the body may take after the last line."""
FINISH_REASONS = {"length": FinishReason.LENGTH}
ONLY_LOADED = frozenset({"load", "unload"})


def chat_pieces(response: UpstreamResponse, model: str) -> AsyncGenerator[Piece, None]:
    """Read a streamed chat.

    Raises:
        ProviderFailure: It says so, broke off, or was answered elsewhere.
    """
    return pieces_of(response, LineDecoder(), _Reading(model))


class _Reading:
    """What a chat has said so far, besides its text."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._has_text = False
        self._calls: list[ToolCall] = []
        self._last: Mapping[str, object] = {}
        self.patience_seconds = CLOSE_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether the last line was seen."""
        return bool(self._last)

    def text_of(self, messages: Sequence[bytes]) -> str:
        """Take in the lines that arrived together, and give their text."""
        text = "".join([self._text_of_line(line) for line in map(object_in, parsed_all(messages))])
        self._has_text = self._has_text or bool(text)
        return text

    def finish(self) -> Finish:
        """Give the terminal marker, if the upstream did."""
        if not self.is_over:
            raise ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker")
        reason = str(self._last.get("done_reason"))
        if reason in ONLY_LOADED and not self._has_text:
            raise ProviderFailure(FailureKind.EMPTY, f"Ollama did no more than {reason} the model")
        usual = FinishReason.TOOL_CALLS if self._calls else FinishReason.STOP
        model = text_in(self._last.get("model")) or None
        return Finish(FINISH_REASONS.get(reason, usual), usage_of(self._last), model, tuple(self._calls))

    def _text_of_line(self, line: Mapping[str, object]) -> str:
        if self.is_over:
            return ""  # the answer is whole, whatever may follow
        refuse_error(line, self._model)
        refuse_remote(line)
        if line.get("done") is True:
            self._last = line
        message = object_in(line.get("message"))
        for call in objects_in(message.get("tool_calls")):
            self._take_call(call)
        return text_in(message.get("content")) or text_in(line.get("response"))

    def _take_call(self, call: Mapping[str, object]) -> None:
        function = call.get("function")
        if isinstance(function, dict):
            call_id = str(call.get("id") or f"call_{os.urandom(8).hex()}")
            arguments = json.dumps(function.get("arguments") or {})
            self._calls.append(ToolCall(call_id, str(function.get("name")), arguments))


def usage_of(value: Mapping[str, object]) -> Usage | None:
    """Read the counters; Ollama leaves out one that is zero."""
    read, written = value.get("prompt_eval_count"), value.get("eval_count")
    if not isinstance(read, int) and not isinstance(written, int):
        return None
    return Usage(count_in(read), count_in(written))
