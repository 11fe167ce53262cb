"""What Gemini generates, as pieces (https://ai.google.dev/api/generate-content#generatecontentresponse).

A stream is made of server-sent events, or (without `alt=sse`, as some proxies ask) of one JSON array. Nothing marks
its end but the finish reason.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence

from ai_gateway.clock import Clock
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Finish, FinishReason, Piece, ToolCall, Usage
from ai_gateway.providers.error_response import stream_error
from ai_gateway.providers.gemini.refusals import gemini_failure
from ai_gateway.providers.http import UpstreamResponse
from ai_gateway.providers.reading import pieces_of
from ai_gateway.providers.refusals import SAFE_CODE
from ai_gateway.providers.sse import EventsOrDocument
from ai_gateway.providers.wire import count_in, object_in, objects_in, parsed_all, text_in

CLOSE_SECONDS = 1.0
"""How long the last token counts and the end of the body may take after the finish reason."""

FINISH_REASONS: Mapping[str, FinishReason] = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.LENGTH,
} | dict.fromkeys(
    (
        "SAFETY",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
        "SPII",
        "JAILBREAK",
        "ESCALATION",
        "MODEL_ARMOR",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
    ),
    FinishReason.CONTENT_FILTER,
)
"""Any other reason means that the model gave up, and what it said so far is no answer."""

GIVEN_UP_HINTS = {
    "RECITATION": "the answer would have quoted its sources word for word; ask for it in other words",
    "LANGUAGE": "the model does not speak this language; ask in another, or choose another model",
    "MALFORMED_FUNCTION_CALL": "the model wrote a tool call that can't be read; ask again, or simplify the tools",
}
LIMITED_ACCOUNT = "PUP_LIMITED_DISABLED"


def chat_pieces(response: UpstreamResponse, clock: Clock) -> AsyncGenerator[Piece, None]:
    """Read what was generated, streamed or whole.

    Raises:
        ProviderFailure: It holds an error, the prompt was blocked, or the model did not come to a proper end.
    """
    return pieces_of(response, EventsOrDocument(), _Reading(clock))


class _Reading:
    """What has been generated so far, besides its text."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reason: str | None = None
        self._block_reason: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._calls: list[ToolCall] = []
        self._has_text = False
        self.patience_seconds = CLOSE_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether the finish reason was seen: what may still come is token counts."""
        return self._reason is not None

    def text_of(self, messages: Sequence[bytes]) -> str:
        """Take in what arrived together, and give its text."""
        text = "".join([self._text_of_chunk(chunk) for value in parsed_all(messages) for chunk in _chunks_in(value)])
        self._has_text = self._has_text or bool(text)
        return text

    def finish(self) -> Finish:
        """Give the terminal marker, if it ends an answer."""
        if self._reason is None:
            raise self._unfinished()
        reason = FINISH_REASONS.get(self._reason)
        if reason is None:
            raise self._given_up(self._reason)
        if self._calls and reason is FinishReason.STOP:
            reason = FinishReason.TOOL_CALLS
        return Finish(reason, self._usage, self._model, tuple(self._calls))

    def _unfinished(self) -> ProviderFailure:
        if self._block_reason is None:
            return ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker")
        return ProviderFailure(FailureKind.CONTENT_FILTER, f"the prompt was blocked{_told(self._block_reason)}")

    def _given_up(self, reason: str) -> ProviderFailure:
        if reason == LIMITED_ACCOUNT:
            hint = "Google limits this account for violations of its Prohibited Use Policy; see its mail, then reset"
            return ProviderFailure(FailureKind.ENTITLEMENT, "the account is limited", hint=hint)
        has_begun = self._has_text or self._calls
        kind = FailureKind.STREAM_BROKEN if has_begun else FailureKind.EMPTY
        return ProviderFailure(kind, f"the model gave up{_told(reason)}", hint=GIVEN_UP_HINTS.get(reason))

    def _text_of_chunk(self, chunk: Mapping[str, object]) -> str:
        if chunk.get("error"):
            now = self._clock.time()
            raise gemini_failure(stream_error(chunk["error"], now=now), now=now)
        self._model = text_in(chunk.get("modelVersion")) or self._model
        self._usage = usage_of(chunk.get("usageMetadata")) or self._usage
        feedback = object_in(chunk.get("promptFeedback"))
        self._block_reason = text_in(feedback.get("blockReason")) or self._block_reason
        return "".join([self._text_of_candidate(candidate) for candidate in objects_in(chunk.get("candidates"))])

    def _text_of_candidate(self, candidate: Mapping[str, object]) -> str:
        self._reason = text_in(candidate.get("finishReason")) or self._reason
        parts = objects_in(object_in(candidate.get("content")).get("parts"))
        self._calls += [call for part in parts if (call := _call_in(part)) is not None]
        return "".join([text_in(part.get("text")) for part in parts if not part.get("thought")])


def usage_of(value: object) -> Usage | None:
    """Read token counts; Gemini leaves out one that is zero."""
    if not isinstance(value, dict) or not isinstance(value.get("promptTokenCount"), int):
        return None
    return Usage(
        count_in(value.get("promptTokenCount")) + count_in(value.get("toolUsePromptTokenCount")),
        count_in(value.get("candidatesTokenCount")) + count_in(value.get("thoughtsTokenCount")),
        count_in(value.get("cachedContentTokenCount")),
    )


def _chunks_in(value: object) -> list[dict[str, object]]:
    """Give the chunks of an event or a document."""
    return objects_in(value if isinstance(value, list) else [value])


def _call_in(part: Mapping[str, object]) -> ToolCall | None:
    function = part.get("functionCall")
    if not isinstance(function, dict):
        return None
    return ToolCall(
        id=text_in(function.get("id")) or f"call_{os.urandom(8).hex()}",
        name=text_in(function.get("name")),
        arguments=json.dumps(function.get("args") or {}, ensure_ascii=False),
        signature=text_in(part.get("thoughtSignature")) or None,
    )


def _told(reason: str) -> str:
    return f" ({reason})" if SAFE_CODE.fullmatch(reason) else ""
