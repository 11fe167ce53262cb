"""Anthropic as a provider: how it is asked, what its answers mean, and what it learns from refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import Answer, FakeAnthropic, Fault, ToolCall, anthropic_failures
from ai_gateway.model import Finish, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.anthropic.provider import AnthropicProvider
from ai_gateway.providers.network import Network
from support.asking import HANG_SECONDS, KEY, MESSAGES, ask, chain_of, failure_of, stream
from support.provider_contract import EventStreamingProvider
from support.proxy import Proxy
from support.raw_server import AUTHORITY, RawServer, header, response
from support.stream_faults import TEXT

MODEL = "claude-opus-5-5"
ANSWER = (
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}\n\n'
    b'data: {"type":"message_stop"}\n\n'
)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeAnthropic) -> AsyncIterator[AnthropicProvider]:
    async with aclosing(AnthropicProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


class TestStreaming(EventStreamingProvider):
    """All that is asked of every provider; a stream ends with `message_stop`."""

    indispensable = "a finish reason, but no [DONE]"


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
    said = response(ANSWER)
    async with RawServer(said, tls=True) as server, Proxy({"api.anthropic.com:443": server.port}) as proxy:
        network = Network(proxy=proxy.url, ca_file=str(AUTHORITY))
        async with aclosing(AnthropicProvider(KEY, network=network)) as provider:
            assert (await ask(provider, MODEL)).content == "hi"
    assert server.heads[0].startswith("POST /v1/messages ")
    assert header(server.heads[0], "x-api-key") == KEY


async def test_a_temperature_is_never_sent(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    assert (await ask(provider, MODEL, temperature=0.0)).content == TEXT
    assert "temperature" not in upstream.requests[0].json


async def test_one_connection_serves_one_answer_after_another() -> None:
    said = response(ANSWER)
    async with RawServer(said) as server, aclosing(AnthropicProvider(KEY, base_url=server.url)) as provider:
        for _ in range(3):
            await ask(provider, MODEL)
    assert server.connections == 1


async def test_an_upstream_that_never_ends_its_body_holds_nobody_up() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100000\r\n\r\n"
    said = head + ANSWER
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


@pytest.mark.parametrize("name", ["refused whole", "refused in the stream"])
async def test_an_answer_that_the_filter_cut_off_is_none(
    name: str, upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    said = "Output blocked by content filtering policy"
    upstream.fault(
        anthropic_failures.content_filtered() if name == "refused whole" else Fault.error_event(said, after=2)
    )
    assert (await failure_of(ask(provider, MODEL))).kind is FailureKind.CONTENT_FILTER


async def test_a_models_own_limit_is_learnt_at_once_and_for_that_model_alone(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.most_tokens = 100
    chain = chain_of(provider, MODEL)
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
    chain = chain_of(provider, MODEL)
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
