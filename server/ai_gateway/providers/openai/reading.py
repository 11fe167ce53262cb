"""What a chat completion says, read with all the tolerance that compatible servers need.

They send (https://platform.openai.com/docs/api-reference/chat-streaming, and what is seen in the wild) chunks without
choices, several choices, comments, missing fields, errors of any shape inside a 200, and often no `[DONE]`.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Finish, FinishReason, Piece, ToolCall, Usage
from ai_gateway.providers.error_response import stream_error
from ai_gateway.providers.http import UpstreamResponse
from ai_gateway.providers.reading import pieces_of
from ai_gateway.providers.refusals import Row, read_failure
from ai_gateway.providers.sse import EventsOrDocument
from ai_gateway.providers.wire import amount_in, count_in, object_in, objects_in, parsed_all, text_in

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

CostOf = Callable[[Mapping[str, object]], float | None]
"""Finds the cost in US dollars that a chunk tells; None: it tells none."""


def chat_pieces(
    response: UpstreamResponse, rows: Iterable[Row], *, cost_usd_of: CostOf | None = None
) -> AsyncGenerator[Piece, None]:
    """Read a completion, streamed or whole.

    Args:
        response: Its body.
        rows: What an error in it means.
        cost_usd_of: Finds in a chunk what the upstream says that the answer cost; the last word counts.

    Raises:
        ProviderFailure: It holds an error, or ended before its terminal marker.
    """
    return pieces_of(response, EventsOrDocument(), _Reading(rows, cost_usd_of))


class _Reading:
    """What a completion has said so far, besides its text."""

    def __init__(self, rows: Iterable[Row], cost_usd_of: CostOf | None) -> None:
        self._rows = rows
        self._cost_usd_of = cost_usd_of
        self._cost_usd: float | None = None
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._refuses = False
        self._heard = False
        self._understood = False
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

    def text_of(self, messages: Sequence[bytes]) -> str:
        """Take in what arrived together, and give its text."""
        chunks = [data for data in messages if not self._ends(data)]
        self._heard = self._heard or bool(chunks)
        return "".join([self._text_of_document(document) for document in parsed_all(chunks)])

    def finish(self) -> Finish:
        """Give the terminal marker, if the upstream did."""
        if self._heard and not self._understood:
            raise ProviderFailure(FailureKind.SERVER, "the upstream's answer is no completion")
        if self._reason is None and not self._done:
            raise ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker")
        if self._reason == "error":
            raise ProviderFailure(FailureKind.STREAM_BROKEN, "the upstream gave up in the middle of the answer")
        calls = tuple(call.whole() for call in self._calls)
        return Finish(self._finish_reason(), self._usage, self._model, calls, self._cost_usd)

    def _finish_reason(self) -> FinishReason:
        reason = FINISH_REASONS.get(self._reason or "", FinishReason.STOP)
        if reason is not FinishReason.STOP:
            return reason
        if self._refuses:
            return FinishReason.REFUSAL
        return FinishReason.TOOL_CALLS if self._calls else reason

    def _ends(self, data: bytes) -> bool:
        is_end = data.strip() == b"[DONE]"
        self._done = self._done or is_end
        return is_end

    def _text_of_document(self, document: object) -> str:
        if isinstance(document, dict):
            return self._text_of_chunk(document)
        return "".join([self._text_of_chunk(chunk) for chunk in objects_in(document)])

    def _text_of_chunk(self, chunk: Mapping[str, object]) -> str:
        if error := error_in(chunk):
            raise read_failure(self._rows, stream_error(error, now=time.time()))
        self._understood = self._understood or "choices" in chunk
        self._model = text_in(chunk.get("model")) or self._model
        if usage := chunk.get("usage"):
            self._usage = usage_of(usage) or self._usage
        if self._cost_usd_of is not None and (cost_usd := self._cost_usd_of(chunk)) is not None:
            self._cost_usd = cost_usd
        return "".join([self._text_of_choice(choice) for choice in objects_in(chunk.get("choices"))])

    def _text_of_choice(self, choice: Mapping[str, object]) -> str:
        reason = choice.get("finish_reason")
        delta = choice.get("delta")
        if delta is None:  # a whole message ends with itself
            delta = choice.get("message")
            reason = reason or self._reason or ("stop" if delta else None)
        self._reason = text_in(reason) or self._reason
        if not isinstance(delta, dict):
            return text_in(choice.get("text"))  # of a completion without chat
        if calls := delta.get("tool_calls"):
            for position, call in enumerate(objects_in(calls)):
                self._take_call(call, place=(str(choice.get("index")), str(call.get("index", position))))
        text = _text_of(delta.get("content"))
        if refusal := delta.get("refusal"):
            refusal = _text_of(refusal)
            self._refuses = self._refuses or bool(refusal)
            text += refusal
        return text

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


def error_in(chunk: Mapping[str, object]) -> object:
    """Find an error where an answer was expected: under `error`, or the chunk itself as FastAPI and vLLM put it."""
    if "choices" not in chunk and ("detail" in chunk or chunk.get("object") == "error"):
        return chunk
    return chunk.get("error")


def _text_of(content: object) -> str:
    """Give the text of a content: it is text, or a list of parts of which some are; others are thoughts."""
    if not content:
        return ""
    if isinstance(content, str):
        return content
    texts = (part.get("text") for part in objects_in(content) if part.get("type", "text") == "text")
    return "".join([text for text in texts if isinstance(text, str)])


def usage_of(value: object) -> Usage | None:
    """Read token counts; None where nothing was counted.

    DeepSeek tells beside the others what its cache gave (https://api-docs.deepseek.com/guides/kv_cache). Where the
    total is more than its parts, the difference was thought (https://docs.x.ai/docs/guides/reasoning).
    """
    if not isinstance(value, dict):
        return None
    read, written = count_in(value.get("prompt_tokens")), count_in(value.get("completion_tokens"))
    if not read and not written:
        return None
    details = object_in(value.get("prompt_tokens_details"))
    cached = count_in(details.get("cached_tokens")) or count_in(value.get("prompt_cache_hit_tokens"))
    written = max(written, count_in(value.get("total_tokens")) - read)
    return Usage(read, written, min(cached, read), min(count_in(details.get("cache_write_tokens")), read))


def cost_usd_in(chunk: Mapping[str, object]) -> float | None:
    """Find what OpenRouter charged, in US dollars (https://openrouter.ai/docs/use-cases/usage-accounting)."""
    usage = chunk.get("usage")
    return amount_in(usage.get("cost")) if isinstance(usage, dict) else None
