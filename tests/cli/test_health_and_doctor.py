"""`ai-gateway health` and `ai-gateway doctor`: what is there, what is not, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
    assert "ollama pull" in shown


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


@pytest.mark.parametrize(("refusal", "advice"), [(401, "sign in again"), (404, "has no access to Copilot")])
async def test_the_doctor_tells_a_refused_copilot_token_from_a_missing_plan(
    world: World, refusal: int, advice: str
) -> None:
    if refusal == 401:
        world.copilot.oauth_tokens.clear()
    else:
        from ai_gateway.fakes import copilot_failures  # noqa: PLC0415 - only here

        world.copilot.fault(copilot_failures.not_found(), times=None, path="/copilot_internal/v2/token")
    found = await run("doctor", environ=world.environ)
    assert advice in " ".join(found.out.split())


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
    assert "https://nowhere.invalid/v1 http://127.0.0.1:9 the operating system's certificates" in " ".join(
        found.out.split()
    )
    assert "hidden" not in found.out + (await run("doctor", "--json", environ=environ)).out
