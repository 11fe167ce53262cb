"""Azure OpenAI in both of its styles, on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import FakeAzure, Fault, ToolCall, azure_failures, openai_failures
from ai_gateway.fakes.azure.upstream import DEFAULT_DEPLOYMENTS
from ai_gateway.fakes.embeddings import vector
from ai_gateway.model import EmbeddingInput, Finish, FinishReason, Usage
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.openai.azure import AzureOpenAIProvider, resource_of
from support.asking import KEY, MESSAGES, ask, chain_of, failure_of, stream
from support.provider_contract import EventStreamingProvider
from support.raw_server import RawServer, response
from support.stream_faults import TEXT
from support.upstreams import ANSWER

DATED = "2024-10-21"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeAzure]:
    deployments = {**DEFAULT_DEPLOYMENTS, "m": "m"}
    async with FakeAzure(deployments=deployments, api_key=KEY, entra_token="entra-secret") as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture(params=[None, DATED], ids=["without dates", "dated"])
async def provider(upstream: FakeAzure, request: pytest.FixtureRequest) -> AsyncIterator[AzureOpenAIProvider]:
    async with aclosing(AzureOpenAIProvider(upstream.url, api_key=KEY, api_version=request.param)) as provider:
        yield provider


class TestStreaming(EventStreamingProvider):
    """All that is asked of every provider."""


async def test_an_answer_names_the_model_behind_its_deployment(provider: AzureOpenAIProvider) -> None:
    assert (await stream(provider, "our-gpt"))[1] == Finish(FinishReason.STOP, Usage(2, len(TEXT.split())), "gpt-4.1")


async def test_the_newer_style_names_the_deployment_in_the_body(upstream: FakeAzure) -> None:
    async with aclosing(AzureOpenAIProvider(upstream.url, api_key=KEY)) as provider:
        await ask(provider, "our-gpt", max_tokens=7)
    [request] = upstream.requests
    assert (request.path, request.query) == ("/openai/v1/chat/completions", "")
    assert (request.headers["api-key"], request.bearer) == (KEY, "")
    assert (request.json["model"], request.json["max_completion_tokens"]) == ("our-gpt", 7)
    assert request.json["stream_options"] == {"include_usage": True}


async def test_the_dated_style_names_the_deployment_in_the_path(upstream: FakeAzure) -> None:
    async with aclosing(AzureOpenAIProvider(upstream.url, api_key=KEY, api_version=DATED)) as provider:
        await ask(provider, "our-gpt", max_tokens=7)
    [request] = upstream.requests
    assert request.path == "/openai/deployments/our-gpt/chat/completions"
    assert request.query == "api-version=2024-10-21"
    assert request.headers["api-key"] == KEY
    assert request.json["max_tokens"] == 7


@pytest.mark.parametrize("api_version", [None, DATED])
async def test_a_token_of_entra_stands_in_for_a_key(api_version: str | None, upstream: FakeAzure) -> None:
    provider = AzureOpenAIProvider(upstream.url, entra_token="entra-secret", api_version=api_version)
    async with aclosing(provider):
        assert (await ask(provider, "our-gpt")).content == TEXT
    [request] = upstream.requests
    assert request.bearer == "entra-secret"
    assert "api-key" not in request.headers


async def test_a_credential_is_missing_where_none_was_given(upstream: FakeAzure) -> None:
    assert "key" in (AzureOpenAIProvider(upstream.url).missing or "")
    assert AzureOpenAIProvider(upstream.url, api_key=KEY).missing is None
    assert AzureOpenAIProvider(upstream.url, entra_token="token").missing is None


@pytest.mark.parametrize(
    ("address", "resource"),
    [
        (f"{host}{rest}", host)
        for host in ("https://openai-eu.openai.azure.com", "https://r.services.ai.azure.com")
        for rest in (
            "",
            "/",
            "/openai",
            "/openai/",
            "/openai/v1",
            "/openai/v1/",
            "/openai/v1/chat/completions",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        )
    ]
    + [
        ("http://127.0.0.1:4010/openai/v1", "http://127.0.0.1:4010"),
        ("https://gateway.test/azure/openai/", "https://gateway.test/azure"),
        ("https://gateway.test/openai-eu/openai", "https://gateway.test/openai-eu"),
    ],
)
def test_any_address_that_people_copy_leads_to_the_resource(address: str, resource: str) -> None:
    assert resource_of(address) == resource


async def test_a_deployments_name_can_not_lead_elsewhere() -> None:
    async with (
        RawServer(response(ANSWER)) as server,
        aclosing(AzureOpenAIProvider(server.url, api_key=KEY, api_version=DATED)) as provider,
    ):
        await ask(provider, "../v1?x/#")
    path = "/openai/deployments/..%2Fv1%3Fx%2F%23/chat/completions?api-version=2024-10-21"
    assert server.heads[0].startswith(f"POST {path} ")


async def test_tools_are_offered_and_their_calls_come_back(upstream: FakeAzure, provider: AzureOpenAIProvider) -> None:
    upstream.reply(tool_calls=[ToolCall("add", {"a": 1}, "c1")])
    tool = {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}
    answer = await ask(provider, "our-gpt", tools=[tool])
    assert (answer.finish_reason, answer.tool_calls) == (FinishReason.TOOL_CALLS, (Call("c1", "add", '{"a":1}'),))
    assert upstream.requests[0].json["tools"] == [{"type": "function", "function": tool}]


async def test_what_the_filter_says_beside_the_answer_is_no_part_of_it(
    upstream: FakeAzure, provider: AzureOpenAIProvider
) -> None:
    def late(**seen: object) -> dict[str, object]:
        return {"choices": [{"index": 0, "finish_reason": None, **seen}]}

    looked = late(content_filter_results={}, content_filter_offsets={"check_offset": 0, "end_offset": 3})
    failed = late(content_filter_results={"error": {"code": "content_filter_error", "message": "No."}})
    upstream.reply(chunks=["one", looked, " two", failed])
    assert (await ask(provider, "our-gpt")).content == "one two"


async def test_an_answer_that_the_filter_cut_off_says_so(upstream: FakeAzure, provider: AzureOpenAIProvider) -> None:
    upstream.reply("one", finish_reason="content_filter")
    assert (await ask(provider, "our-gpt")).finish_reason is FinishReason.CONTENT_FILTER


async def test_the_filter_may_strike_in_the_middle_of_a_stream(
    upstream: FakeAzure, provider: AzureOpenAIProvider
) -> None:
    error = {"message": "The response was filtered.", "code": "content_filter", "type": None}
    upstream.fault(Fault.error_event({"error": error}, after=1))
    assert (await failure_of(ask(provider, "our-gpt"))).kind is FailureKind.CONTENT_FILTER


async def test_a_model_that_reasons_is_found_out_behind_any_name(upstream: FakeAzure) -> None:
    async with aclosing(AzureOpenAIProvider(upstream.url, api_key=KEY, api_version=DATED)) as provider:
        chain = chain_of(provider, "our-thinker")
        for _ in range(2):
            assert (await chain.chat(MESSAGES, max_tokens=7)).content == TEXT
    limits = [request.json.get("max_completion_tokens") for request in upstream.requests]
    assert limits == [None, 7, 7]


async def test_a_version_that_is_older_than_a_parameter_is_asked_without_it(
    upstream: FakeAzure, provider: AzureOpenAIProvider
) -> None:
    upstream.fault(openai_failures.unrecognized_argument("stream_options"))
    chain = chain_of(provider, "our-gpt")
    for _ in range(2):
        assert (await chain.chat(MESSAGES)).usage.estimated
    assert ["stream_options" in request.json for request in upstream.requests] == [True, False, False]


async def test_texts_become_vectors(provider: AzureOpenAIProvider) -> None:
    found = await provider.embed(EmbeddingInput(("one fish", "two"), dimensions=4), "our-vectors")
    assert found.vectors == (tuple(vector("one fish", 4)), tuple(vector("two", 4)))
    assert found.usage == Usage(3, 0)
    assert (await failure_of(provider.embed(EmbeddingInput(("a",)), "our-gpt"))).kind is FailureKind.MODEL_NOT_FOUND


async def test_a_check_proves_the_credential_and_asks_no_model(
    upstream: FakeAzure, provider: AzureOpenAIProvider
) -> None:
    await provider.check("a deployment that no list names")
    assert [request.method for request in upstream.requests] == ["GET"]
    assert await provider.models() == ()
    upstream.api_key = "another"
    assert (await failure_of(provider.check(None))).kind is FailureKind.AUTH
    upstream.fault(azure_failures.resource_not_found(), path="/models")
    assert "API version" in ((await failure_of(provider.check(None))).hint or "")
