"""`ai/status`: pushed when something changed, and when time alone changes something."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.fakes import FakeOllama, FakeOpenAI, Fault
from ai_gateway.gateway import Gateway
from ai_gateway.health import Health
from ai_gateway.lsp.status import StatusPublisher
from ai_gateway.messages.results import HealthSummary
from ai_gateway.messages.schema import adapter_of
from ai_gateway.model import Backend, BreakerState
from ai_gateway.providers.ollama.provider import OllamaProvider
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import ProviderTier
from support.fake_clock import FakeClock
from support.rpc import HANG_SECONDS, running_server


class StandingClock(FakeClock):
    """A clock on which a sleep ends only when the time is moved."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        self.slept.append(seconds)
        while self.monotonic() < until:
            await self._moved.wait()

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._moved.set()
        self._moved = asyncio.Event()


class Published:
    """What was published."""

    def __init__(self) -> None:
        self.all: list[Health] = []
        self._one_more = asyncio.Event()

    def __call__(self, health: Health) -> None:
        self.all.append(health)
        self._one_more.set()

    async def next(self) -> Health:
        async with asyncio.timeout(HANG_SECONDS):
            await self._one_more.wait()
        self._one_more.clear()
        return self.all[-1]


async def turns(count: int = 10) -> None:
    """Let everything run that is ready to."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_breaker_that_reopens_by_itself_is_told_of_at_that_time() -> None:
    clock, published = StandingClock(), Published()
    tiers = [
        ProviderTier(name, ScriptedProvider(), breaker=CircuitBreaker(recovery_timeout=seconds, clock=clock))
        for name, seconds in (("slow", 90.0), ("quick", 30.0))
    ]
    gateway = Gateway(tiers, clock=clock)
    publishing = asyncio.ensure_future(StatusPublisher(gateway, published, clock).run())
    assert (await published.next()).status == "ok"
    for tier in tiers:
        tier.breaker.trip()
    assert (await published.next()).status == "down"
    await turns()
    assert clock.slept[-1] == 30.0
    clock.advance(30.0)
    states = [provider.state for provider in (await published.next()).providers]
    assert states == [BreakerState.OPEN, BreakerState.HALF_OPEN]
    await turns()
    assert clock.slept[-1] == 60.0
    publishing.cancel()


async def test_changes_at_the_same_moment_are_told_together() -> None:
    clock, published = StandingClock(), Published()
    tiers = [ProviderTier(str(i), ScriptedProvider(), breaker=CircuitBreaker(clock=clock)) for i in range(3)]
    gateway = Gateway(tiers, clock=clock)
    publishing = asyncio.ensure_future(StatusPublisher(gateway, published, clock).run())
    await published.next()
    for tier in tiers:
        tier.breaker.trip()
    await turns()
    assert len(published.all) == 2
    publishing.cancel()


async def test_nothing_is_told_while_nothing_changes() -> None:
    clock, published = StandingClock(), Published()
    gateway = Gateway([ProviderTier("one", ScriptedProvider())], clock=clock)
    publishing = asyncio.ensure_future(StatusPublisher(gateway, published, clock).run())
    await turns()
    clock.advance(24 * 3600)
    await turns()
    assert len(published.all) == 1
    assert clock.slept == []
    publishing.cancel()


async def test_a_client_is_told_when_the_gateway_is_ready_and_at_every_transition(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.status(500), times=2)
    environ = {**cloud, "FAILURE_THRESHOLD": "1", "RECOVERY_TIMEOUT": "0.2"}
    async with running_server(tmp_path, environ=environ) as server:
        await server.initialize()
        ready = await server.notification("ai/status")
        await server.request("ai/query", {"prompt": "hello"})
        opened = await server.notification("ai/status", lambda status: status["circuit_state"] == "open")
        reopened = await server.notification("ai/status", lambda status: status["circuit_state"] == "half_open")
        await server.result("ai/query", {"prompt": "hello"})
        closed = await server.notification("ai/status", lambda status: status["circuit_state"] == "closed")
    for status in (ready, opened, reopened, closed):
        adapter_of(HealthSummary).validate_python(status)
    assert [status["status"] for status in (ready, opened, reopened, closed)] == ["ok", "down", "degraded", "ok"]
    assert opened["providers"][0]["reason"] == "outage"


@pytest.mark.parametrize("private", [True, False])
async def test_a_client_is_told_whether_everything_is_private(
    tmp_path: Path, cloud: dict[str, str], private: bool
) -> None:
    environ = {**cloud, "AI_GATEWAY_PRIVACY__PRIVATE": str(private).lower()}
    async with running_server(tmp_path, environ=environ) as server:
        await server.initialize()
        assert (await server.notification("ai/status"))["private"] is private


async def test_a_client_is_told_a_moment_after_a_query_has_ended_as_there_is_more_to_look_back_at(
    tmp_path: Path, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.notification("ai/status")
        await server.result("ai/query", {"prompt": "hello"})
        await server.notification("ai/status")
        assert len((await server.result("ai/history"))["queries"]) == 1


async def test_it_is_told_that_a_query_waits_for_a_model_to_be_loaded_and_when_it_is() -> None:
    load, told = asyncio.Event(), asyncio.Event()
    async with (
        FakeOllama(models=["llama3.2"], load=load) as upstream,
        aclosing(OllamaProvider(base_url=upstream.base_url, silence_seconds=0.0)) as provider,
    ):
        gateway = Gateway([ProviderTier("ollama", provider, ["llama3.2"], Backend.LOCAL)])
        gateway.on_change = told.set
        asking = asyncio.ensure_future(gateway.query("hello"))
        await noticed(gateway, told)
        assert (await gateway.health()).providers[0].is_loading
        told.clear()
        load.set()
        await asking
        await noticed(gateway, told)
        assert not (await gateway.health()).providers[0].is_loading
        await gateway.aclose()


async def noticed(gateway: Gateway, told: asyncio.Event) -> None:
    """Look around as the publisher does from time to time, until there is something to tell."""
    async with asyncio.timeout(HANG_SECONDS):
        while not told.is_set():
            await gateway.refresh()
            await asyncio.sleep(0)
