"""What an editor answers for one of its own models, read with no trust: it may be anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Finish, FinishReason, ToolCall, Usage

FINISH_REASONS = frozenset(FinishReason) - {FinishReason.REFUSAL}


def read_reply(reply: object, streamed: str) -> tuple[str, Finish]:
    """Read an answer.

    Args:
        reply: As it came.
        streamed: What had come before.

    Returns:
        The text that had not come before, and the end.

    Raises:
        ProviderFailure: It is no answer, or contradicts what had come before.
    """
    if not isinstance(reply, Mapping):
        raise _malformed("result")
    text, reason, model = reply.get("text"), reply.get("finish_reason"), reply.get("model")
    if not isinstance(text, str):
        raise _malformed("text")
    if not isinstance(reason, str) or reason not in FINISH_REASONS:
        raise _malformed("finish_reason")
    if not text.startswith(streamed):
        raise ProviderFailure(FailureKind.STREAM_BROKEN, "the editor's answer does not begin with what it has streamed")
    calls = tuple(_tool_calls(reply.get("tool_calls")))
    told_model = model if isinstance(model, str) else None
    return text[len(streamed) :], Finish(FinishReason(reason), _usage(reply.get("usage")), told_model, calls)


def _usage(told: object) -> Usage | None:
    if told is None:
        return None
    if not isinstance(told, Mapping):
        raise _malformed("usage")
    return Usage(_count(told.get("input_tokens")), _count(told.get("output_tokens")))


def _count(told: object) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or told < 0:
        raise _malformed("usage")
    return told


def _tool_calls(told: object) -> Iterator[ToolCall]:
    if not isinstance(told, list | None):
        raise _malformed("tool_calls")
    for call in told or ():
        match call:
            case {"id": str(call_id), "name": str(name), "arguments": str(arguments)}:
                yield ToolCall(call_id, name, arguments)
            case _:
                raise _malformed("tool_calls")


def _malformed(field: str) -> ProviderFailure:
    return ProviderFailure(FailureKind.SERVER, f"the editor's answer is not as agreed: {field}")
