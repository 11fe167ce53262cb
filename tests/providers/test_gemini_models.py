"""Gemini's embeddings, its list of models, and the check that they make possible."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import Answer, FakeGemini, Fault, GeminiModel, gemini_failures
from ai_gateway.model import EmbeddingInput, ModelInfo, Usage
from ai_gateway.providers.gemini.provider import GeminiProvider
from support.asking import KEY, failure_of

MODEL = "gemini-2.5-flash"
EMBEDDING_MODEL = "gemini-embedding-001"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeGemini]:
    async with FakeGemini() as upstream:
        yield upstream


@pytest.fixture
async def provider(upstream: FakeGemini) -> AsyncIterator[GeminiProvider]:
    async with aclosing(GeminiProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


async def test_texts_become_vectors(upstream: FakeGemini, provider: GeminiProvider) -> None:
    both = await provider.embed(EmbeddingInput(("one fish", "two")), EMBEDDING_MODEL)
    one = await provider.embed(EmbeddingInput(("one fish",)), f"models/{EMBEDDING_MODEL}")
    assert (both.model, both.usage) == (EMBEDDING_MODEL, Usage(3, 0))
    assert both.vectors[0] == one.vectors[0] != both.vectors[1]
    assert upstream.requests[0].body == {
        "requests": [
            {"model": f"models/{EMBEDDING_MODEL}", "content": {"parts": [{"text": text}]}}
            for text in ("one fish", "two")
        ]
    }


async def test_many_texts_are_embedded_a_hundred_at_a_time_and_in_order(
    upstream: FakeGemini, provider: GeminiProvider
) -> None:
    texts = tuple(f"text {number}" for number in range(205))
    found = await provider.embed(EmbeddingInput(texts), EMBEDDING_MODEL)
    sizes = [request.json["requests"] for request in upstream.requests]
    assert [len(size) for size in sizes if isinstance(size, list)] == [100, 100, 5]
    last = await provider.embed(EmbeddingInput(texts[-1:]), EMBEDDING_MODEL)
    assert (len(found.vectors), found.vectors[-1], found.usage) == (205, last.vectors[0], Usage(410, 0))


async def test_shortened_vectors_have_unit_length_all_the_same(upstream: FakeGemini, provider: GeminiProvider) -> None:
    short = await provider.embed(EmbeddingInput(("one fish",), dimensions=8), EMBEDDING_MODEL)
    whole = await provider.embed(EmbeddingInput(("one fish",)), EMBEDDING_MODEL)
    [vector], [full] = short.vectors, whole.vectors
    assert len(vector) == 8 < len(full)
    assert math.hypot(*vector) == pytest.approx(1)
    assert vector[0] / vector[1] == pytest.approx(full[0] / full[1])
    [first, _] = upstream.requests
    assert first.json["requests"] == [
        {
            "model": f"models/{EMBEDDING_MODEL}",
            "content": {"parts": [{"text": "one fish"}]},
            "outputDimensionality": 8,
        }
    ]


async def test_a_vector_of_nothing_is_not_scaled(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.fault(Answer.of({"embeddings": [{"values": [0, 0.0]}]}), path=":batchEmbedContents")
    found = await provider.embed(EmbeddingInput(("a",), dimensions=2), EMBEDDING_MODEL)
    assert (found.vectors, found.usage) == (((0.0, 0.0),), None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "no",
        {"embeddings": []},
        {"embeddings": [{"values": [1]}, {"values": [2]}]},
        {"embeddings": [{}]},
        {"embeddings": [{"values": ["x"]}]},
        {"embeddings": [{"values": [[1]]}]},
    ],
)
async def test_vectors_that_do_not_fit_the_texts_are_refused(
    body: object, upstream: FakeGemini, provider: GeminiProvider
) -> None:
    upstream.fault(Answer.of(body), path=":batchEmbedContents")
    failure = await failure_of(provider.embed(EmbeddingInput(("a",)), EMBEDDING_MODEL))
    assert failure.kind is FailureKind.SERVER


async def test_a_refused_embedding_is_read_by_the_same_rows(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.fault(gemini_failures.rate_limited("7s"), path=":batchEmbedContents")
    failure = await failure_of(provider.embed(EmbeddingInput(("a",)), EMBEDDING_MODEL))
    assert (failure.kind, failure.retry_after_seconds) == (FailureKind.RATE_LIMIT, 7)


async def test_models_are_listed_with_what_they_do(provider: GeminiProvider) -> None:
    assert await provider.models() == [
        ModelInfo("gemini-2.5-flash", 1_048_576),
        ModelInfo("gemini-3-flash", 1_048_576),
        ModelInfo("gemini-embedding-001", 2048, embeds=True),
    ]


async def test_every_page_of_models_is_read(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.models = tuple(GeminiModel(f"m{number}") for number in range(5))
    upstream.page_size = 2
    assert [info.id for info in await provider.models()] == ["m0", "m1", "m2", "m3", "m4"]
    assert [request.query for request in upstream.requests] == [
        "pageSize=1000",
        "pageSize=1000&pageToken=2",
        "pageSize=1000&pageToken=4",
    ]


async def test_a_list_that_never_ends_is_left(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.fault(Answer.of({"models": [], "nextPageToken": "a&b"}), times=None, path="/models")
    assert await provider.models() == []
    assert len(upstream.requests) == 20
    assert upstream.requests[1].query == "pageSize=1000&pageToken=a%26b"


@pytest.mark.parametrize("body", [{}, {"models": None}, {"models": [{}, {"name": 5}, {"name": "models/x"}, 5]}])
async def test_an_odd_list_has_no_models(body: object, upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.fault(Answer.of(body), path="/models")
    assert await provider.models() == []


async def test_a_check_proves_the_key_and_asks_no_model(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.api_key = KEY
    await provider.check(MODEL)
    await provider.check(None)
    assert [(request.method, request.path) for request in upstream.requests] == [("GET", "/v1beta/models")] * 2
    upstream.api_key = "another"
    assert (await failure_of(provider.check(MODEL))).kind is FailureKind.AUTH
    await upstream.stop()
    assert (await failure_of(provider.check(MODEL))).kind is FailureKind.NETWORK


@pytest.mark.parametrize("model", ["gemini-2.5-flahs", "models/gemini-2.5-flahs"])
async def test_a_check_names_the_models_that_were_perhaps_meant(model: str, provider: GeminiProvider) -> None:
    failure = await failure_of(provider.check(model))
    assert failure.kind is FailureKind.MODEL_NOT_FOUND
    assert failure.hint == "Gemini does not have this model; did you mean gemini-2.5-flash or gemini-3-flash?"


async def test_a_check_of_a_model_like_no_other_says_what_to_do(provider: GeminiProvider) -> None:
    failure = await failure_of(provider.check("zzz"))
    assert failure.kind is FailureKind.MODEL_NOT_FOUND
    assert "set one that it lists" in str(failure.hint)


async def test_a_model_that_is_served_but_not_listed_is_found(upstream: FakeGemini, provider: GeminiProvider) -> None:
    upstream.fault(Answer.of({"name": "models/gemini-secret"}), path="/models/gemini-secret")
    await provider.check("gemini-secret")
    assert [request.path for request in upstream.requests] == ["/v1beta/models", "/v1beta/models/gemini-secret"]


@pytest.mark.parametrize(
    "asking",
    [
        lambda provider: provider.embed(EmbeddingInput(("a",)), MODEL),
        lambda provider: provider.check(MODEL),
    ],
    ids=["embed", "check"],
)
async def test_the_key_never_leaves_for_another_host(
    asking: Callable[[GeminiProvider], Awaitable[object]], upstream: FakeGemini, provider: GeminiProvider
) -> None:
    async with FakeGemini() as other:
        upstream.fault(Fault.status(307, "", headers={"Location": other.base_url}), times=None, path="")
        assert (await failure_of(asking(provider))).kind is FailureKind.NETWORK
        assert not other.requests
