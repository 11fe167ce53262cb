"""What a tier's account says about it: there is no credential, there is another, the quota is about to be spent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from typing_extensions import override

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.failures import FailureKind, OpenReason, ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.model import Allowance, Backend, BreakerState, Outcome, Piece, Prompt
from ai_gateway.providers.scripted import ScriptedProvider, Step
from ai_gateway.tier import ProviderTier
from support.chains import HANG_SECONDS
from support.fake_clock import FakeClock


class Account(ScriptedProvider):
    """A provider whose account changes as a test wants it."""

    def __init__(self, *scripts: str | BaseException | list[Step]) -> None:
        super().__init__(*scripts)
        self.to_do: str | None = None
        self.version = 1
        self.left: Allowance | None = None

    @property
    @override
    def missing(self) -> str | None:
        return self.to_do

    @property
    @override
    def credential_version(self) -> object:
        return self.version

    @property
    @override
    def credential_source(self) -> str | None:
        return "a file"

    @property
    @override
    def allowance(self) -> Allowance | None:
        return self.left


def gateway_of(provider: Account, clock: FakeClock) -> Gateway:
    first = ProviderTier("a", provider, backend=Backend.COPILOT, breaker=CircuitBreaker(clock=clock))
    return Gateway([first, ProviderTier("b", ScriptedProvider("from b"))], clock=clock)


async def answered_by(gateway: Gateway) -> str:
    return (await gateway.query("hello", cache="off")).provider


async def test_a_tier_without_a_credential_is_passed_over_and_says_what_to_do(clock: FakeClock) -> None:
    provider = Account("from a")
    provider.to_do = "sign in"
    async with gateway_of(provider, clock) as gateway:
        answer = await gateway.query("hello", cache="off")
        [skipped, _] = answer.attempts
        assert (skipped.outcome, skipped.reason) == (Outcome.SKIPPED, OpenReason.NOT_CONFIGURED)
        health = await gateway.health()
        assert (health.providers[0].reason, health.providers[0].hint) == (OpenReason.NOT_CONFIGURED, "sign in")
        assert not health.copilot_available
        provider.to_do = None
        assert await answered_by(gateway) == "a"
        assert (await gateway.health()).copilot_available


@pytest.mark.parametrize(
    "kind",
    [FailureKind.AUTH, FailureKind.ENTITLEMENT, FailureKind.QUOTA, FailureKind.RATE_LIMIT, FailureKind.SIGNED_OUT],
)
async def test_another_credential_closes_a_breaker_that_waits_for_one(kind: FailureKind, clock: FakeClock) -> None:
    provider = Account(ProviderFailure(kind, "no"), "from a")
    async with gateway_of(provider, clock) as gateway:
        assert await answered_by(gateway) == "b"
        assert await answered_by(gateway) == "b"
        assert len(provider.prompts) == 1
        provider.version = 2
        assert await answered_by(gateway) == "a"


async def test_another_credential_helps_nobody_who_is_down(clock: FakeClock) -> None:
    provider = Account(ProviderFailure(FailureKind.OVERLOADED, "no"), "from a")
    async with gateway_of(provider, clock) as gateway:
        await answered_by(gateway)
        provider.version = 2
        assert await answered_by(gateway) == "b"


async def test_health_notices_another_credential_by_itself(clock: FakeClock) -> None:
    provider = Account(ProviderFailure(FailureKind.AUTH, "no"), "from a")
    async with gateway_of(provider, clock) as gateway:
        await answered_by(gateway)
        before = (await gateway.health()).providers[0]
        assert (before.state, before.credential) == (BreakerState.OPEN, "a file")
        provider.version = 2
        after = (await gateway.health()).providers[0]
        assert (after.state, after.last_error) == (BreakerState.CLOSED, None)


@pytest.mark.parametrize(("resets_in", "wait"), [(500.0, 500.0), (None, 3600.0)])
async def test_who_gave_the_last_of_the_quota_is_left_alone_before_it_refuses(
    resets_in: float | None, wait: float, clock: FakeClock
) -> None:
    provider = Account("from a")
    provider.left = Allowance(0.0, None if resets_in is None else clock.time() + resets_in)
    async with gateway_of(provider, clock) as gateway:
        assert await answered_by(gateway) == "a"
        found = (await gateway.health()).providers[0]
        assert (found.reason, found.retry_after_seconds) == (OpenReason.QUOTA, wait)
        assert found.last_error is not None
        assert "the last of the quota" in found.last_error
        assert found.allowance == provider.left
        clock.advance(wait)
        provider.left = Allowance(100.0)
        assert await answered_by(gateway) == "a"
        assert (await gateway.health()).providers[0].last_error is None


@pytest.mark.parametrize(
    "left", [Allowance(0.1), Allowance(0.0, may_overrun=True), Allowance(0.0, resets_at=0.0), None]
)
async def test_who_has_quota_left_goes_on(left: Allowance | None, clock: FakeClock) -> None:
    provider = Account("from a")
    provider.left = left
    async with gateway_of(provider, clock) as gateway:
        await answered_by(gateway)
        assert gateway.tiers[0].breaker.reason is None
        assert await answered_by(gateway) == "a"


async def test_the_last_of_a_quota_for_another_model_leaves_the_tier_to_its_own(clock: FakeClock) -> None:
    provider = Account("from a")
    async with gateway_of(provider, clock) as gateway:
        gateway.tiers[0].models = ["included"]
        provider.left = Allowance(0.0, clock.time() + 500)
        await gateway.query("hello", provider="a", model="costly")
        assert gateway.tiers[0].breaker.state is BreakerState.CLOSED
        await gateway.query("hello", provider="a")
        assert gateway.tiers[0].breaker.reason is OpenReason.QUOTA


class SlowAccount(Account):
    """Says nothing until it is let go."""

    def __init__(self, script: BaseException) -> None:
        super().__init__(script)
        self.is_asked, self.go_on = asyncio.Event(), asyncio.Event()

    @override
    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        self.is_asked.set()
        await self.go_on.wait()
        async with aclosing(super().stream(prompt, model)) as pieces:
            async for piece in pieces:
                yield piece


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.QUOTA, FailureKind.ENTITLEMENT])
async def test_a_late_refusal_of_the_last_credential_is_not_held_against_the_next(
    kind: FailureKind, clock: FakeClock
) -> None:
    provider = SlowAccount(ProviderFailure(kind, "no"))
    async with gateway_of(provider, clock) as gateway, asyncio.timeout(HANG_SECONDS):
        under_way = asyncio.ensure_future(answered_by(gateway))
        await provider.is_asked.wait()
        provider.version = 2
        gateway.notice_credentials()
        provider.go_on.set()
        assert await under_way == "b"
        assert gateway.tiers[0].breaker.state is BreakerState.CLOSED


async def test_what_would_be_retried_is_not_once_others_have_found_the_tier_shut(clock: FakeClock) -> None:
    provider = SlowAccount(ProviderFailure(FailureKind.AUTH, "no", mended=True))
    async with gateway_of(provider, clock) as gateway, asyncio.timeout(HANG_SECONDS):
        under_way = asyncio.ensure_future(answered_by(gateway))
        await provider.is_asked.wait()
        gateway.tiers[0].breaker.trip(OpenReason.AUTH)
        provider.go_on.set()
        assert await under_way == "b"
        assert len(provider.prompts) == 1
