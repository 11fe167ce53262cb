"""OpenAI's own client against the fake OpenAI and the fake Azure: they are spoken to by somebody who wrote neither."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import openai
import pytest

from ai_gateway.fakes import (
    Answer,
    FakeAzure,
    FakeOpenAI,
    Fault,
    ToolCall,
    azure_failures,
    openai_failures,
)
from ai_gateway.fakes.embeddings import vector

HANG_SECONDS = 30
KEY = "sk-very-secret"
MESSAGES = [{"role": "user", "content": "Say hello"}]
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]


@dataclass(frozen=True)
class Judged:
    """A fake, the client that judges it, and what its models are called."""

    upstream: FakeOpenAI
    client: openai.AsyncOpenAI
    chats: str
    reasons: str
    embeds: str


@pytest.fixture(params=["openai", "azure, dated", "azure, dated, by Entra", "azure, without dates"])
async def judged(request: pytest.FixtureRequest) -> AsyncIterator[Judged]:
    style = request.param
    upstream = FakeOpenAI(api_key=KEY) if style == "openai" else FakeAzure(api_key=KEY, entra_token="entra")
    async with upstream:
        match style:
            case "azure, dated":
                client = openai.AsyncAzureOpenAI(
                    azure_endpoint=upstream.url, api_key=KEY, api_version="2024-10-21", max_retries=0
                )
            case "azure, dated, by Entra":
                client = openai.AsyncAzureOpenAI(
                    azure_endpoint=upstream.url, azure_ad_token="entra", api_version="2024-10-21", max_retries=0
                )
            case "azure, without dates":
                client = openai.AsyncOpenAI(base_url=f"{upstream.url}/openai/v1", api_key=KEY, max_retries=0)
            case _:
                client = openai.AsyncOpenAI(base_url=upstream.base_url, api_key=KEY, max_retries=0)
        names = ("gpt-4.1", "o4-mini", "text-embedding-3-small")
        if style != "openai":
            names = ("our-gpt", "our-thinker", "our-vectors")
        async with client, asyncio.timeout(HANG_SECONDS):
            yield Judged(upstream, client, *names)


async def test_it_reads_a_whole_answer(judged: Judged) -> None:
    judged.upstream.reply("Hello there, world")
    answer = await judged.client.chat.completions.create(model=judged.chats, messages=MESSAGES)
    [choice] = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("Hello there, world", "stop")
    assert (answer.object, answer.model) == ("chat.completion", "gpt-4.1")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (2, 3, 5)
    assert answer.usage.prompt_tokens_details.cache_write_tokens == 0


async def test_it_reads_a_stream_with_its_usage(judged: Judged) -> None:
    judged.upstream.reply("Hello there, world")
    chunks = [
        chunk
        async for chunk in await judged.client.chat.completions.create(
            model=judged.chats, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    ]
    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == "Hello there, world"
    assert len([text for text in texts if text]) == 3
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [5]
    assert chunks[-1].choices == []


async def test_it_reads_a_gap_that_is_filled() -> None:
    async with FakeOpenAI(text_models=["coder"]) as upstream, asyncio.timeout(HANG_SECONDS):
        upstream.reply("Hello there, world")
        async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key=KEY, max_retries=0) as client:
            whole = await client.completions.create(model="coder", prompt="def f(", suffix="pass", max_tokens=9)
            asking = client.completions.create(
                model="coder", prompt="def f(", suffix="pass", stream=True, stream_options={"include_usage": True}
            )
            chunks = [chunk async for chunk in await asking]
            with pytest.raises(openai.NotFoundError, match="chat model"):
                await client.completions.create(model="gpt-4.1", prompt="def f(")
    [choice] = whole.choices
    assert (whole.object, choice.text, choice.finish_reason) == ("text_completion", "Hello there, world", "stop")
    assert whole.usage.total_tokens == 6
    texts = [choice.text for chunk in chunks for choice in chunk.choices]
    assert ("".join(texts), texts[-1]) == ("Hello there, world", "")
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [6]


async def test_it_puts_tool_calls_together(judged: Judged) -> None:
    judged.upstream.reply(tool_calls=[ToolCall("add", {"a": 1, "b": [2]}, "c1"), ToolCall("sub", {}, "c2")])
    async with judged.client.chat.completions.stream(model=judged.chats, messages=MESSAGES, tools=TOOLS) as events:
        streamed = (await events.get_final_completion()).choices[0]
    whole = (await judged.client.chat.completions.create(model=judged.chats, messages=MESSAGES, tools=TOOLS)).choices[0]
    for choice in (streamed, whole):
        calls = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls]
        assert calls == [("c1", "add", '{"a":1,"b":[2]}'), ("c2", "sub", "{}")]
        assert choice.finish_reason == "tool_calls"


async def test_it_gives_a_tools_result_back(judged: Judged) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    messages = [
        *MESSAGES,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "3", "tool_call_id": "c1"},
    ]
    await judged.client.chat.completions.create(model=judged.chats, messages=messages)
    assert judged.upstream.requests[-1].json["messages"] == messages


async def test_it_lists_models(judged: Judged) -> None:
    listed = [model.id async for model in judged.client.models.list()]
    assert {"gpt-4.1", "text-embedding-3-small"} <= set(listed)


async def test_it_reads_vectors_in_its_own_base64(judged: Judged) -> None:
    answer = await judged.client.embeddings.create(model=judged.embeds, input=["one fish", "two"], dimensions=4)
    assert judged.upstream.requests[-1].json["encoding_format"] == "base64"
    assert [entry.embedding for entry in answer.data] == [
        pytest.approx(vector("one fish", 4), abs=1e-6),
        pytest.approx(vector("two", 4), abs=1e-6),
    ]
    assert answer.usage.total_tokens == 3


REFUSALS = [
    (openai_failures.prompt_too_long(), openai.BadRequestError, "context_length_exceeded"),
    (openai_failures.invalid_api_key(), openai.AuthenticationError, "invalid_api_key"),
    (openai_failures.project_lacks_model(), openai.PermissionDeniedError, "model_not_found"),
    (openai_failures.model_not_found(), openai.NotFoundError, "model_not_found"),
    (openai_failures.rate_limited(7), openai.RateLimitError, "rate_limit_exceeded"),
    (openai_failures.insufficient_quota(), openai.RateLimitError, "insufficient_quota"),
    (openai_failures.server_error(), openai.InternalServerError, None),
    (openai_failures.overloaded(), openai.InternalServerError, "server_is_overloaded"),
    (azure_failures.content_filtered(), openai.BadRequestError, "content_filter"),
    (azure_failures.permission_denied(), openai.AuthenticationError, "PermissionDenied"),
    (azure_failures.outside_the_network(), openai.PermissionDeniedError, "AccessDenied"),
    (azure_failures.deployment_not_found(), openai.NotFoundError, "DeploymentNotFound"),
    (azure_failures.rate_limited(), openai.RateLimitError, "429"),
]


@pytest.mark.parametrize(("answer", "error", "code"), REFUSALS)
async def test_it_sees_refusals_as_its_own_errors(
    answer: Answer, error: type[openai.APIError], code: str | None, judged: Judged
) -> None:
    judged.upstream.fault(answer)
    with pytest.raises(error) as raised:
        await judged.client.chat.completions.create(model=judged.chats, messages=MESSAGES, stream=True)
    assert raised.value.code == code


async def test_it_sees_what_the_fake_itself_refuses(judged: Judged) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await judged.client.chat.completions.create(model=judged.reasons, messages=MESSAGES, max_tokens=5)
    assert (raised.value.param, raised.value.code) == ("max_tokens", "unsupported_parameter")
    judged.upstream.api_key = "another"
    if isinstance(judged.upstream, FakeAzure):
        judged.upstream.entra_token = "another"
    with pytest.raises(openai.AuthenticationError):
        await judged.client.chat.completions.create(model=judged.chats, messages=MESSAGES)


async def test_it_sees_an_error_within_a_stream(judged: Judged) -> None:
    judged.upstream.fault(Fault.error_event("The server had an error"))
    with pytest.raises(openai.APIError, match="The server had an error"):
        async for _ in await judged.client.chat.completions.create(model=judged.chats, messages=MESSAGES, stream=True):
            pass


async def test_it_sees_a_broken_connection(judged: Judged) -> None:
    judged.upstream.fault(Fault.reset(), times=None)
    with pytest.raises(openai.APIConnectionError):
        await judged.client.chat.completions.create(model=judged.chats, messages=MESSAGES)
