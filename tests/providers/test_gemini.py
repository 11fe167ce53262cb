"""Gemini as a provider: what it is asked, and what its answers mean."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import pytest

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, QueryRefused
from ai_gateway.fakes import FakeGemini, Fault, ToolCall, gemini_failures
from ai_gateway.model import Delta, EmbeddingInput, FinishReason, Message, Prompt, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.gemini.body import chat_body
from ai_gateway.providers.gemini.provider import GEMINI_BASE_URL, GeminiProvider
from ai_gateway.providers.network import Network
from ai_gateway.tier import ProviderTier
from support.asking import HANG_SECONDS, KEY, MESSAGES, SECRET_PROMPT, all_texts_of, ask, chain_of, failure_of
from support.provider_contract import EventStreamingProvider
from support.proxy import Proxy
from support.stream_faults import TEXT

MODEL = "gemini-2.5-flash"
SIGNING = "gemini-3-flash"
SKIP = "skip_thought_signature_validator"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeGemini]:
    async with FakeGemini() as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeGemini) -> AsyncIterator[GeminiProvider]:
    async with aclosing(GeminiProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


class TestStreaming(EventStreamingProvider):
    """All that is asked of every provider; a stream has no `[DONE]`, and ends with the finish reason."""

    indispensable = "a [DONE], but no finish reason"


async def test_an_answer_does_not_wait_for_an_end_that_never_comes(
    upstream: FakeGemini, provider: GeminiProvider
) -> None:
    upstream.fault(Fault.stall(after=99))
    assert (await asyncio.wait_for(ask(provider, MODEL), HANG_SECONDS)).content == TEXT


async def body_for(
    provider: GeminiProvider, upstream: FakeGemini, messages: list[dict[str, object]], model: str = MODEL
) -> Mapping[str, object]:
    """What Gemini is sent; it takes it."""
    await provider.chat(messages, model=model)
    return upstream.requests[-1].json


async def test_the_request_is_geminis(upstream: FakeGemini, provider: GeminiProvider) -> None:
    schema = {"type": "object", "additionalProperties": False}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    await ask(provider, MODEL, temperature=0.5, max_tokens=7, stop=["X"], response_format=wanted)
    [request] = upstream.requests
    assert (request.method, request.path) == ("POST", f"/v1beta/models/{MODEL}:streamGenerateContent")
    assert (request.query, request.headers["x-goog-api-key"]) == ("alt=sse", KEY)
    assert request.body == {
        "contents": [{"role": "user", "parts": [{"text": "Say it"}]}],
        "generationConfig": {
            "temperature": 0.5,
            "maxOutputTokens": 7,
            "stopSequences": ["X"],
            "responseMimeType": "application/json",
            "responseJsonSchema": schema,
        },
    }


async def test_the_key_is_in_no_address(upstream: FakeGemini, provider: GeminiProvider) -> None:
    await ask(provider, MODEL)
    await provider.embed(EmbeddingInput(("a",)), "gemini-embedding-001")
    await provider.check(MODEL)
    assert not any(KEY in request.path + request.query for request in upstream.requests)
    assert all(request.headers["x-goog-api-key"] == KEY for request in upstream.requests)


async def test_what_the_query_left_open_is_not_sent(upstream: FakeGemini, provider: GeminiProvider) -> None:
    await ask(provider, MODEL, response_format={"type": "text"})
    assert upstream.requests[0].json.keys() == {"contents"}


async def test_json_can_be_asked_for_without_a_schema(upstream: FakeGemini, provider: GeminiProvider) -> None:
    await ask(provider, MODEL, response_format={"type": "json_object"})
    assert upstream.requests[0].json["generationConfig"] == {"responseMimeType": "application/json"}


async def test_gemini_itself_is_asked_at_its_own_address() -> None:
    async with Proxy() as proxy, aclosing(GeminiProvider(KEY, network=Network(proxy=proxy.url))) as provider:
        await failure_of(ask(provider, MODEL))
    assert proxy.asked == ["CONNECT generativelanguage.googleapis.com:443 HTTP/1.1"]
    assert GEMINI_BASE_URL == "https://generativelanguage.googleapis.com/v1beta"


@pytest.mark.parametrize("path", ["", "/", "/v1beta", "/v1beta/", "/v1", "/v1alpha"])
async def test_a_base_url_may_leave_the_version_out(path: str, upstream: FakeGemini) -> None:
    async with aclosing(GeminiProvider(KEY, base_url=upstream.url + path)) as provider:
        assert (await ask(provider, MODEL)).content == TEXT
    assert upstream.requests[0].path.startswith(f"{path.rstrip('/') or '/v1beta'}/models/")


@pytest.mark.parametrize("model", [MODEL, f"models/{MODEL}"])
async def test_a_model_is_known_by_either_name(model: str, upstream: FakeGemini, provider: GeminiProvider) -> None:
    await ask(provider, model)
    await provider.embed(EmbeddingInput(("a",)), model)
    await provider.check(model)
    assert [request.path.removeprefix("/v1beta/models") for request in upstream.requests] == [
        f"/{MODEL}:streamGenerateContent",
        f"/{MODEL}:batchEmbedContents",
        "",
    ]


async def test_a_tuned_model_keeps_its_collection(provider: GeminiProvider, upstream: FakeGemini) -> None:
    await failure_of(ask(provider, "tunedModels/mine"))
    assert upstream.requests[0].path == "/v1beta/tunedModels/mine:streamGenerateContent"


async def test_a_name_of_a_model_can_not_lead_elsewhere(provider: GeminiProvider, upstream: FakeGemini) -> None:
    await ask(provider, "x?key=1#y z")
    assert upstream.requests[0].path == "/v1beta/models/x?key=1#y z:streamGenerateContent"
    assert upstream.requests[0].query == "alt=sse"


async def test_without_a_model_nothing_is_asked(provider: GeminiProvider, upstream: FakeGemini) -> None:
    failure = await failure_of(ask(provider, None))
    assert (failure.kind, failure.hint) == (FailureKind.MODEL_NOT_FOUND, "name a model for Gemini in its settings")
    assert not upstream.requests


async def test_instructions_stand_apart_and_speakers_take_turns(upstream: FakeGemini, provider: GeminiProvider) -> None:
    body = await body_for(
        provider,
        upstream,
        [
            {"role": "system", "content": "Be brief"},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": "there"},
            {"role": "assistant", "content": "Hello"},
            {"role": "assistant", "content": ""},
            {"role": "system", "content": "Be kind"},
            {"role": "user", "content": "More"},
        ],
    )
    assert body == {
        "systemInstruction": {"parts": [{"text": "Be brief\n\nBe kind"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}, {"text": "there"}]},
            {"role": "model", "parts": [{"text": "Hello"}]},
            {"role": "user", "parts": [{"text": "More"}]},
        ],
    }


async def test_a_model_that_takes_no_instructions_gets_them_first_and_is_remembered(
    upstream: FakeGemini, provider: GeminiProvider
) -> None:
    upstream.fault(gemini_failures.not_enabled("Developer instruction"))
    chain = chain_of(provider, "gemma-3-1b-it")
    for _ in range(2):
        answer = await chain.chat([{"role": "system", "content": "Be brief"}, *MESSAGES])
        assert answer.content == TEXT
    assert ["systemInstruction" in request.json for request in upstream.requests] == [True, False, False]
    told = [{"role": "user", "parts": [{"text": "Be brief"}, {"text": "Say it"}]}]
    assert [request.json["contents"] for request in upstream.requests[1:]] == [told, told]
    await ask(provider, MODEL)
    upstream.fault(gemini_failures.not_enabled("Developer instruction"))
    again = await failure_of(provider.chat(MESSAGES, model="gemma-3-1b-it"))
    assert not again.mended


CALLING: list[dict[str, object]] = [
    {"role": "user", "content": "Add"},
    {
        "role": "assistant",
        "content": "Well",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}},
            {"id": "c2", "type": "function", "function": {"name": "now", "arguments": ""}},
        ],
    },
    {"role": "tool", "content": '{"sum": 3}', "tool_call_id": "c1"},
    {"role": "tool", "content": "noon", "tool_call_id": "c2"},
]


async def test_a_conversation_with_tools_is_passed_on(upstream: FakeGemini, provider: GeminiProvider) -> None:
    body = await body_for(provider, upstream, CALLING)
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Add"}]},
        {
            "role": "model",
            "parts": [
                {"text": "Well"},
                {"functionCall": {"name": "add", "args": {"a": 1}}},
                {"functionCall": {"name": "now", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "add", "response": {"sum": 3}}},
                {"functionResponse": {"name": "now", "response": {"output": "noon"}}},
            ],
        },
    ]


async def test_calls_of_another_model_are_told_to_a_model_that_signs_its_own(
    upstream: FakeGemini, provider: GeminiProvider
) -> None:
    body = await body_for(provider, upstream, CALLING, SIGNING)
    contents = body["contents"]
    assert isinstance(contents, list)
    assert contents[1]["parts"][1:] == [
        {"functionCall": {"name": "add", "args": {"a": 1}, "id": "c1"}, "thoughtSignature": SKIP},
        {"functionCall": {"name": "now", "args": {}, "id": "c2"}},
    ]
    assert [part["functionResponse"]["id"] for part in contents[2]["parts"]] == ["c1", "c2"]


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ("", {"output": ""}),
        ("[1]", {"output": "[1]"}),
        ("null", {"output": "null"}),
        ('{"error": "no"}', {"error": "no"}),
        ('{"cut', {"output": '{"cut'}),
        ("[" * 100_000, {"output": "[" * 100_000}),
    ],
    ids=["nothing", "a list", "null", "an object", "broken JSON", "deep JSON"],
)
async def test_a_result_is_always_an_object(
    content: str, response: object, upstream: FakeGemini, provider: GeminiProvider
) -> None:
    messages = [*CALLING[:2], CALLING[2] | {"content": content}, CALLING[3]]
    body = await body_for(provider, upstream, messages)
    contents = body["contents"]
    assert isinstance(contents, list)
    assert contents[2]["parts"][0]["functionResponse"] == {"name": "add", "response": response}


def test_broken_arguments_are_kept_as_they_are() -> None:
    called = Message("assistant", "", tool_calls=(Call("c", "f", '{"a'),))
    answered = Message("tool", "x", tool_call_id="of nobody")
    body = chat_body(Prompt((called, answered)), MODEL)
    assert body["contents"] == [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"arguments": '{"a'}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "of nobody", "response": {"output": "x"}}}]},
    ]


async def test_tools_are_offered_with_their_json_schema(upstream: FakeGemini, provider: GeminiProvider) -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}, "additionalProperties": False}
    tools: list[dict[str, object]] = [
        {"name": "add", "description": "Adds.", "parameters": schema},
        {"name": "now"},
    ]
    await ask(provider, MODEL, tools=tools)
    body = upstream.requests[0].json
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {"name": "add", "description": "Adds.", "parametersJsonSchema": schema},
                {"name": "now"},
            ]
        }
    ]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}


async def test_calls_come_back_whole_and_an_id_is_made_where_there_is_none(
    upstream: FakeGemini, provider: GeminiProvider
) -> None:
    upstream.reply("Well", tool_calls=[ToolCall("add", {"a": 1, "b": ["é"]}), ToolCall("now", {})])
    answer = await ask(provider, MODEL, tools=[{"name": "add"}])
    assert (answer.content, answer.finish_reason) == ("Well", FinishReason.TOOL_CALLS)
    assert [(call.name, call.arguments, call.signature) for call in answer.tool_calls] == [
        ("add", '{"a": 1, "b": ["é"]}', None),
        ("now", "{}", None),
    ]
    ids = [call.id for call in answer.tool_calls]
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"call_[0-9a-f]{16}", call_id) for call_id in ids)


async def test_a_signed_call_is_given_back_as_it_came(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1}, "g1"), ToolCall("now", {}, "g2")])
    asked = Message("user", "Add")
    answer = await provider.chat([asked.as_dict()], model=SIGNING)
    assert [call.id for call in answer.tool_calls] == ["g1", "g2"]
    signature = answer.tool_calls[0].signature
    assert signature is not None
    assert signature != SKIP
    upstream.reply("3")
    said = Message("assistant", "", tool_calls=answer.tool_calls)
    results = [Message("tool", "3", tool_call_id=call_id) for call_id in ("g1", "g2")]
    async with aclosing(provider.stream(Prompt((asked, said, *results)), SIGNING)) as pieces:
        assert await anext(pieces) == Delta("3")
    contents = upstream.requests[-1].json["contents"]
    assert isinstance(contents, list)
    assert contents[1]["parts"] == [
        {"functionCall": {"name": "add", "args": {"a": 1}, "id": "g1"}, "thoughtSignature": signature},
        {"functionCall": {"name": "now", "args": {}, "id": "g2"}},
    ]


async def test_thoughts_are_counted_and_are_no_text(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.reply("hi", thinking="let me think")
    answer = await ask(provider, MODEL)
    assert (answer.content, answer.usage) == ("hi", Usage(2, 4))


@pytest.mark.parametrize("pause", [False, True], ids=["at once", "later"])
async def test_counts_may_come_after_the_finish_reason(pause: bool, upstream: FakeGemini) -> None:
    upstream.late_usage = True
    upstream.seconds_between_chunks = 0.001 * pause
    async with aclosing(GeminiProvider(KEY, base_url=upstream.base_url)) as provider:
        assert (await ask(provider, MODEL)).usage == Usage(2, len(TEXT.split()))


FILTERED = [
    "SAFETY",
    "PROHIBITED_CONTENT",
    "BLOCKLIST",
    "SPII",
    "JAILBREAK",
    "ESCALATION",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("CONTINUATION", FinishReason.LENGTH),
        *((said, FinishReason.CONTENT_FILTER) for said in FILTERED),
    ],
)
async def test_a_finish_reason_is_translated(
    said: str, reason: FinishReason, upstream: FakeGemini, provider: GeminiProvider
) -> None:
    upstream.reply("hi", finish_reason=said)
    assert (await ask(provider, MODEL)).finish_reason is reason


GIVING_UP = [
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "NO_IMAGE",
    "SOMETHING_NEW",
]


@pytest.mark.parametrize("said", GIVING_UP)
async def test_a_model_that_gives_up_has_not_answered(
    said: str, upstream: FakeGemini, provider: GeminiProvider
) -> None:
    upstream.reply("", finish_reason=said)
    silent = await failure_of(ask(provider, MODEL))
    upstream.reply("half an ans", finish_reason=said)
    broken_off = await failure_of(ask(provider, MODEL))
    assert (silent.kind, silent.detail) == (FailureKind.EMPTY, f"the model gave up ({said})")
    assert broken_off.kind is FailureKind.STREAM_BROKEN


async def test_a_recitation_is_explained(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.reply("", finish_reason="RECITATION")
    assert "in other words" in str((await failure_of(ask(provider, MODEL))).hint)


async def test_a_limited_account_is_no_fault_of_the_model(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.reply("", finish_reason="PUP_LIMITED_DISABLED")
    assert (await failure_of(ask(provider, MODEL))).kind is FailureKind.ENTITLEMENT


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "MODEL_ARMOR", "JAILBREAK"])
async def test_a_blocked_prompt_is_refused_and_not_taken_elsewhere(
    reason: str, upstream: FakeGemini, provider: GeminiProvider
) -> None:
    upstream.block_reason = reason
    async with FakeGemini() as other, aclosing(GeminiProvider(KEY, base_url=other.base_url)) as second:
        chain = FailoverChain([ProviderTier("first", provider, [MODEL]), ProviderTier("second", second, [MODEL])])
        with pytest.raises(QueryRefused, match=rf"the prompt was blocked \({reason}\)") as raised:
            await chain.chat(MESSAGES)
        assert not other.requests
    assert raised.value.kind is FailureKind.CONTENT_FILTER


async def test_an_upstream_that_quotes_key_and_prompt_is_not_quoted(
    upstream: FakeGemini, provider: GeminiProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    quoting = gemini_failures.refusal(400, SECRET_PROMPT, gemini_failures.detail("ErrorInfo", reason=SECRET_PROMPT))
    for answer in (gemini_failures.suspended_key(KEY), quoting):
        upstream.fault(answer)
        failure = await failure_of(provider.chat([{"role": "user", "content": SECRET_PROMPT}], model=MODEL))
        shown = all_texts_of(failure) + str(failure.hint) + caplog.text
        assert KEY not in shown
        assert SECRET_PROMPT not in shown
    assert KEY not in repr(provider)
