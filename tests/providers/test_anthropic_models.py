"""Anthropic's list of models, and the check that it makes possible."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import FakeAnthropic, Fault
from ai_gateway.model import ModelInfo
from ai_gateway.providers.anthropic.provider import AnthropicProvider
from support.asking import HANG_SECONDS, KEY, failure_of
from support.raw_server import RawServer, response
from support.stream_faults import TEXT

MODEL = "claude-opus-5-5"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeAnthropic) -> AsyncIterator[AnthropicProvider]:
    async with aclosing(AnthropicProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


async def test_models_are_listed_page_by_page_without_the_retired(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.models, upstream.retired = ["a", "old", "b/c"], ["old"]
    assert await provider.models() == (ModelInfo("a", 200_000), ModelInfo("b/c", 200_000))
    assert upstream.requests[0].query == "limit=1000"


async def test_a_long_list_is_read_to_its_end() -> None:
    def page(*names: str, last: object = None) -> bytes:
        entries = [{"type": "model", "id": name} for name in names]
        document = {"data": entries, "has_more": last is not None, "last_id": last}
        return response(json.dumps(document).encode(), content_type="application/json")

    pages = (page("a", "b", last="b&c"), page("c", last="c"), page())
    async with RawServer(*pages) as server, aclosing(AnthropicProvider(KEY, base_url=server.url)) as provider:
        assert [info.id for info in await provider.models()] == ["a", "b", "c"]
    paths = [head.split()[1] for head in server.heads]
    assert paths == [f"/v1/models?limit=1000{after}" for after in ("", "&after_id=b%26c", "&after_id=c")]


async def test_a_list_that_goes_on_for_ever_is_given_up() -> None:
    body = json.dumps({"data": [{"id": "a"}], "has_more": True, "last_id": "a"}).encode()
    said = response(body, content_type="application/json")
    async with RawServer(said) as server, aclosing(AnthropicProvider(KEY, base_url=server.url)) as provider:
        assert {info.id for info in await asyncio.wait_for(provider.models(), HANG_SECONDS)} == {"a"}


async def test_a_check_proves_key_and_model_and_asks_no_model(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.api_key = KEY
    await provider.check(MODEL)
    await provider.check(None)
    asked = [(request.method, request.path) for request in upstream.requests]
    assert asked == [("GET", f"/v1/models/{MODEL}"), ("GET", "/v1/models")]
    upstream.api_key = "another"
    for model in (MODEL, None):
        assert (await failure_of(provider.check(model))).kind is FailureKind.AUTH
    await upstream.stop()
    assert (await failure_of(provider.check(MODEL))).kind is FailureKind.NETWORK


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("claude-opus-55", "did you mean claude-opus-5-5 or"),
        ("gpt-4.1", "does not know this model"),
        ("claude-sonnet-4-5", "did you mean"),
    ],
)
async def test_a_check_of_a_model_that_is_not_there_names_near_ones(
    model: str, hint: str, upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.retired = ["claude-sonnet-4-5"]
    failure = await failure_of(provider.check(model))
    assert failure.kind is FailureKind.MODEL_NOT_FOUND
    assert hint in (failure.hint or "")
    assert "sonnet-4-5" not in (failure.hint or "")


async def test_a_server_that_only_lists_its_models_can_be_checked(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.fault(Fault.status(404), path=f"/models/{MODEL}")
    await provider.check(MODEL)


@pytest.mark.parametrize("path", ["/models", f"/models/{MODEL}"])
async def test_a_list_that_is_none_is_a_fault_of_the_server(
    path: str, upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    upstream.fault(Fault.status(200, ["no"]), path=path)
    failure = await failure_of(provider.check(MODEL if path.endswith(MODEL) else None))
    assert failure.kind is FailureKind.SERVER
