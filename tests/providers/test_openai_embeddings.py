"""Vectors, the list of models, and what a check proves."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import Answer, FakeOpenAI, Fault, openai_failures
from ai_gateway.fakes.embeddings import vector
from ai_gateway.model import EmbeddingInput, ModelInfo, Usage
from ai_gateway.providers.openai.embeddings import MAX_EMBEDDED_CHARACTERS, MAX_EMBEDDED_TEXTS
from ai_gateway.providers.openai.provider import OpenAIProvider
from support.asking import KEY, failure_of
from support.openai_itself import openai_itself
from support.raw_server import header, response

EMBEDDINGS = "/v1/embeddings"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as upstream:
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOpenAI) -> AsyncIterator[OpenAIProvider]:
    async with aclosing(OpenAIProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


def answered(*entries: object, **more: object) -> Answer:
    return Answer.of({"object": "list", "data": list(entries), "model": "m", **more})


async def test_texts_become_vectors_in_their_order(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    found = await provider.embed(EmbeddingInput(("one fish", "two"), dimensions=4), "m")
    assert found.vectors == (tuple(vector("one fish", 4)), tuple(vector("two", 4)))
    assert (found.model, found.usage, found.cost_usd) == ("m", Usage(3, 0), None)
    [request] = upstream.requests
    assert (request.path, request.bearer) == (EMBEDDINGS, KEY)
    wanted = {"model": "m", "input": ["one fish", "two"], "encoding_format": "float", "dimensions": 4}
    assert request.body == wanted


async def test_vectors_that_come_out_of_order_are_put_in_order(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(answered({"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1.5]}), path=EMBEDDINGS)
    assert (await provider.embed(EmbeddingInput(("a", "b")), "m")).vectors == ((1.5,), (2.0,))


async def test_a_lean_server_may_leave_out_all_but_the_vectors(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(Answer.of({"data": [{"embedding": [1]}, {"embedding": [2]}]}), path=EMBEDDINGS)
    found = await provider.embed(EmbeddingInput(("a", "b")), "m")
    assert (found.vectors, found.model, found.usage) == (((1.0,), (2.0,)), None, None)


async def test_vectors_in_base64_are_unpacked(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, -2)).decode()
    upstream.fault(answered({"index": 0, "embedding": packed}), path=EMBEDDINGS)
    assert (await provider.embed(EmbeddingInput(("a",)), "m")).vectors == ((0.5, -2.0),)


async def test_what_an_upstream_charged_is_told(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    usage = {"prompt_tokens": 3, "total_tokens": 3, "cost": 0.25}
    upstream.fault(answered({"embedding": [1]}, usage=usage), path=EMBEDDINGS)
    assert (await provider.embed(EmbeddingInput(("a",)), "m")).cost_usd == 0.25


async def test_many_texts_go_in_several_requests_and_come_back_as_one(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    texts = tuple(map(str, range(MAX_EMBEDDED_TEXTS + 1)))
    found = await provider.embed(EmbeddingInput(texts, dimensions=2), "m")
    assert [len(_input_of(request.json["input"])) for request in upstream.requests] == [MAX_EMBEDDED_TEXTS, 1]
    assert found.vectors == tuple(tuple(vector(text, 2)) for text in texts)
    assert found.usage == Usage(len(texts), 0)


async def test_long_texts_go_in_several_requests_and_one_too_long_goes_alone(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    half, whole = "x" * (MAX_EMBEDDED_CHARACTERS // 2), "y" * (MAX_EMBEDDED_CHARACTERS + 1)
    texts = (half, half, "a", whole, "b")
    found = await provider.embed(EmbeddingInput(texts, dimensions=2), "m")
    sent = [_input_of(request.json["input"]) for request in upstream.requests]
    assert sent == [[half, half], ["a"], [whole], ["b"]]
    assert found.vectors == tuple(tuple(vector(text, 2)) for text in texts)


def _input_of(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


async def test_where_there_is_nothing_to_embed_nobody_is_asked(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    assert (await provider.embed(EmbeddingInput(()), "m")).vectors == ()
    assert upstream.requests == []


async def test_vectors_of_two_models_are_never_mixed(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(answered({"embedding": [1]}), path=EMBEDDINGS)
    texts = ("x" * MAX_EMBEDDED_CHARACTERS, "y")
    failure = await failure_of(provider.embed(EmbeddingInput(texts), "another"))
    assert (failure.kind, failure.detail) == (FailureKind.SERVER, "the upstream changed its model between two requests")


@pytest.mark.parametrize(
    "answer",
    [
        answered(),
        answered({"index": 0, "embedding": [1]}),
        answered({"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}),
        answered({"index": 1, "embedding": [1]}, {"index": 2, "embedding": [1]}),
        answered(*({"index": index, "embedding": [1]} for index in range(3))),
        answered({"index": [], "embedding": [1]}, {"index": 1, "embedding": [1]}),
        answered({"index": 0, "embedding": []}, {"index": 1, "embedding": [1]}),
        answered({"index": 0, "embedding": [None]}, {"index": 1, "embedding": [1]}),
        answered({"index": 0, "embedding": "no base64!"}, {"index": 1, "embedding": [1]}),
        answered({"index": 0, "embedding": "AAA="}, {"index": 1, "embedding": [1]}),
        Answer.of(b'{"data": [{"embedding": [NaN]}, {"embedding": [1]}]}'),
        Answer.of({"data": 5}),
        Answer.of([1]),
        Answer.of("ok"),
    ],
)
async def test_an_answer_without_a_vector_for_each_text_is_none(
    answer: Answer, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(answer, path=EMBEDDINGS)
    assert (await failure_of(provider.embed(EmbeddingInput(("a", "b")), "m"))).kind is FailureKind.SERVER


async def test_a_refusal_to_embed_is_read_as_any_other(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(openai_failures.insufficient_quota(), path=EMBEDDINGS)
    assert (await failure_of(provider.embed(EmbeddingInput(("a",)), "m"))).kind is FailureKind.QUOTA
    upstream.fault(Fault.reset(), path=EMBEDDINGS, times=None)
    assert (await failure_of(provider.embed(EmbeddingInput(("a",)), "m"))).kind is FailureKind.NETWORK


async def test_models_are_listed(provider: OpenAIProvider, upstream: FakeOpenAI) -> None:
    upstream.models = ["gpt-4.1", "text-embedding-3-small"]
    assert await provider.models() == [ModelInfo("gpt-4.1"), ModelInfo("text-embedding-3-small", embeds=True)]


@pytest.mark.parametrize(
    ("listed", "models"),
    [
        ({"data": [{"id": "a", "context_length": 8192}]}, [ModelInfo("a", 8192)]),
        ({"data": [{"id": "a", "max_model_len": 4096, "context_window": "big"}]}, [ModelInfo("a", 4096)]),
        ([{"id": "a"}], [ModelInfo("a")]),
        ({"data": [{"id": None}, {}, 5]}, []),
        ({"data": None}, []),
    ],
)
async def test_models_are_listed_however_a_server_does(
    listed: object, models: list[ModelInfo], upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(Answer.of(listed), path="/v1/models")
    assert await provider.models() == models


async def test_a_check_proves_the_key_and_asks_no_model(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.api_key = KEY
    await provider.check("a model that no compatible server need list")
    assert [(request.method, request.path) for request in upstream.requests] == [("GET", "/v1/models")]
    upstream.api_key = "another"
    assert (await failure_of(provider.check("m"))).kind is FailureKind.AUTH
    await upstream.stop()
    assert (await failure_of(provider.check("m"))).kind is FailureKind.NETWORK


async def test_a_check_finds_a_model_that_openai_does_not_list() -> None:
    listed = json.dumps({"data": [{"id": name} for name in ("gpt-4.1", "gpt-4.1-mini", "dall-e-3")]}).encode()
    async with openai_itself(response(listed, content_type="application/json")) as (provider, server):
        await provider.check("gpt-4.1")
        await provider.check(None)
        near = await failure_of(provider.check("gpt-41"))
        far = await failure_of(provider.check("zzz"))
    assert (near.kind, far.kind) == (FailureKind.MODEL_NOT_FOUND, FailureKind.MODEL_NOT_FOUND)
    assert "gpt-4.1 or gpt-4.1-mini" in (near.hint or "")
    assert far.hint is None
    assert header(server.heads[0], "authorization") == f"Bearer {KEY}"
