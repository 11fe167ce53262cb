"""A local model that has to be loaded first, as the askers of the chain see it: over real connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import NoTierAnswered, OpenReason
from ai_gateway.fakes import FakeOllama, Fault
from ai_gateway.model import Backend, BreakerState
from ai_gateway.providers.ollama.provider import OllamaProvider
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import Deadlines, ProviderTier
from support.chains import HANG_SECONDS, HELLO, watch
from support.conditions import until

MODEL = "llama3.2"
LIMIT_SECONDS = 1.0
"""Before it, Ollama has said that it loads; it is asked every second."""
SHORT = replace(HELLO, timeout_seconds=2 * LIMIT_SECONDS)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    """One that loads when it is told to."""
    async with FakeOllama(models=[MODEL], load=asyncio.Event()) as upstream:
        yield upstream


@pytest.fixture
async def tier(upstream: FakeOllama) -> AsyncIterator[ProviderTier]:
    """One that is given up soon, and asked at once whether it loads."""
    async with aclosing(OllamaProvider(base_url=upstream.base_url, silence_seconds=0.0)) as provider:
        yield ProviderTier("ollama", provider, [MODEL], Backend.LOCAL, deadlines=Deadlines(LIMIT_SECONDS))


def let_load(upstream: FakeOllama) -> None:
    assert isinstance(upstream.load, asyncio.Event)
    upstream.load.set()


async def looked(upstream: FakeOllama, times: int) -> None:
    """Wait until Ollama was asked so often what it has in memory; from the third time on, the limit is over."""
    asked = upstream.wait_for(lambda: sum(request.path == "/api/ps" for request in upstream.requests) >= times)
    await asyncio.wait_for(asked, HANG_SECONDS)


async def test_a_load_that_takes_longer_than_the_limit_is_waited_for(upstream: FakeOllama, tier: ProviderTier) -> None:
    asking = asyncio.ensure_future(watch(FailoverChain([tier])))
    await looked(upstream, 3)
    let_load(upstream)
    assert (await asking).text == upstream.greeting
    assert tier.breaker.consecutive_failures == 0


async def test_a_model_in_memory_that_says_nothing_is_not_waited_for(upstream: FakeOllama, tier: ProviderTier) -> None:
    upstream.loaded[f"{MODEL}:latest"] = upstream.default_num_ctx
    upstream.fault(Fault.hang())
    seen = await watch(FailoverChain([tier]))
    assert isinstance(seen.error, NoTierAnswered)
    assert [attempt.reason for attempt in seen.error.attempts] == ["timeout"]


async def test_a_model_that_says_nothing_once_it_is_loaded_is_given_up(
    upstream: FakeOllama, tier: ProviderTier
) -> None:
    upstream.fault(Fault.hang())
    asking = asyncio.ensure_future(watch(FailoverChain([tier])))
    await until(lambda: tier.provider.is_loading)
    upstream.loaded[f"{MODEL}:latest"] = upstream.default_num_ctx
    seen = await asking
    assert isinstance(seen.error, NoTierAnswered)
    assert [attempt.reason for attempt in seen.error.attempts] == ["timeout"]


class TestAQueryThatEndsBeforeTheLoad:
    async def test_says_so_and_the_tier_is_left_alone_for_a_moment(self, tier: ProviderTier) -> None:
        seen = await watch(FailoverChain([tier]), SHORT)
        assert isinstance(seen.error, NoTierAnswered)
        assert [attempt.reason for attempt in seen.error.attempts] == ["loading"]
        assert "loading its model" in seen.error.hint
        assert (tier.breaker.state, tier.breaker.reason) == (BreakerState.OPEN, OpenReason.LOADING)
        assert 0 < (seen.error.retry_after_seconds or 0) <= 5

    async def test_leaves_the_load_to_the_next(self, upstream: FakeOllama, tier: ProviderTier) -> None:
        chain = FailoverChain([tier])
        await watch(chain, SHORT)
        await asyncio.wait_for(upstream.wait_for(lambda: upstream.aborted_loads == 1), HANG_SECONDS)
        await asyncio.wait_for(upstream.wait_for(lambda: upstream.loading is not None), HANG_SECONDS)
        asking = asyncio.ensure_future(watch(chain))
        let_load(upstream)
        assert (await asking).text == upstream.greeting
        assert upstream.loads == 1
        assert tier.breaker.state is BreakerState.CLOSED

    async def test_gives_the_rest_of_its_time_to_those_who_follow(
        self, upstream: FakeOllama, tier: ProviderTier
    ) -> None:
        other = ProviderTier("openai", ScriptedProvider("Hello"))
        seen = await watch(FailoverChain([tier, other]), SHORT)
        assert [(attempt.provider, attempt.reason) for attempt in seen.answer.attempts] == [
            ("ollama", "loading"),
            ("openai", None),
        ]
        let_load(upstream)
        await until(lambda: tier.provider.is_ready(MODEL) is True)
