from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, NoTierAnswered, ProviderFailure
from ai_gateway.fakes import Answer, FakeOllama, Fault, OllamaModel, ToolCall
from ai_gateway.fakes.ollama_failures import does_not_support
from ai_gateway.model import Backend, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.ollama import START_HINT, OllamaProvider
from ai_gateway.tier import LOCAL_DEADLINES, Deadlines, ProviderTier
from support.asking import MESSAGES, all_texts_of, ask, failure_of, stream
from support.raw_server import RawServer, response
from support.stream_faults import BROKEN, TEXT, TOLERATED

HANG_SECONDS = 20
MODEL = "llama3.2"
SECRET_PROMPT = "my innermost thought"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(models=[MODEL, OllamaModel(name="plain", capabilities=("completion",))]) as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOllama) -> AsyncIterator[OllamaProvider]:
    async with aclosing(OllamaProvider(base_url=upstream.base_url)) as provider:
        yield provider


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


async def test_an_answer_arrives_as_it_is_written(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.seconds_between_chunks = 0.001
    deltas, finish = await stream(provider, MODEL)
    assert "".join(deltas) == TEXT
    assert len(deltas) > 1
    assert (finish.reason, finish.usage, finish.model) == (FinishReason.STOP, Usage(2, len(TEXT.split())), MODEL)


async def test_the_request_is_ollamas_and_forbids_silent_truncation(upstream: FakeOllama) -> None:
    async with aclosing(OllamaProvider(base_url=upstream.base_url, context_tokens=8192)) as provider:
        await ask(provider, MODEL, temperature=0.5, max_tokens=7, stop=["X"])
    [request] = upstream.requests
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
    assert upstream.requests[0].json["options"] == {}


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
    assert upstream.requests[0].json.get("format") == sent


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in TOLERATED.items()])
async def test_an_unusual_stream_is_read_all_the_same(
    fault: Fault, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(fault)
    assert (await asyncio.wait_for(ask(provider, MODEL), HANG_SECONDS)).content == TEXT


async def test_a_character_that_is_not_utf8_is_shown_as_such(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.fault(Fault.invalid_utf8(after=1))
    assert (await ask(provider, MODEL)).content == TEXT.replace("one", "one��")


@pytest.mark.parametrize(("fault", "kind"), [pytest.param(*case, id=name) for name, case in BROKEN.items()])
async def test_a_broken_stream_is_never_an_answer(
    fault: Fault, kind: FailureKind, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(fault)
    assert (await failure_of(asyncio.wait_for(ask(provider, MODEL), HANG_SECONDS))).kind is kind
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert (await ask(provider, MODEL)).content == TEXT


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ({"error": "unauthorized", "status": 401}, FailureKind.ENTITLEMENT),
        ({"error": "model requires more system memory", "status": 500}, FailureKind.SERVER),
        ({"error": "something"}, FailureKind.SERVER),
        ({"error": {"message": "model 'x' not found", "code": 404}}, FailureKind.MODEL_NOT_FOUND),
    ],
)
async def test_an_error_after_the_headers_says_what_its_status_would_have(line: object, kind: FailureKind) -> None:
    async with RawServer(response(lines(line))) as server, aclosing(OllamaProvider(base_url=server.url)) as provider:
        failure = await failure_of(ask(provider, "x"))
    assert failure.kind is kind
    assert "{model}" not in (failure.hint or "")


async def test_a_missing_ollama_is_to_be_started(upstream: FakeOllama, provider: OllamaProvider) -> None:
    await upstream.stop()
    for asking in (ask(provider, MODEL), provider.check(MODEL)):
        failure = await failure_of(asking)
        assert (failure.kind, failure.hint) == (FailureKind.NETWORK, START_HINT)


@pytest.mark.parametrize("fault", [Fault.hang(), Fault.stall(), Fault.stall(after=2)], ids=["hang", "stall", "later"])
async def test_silence_ends_at_its_deadline_and_the_upstream_sees_that(
    fault: Fault, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(fault)
    chain = FailoverChain([ProviderTier("only", provider, [MODEL], deadlines=Deadlines(0.1, 0.1))])
    with pytest.raises(NoTierAnswered) as raised:
        await asyncio.wait_for(chain.chat(MESSAGES), HANG_SECONDS)
    assert raised.value.attempts[0].reason == FailureKind.TIMEOUT
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert upstream.disconnects == 1


async def test_a_local_tier_waits_long_for_a_model_to_load(upstream: FakeOllama, provider: OllamaProvider) -> None:
    is_loaded = asyncio.Event()
    upstream.load = is_loaded
    tier = ProviderTier("ollama", provider, [MODEL], Backend.LOCAL)
    assert tier.limits == LOCAL_DEADLINES
    asking = asyncio.ensure_future(FailoverChain([tier]).chat(MESSAGES))
    await asyncio.wait_for(upstream.wait_for_calls(1), HANG_SECONDS)
    is_loaded.set()
    assert (await asyncio.wait_for(asking, HANG_SECONDS)).content == TEXT


@pytest.mark.parametrize("fault", [Fault.hang(), Fault.stall(after=2)], ids=["before the headers", "in the middle"])
async def test_a_cancel_reaches_the_upstream(fault: Fault, upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.fault(fault)
    asking = asyncio.ensure_future(ask(provider, MODEL))
    await asyncio.wait_for(upstream.wait_for_calls(1), HANG_SECONDS)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert upstream.disconnects == 1


@pytest.mark.parametrize(
    ("said", "reason"), [("stop", FinishReason.STOP), ("length", FinishReason.LENGTH), ("load", FinishReason.STOP)]
)
async def test_a_finish_reason_is_translated(
    said: str, reason: FinishReason, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.reply("hi", finish_reason=said)
    assert (await ask(provider, MODEL)).finish_reason is reason


async def test_thinking_is_no_text(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.reply("hi", thinking="let me think")
    assert (await ask(provider, MODEL)).content == "hi"


async def test_tools_are_offered_and_their_calls_come_back(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1}, "c1"), ToolCall("stop", {}, "")])
    tool = {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}
    answer = await ask(provider, MODEL, tools=[tool])
    assert upstream.requests[0].json["tools"] == [{"type": "function", "function": tool}]
    assert answer.finish_reason is FinishReason.TOOL_CALLS
    assert answer.tool_calls == (Call("c1", "add", '{"a": 1}'), Call("call_1", "stop", "{}"))


async def test_calls_that_were_cut_off_are_not_called_finished(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1})], finish_reason="length")
    assert (await ask(provider, MODEL)).finish_reason is FinishReason.LENGTH


async def test_a_conversation_with_tools_is_passed_on_with_arguments_as_objects(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    def call(arguments: str) -> dict[str, object]:
        return {"id": "c1", "type": "function", "function": {"name": "add", "arguments": arguments}}

    messages: list[dict[str, object]] = [
        {"role": "user", "content": "Add"},
        {"role": "assistant", "content": "", "tool_calls": [call('{"a": 1}'), call("{broken")]},
        {"role": "tool", "content": "3", "tool_call_id": "c1"},
    ]
    await provider.chat(messages, model=MODEL)
    sent = upstream.requests[0].json["messages"]
    assert isinstance(sent, list)
    assert [call["function"] for call in sent[1]["tool_calls"]] == [
        {"name": "add", "arguments": {"a": 1}},
        {"name": "add", "arguments": {}},
    ]
    assert sent[2] == {"role": "tool", "content": "3"}


async def test_a_model_without_tools_is_asked_without(upstream: FakeOllama, provider: OllamaProvider) -> None:
    chain = FailoverChain([ProviderTier("only", provider, ["plain"])])
    assert (await chain.chat(MESSAGES, tools=[{"name": "add"}])).content == TEXT
    assert ["tools" in request.json for request in upstream.requests] == [True, False]


async def test_what_else_is_unsupported_is_not_tried_again(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.fault(does_not_support(feature="chat"))
    failure = await failure_of(ask(provider, MODEL))
    assert (failure.kind, failure.parameter) == (FailureKind.UNSUPPORTED, None)


async def test_a_prompt_too_long_is_refused_instead_of_shortened(upstream: FakeOllama) -> None:
    async with aclosing(OllamaProvider(base_url=upstream.base_url, context_tokens=2)) as provider:
        long = [{"role": "user", "content": "one two three"}]
        failure = await failure_of(provider.chat(long, model=MODEL))
    assert failure.kind is FailureKind.CONTEXT_TOO_LONG


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
    async with RawServer(said) as server, aclosing(OllamaProvider(base_url=server.url)) as provider:
        assert (await ask(provider, MODEL)).usage == usage


@pytest.mark.parametrize("model", [MODEL, f"{MODEL}:latest", None])
async def test_a_check_looks_for_the_model_and_loads_none(
    model: str | None, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    await provider.check(model)
    assert [(request.method, request.path) for request in upstream.requests] == [("GET", "/api/tags")]
    assert upstream.loads == 0


async def test_a_check_says_how_to_get_a_missing_model(provider: OllamaProvider) -> None:
    failure = await failure_of(provider.check("qwen3:8b"))
    assert failure.kind is FailureKind.MODEL_NOT_FOUND
    assert failure.hint == "pull the model first: ollama pull qwen3:8b"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Answer.of({"error": "no"}, 500), FailureKind.SERVER),
        (Answer.of("not JSON"), FailureKind.SERVER),
        (Answer.of([1]), FailureKind.MODEL_NOT_FOUND),
        (Answer.of({"models": 5}), FailureKind.MODEL_NOT_FOUND),
        (Answer.of({"models": [5, {"name": ["x"]}]}), FailureKind.MODEL_NOT_FOUND),
    ],
)
async def test_a_check_may_fail(
    said: Answer, kind: FailureKind, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(said, path="/api/tags")
    assert (await failure_of(provider.check(MODEL))).kind is kind


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "qwen3:cloud"])
async def test_a_cloud_model_is_never_asked_for_its_prompt_would_leave_the_machine(
    model: str, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    for asking in (ask(provider, model), provider.check(model)):
        failure = await failure_of(asking)
        assert (failure.kind, failure.detail) == (FailureKind.ENTITLEMENT, "this model is not on this machine")
    assert upstream.calls == 0


async def test_a_cloud_model_under_another_name_is_found_out(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.install(OllamaModel(name="big", remote_host="https://ollama.com:443"))
    assert (await failure_of(provider.check("big"))).kind is FailureKind.ENTITLEMENT
    assert (await failure_of(ask(provider, "big"))).kind is FailureKind.ENTITLEMENT


WORDS = "message content tool_calls function name arguments done done_reason error status model eval_count"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS.split()), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.lists(JSON, max_size=4))
def test_whatever_a_stream_says_it_is_an_answer_or_a_failure(values: list[object]) -> None:
    async def said() -> None:
        body = lines(*values, {"message": {"content": "hi"}, "done": True})
        async with RawServer(response(body)) as server, aclosing(OllamaProvider(base_url=server.url)) as provider:
            try:
                answer = await ask(provider, MODEL)
            except ProviderFailure:
                return
            assert answer.model is None or isinstance(answer.model, str)

    asyncio.run(said())


@pytest.mark.parametrize("fault", [Fault.reset(), Fault.cut(after=1), Fault.error_event(SECRET_PROMPT), Fault.hang()])
async def test_the_prompt_is_in_no_error_and_no_log(
    fault: Fault, upstream: FakeOllama, provider: OllamaProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.fault(fault, times=None)
    chain = FailoverChain([ProviderTier("only", provider, [MODEL], deadlines=Deadlines(0.1, 0.1))])
    with pytest.raises(NoTierAnswered) as raised:
        await chain.chat([{"role": "user", "content": SECRET_PROMPT}])
    assert SECRET_PROMPT not in all_texts_of(raised.value) + raised.value.hint + caplog.text
