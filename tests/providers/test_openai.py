from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind, NoTierAnswered
from ai_gateway.fakes import Answer, FakeOpenAI, Fault, ToolCall, openai_failures
from ai_gateway.model import EmbeddingInput, Finish, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.openai.provider import OpenAIProvider, refused_by_openais
from support.asking import HANG_SECONDS, KEY, MESSAGES, SECRET_PROMPT, all_texts_of, ask, chain_of, failure_of, stream
from support.openai_itself import openai_itself
from support.provider_contract import EventStreamingProvider
from support.raw_server import header, response
from support.stream_faults import TEXT
from support.upstreams import ANSWER


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOpenAI) -> AsyncIterator[OpenAIProvider]:
    async with aclosing(OpenAIProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


class TestStreaming(EventStreamingProvider):
    """All that is asked of every provider."""


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


def sent(upstream: FakeOpenAI, name: str) -> list[object]:
    """What each request said of a parameter."""
    return [request.json.get(name) for request in upstream.requests]


async def test_openai_itself_is_asked_at_its_own_address_in_its_own_words() -> None:
    async with openai_itself(response(ANSWER)) as (provider, server):
        await ask(provider, "gpt-4.1", max_tokens=7, temperature=0.2, stop="X")
    head, body = server.heads[0], json.loads(server.bodies[0])
    assert head.startswith("POST /v1/chat/completions ")
    assert header(head, "authorization") == f"Bearer {KEY}"
    assert (header(head, "openai-organization"), header(head, "openai-project")) == ("org-a", "proj-b")
    assert body["max_completion_tokens"] == 7
    assert "max_tokens" not in body
    assert body["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert (body["temperature"], body["stop"]) == (0.2, ["X"])


async def test_a_model_of_openai_that_reasons_is_asked_without_sampling_parameters() -> None:
    async with openai_itself(response(ANSWER)) as (provider, server):
        await ask(provider, "gpt-5.5", max_tokens=7, temperature=0.2, stop="X", response_format={"type": "text"})
    body = json.loads(server.bodies[0])
    assert body.keys() == {"model", "messages", "stream", "stream_options", "max_completion_tokens", "response_format"}


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        *((name, True) for name in ("o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5.1", "gpt-6.1-sol")),
        *((name, True) for name in ("gpt-10", "ft:o4-mini:acme::1")),
        *((name, False) for name in ("gpt-4o", "gpt-4.1", "gpt-3.5-turbo", "gpt-5-chat-latest", "omni", "ft:gpt-4o:a")),
    ],
)
def test_models_that_reason_are_told_by_their_names(model: str, reasons: bool) -> None:
    assert ("temperature" in refused_by_openais(model)) is reasons


async def test_a_compatible_server_gets_only_what_every_server_knows(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    await ask(provider, "openai/gpt-5", max_tokens=7, temperature=0.2)
    [request] = upstream.requests
    assert request.json["stream_options"] == {"include_usage": True}
    assert (request.json["max_tokens"], request.json["temperature"]) == (7, 0.2)
    assert not {"OpenAI-Organization", "OpenAI-Project"} & request.headers.keys()


async def test_a_refused_max_tokens_is_called_by_its_newer_name_at_once_and_from_then_on(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    chain = chain_of(provider, "o3")
    for _ in range(2):
        assert (await chain.chat(MESSAGES, max_tokens=7)).content == TEXT
    assert sent(upstream, "max_completion_tokens") == [None, 7, 7]
    assert sent(upstream, "max_tokens") == [7, None, None]


async def test_a_refused_newer_name_becomes_the_older_one(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(openai_failures.unsupported_parameter("max_tokens"))
    upstream.fault(openai_failures.unrecognized_argument("max_completion_tokens"))
    for _ in range(2):
        failure = await failure_of(ask(provider, "m", max_tokens=7))
        assert (failure.kind, failure.mended, failure.parameter) == (FailureKind.UNSUPPORTED, True, "max_tokens")
    await ask(provider, "m", max_tokens=7)
    assert sent(upstream, "max_tokens") == [7, None, None]
    assert sent(upstream, "max_completion_tokens") == [None, 7, None]


async def test_what_one_model_refused_is_still_sent_to_others(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    await chain_of(provider, "gpt-5").chat(MESSAGES, temperature=0.2)
    await chain_of(provider, "gpt-4.1").chat(MESSAGES, temperature=0.2)
    await chain_of(provider, "gpt-5").chat(MESSAGES, temperature=0.3)
    assert sent(upstream, "temperature") == [0.2, None, 0.2, None]


async def test_queries_that_were_refused_together_all_learn_the_newer_name(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    both_are_here = asyncio.Event()
    upstream.fault(Fault.hold(both_are_here) | Fault.answer(openai_failures.unsupported_parameter()), times=2)
    chain = chain_of(provider, "m")
    asking = asyncio.gather(*(chain.chat(MESSAGES, max_tokens=7) for _ in range(2)))
    await asyncio.wait_for(upstream.wait_for_calls(2), HANG_SECONDS)
    both_are_here.set()
    await asyncio.wait_for(asking, HANG_SECONDS)
    assert sent(upstream, "max_completion_tokens") == [None, None, 7, 7]


@pytest.mark.parametrize(
    "refusal",
    [
        openai_failures.unsupported_parameter("stream_options"),
        openai_failures.unsupported_parameter("stream_options.include_usage"),
        openai_failures.unrecognized_argument("stream_options"),
        Answer.of({"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}, 422),
    ],
    ids=["by its name", "by a part of it", "in words", "as FastAPI says it"],
)
async def test_a_server_that_knows_no_usage_is_asked_without(
    refusal: Answer, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(refusal)
    chain = chain_of(provider, "m")
    for _ in range(2):
        answer = await chain.chat(MESSAGES)
        assert answer.usage.estimated
    assert ["stream_options" in request.json for request in upstream.requests] == [True, False, False]


async def test_an_organization_that_may_not_stream_gets_whole_answers(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(openai_failures.unverified_organization())
    chain = chain_of(provider, "m")
    for _ in range(2):
        answer = await chain.chat(MESSAGES)
        assert (answer.content, answer.usage.estimated) == (TEXT, False)
    assert sent(upstream, "stream") == [True, None, None]
    assert [request.json.get("stream_options") is None for request in upstream.requests] == [False, True, True]


async def test_a_refused_object_is_left_out_once_and_another_one_tried(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(openai_failures.unsupported_value("response_format", "json_schema"))
    chain = chain_of(provider, "m")
    schema, plain = {"type": "json_schema"}, {"type": "json_object"}
    assert (await chain.chat(MESSAGES, response_format=schema)).content == TEXT
    assert (await chain.chat(MESSAGES, response_format=plain)).content == TEXT
    assert sent(upstream, "response_format") == [schema, None, plain]


async def test_a_refused_part_of_an_object_leaves_the_object_out_once(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(openai_failures.unsupported_parameter("response_format.json_schema.strict"))
    chain = chain_of(provider, "m")
    for _ in range(2):
        await chain.chat(MESSAGES, response_format={"type": "json_schema"})
    assert [value is None for value in sent(upstream, "response_format")] == [False, True, False]


@pytest.mark.parametrize("parameter", ["model", "messages", "messages[0].role", "seed", ""])
async def test_a_refusal_of_what_can_not_be_left_out_goes_to_the_next_tier(
    parameter: str, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(openai_failures.unsupported_value(parameter, "this"))
    with pytest.raises(NoTierAnswered):
        await chain_of(provider, "m").chat(MESSAGES, temperature=0.2)
    assert len(upstream.requests) == 1
    assert (await chain_of(provider, "m").chat(MESSAGES, temperature=0.2)).content == TEXT
    assert upstream.requests[1].body == upstream.requests[0].body


async def test_embeddings_learn_as_chats_do(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    refusal = openai_failures.unsupported_parameter("dimensions")
    upstream.fault(refusal, path="/embeddings")
    given = EmbeddingInput(("one",), dimensions=4)
    failure = await failure_of(provider.embed(given, "m"))
    assert (failure.kind, failure.mended, failure.parameter) == (FailureKind.UNSUPPORTED, True, "dimensions")
    assert len((await provider.embed(given, "m")).vectors[0]) > 4
