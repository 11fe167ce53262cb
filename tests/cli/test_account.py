"""`ai-gateway login`, `logout` and `models`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeCopilot, copilot_failures
from cli.command import environment, run
from cli.conftest import World


def signed_out(home: Path, github: FakeCopilot) -> dict[str, str]:
    return environment(home, GITHUB_COPILOT_API_URL=github.url, GITHUB_COPILOT_SERVER_URL=github.url)


async def test_login_shows_a_code_waits_and_keeps_the_token_until_logout(tmp_path: Path) -> None:
    async with FakeCopilot() as github:
        github.device_flow.interval_seconds = 1
        environ = signed_out(tmp_path, github)
        found = await run("login", environ=environ)
        assert (found.code, found.out) == (0, "signed in\n")
        assert f"enter {github.device_flow.user_code}" in found.err
        assert github.url in found.err
        assert github.device_flow.access_token not in found.out + found.err
        answered = await run("ask", "--backend", "copilot", "hello", environ=environ)
        assert answered.code == 0
        left = await run("logout", environ=environ)
        assert (left.code, left.out) == (0, "the gateway keeps no Copilot token any more\n")
        assert (await run("ask", "--backend", "copilot", "hello", environ=environ)).code == 3


async def test_login_says_so_where_the_account_has_no_copilot(tmp_path: Path) -> None:
    async with FakeCopilot() as github:
        github.device_flow.interval_seconds = 1
        github.fault(copilot_failures.not_entitled(), times=None, path="/copilot_internal/v2/token")
        found = await run("login", "--json", environ=signed_out(tmp_path, github))
    result = json.loads(found.out)
    assert (found.code, result["status"], result["works"]) == (1, "signed_in", False)
    assert "Copilot" in result["hints"][0]


async def test_a_login_that_is_refused_says_why(tmp_path: Path) -> None:
    async with FakeCopilot() as github:
        github.device_flow.interval_seconds = 1
        github.device_flow.script = ["access_denied"]
        found = await run("login", environ=signed_out(tmp_path, github))
    assert found.code == 1
    assert "ai-gateway: the sign-in was refused in the browser" in found.err


async def test_logout_names_what_it_can_not_remove(world: World) -> None:
    found = await run("logout", "--json", environ=world.environ)
    assert "GITHUB_COPILOT_TOKEN" in json.loads(found.out)["remaining"][0]


async def test_models_lists_what_every_upstream_offers(world: World) -> None:
    found = await run("models", environ=world.environ)
    assert found.code == 0
    lines = [line.split() for line in found.out.splitlines()]
    [local] = [line for line in lines if line[:3] == ["local", "ollama", "llama3:latest"]]
    assert local[-3:] == ["asked", "by", "default"]
    assert any(line[:3] == ["cloud", "openai", "gpt-4.1"] for line in lines)
    assert any(line[0] == "copilot" for line in lines)


async def test_the_name_of_a_model_is_nothing_but_text(world: World) -> None:
    world.openai.models = ("[link=http://evil]a[/]\x1b]0;owned\x07",)
    found = await run("models", "--provider", "openai", environ=world.environ)
    assert (found.code, "[link=http://evil]a[/]]0;owned" in found.out) == (0, True)
    assert "\x1b" not in found.out


async def test_models_of_one_provider_in_json(world: World) -> None:
    found = json.loads((await run("models", "--provider", "openai", "--json", environ=world.environ)).out)
    assert {model["provider"] for model in found["models"]} == {"openai"}
    assert found["problems"] == []


@pytest.mark.parametrize(("provider", "code", "told"), [("nobody", 2, "there is: copilot"), ("openai", 1, "openai: ")])
async def test_models_that_can_not_be_listed_are_told_apart(world: World, provider: str, code: int, told: str) -> None:
    await world.openai.stop()
    found = await run("models", "--provider", provider, environ=world.environ)
    assert found.code == code
    assert told in found.err


async def test_login_does_not_call_signed_in_what_the_settings_keep_from_working(tmp_path: Path) -> None:
    async with FakeCopilot() as github:
        github.device_flow.interval_seconds = 1
        environ = {**signed_out(tmp_path, github), "AI_GATEWAY_COPILOT__MODE": "sideways"}
        found = await run("login", environ=environ)
    assert found.code == 1
    assert "mend the setting copilot.mode" in found.out
