"""Reading what Gemini generates, chunk by chunk: any shape that ever came, and junk."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.fakes import gemini_failures
from ai_gateway.model import Finish, FinishReason, Usage
from ai_gateway.providers.gemini.reading import chat_pieces
from support.any_json import any_json
from support.reading import failure_in, said_by


def read(*chunks: bytes) -> tuple[str, Finish]:
    return said_by(lambda response: chat_pieces(response, SYSTEM_CLOCK), *chunks)


def failure(*chunks: bytes) -> ProviderFailure:
    return failure_in(lambda response: chat_pieces(response, SYSTEM_CLOCK), *chunks)


def events(*chunks: object) -> bytes:
    return b"".join(b"data: %b\r\n\r\n" % json.dumps(chunk).encode() for chunk in chunks)


def says(text: str | None = None, reason: str | None = None, *parts: object, **more: object) -> dict[str, object]:
    said = [{"text": text}] if text is not None else []
    candidate: dict[str, object] = {"content": {"parts": [*said, *parts], "role": "model"}}
    return {"candidates": [candidate | ({"finishReason": reason} if reason else {})], **more}


def test_counts_are_cumulative_and_the_last_ones_hold() -> None:
    first = says("hi", usageMetadata={"promptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 6})
    counts = {
        "promptTokenCount": 5,
        "toolUsePromptTokenCount": 2,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 10,
        "cachedContentTokenCount": 4,
    }
    _, finish = read(events(first, says("!", "STOP", usageMetadata=counts)))
    assert finish.usage == Usage(7, 13, cached_input_tokens=4)
    _, finish = read(events(says("hi", "STOP")))
    assert finish.usage is None


def test_text_after_the_finish_reason_is_not_lost() -> None:
    assert read(events(says("hi", "STOP")), events(says(" there")))[0] == "hi there"


def test_a_reason_that_is_a_sentence_is_not_quoted() -> None:
    assert failure(events(says(None, "Say it, please"))).detail == "the model gave up"


@pytest.mark.parametrize("content", [None, {}, {"role": "model"}, {"parts": None}, {"parts": []}, 5])
def test_a_candidate_may_have_no_parts(content: object) -> None:
    candidate = {"content": content, "finishReason": "MAX_TOKENS"}
    assert read(events(says("hi"), {"candidates": [candidate]})) == ("hi", Finish(FinishReason.LENGTH))


CHUNKS = (says("Hel"), says("lo", "STOP", modelVersion="m-1"))


@pytest.mark.parametrize(
    "body",
    [
        events(*CHUNKS),
        json.dumps(CHUNKS).encode(),
        json.dumps(CHUNKS, indent=2).encode(),
        b"\r\n" + json.dumps(CHUNKS).encode(),
        events(CHUNKS),
    ],
    ids=["events", "an array", "an indented array", "an array after a line", "an array within an event"],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_stream_may_be_events_or_an_array(body: bytes, size: int) -> None:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert read(*pieces) == ("Hello", Finish(FinishReason.STOP, model="m-1"))


def test_a_whole_answer_is_read_as_well() -> None:
    assert read(json.dumps(says("hi", "STOP")).encode()) == ("hi", Finish(FinishReason.STOP))


def test_an_error_in_an_array_is_one() -> None:
    error = gemini_failures.error_body(503, "The model is overloaded.")
    assert failure(json.dumps([error]).encode()).kind is FailureKind.OVERLOADED
    assert failure(json.dumps([says("hi"), error]).encode()).kind is FailureKind.OVERLOADED


JSON = any_json(
    "candidates content parts text thought thoughtSignature functionCall name args id finishReason usageMetadata "
    "promptTokenCount candidatesTokenCount modelVersion promptFeedback blockReason error code status details"
)
CANDIDATE = st.fixed_dictionaries({}, optional={"content": JSON | st.builds(dict, parts=JSON), "finishReason": JSON})


@settings(deadline=None)
@given(st.lists(JSON | st.fixed_dictionaries({"candidates": st.lists(CANDIDATE, max_size=2)}), max_size=4))
def test_whatever_a_stream_says_it_is_an_answer_or_a_failure(chunks: list[object]) -> None:
    for body in (events(*chunks), json.dumps(chunks).encode()):
        try:
            text, finish = read(body, events(says("", "STOP")))
        except ProviderFailure:
            continue
        assert isinstance(text, str)
        assert finish.model is None or isinstance(finish.model, str)
        assert all(isinstance(json.loads(call.arguments), object) and call.id for call in finish.tool_calls)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_whatever_bytes_come_they_are_a_failure(body: bytes) -> None:
    assert isinstance(failure(body), ProviderFailure)
