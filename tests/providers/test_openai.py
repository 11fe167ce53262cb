from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, NoTierAnswered, ProviderFailure
from ai_gateway.fakes import Answer, FakeOpenAI, Fault, ToolCall, openai_failures
from ai_gateway.model import Delta, Finish, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.base import prompt_of
from ai_gateway.providers.http import Network, UpstreamResponse
from ai_gateway.providers.openai import OpenAIProvider
from ai_gateway.providers.openai_chat import OPENAI_ROWS, chat_pieces
from ai_gateway.tier import Deadlines, ProviderTier
from support.asking import MESSAGES, all_texts_of, ask, failure_of, stream
from support.proxy import Proxy
from support.raw_server import AUTHORITY, RawServer, header, response
from support.stream_faults import BROKEN, TEXT, TOLERATED, TOLERATED_EVENTS

HANG_SECONDS = 20
KEY = "sk-very-secret"
SECRET_PROMPT = "my innermost thought"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOpenAI) -> AsyncIterator[OpenAIProvider]:
    async with aclosing(OpenAIProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


def read(*chunks: bytes) -> tuple[str, Finish]:
    """What a body of status 200 says that arrives in these chunks."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def pieces() -> tuple[str, Finish]:
        text = ""
        answer = UpstreamResponse(httpx.Response(200, content=body()))
        async with aclosing(chat_pieces(answer, OPENAI_ROWS)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Finish):
                    return text, piece
                assert isinstance(piece, Delta)
                text += piece.text
        raise AssertionError("no Finish")

    return asyncio.run(pieces())


def events(*chunks: object) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)


def says(content: str | None = None, finish_reason: str | None = None, **delta: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": content, **delta}, "finish_reason": finish_reason}]}


DONE = b"data: [DONE]\n\n"


async def test_an_answer_arrives_as_it_is_written(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.seconds_between_chunks = 0.001
    deltas, finish = await stream(provider, "gpt-4.1")
    assert "".join(deltas) == TEXT
    assert len(deltas) > 1
    assert finish == Finish(FinishReason.STOP, Usage(2, len(TEXT.split())), "gpt-4.1")


async def test_the_request_is_openais(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    await ask(provider, "m", temperature=0.5, max_tokens=7, stop=["X"], response_format={"type": "json_object"})
    [request] = upstream.requests
    assert (request.method, request.path, request.bearer) == ("POST", "/v1/chat/completions", KEY)
    assert request.body == {
        "model": "m",
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "max_tokens": 7,
        "stop": ["X"],
        "response_format": {"type": "json_object"},
    }


async def test_what_the_query_left_open_is_not_sent(upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.status(500))
    async with aclosing(OpenAIProvider(base_url=upstream.base_url)) as provider:
        await failure_of(ask(provider, None))
    [request] = upstream.requests
    assert request.json.keys() == {"messages", "stream", "stream_options"}
    assert "Authorization" not in request.headers


async def test_openai_itself_is_asked_at_its_own_address_in_its_own_words() -> None:
    said = response(events(says("hi", "stop")) + DONE)
    async with RawServer(said, tls=True) as server, Proxy({"api.openai.com:443": server.port}) as proxy:
        network = Network(proxy=proxy.url, ca_file=str(AUTHORITY))
        async with aclosing(OpenAIProvider(KEY, network=network)) as provider:
            await ask(provider, "m", max_tokens=7)
    assert server.heads[0].startswith("POST /v1/chat/completions ")
    assert header(server.heads[0], "authorization") == f"Bearer {KEY}"
    body = json.loads(server.bodies[0])
    assert body["max_completion_tokens"] == 7
    assert "max_tokens" not in body


async def test_an_upstream_may_answer_without_streaming(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(
        Answer.of(
            {
                "model": "m-1",
                "choices": [{"message": {"content": "hi"}, "finish_reason": "length"}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}},
            }
        )
    )
    assert await stream(provider) == (["hi"], Finish(FinishReason.LENGTH, Usage(3, 1, 2), "m-1"))


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, id=name) for name, fault in (TOLERATED | TOLERATED_EVENTS).items()]
)
async def test_an_unusual_stream_is_read_all_the_same(
    fault: Fault, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(fault)
    answer = await asyncio.wait_for(ask(provider), HANG_SECONDS)
    assert (answer.content, answer.finish_reason) == (TEXT, FinishReason.STOP)


async def test_a_character_that_is_not_utf8_is_shown_as_such(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(Fault.invalid_utf8(after=1))
    assert (await ask(provider)).content == TEXT.replace("one", "one��")


@pytest.mark.parametrize(("fault", "kind"), [pytest.param(*case, id=name) for name, case in BROKEN.items()])
async def test_a_broken_stream_is_never_an_answer(
    fault: Fault, kind: FailureKind, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(fault)
    assert (await failure_of(asyncio.wait_for(ask(provider), HANG_SECONDS))).kind is kind
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert (await ask(provider)).content == TEXT


async def test_a_stopped_upstream_refuses_the_connection(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    await upstream.stop()
    failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the connection was refused")


@pytest.mark.parametrize("fault", [Fault.hang(), Fault.stall(), Fault.stall(after=2)], ids=["hang", "stall", "later"])
async def test_silence_ends_at_its_deadline_and_the_upstream_sees_that(
    fault: Fault, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(fault)
    chain = FailoverChain([ProviderTier("only", provider, ["m"], deadlines=Deadlines(0.1, 0.1))])
    with pytest.raises(NoTierAnswered) as raised:
        await asyncio.wait_for(chain.chat(MESSAGES), HANG_SECONDS)
    assert raised.value.attempts[0].reason == FailureKind.TIMEOUT
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert upstream.disconnects == 1


@pytest.mark.parametrize("fault", [Fault.hang(), Fault.stall(after=2)], ids=["before the headers", "in the middle"])
async def test_a_cancel_reaches_the_upstream(fault: Fault, upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(fault)
    asking = asyncio.ensure_future(ask(provider))
    await asyncio.wait_for(upstream.wait_for_calls(1), HANG_SECONDS)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert upstream.disconnects == 1


async def test_a_consumer_that_stops_reading_frees_the_upstream(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(Fault.endless())
    async with aclosing(provider.stream(prompt_of(MESSAGES), "m")) as pieces:
        assert isinstance(await anext(pieces), Delta)
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert upstream.disconnects == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("max_tokens", FinishReason.LENGTH),
        ("tool_calls", FinishReason.TOOL_CALLS),
        ("function_call", FinishReason.TOOL_CALLS),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("refusal", FinishReason.REFUSAL),
        ("eos", FinishReason.STOP),
    ],
)
async def test_a_finish_reason_is_translated(
    said: str, reason: FinishReason, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.reply("hi", finish_reason=said)
    assert (await ask(provider)).finish_reason is reason


def test_an_upstream_that_gives_up_has_not_answered() -> None:
    with pytest.raises(ProviderFailure, match="gave up") as raised:
        read(events(says("hi"), says(finish_reason="error")) + DONE)
    assert raised.value.kind is FailureKind.STREAM_BROKEN


async def test_reasoning_is_no_text(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.reply("hi", thinking="let me think")
    assert (await ask(provider)).content == "hi"


async def test_tools_are_offered_and_their_calls_come_back_whole(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1, "b": [2]}, "c1"), ToolCall("broken", '{"a":', "c2")])
    tool = {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}
    answer = await ask(provider, tools=[tool])
    assert upstream.requests[0].json["tools"] == [{"type": "function", "function": tool}]
    assert answer.finish_reason is FinishReason.TOOL_CALLS
    assert answer.tool_calls == (Call("c1", "add", '{"a":1,"b":[2]}'), Call("c2", "broken", '{"a":'))
    assert answer.content == ""


async def test_a_conversation_with_tools_is_passed_on(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Add"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "3", "tool_call_id": "c1"},
    ]
    await provider.chat(messages, model="m")
    assert upstream.requests[0].json["messages"] == messages


def _called(name: str | None, arguments: object, **more: object) -> dict[str, object]:
    return says(tool_calls=[{**more, "function": {"name": name, "arguments": arguments}}])


@pytest.mark.parametrize(
    ("chunks", "calls"),
    [
        ([_called("f", "{}", id="1")], [Call("1", "f", "{}")]),
        ([_called("f", None, index=0, id="1")], [Call("1", "f", "{}")]),
        ([_called("f", {"a": 1}, index=0, id="1")], [Call("1", "f", '{"a": 1}')]),
        ([_called("f", '{"a"', index=0, id="1"), _called(None, ":1}", index=0)], [Call("1", "f", '{"a":1}')]),
        ([_called("f", '{"a"', index=0, id="1"), _called("f", ":1}", index=0, id="1")], [Call("1", "f", '{"a":1}')]),
        ([_called("f", "{}", id="1"), _called("g", "{}", id="2")], [Call("1", "f", "{}"), Call("2", "g", "{}")]),
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


def test_usage_may_come_with_any_chunk_and_the_last_one_counts() -> None:
    first = says("hi") | {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    last = says(finish_reason="stop") | {"usage": {"prompt_tokens": 1, "completion_tokens": "many"}}
    assert read(events(first, last) + DONE)[1].usage == Usage(1, 0)


WORDS = "choices delta message content tool_calls function name arguments index id usage finish_reason model error code"
FIELDS = st.sampled_from([*WORDS.split(), "prompt_tokens", "completion_tokens", "prompt_tokens_details"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
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


async def test_a_refused_max_tokens_is_called_by_its_newer_name_at_once_and_from_then_on(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    chain = FailoverChain([ProviderTier("only", provider, ["o3"])])
    for _ in range(2):
        assert (await chain.chat(MESSAGES, max_tokens=7)).content == TEXT
    assert [request.json.get("max_completion_tokens") for request in upstream.requests] == [None, 7, 7]


async def test_queries_that_were_refused_together_all_learn_the_newer_name(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    both_are_here = asyncio.Event()
    upstream.fault(Fault.hold(both_are_here) | Fault.answer(openai_failures.unsupported_parameter()), times=2)
    chain = FailoverChain([ProviderTier("only", provider, ["m"])])
    asking = asyncio.gather(*(chain.chat(MESSAGES, max_tokens=7) for _ in range(2)))
    await asyncio.wait_for(upstream.wait_for_calls(2), HANG_SECONDS)
    both_are_here.set()
    await asyncio.wait_for(asking, HANG_SECONDS)
    assert [request.json.get("max_completion_tokens") for request in upstream.requests] == [None, None, 7, 7]


@pytest.mark.parametrize("parameter", ["stream_options", "stream_options.include_usage"])
async def test_a_server_that_knows_no_usage_is_asked_without(
    parameter: str, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(openai_failures.unsupported_parameter(parameter))
    chain = FailoverChain([ProviderTier("only", provider, ["m"])])
    for _ in range(2):
        answer = await chain.chat(MESSAGES)
        assert answer.usage.estimated
    assert ["stream_options" in request.json for request in upstream.requests] == [True, False, False]


async def test_another_unsupported_parameter_is_left_out_once(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    chain = FailoverChain([ProviderTier("only", provider, ["gpt-5"])])
    assert (await chain.chat(MESSAGES, temperature=0.2)).content == TEXT
    assert ["temperature" in request.json for request in upstream.requests] == [True, False]


async def test_a_refused_newer_name_leaves_the_limit_out(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(openai_failures.unsupported_parameter("max_tokens"))
    upstream.fault(openai_failures.unsupported_parameter("max_completion_tokens"))
    failure = await failure_of(ask(provider, "m", max_tokens=7))
    assert (failure.mended, failure.parameter) == (True, "max_tokens")
    failure = await failure_of(ask(provider, "m", max_tokens=7))
    assert (failure.mended, failure.parameter) == (False, "max_tokens")


async def test_a_check_proves_the_key_and_asks_no_model(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.api_key = KEY
    await provider.check("m")
    assert [(request.method, request.path) for request in upstream.requests] == [("GET", "/v1/models")]
    upstream.api_key = "another"
    assert (await failure_of(provider.check("m"))).kind is FailureKind.AUTH
    await upstream.stop()
    assert (await failure_of(provider.check("m"))).kind is FailureKind.NETWORK


@pytest.mark.parametrize("fault", [Fault.reset(), Fault.cut(after=1), Fault.error_event(SECRET_PROMPT), Fault.hang()])
async def test_neither_key_nor_prompt_is_in_an_error_or_a_log(
    fault: Fault, upstream: FakeOpenAI, provider: OpenAIProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.fault(fault, times=None)
    chain = FailoverChain([ProviderTier("only", provider, ["m"], deadlines=Deadlines(0.1, 0.1))])
    with pytest.raises(NoTierAnswered) as raised:
        await chain.chat([{"role": "user", "content": SECRET_PROMPT}])
    shown = all_texts_of(raised.value) + repr(raised.value.attempts) + raised.value.hint + caplog.text
    assert KEY not in shown
    assert SECRET_PROMPT not in shown


async def test_an_upstream_that_quotes_key_and_prompt_is_not_quoted(
    upstream: FakeOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.api_key = "another"
    async with aclosing(OpenAIProvider(KEY, base_url=upstream.base_url)) as provider:
        refused = await failure_of(provider.chat([{"role": "user", "content": SECRET_PROMPT}], model="m"))
        upstream.fault(Fault.status(400, {"error": {"message": f"{KEY} {SECRET_PROMPT}", "code": SECRET_PROMPT}}))
        quoted = await failure_of(provider.chat([{"role": "user", "content": SECRET_PROMPT}], model="m"))
    for failure in (refused, quoted):
        shown = all_texts_of(failure) + str(failure.hint) + caplog.text
        assert KEY not in shown
        assert KEY[-4:] not in shown
        assert SECRET_PROMPT not in shown
    assert KEY not in repr(provider)
