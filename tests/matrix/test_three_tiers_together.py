"""Three tiers on real sockets, by the machine's own clock: they share the time of a query, and its size decides too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.config import load_settings
from ai_gateway.failures import FailureKind, NoTierAnswered
from ai_gateway.fakes import FakeUpstream, Fault
from ai_gateway.gateway import Gateway
from ai_gateway.model import Attempt, BreakerState, Outcome
from matrix.stage import HANG_SECONDS, WELL
from matrix.wires import COPILOT, OLLAMA, OPENAI

QUERY_SECONDS = 0.6
DEADLINE = (Outcome.FAILED, FailureKind.DEADLINE)


@asynccontextmanager
async def three_tiers() -> AsyncIterator[tuple[Gateway, Mapping[str, FakeUpstream]]]:
    """A gateway with the limits that it has by itself."""
    wires = (COPILOT, OPENAI, OLLAMA)
    async with COPILOT.fake() as copilot, OPENAI.fake() as openai, OLLAMA.fake() as ollama:
        fakes = {"copilot": copilot, "openai": openai, "ollama": ollama}
        sections = {wire.section: wire.settings(fakes[wire.name]) for wire in wires}
        loaded = load_settings(environ={}, editor={"order": [wire.section for wire in wires], **sections})
        async with Gateway.from_settings(loaded) as gateway:
            yield gateway, fakes


def told(attempts: tuple[Attempt, ...]) -> list[tuple[str, str | None]]:
    return [(attempt.outcome, attempt.reason) for attempt in attempts]


async def failing(gateway: Gateway, *, timeout_seconds: float, **pins: str) -> NoTierAnswered:
    async with asyncio.timeout(HANG_SECONDS):
        with pytest.raises(NoTierAnswered) as raised:
            await gateway.query("Say it", timeout_seconds=timeout_seconds, **pins)  # type: ignore[arg-type]  # names
    return raised.value


@pytest.mark.parametrize(
    "fault", [Fault.hang(), Fault.slow_first_token(20), Fault.trickle(0.05)], ids=["silent", "no token", "a trickle"]
)
async def test_tiers_that_are_all_too_slow_share_the_time_and_none_is_asked_after_its_end(fault: Fault) -> None:
    async with three_tiers() as (gateway, fakes):
        for fake in fakes.values():
            fake.fault(fault, times=None)
        asked_at = time.monotonic()
        error = await failing(gateway, timeout_seconds=QUERY_SECONDS)
        assert {attempt.reason for attempt in error.attempts} == {FailureKind.DEADLINE}
        asked = [request for fake in fakes.values() for request in fake.requests]
        assert fakes["copilot"].calls == 1
        assert all(request.arrived <= asked_at + QUERY_SECONDS for request in asked)
        assert all(tier.breaker.state is BreakerState.CLOSED for tier in gateway.tiers)
        for fake in fakes.values():
            await asyncio.wait_for(fake.wait_until_idle(), HANG_SECONDS)


async def test_a_slow_tier_leaves_the_next_one_time_to_answer() -> None:
    async with three_tiers() as (gateway, fakes):
        fakes["copilot"].fault(Fault.hang())
        fakes["openai"].reply(WELL)
        answer = await asyncio.wait_for(gateway.query("Say it", timeout_seconds=2.0), HANG_SECONDS)
        assert (answer.provider, answer.content) == ("openai", WELL)
        assert told(answer.attempts) == [DEADLINE, (Outcome.ANSWERED, None)]


async def test_the_only_tier_has_all_the_time_and_is_not_asked_again_after_it() -> None:
    async with three_tiers() as (gateway, fakes):
        fakes["openai"].fault(Fault.hang(), times=None)
        asked_at = SYSTEM_CLOCK.monotonic()
        error = await failing(gateway, timeout_seconds=0.3, provider="openai")
        assert told(error.attempts) == [DEADLINE]
        assert SYSTEM_CLOCK.monotonic() - asked_at >= 0.3
        assert [fake.calls for fake in fakes.values()] == [0, 1, 0]


async def test_a_wait_that_the_query_has_no_time_for_is_not_waited() -> None:
    async with three_tiers() as (gateway, fakes):
        fakes["copilot"].fault(Fault.rate_limited(2), times=None)
        fakes["openai"].reply(WELL)
        answer = await asyncio.wait_for(gateway.query("Say it", timeout_seconds=1.5), HANG_SECONDS)
        assert told(answer.attempts) == [(Outcome.FAILED, FailureKind.RATE_LIMIT), (Outcome.ANSWERED, None)]
        assert fakes["copilot"].calls == 1


async def test_a_prompt_that_is_too_long_goes_only_to_a_larger_window() -> None:
    async with COPILOT.fake() as copilot, OPENAI.fake() as openai, OLLAMA.fake() as ollama:
        wires = {COPILOT: copilot, OPENAI: openai, OLLAMA: ollama}
        windows = {COPILOT: 8000, OPENAI: 4000, OLLAMA: 32_000}
        sections = {
            wire.section: {**wire.settings(fake), "context_tokens": windows[wire]} for wire, fake in wires.items()
        }
        loaded = load_settings(environ={}, editor={"order": [wire.section for wire in wires], **sections})
        copilot.fault(COPILOT.refusals["too long"])
        ollama.reply(WELL)
        async with Gateway.from_settings(loaded) as gateway:
            answer = await asyncio.wait_for(gateway.query("Say it"), HANG_SECONDS)
        assert (answer.provider, answer.content) == ("ollama", WELL)
        assert told(answer.attempts) == [
            (Outcome.FAILED, FailureKind.CONTEXT_TOO_LONG),
            (Outcome.SKIPPED, FailureKind.CONTEXT_TOO_LONG),
            (Outcome.ANSWERED, None),
        ]
        assert openai.calls == 0
