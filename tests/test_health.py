from __future__ import annotations

import os

import pytest

from ai_gateway import __version__
from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.config import load_settings
from ai_gateway.failures import FailureKind, OpenReason, ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.health import GIB, Health, HealthStatus, health_of, recommended_local_model
from ai_gateway.model import Backend, BreakerState, Delta, Finish
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import ProviderTier
from support.fake_clock import FakeClock


@pytest.fixture
def tiers(clock: FakeClock) -> list[ProviderTier]:
    return [
        ProviderTier(name, ScriptedProvider(), (f"{name}-model",), backend, CircuitBreaker(1, 60, clock=clock))
        for name, backend in (("copilot", Backend.COPILOT), ("openai", Backend.CLOUD), ("ollama", Backend.LOCAL))
    ]


def seen(
    tiers: list[ProviderTier], reachable: dict[str, bool] | None = None, *problems: str, starting: bool = False
) -> Health:
    return health_of(tiers, reachable=reachable or {}, problems=problems, starting=starting)


def available(health: Health) -> tuple[bool, bool, bool]:
    return health.copilot_available, health.cloud_available, health.local_available


def test_with_every_breaker_closed_all_is_well(tiers: list[ProviderTier]) -> None:
    health = seen(tiers)
    assert (health.status, available(health)) == (HealthStatus.OK, (True, True, True))
    assert health.circuit_state is BreakerState.CLOSED
    assert [provider.name for provider in health.providers] == ["copilot", "openai", "ollama"]


def test_an_open_breaker_takes_its_backend_away_and_says_why(tiers: list[ProviderTier], clock: FakeClock) -> None:
    tiers[0].breaker.trip(OpenReason.RATE)
    tiers[0].last_failure = ProviderFailure(FailureKind.RATE_LIMIT, "too many requests")
    clock.advance(15)
    health = seen(tiers)
    assert (health.status, available(health)) == (HealthStatus.DEGRADED, (False, True, True))
    assert health.circuit_state is BreakerState.OPEN
    copilot = health.providers[0]
    assert (copilot.state, copilot.reason, copilot.retry_after_seconds) == (BreakerState.OPEN, "rate", 45)
    assert copilot.last_error == "rate_limit: too many requests"
    assert copilot.hint is not None
    assert "copilot" in copilot.hint


def test_a_half_open_breaker_may_answer_but_all_is_not_well(tiers: list[ProviderTier], clock: FakeClock) -> None:
    tiers[0].breaker.trip()
    clock.advance(60)
    health = seen(tiers)
    assert (health.status, available(health)) == (HealthStatus.DEGRADED, (True, True, True))
    assert health.circuit_state is BreakerState.HALF_OPEN


def test_with_every_breaker_open_it_is_down(tiers: list[ProviderTier]) -> None:
    for tier in tiers:
        tier.breaker.trip()
    health = seen(tiers)
    assert (health.status, available(health)) == (HealthStatus.DOWN, (False, False, False))


def test_what_a_probe_did_not_reach_is_not_available(tiers: list[ProviderTier]) -> None:
    health = seen(tiers, {"copilot": True, "openai": False})
    assert (health.status, available(health)) == (HealthStatus.DEGRADED, (True, False, True))
    assert [provider.reachable for provider in health.providers] == [True, False, None]
    unreached = seen(tiers, dict.fromkeys(["copilot", "openai", "ollama"], False))
    assert unreached.status is HealthStatus.DOWN


def test_a_backend_is_available_through_any_of_its_providers(tiers: list[ProviderTier]) -> None:
    tiers.append(ProviderTier("groq", ScriptedProvider(), backend=Backend.CLOUD))
    tiers[1].breaker.trip()
    health = seen(tiers)
    assert (health.status, health.cloud_available) == (HealthStatus.DEGRADED, True)


def test_a_disabled_tier_is_shown_with_what_to_do_and_takes_no_part(tiers: list[ProviderTier]) -> None:
    tiers[0].disabled = "set GITHUB_COPILOT_TOKEN"
    tiers[1].breaker.trip()
    health = seen(tiers)
    assert available(health) == (False, False, True)
    assert health.circuit_state is BreakerState.OPEN
    assert (health.providers[0].reason, health.providers[0].hint) == ("not_configured", "set GITHUB_COPILOT_TOKEN")
    tiers[1].breaker.reset()
    assert seen(tiers).status is HealthStatus.OK


def test_without_any_tier_it_is_down(tiers: list[ProviderTier]) -> None:
    health = seen([])
    assert (health.status, health.circuit_state, health.providers) == (HealthStatus.DOWN, BreakerState.CLOSED, ())
    for tier in tiers:
        tier.disabled = "not now"
    assert seen(tiers).status is HealthStatus.DOWN


def test_before_the_tiers_are_known_it_is_starting() -> None:
    assert seen([], starting=True).status is HealthStatus.STARTING


def test_a_tier_without_models_names_none(tiers: list[ProviderTier]) -> None:
    tiers[0].models = ()
    assert [provider.model for provider in seen(tiers).providers] == [None, "openai-model", "ollama-model"]


def test_wrong_settings_are_told(tiers: list[ProviderTier]) -> None:
    assert seen(tiers, None, "cloud.model: empty").problems == ("cloud.model: empty",)


def test_the_process_is_this_one(tiers: list[ProviderTier]) -> None:
    process = seen(tiers).process
    assert (process.pid, process.version) == (os.getpid(), __version__)
    assert process.rss_bytes > 1024 * 1024
    assert process.uptime_seconds >= 0


@pytest.mark.parametrize(
    ("gibibytes", "model"),
    [(0.5, "llama3.2:1b"), (6.9, "llama3.2:1b"), (7, "phi3"), (13.9, "phi3"), (14, "llama3"), (30, "gpt-oss:20b")],
)
def test_the_recommended_local_model_leaves_room_in_the_machines_memory(gibibytes: float, model: str) -> None:
    assert recommended_local_model(int(gibibytes * GIB)) == model


def test_some_local_model_is_recommended_for_this_machine(tiers: list[ProviderTier]) -> None:
    assert seen(tiers).recommended_local_model


async def test_what_was_spent_today_is_told_whichever_window_spent_it(clock: FakeClock) -> None:
    def window() -> Gateway:
        return Gateway.from_settings(load_settings(file=None, environ={"AI_GATEWAY_ORDER": "local"}), clock=clock)

    async with window() as one:
        one.add_provider(
            ScriptedProvider((Delta("yes"), Finish(cost_usd=0.25))), name="paid", backend=Backend.CLOUD, priority=1
        )
        await one.query("hi")
        assert (await one.health()).spent_today_usd == 0.25
    async with window() as other:
        assert (await other.health()).spent_today_usd == 0.25


async def test_a_gateway_made_by_hand_keeps_no_count_of_what_is_spent() -> None:
    async with Gateway([ProviderTier("one", ScriptedProvider("yes"))]) as gateway:
        assert (await gateway.health()).spent_today_usd is None


def test_what_is_forced_by_hand_and_what_is_for_emergencies_is_told(tiers: list[ProviderTier]) -> None:
    tiers[0].breaker.force(BreakerState.OPEN, seconds=60)
    tiers[2].is_emergency = True
    health = seen(tiers)
    assert [provider.forced for provider in health.providers] == [BreakerState.OPEN, None, None]
    assert [provider.is_emergency for provider in health.providers] == [False, False, True]
    assert [provider.price_class for provider in health.providers] == ["included", "metered", "free"]
