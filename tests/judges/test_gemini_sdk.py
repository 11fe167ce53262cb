"""Google's own client completes its calls against the fake, and sees its errors as its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from google import genai
from google.genai import errors, types

from ai_gateway.fakes import Answer, FakeGemini, Fault, ToolCall, gemini_failures

pytestmark = pytest.mark.filterwarnings(
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"  # Google's client derives its own from aiohttp's
)

MODEL = "gemini-2.5-flash"
SIGNING = "gemini-3-flash"
ADD = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="add", description="Adds.", parameters_json_schema={"type": "object", "additionalProperties": False}
        )
    ]
)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeGemini]:
    async with FakeGemini(api_key="AIza-right") as upstream:
        upstream.reply("Hello there, world", thinking="let me see")
        yield upstream


def client_of(
    upstream: FakeGemini, key: str = "AIza-right", version: str | None = "v1beta"
) -> genai.client.AsyncClient:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=upstream.url, api_version=version)).aio


@pytest.fixture
async def client(upstream: FakeGemini) -> AsyncIterator[genai.client.AsyncClient]:
    async with client_of(upstream) as client:
        yield client


async def test_a_chat(client: genai.client.AsyncClient) -> None:
    config = types.GenerateContentConfig(
        system_instruction="Be brief", temperature=0.5, max_output_tokens=9, stop_sequences=["X"]
    )
    answer = await client.models.generate_content(model=MODEL, contents="Say hello", config=config)
    assert answer.text == "Hello there, world"
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    counts = answer.usage_metadata
    assert (counts.prompt_token_count, counts.candidates_token_count, counts.thoughts_token_count) == (4, 3, 3)
    assert (counts.total_token_count, answer.model_version) == (10, MODEL)


async def test_a_stream(client: genai.client.AsyncClient) -> None:
    stream = await client.models.generate_content_stream(model=MODEL, contents="Say hello")
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text or "" for chunk in chunks) == "Hello there, world"
    thoughts = [part.text for chunk in chunks for part in chunk.candidates[0].content.parts if part.thought]
    assert "".join(thoughts) == "let me see"
    assert [chunk.candidates[0].finish_reason for chunk in chunks[-2:]] == [None, types.FinishReason.STOP]
    assert chunks[-1].usage_metadata.candidates_token_count == 3


async def test_a_conversation_with_tools(upstream: FakeGemini, client: genai.client.AsyncClient) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1}, "g1"), ToolCall("add", {"a": 2}, "g2")])
    automatic = types.AutomaticFunctionCallingConfig(disable=True)
    config = types.GenerateContentConfig(tools=[ADD], automatic_function_calling=automatic)
    chat = client.chats.create(model=SIGNING, config=config)
    asked = await chat.send_message("Add")
    assert [(call.id, call.name, call.args) for call in asked.function_calls] == [
        ("g1", "add", {"a": 1}),
        ("g2", "add", {"a": 2}),
    ]
    upstream.reply("3 and 4")
    results = [
        types.Part(function_response=types.FunctionResponse(id=call.id, name="add", response={"sum": 3}))
        for call in asked.function_calls
    ]
    assert (await chat.send_message(results)).text == "3 and 4"
    assert len(upstream.requests) == 2


async def test_json_by_a_schema(upstream: FakeGemini, client: genai.client.AsyncClient) -> None:
    upstream.reply('{"a": 1}')
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema={"type": "object"})
    answer = await client.models.generate_content(model=MODEL, contents="Say it", config=config)
    assert answer.parsed == {"a": 1}


async def test_a_list_of_models(upstream: FakeGemini, client: genai.client.AsyncClient) -> None:
    upstream.page_size = 3
    listed = [model async for model in await client.models.list()]
    assert [model.name for model in listed] == [
        "models/gemini-2.5-flash",
        "models/gemini-3-flash",
        "models/gemini-embedding-001",
        "models/imagen-4",
    ]
    assert (listed[0].input_token_limit, listed[2].supported_actions[0]) == (1_048_576, "embedContent")
    assert (await client.models.get(model=MODEL)).display_name == MODEL


async def test_embeddings(client: genai.client.AsyncClient) -> None:
    found = await client.models.embed_content(
        model="gemini-embedding-001",
        contents=[types.Content(parts=[types.Part(text=text)]) for text in ("one fish", "two")],
        config=types.EmbedContentConfig(output_dimensionality=8),
    )
    assert [len(embedding.values) for embedding in found.embeddings] == [8, 8]
    assert found.embeddings[0].values != found.embeddings[1].values


async def test_a_blocked_prompt(upstream: FakeGemini, client: genai.client.AsyncClient) -> None:
    upstream.block_reason = "SAFETY"
    answer = await client.models.generate_content(model=MODEL, contents="Say it")
    assert answer.candidates is None
    assert answer.prompt_feedback.block_reason is types.BlockedReason.SAFETY


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        (gemini_failures.invalid_api_key(), "INVALID_ARGUMENT", errors.ClientError),
        (gemini_failures.location_not_supported(), "FAILED_PRECONDITION", errors.ClientError),
        (gemini_failures.leaked_key(), "PERMISSION_DENIED", errors.ClientError),
        (gemini_failures.model_not_found(), "NOT_FOUND", errors.ClientError),
        (gemini_failures.daily_quota(), "RESOURCE_EXHAUSTED", errors.ClientError),
        (gemini_failures.in_list(gemini_failures.daily_quota()), "RESOURCE_EXHAUSTED", errors.ClientError),
        (gemini_failures.server_error(), "INTERNAL", errors.ServerError),
        (gemini_failures.overloaded(), "UNAVAILABLE", errors.ServerError),
    ],
)
async def test_a_refusal_is_a_typed_error(
    answer: Answer,
    status: str,
    kind: type[errors.APIError],
    upstream: FakeGemini,
    client: genai.client.AsyncClient,
) -> None:
    upstream.fault(answer)
    with pytest.raises(kind) as raised:
        await client.models.generate_content(model=MODEL, contents="Say it")
    assert (raised.value.code, raised.value.status) == (answer.status, status)
    assert raised.value.message
    assert len(upstream.requests) == 1


async def test_an_error_in_the_middle_of_a_stream_is_one(
    upstream: FakeGemini, client: genai.client.AsyncClient
) -> None:
    upstream.fault(Fault.error_event("gone", after=1))
    stream = await client.models.generate_content_stream(model=MODEL, contents="Say it")
    with pytest.raises(errors.ServerError) as raised:
        async for _ in stream:
            pass
    assert (raised.value.code, raised.value.status, raised.value.message) == (500, "INTERNAL", "gone")


async def test_a_wrong_key_is_refused(upstream: FakeGemini) -> None:
    async with client_of(upstream, "AIza-wrong") as client:
        with pytest.raises(errors.ClientError, match="API key not valid"):
            await client.models.generate_content(model=MODEL, contents="Say it")


async def test_the_version_that_the_client_prefers_is_served_as_well(upstream: FakeGemini) -> None:
    async with client_of(upstream, version=None) as client:
        assert (await client.models.generate_content(model=MODEL, contents="Say it")).text == "Hello there, world"
    assert upstream.requests[0].path == f"/v1/models/{MODEL}:generateContent"
