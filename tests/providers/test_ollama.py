from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.fakes import FakeOllama, FakeUpstream, Fault, OllamaModel, ToolCall
from ai_gateway.fakes.ollama.failures import does_not_support, schema_refused
from ai_gateway.model import Backend, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.ollama.provider import OllamaProvider
from ai_gateway.providers.ollama.refusals import ELSEWHERE_HINT, START_HINT
from ai_gateway.tier import LOCAL_DEADLINES, ProviderTier
from support.any_json import any_json
from support.asking import HANG_SECONDS, MESSAGES, ask, chain_of, failure_of
from support.provider_contract import StreamingProvider
from support.raw_server import RawServer, response
from support.stream_faults import BROKEN, TEXT

MODEL = "llama3.2"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(models=[MODEL, "m", OllamaModel(name="plain", capabilities=("completion",))]) as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOllama) -> AsyncIterator[OllamaProvider]:
    async with aclosing(OllamaProvider(base_url=upstream.base_url)) as provider:
        yield provider


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


SHOWN = response(lines({"capabilities": ["completion"]}))
"""What is said of a model before it is asked: nothing that would make it one from elsewhere."""


def chats(upstream: FakeOllama) -> list[Mapping[str, object]]:
    """The bodies of the chats that were asked for."""
    return [request.json for request in upstream.requests if request.path == "/api/chat"]


async def test_the_request_is_ollamas_and_forbids_silent_truncation(upstream: FakeOllama) -> None:
    async with aclosing(OllamaProvider(base_url=upstream.base_url, context_tokens=8192)) as provider:
        await ask(provider, MODEL, temperature=0.5, max_tokens=7, stop=["X"])
    request = upstream.requests[-1]
    assert (request.method, request.path) == ("POST", "/api/chat")
    assert request.body == {
        "model": MODEL,
        "messages": MESSAGES,
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": {"num_ctx": 8192, "temperature": 0.5, "num_predict": 7, "stop": ["X"]},
    }
    assert "Authorization" not in request.headers


async def test_what_the_query_left_open_is_not_sent(upstream: FakeOllama, provider: OllamaProvider) -> None:
    await ask(provider, MODEL)
    assert chats(upstream)[0]["options"] == {}
    assert not {"format", "tools", "think"} & set(chats(upstream)[0])


@pytest.mark.parametrize(
    ("response_format", "sent"),
    [
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema"}, "json"),
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"name": "n"}}, "json"),
        ({"type": "text"}, None),
    ],
)
async def test_a_response_format_is_translated(
    response_format: dict[str, object], sent: object, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    await ask(provider, MODEL, response_format=response_format)
    assert chats(upstream)[0].get("format") == sent


class TestStreaming(StreamingProvider):
    @pytest.mark.parametrize(("fault", "kind"), [pytest.param(*case, id=name) for name, case in BROKEN.items()])
    async def test_a_broken_stream_is_never_an_answer(
        self, fault: Fault, kind: FailureKind, upstream: FakeUpstream, provider: LLMProvider
    ) -> None:
        """Every time, for the connection was used before, and a first loss of it would not count."""
        upstream.fault(fault, times=None)
        assert (await failure_of(asyncio.wait_for(ask(provider, "m"), HANG_SECONDS))).kind is kind
        await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
        upstream.clear()
        assert (await ask(provider, "m")).content == TEXT


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ({"error": "unauthorized", "status": 401}, FailureKind.ENTITLEMENT),
        ({"error": "request (9 tokens) exceeds the available context size (8 tokens)"}, FailureKind.CONTEXT_TOO_LONG),
        ({"error": '"x" does not support tools', "status": 400}, FailureKind.UNSUPPORTED),
        ({"error": "model requires more system memory", "status": 500}, FailureKind.SERVER),
        ({"error": "something"}, FailureKind.SERVER),
        ({"error": {"message": "model 'x' not found", "code": 404}}, FailureKind.MODEL_NOT_FOUND),
    ],
)
async def test_an_error_after_the_headers_says_what_its_status_would_have(line: object, kind: FailureKind) -> None:
    async with (
        RawServer(SHOWN, response(lines(line))) as server,
        aclosing(OllamaProvider(base_url=server.url)) as provider,
    ):
        failure = await failure_of(ask(provider, "x"))
    assert failure.kind is kind
    assert "{model}" not in (failure.hint or "")


async def test_a_missing_ollama_is_to_be_started(upstream: FakeOllama, provider: OllamaProvider) -> None:
    await upstream.stop()
    for asking in (ask(provider, MODEL), provider.check(MODEL)):
        failure = await failure_of(asking)
        assert (failure.kind, failure.hint) == (FailureKind.NETWORK, START_HINT)


async def test_a_missing_ollama_of_another_machine_is_to_be_looked_for_there() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        async with aclosing(OllamaProvider(base_url=f"http://0.0.0.0:{held.getsockname()[1]}")) as provider:
            failure = await failure_of(ask(provider, MODEL))
    assert (failure.kind, failure.hint) == (FailureKind.NETWORK, ELSEWHERE_HINT)


async def test_a_local_tier_waits_long_for_a_model_to_load(upstream: FakeOllama, provider: OllamaProvider) -> None:
    is_loaded = asyncio.Event()
    upstream.load = is_loaded
    tier = ProviderTier("ollama", provider, [MODEL], Backend.LOCAL)
    assert tier.limits == LOCAL_DEADLINES
    asking = asyncio.ensure_future(FailoverChain([tier]).chat(MESSAGES))
    await asyncio.wait_for(upstream.wait_for_calls(1), HANG_SECONDS)
    is_loaded.set()
    assert (await asyncio.wait_for(asking, HANG_SECONDS)).content == TEXT


@pytest.mark.parametrize(
    ("said", "reason"), [("stop", FinishReason.STOP), ("length", FinishReason.LENGTH), ("load", FinishReason.STOP)]
)
async def test_a_finish_reason_is_translated(
    said: str, reason: FinishReason, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.reply("hi", finish_reason=said)
    assert (await ask(provider, MODEL)).finish_reason is reason


@pytest.mark.parametrize("said", ["load", "unload"])
async def test_a_model_that_was_only_loaded_has_not_answered(
    said: str, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.reply(chunks=[], finish_reason=said)
    assert (await failure_of(ask(provider, MODEL))).kind is FailureKind.EMPTY


async def test_thinking_is_no_text(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.reply("hi", thinking="let me think")
    assert (await ask(provider, MODEL)).content == "hi"


async def test_tools_are_offered_and_their_calls_come_back(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1}, "c1"), ToolCall("stop", {}, "")])
    tool = {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}
    answer = await ask(provider, MODEL, tools=[tool])
    assert chats(upstream)[0]["tools"] == [{"type": "function", "function": tool}]
    assert answer.finish_reason is FinishReason.TOOL_CALLS
    named, unnamed = answer.tool_calls
    assert (named, unnamed.name, unnamed.arguments) == (Call("c1", "add", '{"a": 1}'), "stop", "{}")
    again = (await ask(provider, MODEL, tools=[tool])).tool_calls[1]
    assert unnamed.id != again.id  # later answers stand in the same conversation


async def test_calls_that_were_cut_off_are_not_called_finished(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1})], finish_reason="length")
    assert (await ask(provider, MODEL)).finish_reason is FinishReason.LENGTH


async def test_a_conversation_with_tools_is_passed_on_with_arguments_as_objects_and_results_by_name(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    def call(call_id: str, name: str, arguments: str) -> dict[str, object]:
        return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}

    def result(call_id: str) -> dict[str, object]:
        return {"role": "tool", "content": call_id, "tool_call_id": call_id}

    calls = [call("c1", "add", '{"a": 1}'), call("c2", "stop", "{broken"), call("c3", "stop", "[1]")]
    await provider.chat(
        [
            {"role": "user", "content": "Add"},
            {"role": "assistant", "content": "", "tool_calls": calls},
            result("c1"),
            result("c3"),
            result("unknown"),
            {"role": "assistant", "content": "", "tool_calls": [call("c1", "again", "{}")]},
            result("c1"),
        ],
        model=MODEL,
    )
    [sent] = [body["messages"] for body in chats(upstream)]
    assert isinstance(sent, list)
    assert sent[1]["tool_calls"] == [
        {"id": "c1", "function": {"index": 0, "name": "add", "arguments": {"a": 1}}},
        {"id": "c2", "function": {"index": 1, "name": "stop", "arguments": {}}},
        {"id": "c3", "function": {"index": 2, "name": "stop", "arguments": {}}},
    ]
    assert sent[2] == {"role": "tool", "content": "c1", "tool_call_id": "c1", "tool_name": "add"}
    assert sent[3]["tool_name"] == "stop"
    assert "tool_name" not in sent[4]
    assert sent[6]["tool_name"] == "again"


async def test_a_model_without_tools_is_asked_without(upstream: FakeOllama, provider: OllamaProvider) -> None:
    chain = chain_of(provider, "plain")
    assert (await chain.chat(MESSAGES, tools=[{"name": "add"}])).content == TEXT
    assert ["tools" in body for body in chats(upstream)] == [True, False]


async def test_a_schema_that_ollama_refuses_is_left_out(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.fault(schema_refused())
    chain = chain_of(provider, MODEL)
    assert (await chain.chat(MESSAGES, response_format={"type": "json_object"})).content == TEXT
    assert ["format" in body for body in chats(upstream)] == [True, False]


async def test_what_else_is_unsupported_is_not_tried_again(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.fault(does_not_support(feature="vision"))
    failure = await failure_of(ask(provider, MODEL))
    assert (failure.kind, failure.parameter) == (FailureKind.UNSUPPORTED, None)


async def test_a_prompt_too_long_is_refused_instead_of_shortened(upstream: FakeOllama) -> None:
    async with aclosing(OllamaProvider(base_url=upstream.base_url, context_tokens=2)) as provider:
        long = [{"role": "user", "content": "one two three"}]
        failure = await failure_of(provider.chat(long, model=MODEL))
    assert (failure.kind, failure.status) == (FailureKind.CONTEXT_TOO_LONG, 400)


async def test_a_prompt_that_can_not_fit_at_all_is_not_even_sent(upstream: FakeOllama) -> None:
    async with aclosing(OllamaProvider(base_url=upstream.base_url, context_tokens=2)) as provider:
        failure = await failure_of(provider.chat([{"role": "user", "content": "x" * 17}], model=MODEL))
    assert (failure.kind, failure.status) == (FailureKind.CONTEXT_TOO_LONG, None)
    assert "local.context_tokens" in (failure.hint or "")
    assert not upstream.requests


async def test_where_the_context_length_is_ollamas_own_no_prompt_is_too_long_to_be_sent(
    provider: OllamaProvider,
) -> None:
    long = [{"role": "user", "content": "x" * 1_000_000}]
    assert (await provider.chat(long, model=MODEL)).content == TEXT


@pytest.mark.parametrize(
    ("last", "usage"),
    [
        ({"prompt_eval_count": 3, "eval_count": 4}, Usage(3, 4)),
        ({"eval_count": 4}, Usage(0, 4)),
        ({"prompt_eval_count": 3}, Usage(3, 0)),
        ({}, None),
        ({"eval_count": "many"}, None),
    ],
)
async def test_a_counter_that_is_left_out_is_zero(last: dict[str, object], usage: Usage | None) -> None:
    said = response(lines({"message": {"content": "hi"}}, {"done": True, **last}))
    async with RawServer(SHOWN, said) as server, aclosing(OllamaProvider(base_url=server.url)) as provider:
        assert (await ask(provider, MODEL)).usage == usage


JSON = any_json("message content tool_calls function name arguments done done_reason error status model eval_count")


@settings(deadline=None)
@given(st.lists(JSON, max_size=4))
def test_whatever_a_stream_says_it_is_an_answer_or_a_failure(values: list[object]) -> None:
    async def said() -> None:
        body = lines(*values, {"message": {"content": "hi"}, "done": True})
        async with (
            RawServer(SHOWN, response(body)) as server,
            aclosing(OllamaProvider(base_url=server.url)) as provider,
        ):
            try:
                answer = await ask(provider, MODEL)
            except ProviderFailure:
                return
            assert answer.model is None or isinstance(answer.model, str)

    asyncio.run(said())
