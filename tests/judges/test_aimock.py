"""Our providers against aimock: what they read was written by somebody who knows neither them nor our fakes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

import pytest

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Delta, EmbeddingInput, Finish, FinishReason, Usage
from ai_gateway.providers.anthropic.provider import AnthropicProvider
from ai_gateway.providers.base import LLMProvider, prompt_of
from ai_gateway.providers.gemini.provider import GeminiProvider
from ai_gateway.providers.ollama.provider import OllamaProvider
from ai_gateway.providers.openai.azure import AzureOpenAIProvider
from ai_gateway.providers.openai.provider import OpenAIProvider
from judges import aimock

HANG_SECONDS = 30
REPLY = "This reply is long enough to come in several pieces."
TOOL = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"type": "object", "properties": {"a": {"type": "number"}}},
}


def failing(status: int, type_: str, **more: object) -> dict[str, object]:
    return {"error": {"message": "No.", "type": type_}, "status": status, **more}


FIXTURES: list[aimock.Fixture] = [
    {"match": {"hasToolResult": True}, "response": {"content": "It is 3."}},
    {"match": {"userMessage": "hello"}, "response": {"content": REPLY}, "chunkSize": 8},
    {
        "match": {"userMessage": "count"},
        "response": {"content": "ok", "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}},
    },
    {"match": {"userMessage": "add"}, "response": {"toolCalls": [{"name": "add", "arguments": '{"a":1}'}]}},
    {"match": {"userMessage": "slow down"}, "response": failing(429, "rate_limit_error", retryAfter=7)},
    {"match": {"userMessage": "fall over"}, "response": failing(502, "server_error")},
    {"match": {"userMessage": "mumble"}, "response": {"content": REPLY}, "chaos": {"malformedRate": 1}},
    {"match": {"userMessage": "vanish"}, "response": {"content": REPLY}, "chaos": {"disconnectRate": 1}},
    {
        "match": {"userMessage": "break off"},
        "response": {"content": REPLY},
        "chunkSize": 8,
        "latency": 20,
        "truncateAfterChunks": 4,
    },
]


@dataclass(frozen=True)
class Wire:
    """A provider, made for an aimock's address, and the model to ask it for."""

    make: Callable[[str], LLMProvider]
    model: str
    asks_for_models: bool = False


WIRES = {
    "openai": Wire(lambda url: OpenAIProvider("key", base_url=f"{url}/v1"), "gpt-4o"),
    "compatible, without a version in its paths": Wire(lambda url: OpenAIProvider("key", base_url=url), "gpt-4o"),
    "azure": Wire(lambda url: AzureOpenAIProvider(url, api_key="key"), "gpt-4o"),
    "azure, dated": Wire(lambda url: AzureOpenAIProvider(url, api_key="key", api_version="2024-10-21"), "gpt-4o"),
    "anthropic": Wire(lambda url: AnthropicProvider("key", base_url=url), "claude-sonnet-4-5"),
    "gemini": Wire(lambda url: GeminiProvider("key", base_url=f"{url}/v1beta"), "gemini-2.0-flash"),
    "ollama": Wire(lambda url: OllamaProvider(base_url=url), "llama3.2", asks_for_models=True),
}
EMBEDS = ["openai", "azure", "azure, dated"]
"""aimock has Gemini's and Ollama's older endpoints for one text only."""
NO_COMPLETION = {FailureKind.SERVER, FailureKind.STREAM_BROKEN}
"""What a body may be called that holds nothing to be understood: no answer, or a stream without an end."""


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if (reason := aimock.missing()) is not None:
        pytest.skip(reason)
    with aimock.running(FIXTURES, tmp_path_factory.mktemp("aimock")) as url:
        yield url


@dataclass
class Asked:
    """A provider that is asked, and what it said before it failed."""

    provider: LLMProvider
    model: str
    said: str = ""

    async def answer(self, text: str, *more: dict[str, object]) -> Finish:
        """Ask; the prompt alone decides how aimock behaves."""
        prompt = prompt_of([{"role": "user", "content": text}, *more], tools=[TOOL] if "add" in text else None)
        async with asyncio.timeout(HANG_SECONDS), aclosing(self.provider.stream(prompt, self.model)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Finish):
                    return piece
                assert isinstance(piece, Delta)
                self.said += piece.text
        raise AssertionError("no Finish")

    async def failure(self, text: str) -> ProviderFailure:
        with pytest.raises(ProviderFailure) as raised:
            await self.answer(text)
        return raised.value


@pytest.fixture(params=list(WIRES))
async def asked(upstream: str, request: pytest.FixtureRequest) -> AsyncIterator[Asked]:
    wire = WIRES[request.param]
    async with AsyncExitStack() as stack:
        url = (
            await stack.enter_async_context(aimock.with_ollamas_models(upstream)) if wire.asks_for_models else upstream
        )
        provider = await stack.enter_async_context(aclosing(wire.make(url)))
        yield Asked(provider, wire.model)


async def test_an_answer_arrives_whole(asked: Asked) -> None:
    finish = await asked.answer("hello")
    assert (asked.said, finish.reason) == (REPLY, FinishReason.STOP)
    assert (finish.model or asked.model).startswith(asked.model)


async def test_a_tool_is_called_and_its_result_given_back(asked: Asked) -> None:
    if isinstance(asked.provider, GeminiProvider):
        pytest.skip("aimock ends Gemini's calls with a finish reason that Gemini does not have")
    finish = await asked.answer("add")
    [call] = finish.tool_calls
    assert (call.name, json.loads(call.arguments), finish.reason) == ("add", {"a": 1}, FinishReason.TOOL_CALLS)
    function = {"name": call.name, "arguments": call.arguments}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    await asked.answer(
        "add",
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "content": "3", "tool_call_id": "call_1"},
    )
    assert asked.said == "It is 3."


async def test_tokens_are_counted(asked: Asked) -> None:
    if isinstance(asked.provider, OllamaProvider):
        pytest.skip("aimock counts no tokens for Ollama")
    assert (await asked.answer("count")).usage == Usage(11, 3)


async def test_a_rate_limit_names_its_wait(asked: Asked) -> None:
    failure = await asked.failure("slow down")
    assert (failure.kind, failure.status, failure.retry_after_seconds) == (FailureKind.RATE_LIMIT, 429, 7)


@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        ("fall over", {FailureKind.SERVER}),
        ("mumble", NO_COMPLETION),
        ("vanish", {FailureKind.NETWORK}),
        ("break off", {FailureKind.STREAM_BROKEN}),
    ],
)
async def test_an_outage_is_called_by_its_kind(prompt: str, kinds: set[FailureKind], asked: Asked) -> None:
    assert (await asked.failure(prompt)).kind in kinds
    assert REPLY.startswith(asked.said)
    assert bool(asked.said) is (prompt == "break off")
    asked.said = ""
    await asked.answer("hello")
    assert asked.said == REPLY


@pytest.mark.parametrize("wire", EMBEDS)
async def test_texts_become_vectors(wire: str, upstream: str) -> None:
    model = "text-embedding-3-small"
    async with aclosing(WIRES[wire].make(upstream)) as provider:
        found = await provider.embed(EmbeddingInput(("one", "two"), dimensions=4), model)
        again = await provider.embed(EmbeddingInput(("two",), dimensions=4), model)
    assert [len(vector) for vector in found.vectors] == [4, 4]
    assert found.vectors[1] == again.vectors[0] != found.vectors[0]


async def test_openai_lists_models_and_is_checked(upstream: str) -> None:
    async with aclosing(OpenAIProvider("key", base_url=f"{upstream}/v1")) as provider:
        assert "gpt-4o" in [info.id for info in await provider.models()]
        await provider.check("gpt-4o")
    async with aclosing(AzureOpenAIProvider(upstream, api_key="key")) as azure:
        await azure.check("our-gpt")
