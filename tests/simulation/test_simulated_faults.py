"""The simulated upstreams, and their faults: whatever is set, the gateway asks them and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from ai_gateway.chain import final_answer
from ai_gateway.failures import InvalidQuery
from ai_gateway.gateway import Gateway
from ai_gateway.model import BreakerState, Outcome
from ai_gateway.options import query_of
from ai_gateway.providers.network import is_loopback
from ai_gateway.simulation.simulation import Simulation
from support.rpc import HANG_SECONDS

ELSEWHERE = "https://api.example.com/v1"
EVERYTHING: Mapping[str, object] = {
    "order": ["anthropic", "cloud", "groq", "gemini", "azure"],
    "emergency": "anthropic",
    "copilot": {"token": "ghu_real", "serverUrl": ELSEWHERE, "api_url": ELSEWHERE, "chat_url": ELSEWHERE},
    "cloud": {"provider": "anthropic"},
    "openai": {"api_key": "sk-real", "base_url": ELSEWHERE},
    "anthropic": {"api_key": "sk-ant-real", "base_url": ELSEWHERE},
    "gemini": {"api_key": "AIza-real"},
    "azure": {"endpoint": ELSEWHERE, "api_key": "real", "model": "gpt"},
    "local": {"base_url": ELSEWHERE},
    "services": {"groq": {"base_url": ELSEWHERE, "model": "llama", "api_key": "gsk-real"}},
    "escalation": {"model": "gpt-5"},
    "store": {"enabled": True, "redis_url": "redis://api.example.com"},
    "telemetry": {"otel": True},
    "network": {"proxy": ELSEWHERE},
}
REASONS = {
    "rate_limited": "rate_limit",
    "quota": "quota",
    "down": "network",
    "broken_off": "stream_broken",
    "signed_out": "auth",
}
OPEN_SECONDS = {"rate_limited": 20, "down": 10, "broken_off": 10}


@pytest.fixture
async def simulation() -> AsyncIterator[Simulation]:
    simulation = await Simulation.start(seconds_between_words=0.0)
    yield simulation
    await simulation.aclose()


@asynccontextmanager
async def gateway_of(
    simulation: Simulation, editor: Mapping[str, object] | None = None, *workspaces: Mapping[str, object]
) -> AsyncIterator[Gateway]:
    async with Gateway.from_settings(simulation.load(editor, workspaces)) as gateway:
        await gateway.sign_in(simulation.token)
        yield gateway


@pytest.fixture
async def gateway(
    simulation: Simulation, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Gateway]:
    home = str(tmp_path_factory.mktemp("home"))
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, home)
    async with gateway_of(simulation) as gateway:
        yield gateway


async def outcomes(gateway: Gateway, prompt: str = "hello") -> list[tuple[str, str | None]]:
    answer = await gateway.query(prompt)
    return [(attempt.provider, attempt.reason) for attempt in answer.attempts]


def states(gateway: Gateway) -> list[BreakerState]:
    return [tier.breaker.state for tier in gateway.tiers]


async def test_whatever_an_editor_and_a_workspace_set_every_address_is_one_of_the_simulation(
    simulation: Simulation,
) -> None:
    async with gateway_of(simulation, EVERYTHING, EVERYTHING) as gateway:
        addresses = {tier.name: urlsplit(tier.base_url or "").netloc for tier in gateway.tiers}
        own = simulation.upstreams
        assert addresses == {
            name: urlsplit(upstream.url).netloc
            for name, upstream in (("copilot", own.copilot), ("openai", own.openai), ("ollama", own.ollama))
        }
        assert gateway.store is None
        assert gateway.settings is not None
        settings = gateway.settings.settings
        for address in (settings.copilot.server_url, settings.copilot.rest_url, settings.copilot.chat_url):
            assert is_loopback(urlsplit(str(address)).hostname or "")
        assert (settings.services, settings.telemetry.otel, settings.emergency) == ({}, False, None)
        for provider in ("copilot", "openai", "ollama"):
            assert (await gateway.query("hello", provider=provider, cache=False)).provider == provider
    assert (own.copilot.calls, own.openai.calls, own.ollama.calls) == (1, 1, 1)
    credentials = {request.bearer for each in (own.copilot, own.openai, own.ollama) for request in each.requests}
    assert not any("real" in credential for credential in credentials)


@pytest.mark.parametrize("whose", ["editor", "workspace"])
async def test_what_is_harmless_of_their_settings_holds(simulation: Simulation, whose: str) -> None:
    privacy = {"privacy": {"private": True, "exclude": ["*.key"]}, "actions": {"enabled": False}}
    sources = ({}, privacy) if whose == "workspace" else (privacy,)
    async with gateway_of(simulation, *sources) as gateway:
        assert (await gateway.query("hello")).provider == "ollama"
        assert gateway.excluded("/project/a.key")
        assert gateway.settings is not None
        assert gateway.settings.settings.actions.enabled is False
    assert [simulation.upstreams.copilot.calls, simulation.upstreams.openai.calls] == [0, 0]


async def test_the_environment_and_its_files_are_not_looked_at(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_BASE_URL", "GITHUB_COPILOT_API_URL", "OLLAMA_BASE_URL", "PRIMARY_OPENAI_BASE_URL"):
        monkeypatch.setenv(name, ELSEWHERE)
    monkeypatch.setenv("AI_GATEWAY_SERVICES__GROQ__BASE_URL", ELSEWHERE)
    loaded = simulation.load(None)
    assert "example.com" not in str(loaded.settings)
    assert loaded.settings.tier_names == ("copilot", "cloud", "local")


@pytest.mark.parametrize("fault", REASONS)
@pytest.mark.parametrize("provider", ["copilot", "openai"])
async def test_a_fault_opens_the_circuit_at_once_for_its_own_time_and_the_next_tier_answers(
    provider: str, fault: str, simulation: Simulation, gateway: Gateway
) -> None:
    await simulation.break_down(gateway, provider, fault)
    if provider == "openai":
        await simulation.break_down(gateway, "copilot", "down")
    found = await outcomes(gateway)
    assert (provider, REASONS[fault]) in found
    assert found[-1] == ({"copilot": "openai", "openai": "ollama"}[provider], None)
    [breaker] = [tier.breaker for tier in gateway.tiers if tier.name == provider]
    assert breaker.state is BreakerState.OPEN
    if (seconds := OPEN_SECONDS.get(fault)) is not None:
        assert breaker.changes_in_seconds == pytest.approx(seconds, rel=0.2)


@pytest.mark.parametrize("provider", ["copilot", "openai", "ollama"])
async def test_a_slow_one_takes_the_question_and_says_nothing(
    provider: str, simulation: Simulation, gateway: Gateway
) -> None:
    upstream = {"openai": simulation.upstreams.openai, "ollama": simulation.upstreams.ollama}.get(
        provider, simulation.upstreams.copilot
    )
    await simulation.break_down(gateway, provider, "slow")
    asking = asyncio.create_task(gateway.query("hello", provider=provider))
    async with asyncio.timeout(HANG_SECONDS):
        await upstream.wait_for_calls(1)
    assert upstream.open_streams == 1
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(HANG_SECONDS):
        await upstream.wait_until_idle()


async def test_what_is_broken_off_has_been_heard_before_and_is_retracted(
    simulation: Simulation, gateway: Gateway
) -> None:
    await simulation.break_down(gateway, "copilot", "broken_off")
    events = [type(event).__name__ async for event in gateway.stream(query_of("hello"))]
    assert "Delta" in events[: events.index("Reset")]
    assert events[-1] == "Answer"


@pytest.mark.parametrize("fault", ["down", "rate_limited", "broken_off", "quota", "signed_out"])
async def test_a_fault_stays_until_it_is_taken_back_and_then_all_is_well(
    fault: str, simulation: Simulation, gateway: Gateway
) -> None:
    await simulation.break_down(gateway, "copilot", fault)
    for _ in range(3):
        gateway.reset("copilot")
        assert (await gateway.query("hello", cache=False)).provider == "openai"
    assert simulation.faults == {"copilot": fault, "openai": None, "ollama": None}
    await simulation.break_down(gateway, "copilot", None)
    if fault in {"quota", "signed_out"}:
        assert states(gateway)[0] is BreakerState.CLOSED
    gateway.reset("copilot")
    assert (await gateway.query("hello", cache=False)).provider == "copilot"
    assert simulation.faults == {"copilot": None, "openai": None, "ollama": None}


async def test_one_fault_takes_the_place_of_another(simulation: Simulation, gateway: Gateway) -> None:
    await simulation.break_down(gateway, "copilot", "down")
    await simulation.break_down(gateway, "copilot", "rate_limited")
    assert (await outcomes(gateway))[0] == ("copilot", "rate_limit")


async def test_a_question_that_was_answered_before_is_asked_again(simulation: Simulation, gateway: Gateway) -> None:
    assert await outcomes(gateway) == [("copilot", None)]
    assert (await gateway.query("hello")).cached
    await simulation.break_down(gateway, "copilot", "down")
    assert (await gateway.query("hello")).provider == "openai"


async def test_everybody_can_be_down_and_come_back(simulation: Simulation, gateway: Gateway) -> None:
    for provider in simulation.faults:
        await simulation.break_down(gateway, provider, "down")
    with pytest.raises(Exception, match="no tier") as failed:
        await gateway.query("hello")
    assert {attempt.outcome for attempt in failed.value.attempts} == {Outcome.FAILED}  # type: ignore[attr-defined]  # `NoTierAnswered` has them
    for provider in simulation.faults:
        await simulation.break_down(gateway, provider, None)
    gateway.reset()
    assert (await gateway.query("hello")).provider == "copilot"


async def test_it_can_end_while_something_is_down(simulation: Simulation, gateway: Gateway) -> None:
    await simulation.break_down(gateway, "ollama", "down")
    await simulation.aclose()
    with pytest.raises(Exception, match="no tier"):
        await gateway.query("hello")


@pytest.mark.parametrize("fault", ["quota", "signed_out", "rate_limited", "hiccups"])
async def test_a_model_on_this_machine_fails_only_as_one_can(
    fault: str, simulation: Simulation, gateway: Gateway
) -> None:
    with pytest.raises(InvalidQuery, match="ollama never fails so; it can by: down, broken_off, slow"):
        await simulation.break_down(gateway, "ollama", fault)
    assert simulation.faults["ollama"] is None


async def test_who_is_signed_out_signs_in_again_by_a_code(simulation: Simulation, gateway: Gateway) -> None:
    simulation.upstreams.copilot.device_flow.interval_seconds = 1
    for _ in range(2):
        await simulation.break_down(gateway, "copilot", "signed_out")
        assert (await gateway.query("hello")).provider == "openai"
        code = await gateway.sign_in()
        assert code is not None
        async with asyncio.timeout(HANG_SECONDS):
            await gateway.signed_in()
        answer = await final_answer(gateway.stream(query_of("hello", cache=False)))
        assert answer.provider == "copilot"
        await simulation.break_down(gateway, "copilot", None)
