"""Loading one of Ollama's models for nobody's query, and going on with a load that a query has left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import Answer, FakeOllama, Fault, ollama_failures
from ai_gateway.fakes.ollama.models import OllamaModel
from ai_gateway.model import EmbeddingInput
from ai_gateway.providers.ollama.provider import OllamaProvider
from support.asking import HANG_SECONDS, ask, failure_of
from support.conditions import until

MODEL = "llama3.2"
HUGE = "huge"
CONTEXT_TOKENS = 8192


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    """One that loads when it is told to."""
    models: list[str | OllamaModel] = [MODEL, "other", OllamaModel(name=HUGE, size=10**15)]
    async with FakeOllama(models=models, load=asyncio.Event()) as upstream:
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOllama) -> AsyncIterator[OllamaProvider]:
    """One that loses patience at once."""
    own = OllamaProvider(base_url=upstream.base_url, context_tokens=CONTEXT_TOKENS, silence_seconds=0.0)
    async with aclosing(own) as provider:
        yield provider


def let_load(upstream: FakeOllama) -> None:
    assert isinstance(upstream.load, asyncio.Event)
    upstream.load.set()


async def is_being_loaded(upstream: FakeOllama, model: str = MODEL) -> None:
    await asyncio.wait_for(upstream.wait_for(lambda: upstream.loading == f"{model}:latest"), HANG_SECONDS)


def loads_asked_for(upstream: FakeOllama) -> int:
    return sum(request.path == "/api/chat" and request.json["messages"] == [] for request in upstream.requests)


class TestAPreload:
    async def test_asks_for_nothing_and_ends_when_the_model_is_in_memory(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        preload = asyncio.ensure_future(provider.preload(MODEL))
        await is_being_loaded(upstream)
        assert not preload.done()
        let_load(upstream)
        await asyncio.wait_for(preload, HANG_SECONDS)
        assert upstream.loaded == {f"{MODEL}:latest": CONTEXT_TOKENS}
        assert loads_asked_for(upstream) == 1

    async def test_loads_the_model_as_queries_want_it(self, upstream: FakeOllama, provider: OllamaProvider) -> None:
        let_load(upstream)
        await provider.preload(MODEL)
        await ask(provider, MODEL)
        assert upstream.loads == 1

    async def test_leaves_the_context_length_to_ollama_where_queries_do(self, upstream: FakeOllama) -> None:
        let_load(upstream)
        async with aclosing(OllamaProvider(base_url=upstream.base_url)) as provider:
            await provider.preload(MODEL)
            await ask(provider, MODEL)
        assert upstream.loaded == {f"{MODEL}:latest": upstream.default_num_ctx}
        assert upstream.loads == 1

    async def test_keeps_the_model_for_as_long_as_a_breaker_is_open(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        let_load(upstream)
        await provider.preload(MODEL)
        assert upstream.requests[-1].json["keep_alive"] == "900s"

    async def test_is_called_loading_from_the_beginning_and_ready_afterwards(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        assert (provider.is_loading, provider.is_ready(MODEL)) == (False, None)
        preload = asyncio.ensure_future(provider.preload(MODEL))
        await asyncio.sleep(0)
        assert (provider.is_loading, provider.is_ready(MODEL)) == (True, False)
        let_load(upstream)
        await asyncio.wait_for(preload, HANG_SECONDS)
        assert (provider.is_loading, provider.is_ready(MODEL)) == (False, True)
        assert provider.is_ready(f"library/{MODEL}:latest") is True
        assert provider.is_ready("other") is None

    async def test_is_made_once_for_all_who_ask_for_it_at_a_time(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        preloads = [asyncio.ensure_future(provider.preload(name)) for name in (MODEL, f"{MODEL}:latest", MODEL)]
        await is_being_loaded(upstream)
        let_load(upstream)
        await asyncio.wait_for(asyncio.gather(*preloads), HANG_SECONDS)
        assert loads_asked_for(upstream) == 1

    async def test_goes_on_when_nobody_waits_for_it_any_more(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        preload = asyncio.ensure_future(provider.preload(MODEL))
        await is_being_loaded(upstream)
        preload.cancel()
        await asyncio.wait((preload,))
        let_load(upstream)
        await until(lambda: provider.is_ready(MODEL) is True)
        assert (upstream.loads, upstream.aborted_loads) == (1, 0)

    async def test_ends_with_the_provider(self, upstream: FakeOllama, provider: OllamaProvider) -> None:
        preload = asyncio.ensure_future(failure_of(provider.preload(MODEL)))
        await is_being_loaded(upstream)
        await provider.aclose()
        assert not provider.is_loading
        assert (await asyncio.wait_for(preload, HANG_SECONDS)).kind is FailureKind.NETWORK
        await asyncio.wait_for(upstream.wait_for(lambda: upstream.aborted_loads == 1), HANG_SECONDS)

    async def test_is_refused_where_the_model_is_larger_than_the_memory_that_is_free(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        let_load(upstream)
        failure = await failure_of(provider.preload(HUGE))
        assert failure.kind is FailureKind.SERVER
        assert failure.detail.startswith("the model takes 931322.6 GiB of memory, and ")
        assert "smaller model" in (failure.hint or "")
        assert (upstream.loads, loads_asked_for(upstream)) == (0, 0)
        assert (provider.is_loading, provider.is_ready(HUGE)) == (False, None)

    async def test_of_a_large_model_that_is_in_memory_keeps_it_there(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        upstream.loaded[f"{HUGE}:latest"] = CONTEXT_TOKENS
        await provider.preload(HUGE)
        assert loads_asked_for(upstream) == 1

    @pytest.mark.parametrize("path", ["/api/ps", "/api/tags"])
    async def test_is_tried_where_it_is_not_known_how_large_the_model_is(
        self, path: str, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        let_load(upstream)
        upstream.fault(Fault.status(500), path=path)
        await provider.preload(HUGE)
        assert upstream.loads == 1

    async def test_says_why_ollama_refused(self, upstream: FakeOllama, provider: OllamaProvider) -> None:
        upstream.fault(ollama_failures.out_of_memory())
        failure = await failure_of(provider.preload(MODEL))
        assert failure.kind is FailureKind.SERVER
        assert "smaller" in (failure.hint or "")
        assert (provider.is_loading, provider.is_ready(MODEL)) == (False, None)

    async def test_that_failed_may_be_tried_again(self, upstream: FakeOllama, provider: OllamaProvider) -> None:
        let_load(upstream)
        upstream.fault(ollama_failures.out_of_memory())
        await failure_of(provider.preload(MODEL))
        await provider.preload(MODEL)
        assert provider.is_ready(MODEL) is True
        assert sum(request.path == "/api/show" for request in upstream.requests) == 2

    async def test_that_failed_leaves_nothing_ready(self, upstream: FakeOllama, provider: OllamaProvider) -> None:
        let_load(upstream)
        await provider.preload(MODEL)
        upstream.fault(ollama_failures.out_of_memory())
        await failure_of(provider.preload(MODEL))
        assert provider.is_ready(MODEL) is None

    @pytest.mark.parametrize("model", ["missing", "gpt-oss:120b-cloud", ""])
    async def test_of_a_model_that_is_not_here_is_refused(
        self, model: str, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        let_load(upstream)
        failure = await failure_of(provider.preload(model))
        assert failure.kind in {FailureKind.MODEL_NOT_FOUND, FailureKind.ENTITLEMENT}
        assert upstream.loads == 0

    async def test_of_a_model_that_is_elsewhere_after_all_is_refused(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        upstream.fault(Answer.of({"done": True, "remote_host": "https://ollama.com:443"}), path="/api/chat")
        assert (await failure_of(provider.preload(MODEL))).kind is FailureKind.ENTITLEMENT


class TestALoadThatAQueryHasLeft:
    async def left(self, upstream: FakeOllama, provider: OllamaProvider) -> None:
        """A query was given up in the middle of the load that it had begun, and Ollama gave the load up."""
        asking = asyncio.ensure_future(ask(provider, MODEL))
        await until(lambda: provider.is_loading)
        asking.cancel()
        await asyncio.wait((asking,))
        await asyncio.wait_for(upstream.wait_for(lambda: upstream.aborted_loads == 1), HANG_SECONDS)

    async def test_is_taken_over_and_ends_for_the_next_one(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        await self.left(upstream, provider)
        assert provider.is_loading
        await is_being_loaded(upstream)
        let_load(upstream)
        await until(lambda: provider.is_ready(MODEL) is True)
        assert (await ask(provider, MODEL)).content == upstream.greeting
        assert (upstream.loads, loads_asked_for(upstream)) == (1, 1)

    async def test_is_not_aborted_by_the_next_one_that_leaves(
        self, upstream: FakeOllama, provider: OllamaProvider
    ) -> None:
        await self.left(upstream, provider)
        await is_being_loaded(upstream)
        asking = asyncio.ensure_future(ask(provider, MODEL))
        await asyncio.wait_for(upstream.wait_for_calls(3), HANG_SECONDS)
        asking.cancel()
        await asyncio.wait((asking,))
        let_load(upstream)
        await until(lambda: provider.is_ready(MODEL) is True)
        assert (upstream.loads, upstream.aborted_loads) == (1, 1)

    async def test_is_taken_over_however_large_the_model_is(self, upstream: FakeOllama) -> None:
        async with aclosing(OllamaProvider(base_url=upstream.base_url, silence_seconds=0.0)) as provider:
            asking = asyncio.ensure_future(ask(provider, HUGE))
            await until(lambda: provider.is_loading)
            asking.cancel()
            await asyncio.wait((asking,))
            await asyncio.wait_for(upstream.wait_for(lambda: upstream.aborted_loads == 1), HANG_SECONDS)
            await is_being_loaded(upstream, HUGE)

    async def test_and_fails_then_is_told_in_the_log_only(
        self, upstream: FakeOllama, provider: OllamaProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        asking = asyncio.ensure_future(ask(provider, MODEL))
        await until(lambda: provider.is_loading)
        upstream.fault(ollama_failures.out_of_memory())
        asking.cancel()
        await asyncio.wait((asking,))
        await until(lambda: not provider.is_loading)
        assert "a model was not loaded: server" in caplog.text

    async def test_with_the_provider_ends_with_it(self, upstream: FakeOllama, provider: OllamaProvider) -> None:
        await self.left(upstream, provider)
        await is_being_loaded(upstream)
        await provider.aclose()
        await asyncio.wait_for(upstream.wait_for(lambda: upstream.aborted_loads == 2), HANG_SECONDS)

    async def test_as_the_provider_is_closed_is_not_taken_over(
        self, upstream: FakeOllama, provider: OllamaProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        asking = asyncio.ensure_future(ask(provider, MODEL))
        await until(lambda: provider.is_loading)
        asking.cancel()
        await provider.aclose()
        await asyncio.wait((asking,))
        await asyncio.wait_for(upstream.wait_for(lambda: upstream.aborted_loads == 1), HANG_SECONDS)
        assert not provider.is_loading
        assert (loads_asked_for(upstream), caplog.messages) == (0, [])

    async def test_for_vectors_is_not_taken_over(self, provider: OllamaProvider) -> None:
        asking = asyncio.ensure_future(provider.embed(EmbeddingInput(("text",)), MODEL))
        await until(lambda: provider.is_loading)
        asking.cancel()
        await asyncio.wait((asking,))
        assert not provider.is_loading


async def test_a_query_that_waits_for_a_load_sees_its_end(upstream: FakeOllama, provider: OllamaProvider) -> None:
    is_held = asyncio.Event()
    upstream.fault(Fault.slow_headers(is_held))
    asking = asyncio.ensure_future(ask(provider, MODEL))
    await until(lambda: provider.is_loading)
    upstream.loaded[f"{MODEL}:latest"] = CONTEXT_TOKENS
    await asyncio.wait_for(upstream.wait_for(lambda: upstream.requests[-1].path == "/api/ps"), HANG_SECONDS)
    await until(lambda: not provider.is_loading)
    assert not asking.done()
    is_held.set()
    await asyncio.wait_for(asking, HANG_SECONDS)
