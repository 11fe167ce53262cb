"""Reading what Anthropic says, event by event: any shape that ever came, and junk."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.failures import ProviderFailure
from ai_gateway.model import Finish, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.anthropic.reading import chat_pieces
from support.any_json import any_json
from support.reading import said_by


def read(*chunks: bytes) -> tuple[str, Finish]:
    return said_by(chat_pieces, *chunks)


def events(*payloads: object) -> bytes:
    return b"".join(b"event: any\ndata: %b\n\n" % json.dumps(payload).encode() for payload in payloads)


def begins(block: Mapping[str, object], index: int = 0) -> dict[str, object]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def says(text: str, index: int = 0) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


def stops(reason: object, **usage: object) -> dict[str, object]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


END = {"type": "message_stop"}


def test_counts_are_cumulative_so_the_last_one_of_each_counts() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    later = stops(None, output_tokens=4, cache_read_input_tokens=None)
    last = stops("end_turn", output_tokens=6, input_tokens=10, cache_read_input_tokens=5)
    assert read(events(start, says("hi"), later, last, END))[1].usage == Usage(15, 6, 5)


def test_an_answer_without_counts_has_no_usage() -> None:
    assert read(events(says("hi"), END)) == ("hi", Finish())


def test_pings_and_events_that_nobody_knows_yet_say_nothing() -> None:
    odd = [{"type": "ping"}, {"type": "novelty", "delta": {"type": "text_delta", "text": "no"}}, {"no": "type"}, [], 5]
    assert read(events(*odd, says("hi"), *odd, END))[0] == "hi"


def test_a_block_may_begin_with_text() -> None:
    first, second = begins({"type": "text", "text": "One, "}), begins({"type": "text", "text": "three"}, 1)
    assert read(events(first, says("two, "), second, END))[0] == "One, two, three"


def test_tools_that_the_upstream_runs_itself_are_no_calls() -> None:
    block = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    fragment = {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}}
    text, finish = read(events(begins(block), fragment, says("hi", 1), stops("end_turn"), END))
    assert (text, finish.tool_calls, finish.reason) == ("hi", (), FinishReason.STOP)


def test_fragments_of_several_calls_find_theirs() -> None:
    def calls(name: str, index: int) -> dict[str, object]:
        return begins({"type": "tool_use", "id": name, "name": name, "input": {}}, index)

    def adds(fragment: str, index: int) -> dict[str, object]:
        delta = {"type": "input_json_delta", "partial_json": fragment}
        return {"type": "content_block_delta", "index": index, "delta": delta}

    said = [calls("f", 0), adds('{"a"', 0), calls("g", 1), adds("{}", 1), adds(":1}", 0), calls("h", 2)]
    _, finish = read(events(*said, stops("end_turn"), END))
    assert finish.tool_calls == (Call("f", "f", '{"a":1}'), Call("g", "g", "{}"), Call("h", "h", "{}"))
    assert finish.reason is FinishReason.TOOL_CALLS


def test_a_call_that_was_cut_off_is_not_called_finished() -> None:
    call = begins({"type": "tool_use", "id": "t", "name": "f", "input": {}})
    assert read(events(call, stops("max_tokens"), END))[1].reason is FinishReason.LENGTH


KINDS = st.sampled_from(
    (
        *("message_start", "content_block_start", "content_block_delta", "message_delta", "message", "ping"),
        *("text_delta", "tool_use", "text", "error"),
    )
)
JSON = any_json(
    "type error message content delta content_block text index usage stop_reason model id name input partial_json "
    "input_tokens cache_read_input_tokens",
    leaf=KINDS,
)
EVENT = st.fixed_dictionaries(
    {"type": KINDS},
    optional={"message": JSON, "delta": JSON, "content_block": JSON, "usage": JSON, "index": JSON},
)


@settings(deadline=None)
@given(st.lists(JSON | EVENT, max_size=5), st.booleans())
def test_whatever_a_stream_says_it_is_an_answer_or_a_failure(said: list[object], is_streamed: bool) -> None:
    body = events(*said, END) if is_streamed else json.dumps(said[0] if said else None).encode()
    try:
        content, finish = read(body)
    except ProviderFailure:
        return
    assert isinstance(content, str)
    assert finish.model is None or isinstance(finish.model, str)
    assert all(isinstance(call.arguments, str) for call in finish.tool_calls)
