"""Downloading a model by Ollama."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import FakeOllama, Fault
from ai_gateway.fakes.ollama.pull import LAYERS
from ai_gateway.providers.ollama.provider import OllamaProvider, PullProgress
from ai_gateway.providers.ollama.refusals import START_HINT
from support.asking import HANG_SECONDS, ask, failure_of
from support.raw_server import RawServer, closing, response

MODEL = "llama3.2:1b"
SIZE = sum(size for _, size in LAYERS)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(seconds_between_chunks=0.001) as upstream:
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOllama) -> AsyncIterator[OllamaProvider]:
    async with aclosing(OllamaProvider(base_url=upstream.base_url)) as provider:
        yield provider


async def pulled(provider: OllamaProvider, model: str = MODEL) -> list[PullProgress]:
    async with aclosing(provider.pull(model)) as steps:
        return [step async for step in steps]


async def of_lines(*values: object) -> list[PullProgress]:
    """What is made of what a server says."""
    said = b"".join(json.dumps(value).encode() + b"\n" for value in values)
    async with RawServer(response(said)) as server, aclosing(OllamaProvider(base_url=server.url)) as provider:
        return await pulled(provider)


async def test_a_pulled_model_can_be_asked(upstream: FakeOllama, provider: OllamaProvider) -> None:
    assert (await failure_of(ask(provider, MODEL))).kind is FailureKind.MODEL_NOT_FOUND
    steps = await pulled(provider)
    assert [step.is_done for step in steps] == [False] * (len(steps) - 1) + [True]
    assert (await ask(provider, MODEL)).content == upstream.greeting
    [request] = [request for request in upstream.requests if request.path == "/api/pull"]
    assert request.body == {"model": MODEL, "stream": True}


async def test_all_layers_make_one_progress(provider: OllamaProvider) -> None:
    steps = await pulled(provider)
    assert steps[0] == PullProgress("pulling manifest")
    assert steps[-1] == PullProgress("success", SIZE, SIZE)
    assert all(before.completed_bytes <= after.completed_bytes for before, after in pairwise(steps))
    assert all(step.completed_bytes <= step.total_bytes for step in steps)
    assert {step.total_bytes for step in steps} == {0, 1000, 1100, SIZE}


async def test_a_pull_that_broke_off_goes_on_where_it_was(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.fault(Fault.cut(after=4), path="/api/pull")
    failure = await failure_of(pulled(provider))
    assert failure.kind is FailureKind.STREAM_BROKEN
    assert "goes on where it stopped" in (failure.hint or "")
    arrived = max(upstream.downloads.arrived.values())
    first, second, *_ = await pulled(provider)
    assert (first.completed_bytes, second.completed_bytes) == (0, arrived)
    assert arrived > 0


async def test_leaving_closes_the_connection() -> None:
    left = asyncio.Event()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n")
        writer.write(b'{"status":"pulling manifest"}\n')
        await writer.drain()
        await reader.read()
        left.set()

    async with RawServer(begin) as server, aclosing(OllamaProvider(base_url=server.url)) as provider:
        async with aclosing(provider.pull(MODEL)) as steps:
            assert (await anext(steps)).status == "pulling manifest"
        await asyncio.wait_for(left.wait(), HANG_SECONDS)


@pytest.mark.parametrize("ending", ["a success", "no success"])
async def test_only_success_is_the_end(ending: str) -> None:
    begun = b'{"status":"writing manifest"}\n'
    said = begun + b'{"status":"success"}\n' if ending == "a success" else begun
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
    async with RawServer(closing(head + said)) as server, aclosing(OllamaProvider(base_url=server.url)) as provider:
        if ending == "a success":
            assert (await pulled(provider))[-1].is_done
        else:
            assert (await failure_of(pulled(provider))).kind is FailureKind.STREAM_BROKEN


async def test_what_makes_no_sense_is_skipped() -> None:
    digest = {"status": "pulling", "digest": "sha256:1"}
    steps = await of_lines(
        "no object",
        {"status": 1},
        {**digest, "total": "many", "completed": 1},
        {**digest, "total": 10, "completed": -1},
        {**digest, "total": 10, "completed": 11},
        {"status": "success"},
        {"status": "after the end"},
    )
    assert steps[-1] == PullProgress("success", 10, 10)


async def test_a_status_can_not_write_on_the_terminal_what_it_likes() -> None:
    evil = b'{"status":"evil\\u001b[31m\\u0007' + b"x" * 1000 + b'"}\n'
    async with (
        RawServer(response(evil)) as server,
        aclosing(OllamaProvider(base_url=server.url)) as provider,
        aclosing(provider.pull(MODEL)) as steps,
    ):
        status = (await anext(steps)).status
    assert (status[:11], len(status)) == ("evil[31mxxx", 100)


@pytest.mark.parametrize("model", ["qwen3:cloud", "gpt-oss:120b-cloud"])
async def test_a_cloud_model_is_not_pulled(model: str, upstream: FakeOllama, provider: OllamaProvider) -> None:
    assert (await failure_of(pulled(provider, model))).kind is FailureKind.ENTITLEMENT
    assert not upstream.requests


@pytest.mark.parametrize("model", ["", "a b", "../x", "-x"])
async def test_what_is_no_name_is_not_pulled(model: str, upstream: FakeOllama, provider: OllamaProvider) -> None:
    failure = await failure_of(pulled(provider, model))
    assert failure.kind is FailureKind.MODEL_NOT_FOUND
    assert "looks like" in (failure.hint or "")
    assert not upstream.requests


async def test_without_ollama_nothing_is_pulled(upstream: FakeOllama, provider: OllamaProvider) -> None:
    await upstream.stop()
    failure = await failure_of(pulled(provider))
    assert (failure.kind, failure.hint) == (FailureKind.NETWORK, START_HINT)
