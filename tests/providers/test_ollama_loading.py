"""Ollama is silent while it loads a model; whoever asks for the provider's health is told so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.fakes import Answer, FakeOllama, Fault
from ai_gateway.model import EmbeddingInput
from ai_gateway.providers.ollama.loading import LoadWatch
from ai_gateway.providers.ollama.provider import OllamaProvider
from support.asking import HANG_SECONDS, ask, failure_of
from support.conditions import until
from support.raw_server import RawServer, response

MODEL = "llama3.2"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(models=[MODEL]) as upstream:
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOllama) -> AsyncIterator[OllamaProvider]:
    """One that loses patience at once."""
    async with aclosing(OllamaProvider(base_url=upstream.base_url, silence_seconds=0.0)) as provider:
        yield provider


def looks(upstream: FakeOllama) -> int:
    return sum(request.path == "/api/ps" for request in upstream.requests)


async def until_looked(upstream: FakeOllama, provider: OllamaProvider) -> None:
    """Wait until the watch has asked, and had its answer: what is asked after it is answered later."""
    await asyncio.wait_for(upstream.wait_for(lambda: looks(upstream) > 0), HANG_SECONDS)
    for _ in range(3):
        await provider.check(None)


async def test_while_a_model_is_loaded_the_provider_says_so_until_the_first_byte(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.load = asyncio.Event()
    asking = asyncio.ensure_future(ask(provider, MODEL))
    await until(lambda: provider.is_loading)
    upstream.load.set()
    assert (await asyncio.wait_for(asking, HANG_SECONDS)).content == upstream.greeting
    assert not provider.is_loading
    assert looks(upstream) == 1


async def test_it_says_so_while_a_model_is_loaded_for_vectors_too(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.load = asyncio.Event()
    asking = asyncio.ensure_future(provider.embed(EmbeddingInput(("text",)), MODEL))
    await until(lambda: provider.is_loading)
    upstream.load.set()
    assert len((await asyncio.wait_for(asking, HANG_SECONDS)).vectors) == 1
    assert not provider.is_loading


async def test_a_model_in_memory_that_takes_its_time_is_not_called_loading(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.loaded[f"{MODEL}:latest"] = upstream.default_num_ctx
    answers = asyncio.Event()
    upstream.fault(Fault.hold(answers))
    asking = asyncio.ensure_future(ask(provider, MODEL))
    await until_looked(upstream, provider)
    assert not provider.is_loading
    answers.set()
    await asyncio.wait_for(asking, HANG_SECONDS)


async def test_another_model_in_memory_changes_nothing(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.install("other")
    upstream.loaded["other:latest"] = upstream.default_num_ctx
    upstream.load = asyncio.Event()
    asking = asyncio.ensure_future(ask(provider, MODEL))
    await until(lambda: provider.is_loading)
    upstream.load.set()
    await asyncio.wait_for(asking, HANG_SECONDS)


async def test_of_two_that_wait_each_has_its_own_end(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.load = asyncio.Event()
    first, second = (asyncio.ensure_future(ask(provider, MODEL)) for _ in range(2))
    await asyncio.wait_for(upstream.wait_for(lambda: looks(upstream) == 2), HANG_SECONDS)
    await until(lambda: provider.is_loading)
    first.cancel()
    await asyncio.wait((first,))
    await until_looked(upstream, provider)
    assert provider.is_loading
    upstream.load.set()
    await asyncio.wait_for(second, HANG_SECONDS)
    assert not provider.is_loading


async def test_a_quick_answer_costs_no_second_request_not_even_later(upstream: FakeOllama) -> None:
    async with aclosing(OllamaProvider(base_url=upstream.base_url, silence_seconds=HANG_SECONDS)) as provider:
        await ask(provider, MODEL)
        await provider.embed(EmbeddingInput(("text",)), MODEL)
        assert not looks_to_come()
    assert looks(upstream) == 0


def looks_to_come() -> list[asyncio.TimerHandle]:
    """The loop's timers that would begin a look."""
    timers: list[asyncio.TimerHandle] = getattr(asyncio.get_running_loop(), "_scheduled")  # noqa: B009 - asyncio's own
    return [timer for timer in timers if not timer.cancelled() and LoadWatch.__module__ in _module_of(timer)]


def _module_of(timer: asyncio.TimerHandle) -> str:
    return getattr(getattr(timer, "_callback", None), "__module__", None) or ""


async def test_a_look_is_to_come_while_an_answer_is_waited_for(upstream: FakeOllama) -> None:
    upstream.load = asyncio.Event()
    async with aclosing(OllamaProvider(base_url=upstream.base_url, silence_seconds=HANG_SECONDS)) as provider:
        asking = asyncio.ensure_future(ask(provider, MODEL))
        await asyncio.wait_for(upstream.wait_for_calls(1), HANG_SECONDS)
        assert len(looks_to_come()) == 1
        upstream.load.set()
        await asyncio.wait_for(asking, HANG_SECONDS)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(500),
        Fault.status(404, "404 page not found"),
        Fault.reset(),
        Fault.answer(Answer.of("no json")),
        Fault.answer(Answer.of("[]")),
        Fault.answer(Answer.of({})),
        Fault.answer(Answer.of({"models": None})),
    ],
    ids=["500", "404", "a reset", "no JSON", "a list", "nothing", "no list"],
)
async def test_where_ollama_does_not_say_nothing_is_known_and_the_answer_comes_all_the_same(
    fault: Fault, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.load = asyncio.Event()
    upstream.fault(fault, path="/api/ps", times=None)
    asking = asyncio.ensure_future(ask(provider, MODEL))
    await until_looked(upstream, provider)
    assert not provider.is_loading
    upstream.load.set()
    assert (await asyncio.wait_for(asking, HANG_SECONDS)).content == upstream.greeting


async def test_an_answer_does_not_wait_for_the_look(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.load = asyncio.Event()
    upstream.fault(Fault.hang(), path="/api/ps")
    asking = asyncio.ensure_future(ask(provider, MODEL))
    await asyncio.wait_for(upstream.wait_for(lambda: looks(upstream) > 0), HANG_SECONDS)
    upstream.load.set()
    assert (await asyncio.wait_for(asking, HANG_SECONDS)).content == upstream.greeting


async def test_a_load_that_fails_is_over(upstream: FakeOllama, provider: OllamaProvider) -> None:
    fails = asyncio.Event()
    upstream.fault(Fault.hold(fails) | Fault.status(500, {"error": "llama runner process has terminated"}))
    asking = asyncio.ensure_future(failure_of(ask(provider, MODEL)))
    await until(lambda: provider.is_loading)
    fails.set()
    await asyncio.wait_for(asking, HANG_SECONDS)
    assert not provider.is_loading


async def test_a_cancel_closes_both_connections() -> None:
    left = asyncio.Semaphore(0)

    async def wait_for_the_end(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()
        left.release()

    shown = response(b"{}")
    async with (
        RawServer(shown, wait_for_the_end) as server,
        aclosing(OllamaProvider(base_url=server.url, silence_seconds=0.0)) as provider,
    ):
        asking = asyncio.ensure_future(ask(provider, MODEL))
        await until(lambda: len(server.heads) == 3)
        assert {head.split()[1] for head in server.heads} == {"/api/show", "/api/chat", "/api/ps"}
        asking.cancel()
        await asyncio.wait((asking,))
        assert asking.cancelled()
        for _ in ("/api/chat", "/api/ps"):
            await asyncio.wait_for(left.acquire(), HANG_SECONDS)
