"""Vectors by Ollama."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import Answer, FakeOllama, Fault, OllamaModel
from ai_gateway.fakes.embeddings import DEFAULT_DIMENSIONS, vector
from ai_gateway.model import EmbeddingInput, Usage
from ai_gateway.providers.ollama.provider import OllamaProvider
from support.asking import HANG_SECONDS, failure_of

MODEL = "nomic-embed-text"
TEXTS = EmbeddingInput(("one fish", "two"))


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    models = [OllamaModel(name=MODEL, capabilities=("embedding",)), OllamaModel(name="chats", capabilities=("tools",))]
    async with FakeOllama(models=models) as upstream:
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOllama) -> AsyncIterator[OllamaProvider]:
    async with aclosing(OllamaProvider(base_url=upstream.base_url, context_tokens=4)) as provider:
        yield provider


async def test_texts_become_vectors_in_their_order(upstream: FakeOllama, provider: OllamaProvider) -> None:
    made = await provider.embed(TEXTS, MODEL)
    assert made.vectors == tuple(tuple(vector(text)) for text in TEXTS.texts)
    assert (made.model, made.usage) == (MODEL, Usage(3, 0))
    assert upstream.requests[-1].body == {"model": MODEL, "input": ["one fish", "two"], "truncate": False}


async def test_vectors_can_be_shorter(upstream: FakeOllama, provider: OllamaProvider) -> None:
    made = await provider.embed(EmbeddingInput(("one",), dimensions=8), MODEL)
    assert [len(vector) for vector in made.vectors] == [8]
    assert upstream.requests[-1].json["dimensions"] == 8


async def test_vectors_of_another_length_than_was_asked_for_are_not_passed_off(provider: OllamaProvider) -> None:
    too_many = EmbeddingInput(("one",), dimensions=DEFAULT_DIMENSIONS + 1)
    failure = await failure_of(provider.embed(too_many, MODEL))
    assert (failure.kind, failure.parameter) == (FailureKind.UNSUPPORTED, "dimensions")


async def test_a_text_too_long_is_refused_instead_of_cut(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.default_num_ctx = 2
    failure = await failure_of(provider.embed(EmbeddingInput(("short", "far too long")), MODEL))
    assert failure.kind is FailureKind.CONTEXT_TOO_LONG


async def test_a_model_that_only_writes_is_told_from_one_that_makes_vectors(provider: OllamaProvider) -> None:
    failure = await failure_of(provider.embed(TEXTS, "chats"))
    assert failure.kind is FailureKind.MODEL_NOT_FOUND
    assert "local.embedding_model" in (failure.hint or "")


async def test_an_ollama_that_knows_no_such_call_is_to_be_updated(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(Answer.of("404 page not found", 404), path="/api/embed")
    failure = await failure_of(provider.embed(TEXTS, MODEL))
    assert failure.kind is FailureKind.MODEL_NOT_FOUND
    assert "update Ollama" in (failure.hint or "")


@pytest.mark.parametrize(
    "said",
    [{}, {"embeddings": None}, {"embeddings": []}, {"embeddings": ["x"]}, {"embeddings": [["x"]]}, {"embedding": [1]}],
    ids=json.dumps,
)
async def test_an_answer_without_vectors_is_none(
    said: dict[str, object], upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(Answer.of(said), path="/api/embed")
    assert (await failure_of(provider.embed(TEXTS, MODEL))).kind is FailureKind.SERVER


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.reset(), FailureKind.NETWORK),
        (Fault.cut(after=1), FailureKind.STREAM_BROKEN),
        (Fault.proxy_error(502), FailureKind.SERVER),
        (Fault.error_with_200(), FailureKind.SERVER),
    ],
    ids=["a reset", "a cut", "a proxy's page", "an error with 200"],
)
async def test_a_broken_answer_is_none(
    fault: Fault, kind: FailureKind, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(fault, path="/api/embed", times=None)
    assert (await failure_of(asyncio.wait_for(provider.embed(TEXTS, MODEL), HANG_SECONDS))).kind is kind
