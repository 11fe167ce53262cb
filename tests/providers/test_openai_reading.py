"""Completions as OpenAI writes them, and as everybody else does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Finish, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.openai.reading import CostOf, chat_pieces, cost_usd_in
from ai_gateway.providers.openai.refusals import OPENAI_ROWS
from support.any_json import any_json
from support.reading import said_by


def read(*chunks: bytes, cost_usd_of: CostOf | None = None) -> tuple[str, Finish]:
    return said_by(lambda response: chat_pieces(response, OPENAI_ROWS, cost_usd_of=cost_usd_of), *chunks)


def events(*chunks: object) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)


def says(content: object = None, finish_reason: str | None = None, **delta: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": content, **delta}, "finish_reason": finish_reason}]}


DONE = b"data: [DONE]\n\n"


def test_an_upstream_that_gives_up_has_not_answered() -> None:
    with pytest.raises(ProviderFailure, match="gave up") as raised:
        read(events(says("hi"), says(finish_reason="error")) + DONE)
    assert raised.value.kind is FailureKind.STREAM_BROKEN


def _called(name: str | None, arguments: object, **more: object) -> dict[str, object]:
    return says(tool_calls=[{**more, "function": {"name": name, "arguments": arguments}}])


@pytest.mark.parametrize(
    ("chunks", "calls"),
    [
        ([_called("f", "{}", id="1")], [Call("1", "f", "{}")]),
        ([_called("f", None, index=0, id="1")], [Call("1", "f", "{}")]),
        ([_called("f", {"a": 1}, index=0, id="1")], [Call("1", "f", '{"a": 1}')]),
        ([_called("f", '{"a"', index=0, id="1"), _called(None, ":1}", index=0)], [Call("1", "f", '{"a":1}')]),
        (
            [_called("f", '{"a"', index=0, id="1"), _called("f", ":1}", index=0, id="1")],
            [Call("1", "f", '{"a":1}')],
        ),
        (
            [_called("f", "{}", id="1"), _called("g", "{}", id="2")],
            [Call("1", "f", "{}"), Call("2", "g", "{}")],
        ),
        (
            [_called("f", "{}", index=0, id="1"), _called("g", "{}", index=0, id="2")],
            [Call("1", "f", "{}"), Call("2", "g", "{}")],
        ),
        ([says(tool_calls=5)], []),
        ([says(tool_calls=[5, {"function": 5, "id": "1"}])], [Call("1", "", "{}")]),
    ],
    ids=["whole", "no arguments", "an object", "fragments", "id repeated", "no index", "one index", "no list", "junk"],
)
def test_calls_are_pieced_together_however_servers_number_them(
    chunks: list[dict[str, object]], calls: list[Call]
) -> None:
    _, finish = read(events(*chunks, says(finish_reason="tool_calls")) + DONE)
    assert list(finish.tool_calls) == calls


def test_calls_of_several_choices_stay_apart() -> None:
    def choice(index: int) -> dict[str, object]:
        call = {"index": 0, "function": {"name": f"f{index}", "arguments": "{}"}}
        return {"index": index, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}

    text = {"index": 0, "delta": {"content": "hi"}}
    said, finish = read(events({"choices": [text, choice(1), choice(2)]}) + DONE)
    assert said == "hi"
    assert [call.name for call in finish.tool_calls] == ["f1", "f2"]


def test_a_call_that_was_cut_off_is_not_called_finished() -> None:
    _, finish = read(events(_called("f", '{"a', id="1"), says(finish_reason="length")) + DONE)
    assert finish.reason is FinishReason.LENGTH


@pytest.mark.parametrize(
    "document",
    [
        {"choices": [{"message": {"content": "hi"}}]},
        {"choices": [{"message": {"content": "hi"}, "finish_reason": None}]},
        {"choices": [{"delta": None, "message": {"content": "hi"}, "finish_reason": "stop"}]},
    ],
)
def test_a_whole_message_needs_no_finish_reason(document: object) -> None:
    assert read(json.dumps(document).encode()) == ("hi", Finish(FinishReason.STOP))


def test_text_that_comes_after_a_finish_reason_is_not_lost() -> None:
    late = {"choices": [{"index": 1, "delta": {"content": " there"}}]}
    assert read(events(says("hi", "stop")), events(late), DONE)[0] == "hi there"


def test_calls_are_the_reason_where_a_server_says_that_it_just_stopped() -> None:
    assert read(events(_called("f", "{}", id="1"), says(finish_reason="stop")))[1].reason is FinishReason.TOOL_CALLS


def test_a_message_beside_the_deltas_is_not_said_twice() -> None:
    last = {"choices": [{"delta": {}, "message": {"content": "hi"}, "finish_reason": "stop"}]}
    assert read(events(says("hi"), last) + DONE)[0] == "hi"


def test_a_content_of_parts_is_its_texts() -> None:
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "hi"}]
    more = [{"text": " there"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": 5}, "junk"]
    assert read(json.dumps({"choices": [{"message": {"content": parts + more}}]}).encode())[0] == "hi there"
    assert read(events(says(parts), says(more), says(finish_reason="stop")) + DONE)[0] == "hi there"


def test_a_refusal_in_words_is_shown_and_called_one() -> None:
    said, finish = read(events(says(refusal="I can't"), says(refusal=" do that"), says(finish_reason="stop")) + DONE)
    assert (said, finish.reason) == ("I can't do that", FinishReason.REFUSAL)
    whole = {"choices": [{"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}]}
    assert read(json.dumps(whole).encode()) == ("No.", Finish(FinishReason.REFUSAL))


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content", "reasoning_details", "reasoning_text", "thinking"])
def test_thoughts_are_no_text(name: str) -> None:
    assert read(events(says(**{name: "hm"}), says("hi", "stop")) + DONE)[0] == "hi"


def test_a_filter_that_runs_beside_the_answer_may_speak_at_any_time() -> None:
    def late(**seen: object) -> dict[str, object]:
        return {"choices": [{"index": 0, "finish_reason": None, **seen}]}

    offsets = late(content_filter_results={}, content_filter_offsets={"check_offset": 0, "end_offset": 2})
    failed = late(content_filter_results={"error": {"code": "content_filter_error", "message": "No."}})
    prompt = {"choices": [], "model": "", "prompt_filter_results": [{"prompt_index": 0}]}
    said, finish = read(events(prompt, offsets, says("hi"), failed, says(finish_reason="stop"), offsets) + DONE)
    assert (said, finish.reason, finish.model) == ("hi", FinishReason.STOP, None)
    with pytest.raises(ProviderFailure, match="terminal marker"):
        read(events(prompt, says("hi"), offsets))


def test_an_answer_that_begins_with_a_list_of_chunks_is_read() -> None:
    assert read(json.dumps([says("hi"), says(finish_reason="stop")]).encode())[0] == "hi"


def _usage(**counts: object) -> dict[str, object]:
    return says("hi", "stop") | {"usage": counts}


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}, Usage(9, 2)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3, "audio_tokens": 0},
            },
            Usage(9, 2, 5, 3),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}, Usage(9, 2, 4)),
        ({"prompt_tokens": 37, "completion_tokens": 530, "total_tokens": 800}, Usage(37, 763)),
        ({"prompt_tokens": 9, "completion_tokens": None, "prompt_tokens_details": None}, Usage(9, 0)),
        ({"prompt_tokens": 9, "completion_tokens": True, "prompt_tokens_details": []}, Usage(9, 0)),
        ({"prompt_tokens": 9, "completion_tokens": -5, "total_tokens": "many"}, Usage(9, 0)),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 99}}, Usage(9, 1, 9)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None),
        ({}, None),
    ],
)
def test_tokens_are_counted_as_the_upstream_says(counts: dict[str, object], usage: Usage | None) -> None:
    assert read(events(_usage(**counts)) + DONE)[1].usage == usage


def test_usage_may_come_with_any_chunk_and_the_last_one_counts() -> None:
    first = says("hi") | {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    last = says(finish_reason="stop") | {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    nothing = says() | {"usage": None}
    empty = says() | {"usage": {}}
    assert read(events(first, last, nothing, empty) + DONE)[1].usage == Usage(1, 2)


def test_the_upstreams_own_reckoning_is_kept() -> None:
    costs = [_usage(prompt_tokens=1, completion_tokens=1, cost=cost) for cost in (0.25, 0.5)]
    assert read(events(*costs, says()) + DONE, cost_usd_of=cost_usd_in)[1].cost_usd == 0.5
    free = _usage(prompt_tokens=1, completion_tokens=1, cost=0)
    assert read(events(free) + DONE, cost_usd_of=cost_usd_in)[1].cost_usd == 0
    for nothing in (None, "0.5", True, -1):
        untold = _usage(prompt_tokens=1, completion_tokens=1, cost=nothing)
        assert read(events(untold) + DONE, cost_usd_of=cost_usd_in)[1].cost_usd is None
    assert read(events(*costs) + DONE)[1].cost_usd is None


JSON = any_json(
    "choices delta message content tool_calls function name arguments index id usage finish_reason model error code "
    "prompt_tokens completion_tokens prompt_tokens_details"
)
CHOICE = st.fixed_dictionaries({}, optional={"delta": JSON, "message": JSON, "finish_reason": JSON, "index": JSON})


@settings(deadline=None)
@given(st.lists(JSON | st.fixed_dictionaries({"choices": st.lists(CHOICE, max_size=2)}), max_size=4), st.booleans())
def test_whatever_a_stream_says_it_is_an_answer_or_a_failure(chunks: list[object], is_streamed: bool) -> None:
    body = events(*chunks) + DONE if is_streamed else json.dumps(chunks[:1][0] if chunks else None).encode()
    try:
        text, finish = read(body)
    except ProviderFailure:
        return
    assert isinstance(text, str)
    assert finish.model is None or isinstance(finish.model, str)
    assert all(isinstance(call.arguments, str) for call in finish.tool_calls)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_whatever_bytes_come_they_are_an_answer_or_a_failure(body: bytes) -> None:
    with pytest.raises(ProviderFailure):
        read(body.replace(b"[DONE]", b""))
