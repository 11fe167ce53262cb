"""`ai-gateway health` and `ai-gateway doctor`: what is there, what is not, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeCopilot, copilot_failures
from cli.command import environment, run
from cli.conftest import World

NOWHERE = "http://127.0.0.1:9"


async def test_health_is_ok_when_every_tier_is_there(world: World) -> None:
    found = await run("health", environ=world.environ)
    assert found.code == 0
    assert "AI Gateway: ok" in found.out
    assert found.out.count("✓ there") == 3


async def test_health_in_json_has_the_names_of_the_interface(world: World) -> None:
    await world.openai.stop()
    found = json.loads((await run("health", "--json", environ=world.environ)).out)
    assert found["status"] == "degraded"
    assert (found["copilot_available"], found["cloud_available"], found["local_available"]) == (True, False, True)
    assert found["circuit_state"] == "closed"


async def test_health_fails_when_nobody_is_there(tmp_path: Path) -> None:
    found = await run("health", environ=environment(tmp_path, OLLAMA_BASE_URL=NOWHERE))
    assert found.code == 1
    assert "AI Gateway: down" in found.out
    assert "ollama serve" in " ".join(found.out.split())


async def test_the_doctor_says_where_each_setting_came_from_and_never_a_secret(world: World, tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text('[cloud]\nmodel = "gpt-4.1"\n')
    found = await run("doctor", "--config", str(config), environ={**world.environ, "FAILURE_THRESHOLD": "7"})
    shown = " ".join(found.out.split())
    assert "copilot.token set (not shown) environment: GITHUB_COPILOT_TOKEN" in shown
    assert "breaker.failure_threshold 7 environment: FAILURE_THRESHOLD" in shown
    assert "cloud.model gpt-4.1" in shown
    assert "own.toml" in shown
    assert "sk-secret" not in found.out
    assert "ghu_fake" not in found.out


async def test_the_doctor_tells_a_person_with_nothing_what_to_do_first(tmp_path: Path) -> None:
    found = await run("doctor", environ=environment(tmp_path, OLLAMA_BASE_URL=NOWHERE))
    shown = " ".join(found.out.split())
    assert found.code == 1
    assert "set GITHUB_COPILOT_TOKEN" in shown
    assert "set OPENAI_API_KEY" in shown
    assert "ai-gateway pull" in shown


async def test_the_doctor_names_a_wrong_setting_and_goes_on_with_the_rest(world: World) -> None:
    environ = {**world.environ, "OPENAI_BASE_URL": "ftp://nowhere", "AI_GATEWAY_CACHE__TTL_SECOND": "5"}
    found = await run("doctor", "--json", environ=environ)
    report = json.loads(found.out)
    problems = "\n".join(report["problems"])
    assert "openai.base_url (environment: OPENAI_BASE_URL)" in problems
    assert "did you mean 'ttl_seconds'?" in problems
    states = {provider["name"]: provider["reason"] for provider in report["health"]["providers"]}
    assert states["openai"] == "not_configured"
    assert states["copilot"] is None


def nothing(world: World) -> None:
    del world.environ["GITHUB_COPILOT_TOKEN"]


def expired(world: World) -> None:
    world.copilot.oauth_tokens.clear()


def unentitled(world: World) -> None:
    world.copilot.fault(copilot_failures.not_entitled(), times=None, path=FakeCopilot.exchange_path)


def spent(world: World) -> None:
    world.copilot.quota_percent_remaining = 0


@pytest.mark.parametrize(
    ("happened", "advice"),
    [
        (nothing, "copilot: sign in: run 'ai-gateway login'"),
        (expired, "copilot: GitHub no longer accepts the Copilot token"),
        (unentitled, "copilot: this GitHub account has no Copilot; sign up"),
        (spent, "quota"),
    ],
)
async def test_the_doctor_tells_four_kinds_of_trouble_with_copilot_apart(
    happened: Callable[[World], None], advice: str, world: World
) -> None:
    happened(world)
    found = await run("doctor", environ=world.environ)
    steps = [line for line in found.out.splitlines() if line.startswith("• copilot:")]
    assert len(steps) == 1
    assert advice in steps[0]


async def test_no_color_is_heeded(world: World) -> None:
    found = await run("doctor", environ={**world.environ, "NO_COLOR": "1", "FORCE_COLOR": ""})
    assert "\x1b[3" not in found.out


async def test_the_doctor_shows_the_way_to_each_provider_but_no_password_of_the_proxy(world: World) -> None:
    environ = {
        **world.environ,
        "OPENAI_BASE_URL": "https://nowhere.invalid/v1",
        "AI_GATEWAY_NETWORK__PROXY": "http://me:hidden@127.0.0.1:9",
    }
    found = await run("doctor", environ=environ)
    assert "https://nowhere.invalid/v1 127.0.0.1:9 the operating system's certificates" in " ".join(found.out.split())
    assert "hidden" not in found.out + (await run("doctor", "--json", environ=environ)).out
