"""`ai/signIn` and `ai/signOut`: a Copilot account of the gateway's own, or the editor's."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeCopilot, Fault
from ai_gateway.messages.results import SignInResult, SignOutResult
from ai_gateway.messages.schema import adapter_of
from support.rpc import Json, ServerProcess, running_server

REQUEST_FAILED = -32803
WARNING, INFO = 2, 3


@pytest.fixture
async def github() -> AsyncIterator[FakeCopilot]:
    async with FakeCopilot() as github:
        github.device_flow.interval_seconds = 1
        yield github


def signed_out(github: FakeCopilot) -> dict[str, str]:
    """The environment of somebody whose only tier is a Copilot that they are not signed in to."""
    return {
        "GITHUB_COPILOT_API_URL": github.url,
        "GITHUB_COPILOT_SERVER_URL": github.url,
        "AI_GATEWAY_ORDER": "copilot",
    }


async def copilot(server: ServerProcess) -> Json:
    [provider] = (await server.result("ai/health"))["providers"]
    return dict(provider)


def own_files(home: Path) -> list[Path]:
    """All that was written, but for what windows share."""
    written = (path for path in home.rglob("*") if path.is_file() and "ai-gateway" in str(path))
    return [path for path in written if not path.name.startswith("gateway.db")]


async def test_a_person_signs_in_by_a_code_and_copilot_answers(tmp_path: Path, github: FakeCopilot) -> None:
    github.device_flow.script = ["authorization_pending"]
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        await server.notification("ai/status")
        before = await copilot(server)
        refused = (await server.request("ai/query", {"prompt": "hello"}))["error"]
        begun = await server.result("ai/signIn")
        await server.notification("window/showMessage", lambda params: params["type"] == INFO)
        await server.notification("ai/status", lambda status: status["copilot_available"])
        answer = await server.result("ai/query", {"prompt": "hello"})
        after = await copilot(server)
    adapter_of(SignInResult).validate_python(begun)
    assert (before["reason"], "ai-gateway login" in before["hint"]) == ("not_configured", True)
    assert "ai-gateway login" in refused["data"]["hint"]
    assert (begun["status"], begun["user_code"]) == ("pending", github.device_flow.user_code)
    assert begun["verification_uri"].startswith(github.url)
    assert (answer["provider"], after["reason"]) == ("copilot", None)
    [kept] = own_files(tmp_path)
    assert github.device_flow.access_token in kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert github.device_flow.access_token not in json.dumps([begun, answer, after]) + server.log


async def test_a_sign_in_outlives_the_process_and_ends_with_a_sign_out(tmp_path: Path, github: FakeCopilot) -> None:
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        await server.result("ai/signIn")
        await server.notification("window/showMessage")
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        assert (await server.result("ai/query", {"prompt": "hello"}))["provider"] == "copilot"
        ended = await server.result("ai/signOut")
        await server.notification("ai/status", lambda status: not status["copilot_available"])
        assert (await copilot(server))["reason"] == "not_configured"
    adapter_of(SignOutResult).validate_python(ended)
    assert ended == {"status": "ok", "remaining": []}
    assert not any(github.device_flow.access_token in path.read_text("utf-8") for path in own_files(tmp_path))


@pytest.mark.parametrize(
    ("said", "told"), [("access_denied", "was refused in the browser"), ("expired_token", "the code expired")]
)
async def test_a_sign_in_that_fails_says_why_and_leaves_nothing(
    said: str, told: str, tmp_path: Path, github: FakeCopilot
) -> None:
    github.device_flow.script = [said]
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        await server.result("ai/signIn")
        message = await server.notification("window/showMessage", lambda params: params["type"] == WARNING)
        assert told in message["message"]
        assert (await copilot(server))["reason"] == "not_configured"
    assert own_files(tmp_path) == []


async def test_an_upstream_that_gives_no_code_is_an_error_with_its_reason(tmp_path: Path, github: FakeCopilot) -> None:
    github.fault(Fault.status(500), path="/login/device/code", times=None)
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        error = (await server.request("ai/signIn"))["error"]
    assert error["code"] == REQUEST_FAILED
    assert "gave no code to sign in with" in error["message"]


async def test_a_client_can_wait_for_the_end_of_a_sign_in(tmp_path: Path, github: FakeCopilot) -> None:
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        none_begun = (await server.request("ai/signIn", {"wait": True}))["error"]
        await server.result("ai/signIn")
        done = await server.result("ai/signIn", {"wait": True})
        answer = await server.result("ai/query", {"prompt": "hello"})
        github.device_flow.script = ["access_denied"]
        await server.result("ai/signIn")
        refused = (await server.request("ai/signIn", {"wait": True}))["error"]
    assert (none_begun["code"], none_begun["message"]) == (REQUEST_FAILED, "no sign-in was begun")
    assert (done["status"], answer["provider"]) == ("signed_in", "copilot")
    assert (refused["code"], "was refused in the browser" in refused["message"]) == (REQUEST_FAILED, True)


async def test_a_session_is_refused_where_it_would_go_to_another_host(tmp_path: Path, github: FakeCopilot) -> None:
    github.oauth_tokens.add("gho_of_the_editor")
    own = github.url.removeprefix("http://")
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        error = (await server.request("ai/signIn", {"token": "gho_of_the_editor", "host": "github.com"}))["error"]
        assert (await copilot(server))["reason"] == "not_configured"
        done = await server.result("ai/signIn", {"token": "gho_of_the_editor", "host": own})
    assert error["code"] == REQUEST_FAILED
    assert f"a token of github.com must not go to {own}" in error["message"]
    assert done["status"] == "signed_in"


async def test_a_session_that_has_ended_is_forgotten_and_nothing_else_is(tmp_path: Path, github: FakeCopilot) -> None:
    github.oauth_tokens.add("gho_of_the_editor")
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        await server.result("ai/signIn")
        await server.result("ai/signIn", {"wait": True})
        await server.result("ai/signIn", {"token": "gho_of_the_editor"})
        await server.result("ai/query", {"prompt": "hello", "cache": "off"})
        with_session = (await copilot(server))["credential"]
        await server.result("ai/signOut", {"session_only": True})
        await server.result("ai/query", {"prompt": "hello", "cache": "off"})
        after = await copilot(server)
    assert with_session == "the editor's GitHub session"
    assert (after["reason"], "editor" in after["credential"]) == (None, False)
    assert own_files(tmp_path) != []


async def test_the_editors_own_session_is_used_and_never_written(tmp_path: Path, github: FakeCopilot) -> None:
    github.oauth_tokens.add("gho_of_the_editor")
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        done = await server.result("ai/signIn", {"token": "gho_of_the_editor"})
        answer = await server.result("ai/query", {"prompt": "hello"})
        found = await copilot(server)
        await server.result("ai/signOut")
        after = await copilot(server)
    assert done == {"status": "signed_in", "user_code": None, "verification_uri": None, "expires_in_seconds": None}
    assert (answer["provider"], "editor" in found["credential"]) == ("copilot", True)
    assert after["reason"] == "not_configured"
    assert own_files(tmp_path) == []
    assert "gho_of_the_editor" not in json.dumps([done, answer, found]) + server.log


async def test_a_token_that_somebody_set_can_not_be_replaced_by_a_sign_in(tmp_path: Path, github: FakeCopilot) -> None:
    environ = {**signed_out(github), "GITHUB_COPILOT_TOKEN": "ghu_fake"}
    async with running_server(tmp_path, environ=environ) as server:
        await server.initialize()
        error = (await server.request("ai/signIn"))["error"]
        ended = await server.result("ai/signOut")
    assert "GITHUB_COPILOT_TOKEN" in error["message"]
    assert "GITHUB_COPILOT_TOKEN" in ended["remaining"][0]


async def test_the_token_of_another_editor_is_found_while_the_server_runs(tmp_path: Path, github: FakeCopilot) -> None:
    environ = {"GITHUB_COPILOT_API_URL": github.url, "AI_GATEWAY_ORDER": "copilot"}
    folder = tmp_path / "github-copilot"
    folder.mkdir()
    record = {"user": "octocat", "oauth_token": "ghu_fake", "githubAppId": "Iv1.b507a08c87ecfe98"}
    async with running_server(tmp_path, environ=environ) as server:
        await server.initialize()
        await server.notification("ai/status")
        assert (await copilot(server))["reason"] == "not_configured"
        (folder / "apps.json").write_text(json.dumps({"github.com:Iv1.b507a08c87ecfe98": record}), "utf-8")
        await server.notification("ai/status", lambda status: status["copilot_available"])
        assert (await server.result("ai/query", {"prompt": "hello"}))["provider"] == "copilot"
        assert "apps.json" in (await copilot(server))["credential"]


async def test_one_window_notices_what_another_signs_in_to_and_out_of(tmp_path: Path, github: FakeCopilot) -> None:
    environ = signed_out(github)
    async with running_server(tmp_path, environ=environ) as one, running_server(tmp_path, environ=environ) as other:
        for window in (one, other):
            await window.initialize()
            await window.notification("ai/status")
        await one.result("ai/signIn")
        for window in (one, other):
            await window.notification("ai/status", lambda status: status["copilot_available"])
        assert (await other.result("ai/query", {"prompt": "hello"}))["provider"] == "copilot"
        ended = await asyncio.gather(one.result("ai/signOut"), other.result("ai/signOut"))
        for window in (one, other):
            await window.notification("ai/status", lambda status: not status["copilot_available"])
    assert list(ended) == [{"status": "ok", "remaining": []}] * 2


@pytest.mark.parametrize("is_asked_to", [True, False])
async def test_a_pending_sign_in_keeps_no_server_from_ending(
    is_asked_to: bool, tmp_path: Path, github: FakeCopilot
) -> None:
    github.fault(Fault.hang(), times=None, path="/login/oauth/access_token")
    async with running_server(tmp_path, environ=signed_out(github)) as server:
        await server.initialize()
        await server.result("ai/signIn")
        await github.wait_for(lambda: github.requests[-1].path == "/login/oauth/access_token")
        if is_asked_to:
            await server.result("shutdown")
            server.notify("exit")
        else:
            server.signal(signal.SIGTERM)
        assert await server.exit_code() == (0 if is_asked_to else 128 + signal.SIGTERM)
    assert server.log == ""
