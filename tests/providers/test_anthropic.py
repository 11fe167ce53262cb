from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.fakes import Answer, FakeAnthropic, Fault, ToolCall, anthropic_failures
from ai_gateway.model import Finish, FinishReason, Message, ModelInfo, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.anthropic.body import GO_ON, turns
from ai_gateway.providers.anthropic.provider import AnthropicProvider
from ai_gateway.providers.anthropic.reading import message_pieces
from ai_gateway.providers.network import Network
from ai_gateway.tier import ProviderTier
from support.asking import MESSAGES, ask, failure_of, stream
from support.provider_contract import HANG_SECONDS, KEY, StreamingProvider, read_by
from support.proxy import Proxy
from support.raw_server import AUTHORITY, RawServer, header, response
from support.stream_faults import TEXT, TOLERATED_EVENTS

MODEL = "claude-opus-5-5"
CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeAnthropic) -> AsyncIterator[AnthropicProvider]:
    async with aclosing(AnthropicProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


class TestAnthropicStreams(StreamingProvider):
    """All that is asked of every provider."""


def read(*chunks: bytes) -> tuple[str, Finish]:
    return read_by(message_pieces, *chunks)


def events(*payloads: object) -> bytes:
    return b"".join(b"event: any\ndata: %b\n\n" % json.dumps(payload).encode() for payload in payloads)


def begins(block: Mapping[str, object], index: int = 0) -> dict[str, object]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def says(text: str, index: int = 0) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


def stops(reason: object, **usage: object) -> dict[str, object]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


END = {"type": "message_stop"}


def schema_format(schema: object) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def chain_of(provider: AnthropicProvider, model: str = MODEL) -> FailoverChain:
    return FailoverChain([ProviderTier("only", provider, [model])])


async def test_the_request_is_anthropics(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    messages = [{"role": "system", "content": "Be brief"}, *MESSAGES]
    await provider.chat(messages, model=MODEL, max_tokens=7, stop=["X", "\n"])
    [request] = upstream.requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["x-api-key"] == KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "Authorization" not in request.headers
    assert request.body == {
        "model": MODEL,
        "max_tokens": 7,
        "system": "Be brief",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say it"}]}],
        "stop_sequences": ["X"],
        "stream": True,
    }


async def test_what_the_query_left_open_is_not_sent_but_the_length_the_api_wants(upstream: FakeAnthropic) -> None:
    async with aclosing(AnthropicProvider(KEY, base_url=upstream.base_url, default_max_tokens=99)) as provider:
        await ask(provider, MODEL)
        upstream.fault(Fault.status(500))
        await failure_of(ask(provider, None))
    assert upstream.requests[0].json.keys() == {"model", "messages", "max_tokens", "stream"}
    assert upstream.requests[0].json["max_tokens"] == 99
    assert "model" not in upstream.requests[1].json


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_the_base_url_may_name_the_version_or_not(ending: str, upstream: FakeAnthropic) -> None:
    async with aclosing(AnthropicProvider(KEY, base_url=upstream.base_url + ending)) as provider:
        assert (await ask(provider, MODEL)).content == TEXT


async def test_anthropic_itself_is_asked_at_its_own_address() -> None:
    said = response(events(says("hi"), stops("end_turn"), END))
    async with RawServer(said, tls=True) as server, Proxy({"api.anthropic.com:443": server.port}) as proxy:
        network = Network(proxy=proxy.url, ca_file=str(AUTHORITY))
        async with aclosing(AnthropicProvider(KEY, network=network)) as provider:
            assert (await ask(provider, MODEL)).content == "hi"
    assert server.heads[0].startswith("POST /v1/messages ")
    assert header(server.heads[0], "x-api-key") == KEY


async def test_a_temperature_is_never_sent(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    assert (await ask(provider, MODEL, temperature=0.0)).content == TEXT
    assert "temperature" not in upstream.requests[0].json


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=name)
        for name, fault in TOLERATED_EVENTS.items()
        if name != "a finish reason, but no [DONE]"
    ],
)
async def test_an_unusual_stream_of_events_is_read_all_the_same(
    fault: Fault, upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.fault(fault)
    assert (await asyncio.wait_for(ask(provider, MODEL), HANG_SECONDS)).content == TEXT


async def test_a_stream_without_message_stop_was_cut(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    upstream.fault(Fault.without("end"))
    assert (await failure_of(ask(provider, MODEL))).kind is FailureKind.STREAM_BROKEN


async def test_one_connection_serves_one_answer_after_another() -> None:
    said = response(events(says("hi"), END))
    async with RawServer(said) as server, aclosing(AnthropicProvider(KEY, base_url=server.url)) as provider:
        for _ in range(3):
            await ask(provider, MODEL)
    assert server.connections == 1


async def test_an_upstream_that_never_ends_its_body_holds_nobody_up() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100000\r\n\r\n"
    said = head + events(says("hi"), END)
    async with RawServer(said) as server, aclosing(AnthropicProvider(KEY, base_url=server.url)) as provider:
        assert (await asyncio.wait_for(ask(provider, MODEL), HANG_SECONDS)).content == "hi"


async def test_an_upstream_may_answer_without_streaming(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    upstream.fault(
        Answer.of(
            {
                "type": "message",
                "model": "claude-x",
                "content": [
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "text", "text": "hi"},
                    {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
                    {"type": "text", "text": " there"},
                ],
                "stop_reason": "max_tokens",
                "usage": {"input_tokens": 3, "output_tokens": 2},
            }
        )
    )
    call = Call("t1", "add", '{"a": 1}')
    assert await stream(provider) == (["hi there"], Finish(FinishReason.LENGTH, Usage(3, 2), "claude-x", (call,)))


async def test_what_came_from_the_prompt_cache_and_went_into_it_counts_as_read(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.cache_read_tokens, upstream.cache_creation_tokens = 70, 20
    words = " ".join(["word"] * 100)
    answer = await provider.chat([{"role": "user", "content": words}], model=MODEL)
    assert answer.usage == Usage(100, 5, cached_input_tokens=70, cache_write_tokens=20)


def test_counts_are_cumulative_so_the_last_one_of_each_counts() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    later = stops(None, output_tokens=4, cache_read_input_tokens=None)
    last = stops("end_turn", output_tokens=6, input_tokens=10, cache_read_input_tokens=5)
    assert read(events(start, says("hi"), later, last, END))[1].usage == Usage(15, 6, 5)


def test_an_answer_without_counts_has_no_usage() -> None:
    assert read(events(says("hi"), END)) == ("hi", Finish())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("pause_turn", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("refusal", FinishReason.REFUSAL),
        ("something_new", FinishReason.STOP),
    ],
)
async def test_a_stop_reason_is_translated(
    said: str, reason: FinishReason, upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.reply("hi", finish_reason=said)
    assert (await ask(provider, MODEL)).finish_reason is reason


async def test_a_prompt_that_leaves_no_room_for_an_answer_is_too_long(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.reply("", finish_reason="model_context_window_exceeded")
    assert (await failure_of(ask(provider, MODEL))).kind is FailureKind.CONTEXT_TOO_LONG


async def test_a_refusal_passes_as_one_even_without_a_word(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.reply("", finish_reason="refusal")
    answer = await ask(provider, MODEL)
    assert (answer.content, answer.finish_reason) == ("", FinishReason.REFUSAL)


async def test_thoughts_are_no_text_but_are_paid_for(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    upstream.reply("hi", thinking="let me think")
    answer = await ask(provider, MODEL)
    assert (answer.content, answer.usage) == ("hi", Usage(2, 4))


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


async def test_tools_are_offered_and_their_calls_come_back_whole(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.reply(
        "Let me add.", tool_calls=[ToolCall("add", {"a": 1, "b": [2]}, "t1"), ToolCall("broken", '{"a":', "t2")]
    )
    parameters = {"type": "object", "properties": {"a": {"type": "integer"}}}
    tools: list[Mapping[str, object]] = [
        {"name": "add", "description": "Adds.", "parameters": parameters},
        {"name": "now"},
    ]
    answer = await ask(provider, MODEL, tools=tools)
    assert upstream.requests[0].json["tools"] == [
        {"name": "add", "description": "Adds.", "input_schema": parameters},
        {"name": "now", "input_schema": {"type": "object"}},
    ]
    assert (answer.content, answer.finish_reason) == ("Let me add.", FinishReason.TOOL_CALLS)
    assert answer.tool_calls == (Call("t1", "add", '{"a":1,"b":[2]}'), Call("t2", "broken", '{"a":'))


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


@pytest.mark.parametrize("name", ["refused whole", "refused in the stream"])
async def test_an_answer_that_the_filter_cut_off_is_none(
    name: str, upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    said = "Output blocked by content filtering policy"
    upstream.fault(
        anthropic_failures.content_filtered() if name == "refused whole" else Fault.error_event(said, after=2)
    )
    assert (await failure_of(ask(provider, MODEL))).kind is FailureKind.CONTENT_FILTER


# --- the conversation


def user(*blocks: object) -> dict[str, object]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: object) -> dict[str, object]:
    return {"role": "assistant", "content": list(blocks)}


def text(said: str) -> dict[str, object]:
    return {"type": "text", "text": said}


def call(number: int, name: str = "f", **given: object) -> dict[str, object]:
    return {"type": "tool_use", "id": f"call_{number}", "name": name, "input": given}


def result(number: int, content: str | None = None) -> dict[str, object]:
    said = {} if content is None else {"content": content}
    return {"type": "tool_result", "tool_use_id": f"call_{number}", **said}


def asks(*calls: tuple[str, str], said: str = "") -> Message:
    """An assistant's message with calls, each an id and arguments."""
    return Message("assistant", said, tuple(Call(call_id, "f", arguments) for call_id, arguments in calls))


def answers(call_id: str | None, said: str = "done") -> Message:
    return Message("tool", said, tool_call_id=call_id)


ASKED = Message("user", "Add")
CONVERSATIONS: dict[str, tuple[Sequence[Message], Sequence[object]]] = {
    "one question": ([ASKED], [user(text("Add"))]),
    "a side that speaks twice has one turn": (
        [ASKED, Message("user", "it"), Message("assistant", "3"), Message("assistant", "!"), ASKED],
        [user(text("Add"), text("it")), assistant(text("3"), text("!")), user(text("Add"))],
    ),
    "instructions are no turn": ([Message("system", "Be brief"), ASKED, Message("system", "B")], [user(text("Add"))]),
    "blank texts are left out": (
        [Message("user", " \n"), ASKED, Message("assistant", ""), Message("user", "it")],
        [user(text("Add"), text("it"))],
    ),
    "the first word is the user's": (
        [Message("assistant", "Hello"), ASKED],
        [user(text(GO_ON)), assistant(text("Hello")), user(text("Add"))],
    ),
    "so is the last": (
        [ASKED, Message("assistant", "3 ")],
        [user(text("Add")), assistant(text("3 ")), user(text(GO_ON))],
    ),
    "a call and its result": (
        [ASKED, asks(("x", '{"a": 1}'), said="Hm"), answers("x", "3")],
        [user(text("Add")), assistant(text("Hm"), call(1, a=1)), user(result(1, "3"))],
    ),
    "several results are one turn": (
        [ASKED, asks(("x", "{}"), ("y", "{}")), answers("y", "2"), answers("x", "1"), Message("user", "so?")],
        [user(text("Add")), assistant(call(1), call(2)), user(result(2, "2"), result(1, "1"), text("so?"))],
    ),
    "a result comes before what was said meanwhile": (
        [ASKED, asks(("x", "{}")), Message("user", "Hurry"), answers("x", "1")],
        [user(text("Add")), assistant(call(1)), user(result(1, "1"), text("Hurry"))],
    ),
    "ids that other providers reuse": (
        [ASKED, asks(("call_0", "{}")), answers("call_0", "1"), asks(("call_0", "{}")), answers("call_0", "2")],
        [user(text("Add")), assistant(call(1)), user(result(1, "1")), assistant(call(2)), user(result(2, "2"))],
    ),
    "ids that are all alike": (
        [ASKED, asks(("", "{}"), ("", "{}")), answers("", "1"), answers("", "2")],
        [user(text("Add")), assistant(call(1), call(2)), user(result(1, "1"), result(2, "2"))],
    ),
    "an empty result": (
        [ASKED, asks(("x", "{}")), answers("x", "")],
        [user(text("Add")), assistant(call(1)), user(result(1))],
    ),
    "a result without its call is text": (
        [ASKED, answers("x", "3"), answers(None, "4"), answers("x", " ")],
        [user(text("Add"), text("3"), text("4"))],
    ),
    "arguments that are no object": (
        [ASKED, asks(("x", '{"a":\udc80'), ("y", "[1]")), answers("x"), answers("y")],
        [user(text("Add")), assistant(call(1), call(2)), user(result(1, "done"), result(2, "done"))],
    ),
}


@pytest.mark.parametrize(
    ("messages", "expected"), [pytest.param(*case, id=name) for name, case in CONVERSATIONS.items()]
)
async def test_a_conversation_is_told_as_the_api_wants_it(
    messages: Sequence[Message], expected: Sequence[object], upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    answer = await provider.chat([message.as_dict() for message in messages], model=MODEL)
    assert answer.content == TEXT
    assert upstream.requests[0].json["messages"] == expected


SAID = st.sampled_from(["", " ", "text"])
IDS = st.sampled_from(["a", "b", ""])
MESSAGE = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), SAID),
    st.builds(lambda said, ids: asks(*((name, "{}") for name in ids), said=said), SAID, st.lists(IDS, max_size=2)),
    st.builds(answers, IDS | st.none(), SAID),
)


@settings(deadline=None)
@given(st.lists(MESSAGE, max_size=8))
def test_any_conversation_alternates_between_user_and_assistant_and_says_something_each_time(
    messages: list[Message],
) -> None:
    told = turns(messages)
    roles = [turn["role"] for turn in told]
    assert roles == ["user", *["assistant", "user"] * (len(roles) // 2)]
    blocks = [block for turn in told for block in turn["content"]]
    assert all(turn["content"] for turn in told)
    assert all(str(block["text"]).strip() for block in blocks if block["type"] == "text")
    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    assert len(set(ids)) == len(ids)
    assert len(set(results)) == len(results)
    assert set(results) <= set(ids)


async def test_instructions_stand_apart_wherever_they_were_given(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    said = [("system", "Be brief"), ("system", ""), ("user", "Hi"), ("system", "In French"), ("user", "Say it")]
    await provider.chat([{"role": role, "content": content} for role, content in said], model=MODEL)
    assert upstream.requests[0].json["system"] == "Be brief\n\nIn French"


# --- the answer's form


async def test_a_json_schema_is_enforced_by_the_api(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    await ask(provider, MODEL, response_format=schema_format(CLOSED))
    body = upstream.requests[0].json
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}
    assert "system" not in body


async def test_a_schema_that_the_api_will_not_enforce_is_asked_for_in_words_from_then_on(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    chain = chain_of(provider)
    for _ in range(2):
        assert (await chain.chat(MESSAGES, response_format=schema_format(OPEN))).content == TEXT
    await chain.chat(MESSAGES, response_format=schema_format(CLOSED))
    refused, mended, again, other = (request.json for request in upstream.requests)
    assert "output_config" in refused
    assert mended == again
    assert json.dumps(OPEN) in str(mended["system"])
    assert "output_config" not in mended
    assert "output_config" in other


@pytest.mark.parametrize("form", [{"type": "json_object"}, {"type": "json_schema"}])
async def test_json_of_no_schema_is_asked_for_in_words(
    form: Mapping[str, object], upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    await ask(provider, MODEL, response_format=form)
    assert "JSON" in str(upstream.requests[0].json["system"])


async def test_plain_text_needs_no_word(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    await ask(provider, MODEL, response_format={"type": "text"})
    assert "system" not in upstream.requests[0].json


# --- what it learns


async def test_a_models_own_limit_is_learnt_at_once_and_for_that_model_alone(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.most_tokens = 100
    chain = chain_of(provider)
    for limit in (None, None, 7):
        assert (await chain.chat(MESSAGES, max_tokens=limit)).content == TEXT
    upstream.most_tokens = 64_000
    await ask(provider, "claude-sonnet-5-5")
    assert [request.json["max_tokens"] for request in upstream.requests] == [8192, 100, 100, 7, 8192]


async def test_queries_that_were_refused_together_all_learn_the_limit(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.most_tokens = 100
    both_are_here = asyncio.Event()
    upstream.fault(Fault.hold(both_are_here), times=2)
    chain = chain_of(provider)
    asking = asyncio.gather(*(chain.chat(MESSAGES) for _ in range(2)))
    await asyncio.wait_for(upstream.wait_for_calls(2), HANG_SECONDS)
    both_are_here.set()
    assert [answer.content for answer in await asyncio.wait_for(asking, HANG_SECONDS)] == [TEXT, TEXT]
    assert [request.json["max_tokens"] for request in upstream.requests] == [8192, 8192, 100, 100]


async def test_a_limit_that_is_none_is_not_learnt(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    for refusal in (
        anthropic_failures.too_many_output_tokens(8192, 9000),
        anthropic_failures.too_many_output_tokens(8192, 0),
    ):
        upstream.fault(refusal)
        failure = await failure_of(ask(provider, MODEL))
        assert (failure.kind, failure.parameter, failure.mended) == (FailureKind.UNSUPPORTED, "max_tokens", False)
    await ask(provider, MODEL)
    assert upstream.requests[-1].json["max_tokens"] == 8192


@pytest.mark.parametrize(
    ("message", "parameter"),
    [
        ("temperature: Extra inputs are not permitted", "temperature"),
        ("`temperature` is deprecated for this model.", "temperature"),
        ("stop_sequences: Extra inputs are not permitted", "stop"),
        ("tools.0.custom.strict: Extra inputs are not permitted", "tools"),
        ("tool_choice: Extra inputs are not permitted", "tools"),
        ("output_config: Extra inputs are not permitted", "response_format"),
        ("this endpoint does not support output_config.format", "response_format"),
        ("Extra inputs are not permitted", None),
    ],
)
async def test_the_parameter_that_is_not_supported_is_named(
    message: str, parameter: str | None, upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.fault(anthropic_failures.bad_request(message))
    failure = await failure_of(ask(provider, MODEL))
    assert (failure.kind, failure.parameter, failure.mended) == (FailureKind.UNSUPPORTED, parameter, False)


# --- models


async def test_models_are_listed_page_by_page_without_the_retired(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.models, upstream.retired = ["a", "old", "b/c"], ["old"]
    assert await provider.models() == (ModelInfo("a", 200_000), ModelInfo("b/c", 200_000))
    assert upstream.requests[0].query == "limit=1000"


async def test_a_long_list_is_read_to_its_end() -> None:
    def page(*names: str, last: object = None) -> bytes:
        entries = [{"type": "model", "id": name} for name in names]
        document = {"data": entries, "has_more": last is not None, "last_id": last}
        return response(json.dumps(document).encode(), content_type="application/json")

    pages = (page("a", "b", last="b&c"), page("c", last="c"), page())
    async with RawServer(*pages) as server, aclosing(AnthropicProvider(KEY, base_url=server.url)) as provider:
        assert [info.id for info in await provider.models()] == ["a", "b", "c"]
    paths = [head.split()[1] for head in server.heads]
    assert paths == [f"/v1/models?limit=1000{after}" for after in ("", "&after_id=b%26c", "&after_id=c")]


async def test_a_list_that_goes_on_for_ever_is_given_up() -> None:
    body = json.dumps({"data": [{"id": "a"}], "has_more": True, "last_id": "a"}).encode()
    said = response(body, content_type="application/json")
    async with RawServer(said) as server, aclosing(AnthropicProvider(KEY, base_url=server.url)) as provider:
        assert {info.id for info in await asyncio.wait_for(provider.models(), HANG_SECONDS)} == {"a"}


async def test_a_check_proves_key_and_model_and_asks_no_model(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.api_key = KEY
    await provider.check(MODEL)
    await provider.check(None)
    asked = [(request.method, request.path) for request in upstream.requests]
    assert asked == [("GET", f"/v1/models/{MODEL}"), ("GET", "/v1/models")]
    upstream.api_key = "another"
    for model in (MODEL, None):
        assert (await failure_of(provider.check(model))).kind is FailureKind.AUTH
    await upstream.stop()
    assert (await failure_of(provider.check(MODEL))).kind is FailureKind.NETWORK


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("claude-opus-55", "did you mean claude-opus-5-5 or"),
        ("gpt-4.1", "does not know this model"),
        ("claude-sonnet-4-5", "did you mean"),
    ],
)
async def test_a_check_of_a_model_that_is_not_there_names_near_ones(
    model: str, hint: str, upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.retired = ["claude-sonnet-4-5"]
    failure = await failure_of(provider.check(model))
    assert failure.kind is FailureKind.MODEL_NOT_FOUND
    assert hint in (failure.hint or "")
    assert "sonnet-4-5" not in (failure.hint or "")


async def test_a_server_that_only_lists_its_models_can_be_checked(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.fault(Fault.status(404), path=f"/models/{MODEL}")
    await provider.check(MODEL)


@pytest.mark.parametrize("path", ["/models", f"/models/{MODEL}"])
async def test_a_list_that_is_none_is_a_fault_of_the_server(
    path: str, upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.fault(Fault.status(200, ["no"]), path=path)
    failure = await failure_of(provider.check(MODEL if path.endswith(MODEL) else None))
    assert failure.kind is FailureKind.SERVER


# --- whatever comes


WORDS = "type error message content delta content_block text index usage stop_reason model id name input partial_json"
FIELDS = st.sampled_from([*WORDS.split(), "input_tokens", "cache_read_input_tokens"])
KINDS = (
    "message_start content_block_start content_block_delta message_delta message ping text_delta tool_use text error"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(KINDS.split()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS.split())},
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
