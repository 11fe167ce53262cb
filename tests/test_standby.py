"""Warm standby: the local model is loaded ahead when others fail, if the person allows it, and the status is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import ClassVar

import pytest
from typing_extensions import override

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.failures import FailureKind, OpenReason, ProviderFailure
from ai_gateway.fakes import FakeOllama, ollama_failures
from ai_gateway.model import Backend, BreakerState
from ai_gateway.providers.ollama.provider import OllamaProvider
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.standby import REST_SECONDS, WarmStandby
from ai_gateway.tier import ProviderTier
from support.chains import HANG_SECONDS
from support.fake_clock import FakeClock

MODEL = "llama3.2"


class Status:
    """What the standby's owner is told, and sees then."""

    def __init__(self, tier: ProviderTier) -> None:
        self.tier = tier
        self.seen: list[str] = []
        self._told = asyncio.Semaphore(0)

    def note(self) -> None:
        provider = self.tier.provider
        self.seen.append("loading" if provider.is_loading else "ready" if provider.is_ready(MODEL) else "not ready")
        self._told.release()

    async def told(self, times: int = 1) -> list[str]:
        """What was told, once it was told so often."""
        async with asyncio.timeout(HANG_SECONDS):
            for _ in range(times):
                await self._told.acquire()
        return self.seen


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(models=[MODEL, "other"]) as upstream:
        yield upstream


@pytest.fixture
async def tier(upstream: FakeOllama, clock: FakeClock) -> AsyncIterator[ProviderTier]:
    async with aclosing(OllamaProvider(base_url=upstream.base_url)) as provider:
        yield ProviderTier("ollama", provider, [MODEL], Backend.LOCAL, CircuitBreaker(clock=clock))


@pytest.fixture
def status(tier: ProviderTier) -> Status:
    return Status(tier)


@pytest.fixture
async def standby(clock: FakeClock, status: Status) -> AsyncIterator[WarmStandby]:
    async with aclosing(WarmStandby(allowed=True, clock=clock, on_change=status.note)) as standby:
        yield standby


def calls(upstream: FakeOllama) -> list[str]:
    return [str(request.json["model"]) for request in upstream.requests if request.path == "/api/chat"]


async def turns() -> None:
    """Let everything happen that would happen by itself, but for what a network takes."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_when_others_fail_the_local_model_is_loaded_and_the_status_told_at_both_ends(
    upstream: FakeOllama, tier: ProviderTier, standby: WarmStandby, status: Status
) -> None:
    standby.degraded([tier])
    assert await status.told(2) == ["loading", "ready"]
    assert list(upstream.loaded) == [f"{MODEL}:latest"]
    assert standby.problem_of(tier) is None


async def test_only_local_tiers_are_asked(tier: ProviderTier, standby: WarmStandby, status: Status) -> None:
    tier.backend = Backend.CLOUD
    standby.degraded([tier])
    await turns()
    assert (status.seen, tier.provider.is_loading) == ([], False)


async def test_nothing_happens_without_leave(tier: ProviderTier, standby: WarmStandby, status: Status) -> None:
    standby.allowed = False
    standby.degraded([tier])
    await turns()
    assert (status.seen, tier.provider.is_loading) == ([], False)


@pytest.mark.parametrize("why", ["not configured", "no model", "open"])
async def test_a_tier_that_could_not_answer_is_left_alone(
    why: str, tier: ProviderTier, standby: WarmStandby, status: Status
) -> None:
    if why == "not configured":
        tier.disabled = "install Ollama"
    elif why == "no model":
        tier.models = ()
    else:
        tier.breaker.trip()
    standby.degraded([tier])
    await turns()
    assert (status.seen, tier.provider.is_loading) == ([], False)


async def test_many_failures_load_once(
    upstream: FakeOllama, tier: ProviderTier, standby: WarmStandby, status: Status, clock: FakeClock
) -> None:
    upstream.load = load = asyncio.Event()
    standby.degraded([tier])
    await status.told()
    clock.advance(REST_SECONDS)
    standby.degraded([tier])
    load.set()
    await status.told()
    clock.advance(-1)
    standby.degraded([tier])
    await turns()
    assert (calls(upstream), tier.provider.is_loading) == ([MODEL], False)


async def test_a_model_is_kept_in_memory_while_others_go_on_failing_and_nobody_is_told(
    upstream: FakeOllama, tier: ProviderTier, standby: WarmStandby, status: Status, clock: FakeClock
) -> None:
    standby.degraded([tier])
    await status.told(2)
    clock.advance(REST_SECONDS)
    standby.degraded([tier])
    assert await status.told() == ["loading", "ready", "ready"]
    assert calls(upstream) == [MODEL, MODEL]
    assert upstream.loads == 1


async def test_another_model_is_loaded_at_once(
    upstream: FakeOllama, tier: ProviderTier, standby: WarmStandby, status: Status
) -> None:
    standby.degraded([tier])
    await status.told(2)
    tier.models = ["other"]
    standby.degraded([tier])
    await status.told(2)
    assert calls(upstream) == [MODEL, "other"]


async def test_why_a_model_was_not_loaded_is_remembered_until_it_is(
    upstream: FakeOllama, tier: ProviderTier, standby: WarmStandby, status: Status, clock: FakeClock
) -> None:
    upstream.fault(ollama_failures.out_of_memory())
    standby.degraded([tier])
    assert await status.told(2) == ["loading", "not ready"]
    problem = standby.problem_of(tier)
    assert problem is not None
    assert problem.startswith(f"{MODEL} was not loaded ahead: ")
    assert "smaller" in problem
    clock.advance(REST_SECONDS)
    standby.degraded([tier])
    await status.told(2)
    assert standby.problem_of(tier) is None


async def test_a_provider_that_breaks_down_is_a_problem_and_no_more(clock: FakeClock) -> None:
    class Broken(ScriptedProvider):
        @override
        async def preload(self, model: str) -> None:
            raise ValueError("my secret")

    tier = ProviderTier("mine", Broken(), [MODEL], Backend.LOCAL)
    status = Status(tier)
    async with aclosing(WarmStandby(allowed=True, clock=clock, on_change=status.note)) as standby:
        standby.degraded([tier])
        await status.told(2)
        problem = standby.problem_of(tier)
    assert problem is not None
    assert "ValueError" in problem
    assert "secret" not in problem


async def test_a_provider_that_has_nothing_to_load_is_no_problem(clock: FakeClock) -> None:
    tier = ProviderTier("mine", ScriptedProvider("Hello"), [MODEL], Backend.LOCAL)
    async with aclosing(WarmStandby(allowed=True, clock=clock)) as standby:
        standby.degraded([tier])
        await turns()
        assert standby.problem_of(tier) is None


class TestALoadThatAQueryHasLeft:
    async def test_is_followed_to_its_end_without_leave(
        self, upstream: FakeOllama, tier: ProviderTier, standby: WarmStandby, status: Status
    ) -> None:
        standby.allowed = False
        standby.follow(tier, MODEL)
        assert await status.told(2) == ["loading", "ready"]
        assert upstream.loads == 1

    async def test_is_followed_once(
        self, upstream: FakeOllama, tier: ProviderTier, standby: WarmStandby, status: Status
    ) -> None:
        upstream.load = load = asyncio.Event()
        for _ in range(3):
            standby.follow(tier, MODEL)
        await status.told()
        load.set()
        await status.told()
        await turns()
        assert status.seen == ["loading", "ready"]


@pytest.mark.parametrize("begin", [lambda standby, tier: standby.degraded([tier]), lambda s, t: s.follow(t, MODEL)])
async def test_once_closed_it_tells_nothing_and_begins_nothing(
    begin: Callable[[WarmStandby, ProviderTier], None],
    clock: FakeClock,
) -> None:
    class Waiting(ScriptedProvider):
        asked_for: ClassVar[list[str]] = []

        @override
        async def preload(self, model: str) -> None:
            self.asked_for.append(model)
            await asyncio.Event().wait()

    first, second = (ProviderTier(name, Waiting(), [MODEL], Backend.LOCAL) for name in ("first", "second"))
    status = Status(first)
    async with aclosing(WarmStandby(allowed=True, clock=clock, on_change=status.note)) as standby:
        begin(standby, first)
        await status.told()
    begin(standby, second)
    await turns()
    assert (len(status.seen), Waiting.asked_for) == (1, [MODEL])


async def test_a_tier_that_was_left_out_as_it_loaded_is_back_once_it_has_loaded(
    tier: ProviderTier, standby: WarmStandby, status: Status
) -> None:
    tier.breaker.trip(OpenReason.LOADING, open_seconds=5)
    tier.last_failure = ProviderFailure(FailureKind.LOADING, "as the test wants it")
    standby.follow(tier, MODEL)
    await status.told(2)
    assert tier.breaker.state is BreakerState.CLOSED
    assert tier.hint is None
