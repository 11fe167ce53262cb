"""Settings from the editor and from the workspace, at the start and while running."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ai_gateway.fakes import FakeOpenAI
from support.rpc import SERVER, Json, ServerProcess, running_server

PULLS = {"workspace": {"configuration": True}}
WARNING = 2


async def asked_for_settings(server: ServerProcess) -> Json:
    asked = await server.wait_for(lambda message: message.get("method") == "workspace/configuration")
    assert asked["params"] == {"items": [{"section": "aiGateway"}]}
    return asked


def answer(server: ServerProcess, asked: Json, result: Any) -> None:
    server.send({"jsonrpc": "2.0", "id": asked["id"], "result": result})


async def test_the_editors_options_reach_the_gateway(tmp_path: Path, upstream: FakeOpenAI) -> None:
    options = {"order": ["cloud"], "openai": {"base_url": upstream.base_url, "api_key": "key-of-the-editor"}}
    async with running_server(tmp_path) as server:
        await server.initialize(options)
        await server.result("ai/query", {"prompt": "hello"})
    assert upstream.requests[-1].bearer == "key-of-the-editor"


async def test_what_the_editor_sets_later_takes_the_place_of_its_options_for_all_that_it_asks_from_then_on(
    tmp_path: Path, upstream: FakeOpenAI
) -> None:
    own = {"base_url": upstream.base_url}
    address = {"order": ["cloud"], "openai": own}
    async with running_server(tmp_path) as server:
        await server.initialize({**address, "cloud": {"model": "gpt-4.1"}})
        await server.notification("ai/status")
        server.notify("ai/settings", {**address, "openai": {**own, "apiKey": "key-of-the-editor"}})
        result = await server.result("ai/query", {"prompt": "hello"})
        pid = (await server.result("ai/health"))["process"]["pid"]
    assert upstream.requests[-1].bearer == "key-of-the-editor"
    assert (result["model"], pid) == ("gpt-4o-mini", server.pid)


async def test_settings_that_come_before_the_gateway_is_open_hold_as_well(tmp_path: Path, upstream: FakeOpenAI) -> None:
    async with running_server(tmp_path) as server:
        await server.result("initialize", {"processId": None, "capabilities": {}})
        server.notify("ai/settings", {"order": ["cloud"], "openai": {"base_url": upstream.base_url, "api_key": "k"}})
        server.notify("initialized", {})
        assert (await server.result("ai/query", {"prompt": "hello"}))["provider"] == "openai"


async def test_no_value_that_the_editor_sets_is_logged_or_told_and_what_is_wrong_with_one_is(
    tmp_path: Path, upstream: FakeOpenAI
) -> None:
    key, wrong = "sk-key-of-a-person", "sk-wrong\nkey-of-a-person"
    own = {"base_url": upstream.base_url, "api_key": key}
    command = (*SERVER, "--log-level", "debug")
    async with running_server(tmp_path, command=command, environ={"AI_GATEWAY_ORDER": "cloud"}) as server:
        await server.initialize()
        await server.notification("ai/status")
        server.notify("ai/settings", {"openai": own, "gemini": {"api_key": wrong}})
        told = await server.notification("window/showMessage")
        health = await server.result("ai/health")
        await server.result("shutdown")
        server.notify("exit")
        await server.exit_code()
    assert "gemini.api_key (the editor)" in told["message"]
    assert "key-of-a-person" not in server.log + json.dumps([told, health, server.messages])


async def test_settings_that_are_no_object_are_ignored_without_a_word_of_them(
    tmp_path: Path, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize({"cloud": {"model": "gpt-4.1"}})
        server.notify("ai/settings", ["sk-key", "of-a-person"])
        assert (await server.result("ai/query", {"prompt": "hello"}))["model"] == "gpt-4.1"
        await server.result("shutdown")
        server.notify("exit")
        await server.exit_code()
    assert "ai/settings was ignored" in server.log
    assert "of-a-person" not in server.log


async def test_the_workspace_is_asked_at_the_start_and_after_each_change_without_a_restart(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize(capabilities=PULLS)
        answer(server, await asked_for_settings(server), [{"cloud": {"model": "gpt-4.1"}}])
        first = await server.result("ai/query", {"prompt": "hello", "cache": "off"})
        await server.notification("ai/status")
        server.notify("workspace/didChangeConfiguration", {"settings": None})
        answer(server, await asked_for_settings(server), [{"cloud": {"model": "gpt-4.1-mini"}}])
        await server.notification("ai/status")
        second = await server.result("ai/query", {"prompt": "hello", "cache": "off"})
        pid = (await server.result("ai/health"))["process"]["pid"]
    assert [request.json["model"] for request in upstream.requests] == ["gpt-4.1", "gpt-4.1-mini"]
    assert (first["model"], second["model"], pid) == ("gpt-4.1", "gpt-4.1-mini", server.pid)


FOLDERS = [{"uri": "file:///one", "name": "one"}, {"uri": "file:///two", "name": "two"}]


async def test_each_folder_is_asked_and_none_of_them_can_undo_what_another_tightens(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    first = {"cloud": {"model": "gpt-4.1"}, "privacy": {"privatePaths": ["*.pem"]}}
    second = {"cloud": {"model": "gpt-4.1-mini"}, "privacy": {"privatePaths": ["*.key"], "private": False}}
    async with running_server(tmp_path, environ=cloud) as server:
        params = {"processId": None, "capabilities": PULLS, "workspaceFolders": FOLDERS}
        await server.result("initialize", params)
        server.notify("initialized", {})
        asked = await server.wait_for(lambda message: message.get("method") == "workspace/configuration")
        scopes = [item["scopeUri"] for item in asked["params"]["items"]]
        answer(server, asked, [first, second])
        told = await server.notification("window/showMessage")
        await server.result("ai/query", {"prompt": "hello"})
        refusals = [
            (await server.request("ai/query", {"prompt": "hello", "paths": [path]}))["error"]["data"]["attempts"]
            for path in ("/one/a.key", "/two/a.pem")
        ]
    assert scopes == [folder["uri"] for folder in FOLDERS]
    assert upstream.requests[-1].json["model"] == "gpt-4.1"
    assert upstream.calls == 1
    assert [attempt["reason"] for [attempt] in refusals] == ["private", "private"]
    assert "cloud.model" in told["message"]
    assert "disagree" in told["message"]
    assert "privacy.private" in told["message"]


async def test_other_folders_bring_other_settings_without_a_restart(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize(capabilities=PULLS)
        answer(server, await asked_for_settings(server), [None])
        await server.notification("ai/status")
        server.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": FOLDERS[:1], "removed": []}})
        asked = await server.wait_for(lambda message: message.get("method") == "workspace/configuration")
        answer(server, asked, [{"cloud": {"model": "gpt-4.1"}}])
        await server.notification("ai/status")
        await server.result("ai/query", {"prompt": "hello"})
    assert upstream.requests[-1].json["model"] == "gpt-4.1"


async def test_a_client_that_can_not_be_asked_may_push_its_settings(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.notification("ai/status")
        server.notify("workspace/didChangeConfiguration", {"settings": {"aiGateway": {"cloud": {"model": "gpt-4.1"}}}})
        await server.notification("ai/status")
        await server.result("ai/query", {"prompt": "hello"})
    assert upstream.requests[-1].json["model"] == "gpt-4.1"


async def test_the_server_registers_for_changes_where_that_takes_registering(tmp_path: Path) -> None:
    capabilities = {"workspace": {"didChangeConfiguration": {"dynamicRegistration": True}}}
    async with running_server(tmp_path) as server:
        await server.initialize(capabilities=capabilities)
        registered = await server.notification("client/registerCapability")
    [registration] = registered["registrations"]
    assert registration["method"] == "workspace/didChangeConfiguration"
    assert registration["registerOptions"] == {"section": "aiGateway"}


async def test_wrong_settings_are_told_once_and_stay_in_health_and_the_server_works(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    environ = {**cloud, "FAILURE_THRESHOLD": "many"}
    async with running_server(tmp_path, environ=environ) as server:
        await server.initialize({"cloud": {"modle": "x"}})
        told = await server.notification("window/showMessage")
        await server.notification("ai/status")
        server.notify("workspace/didChangeConfiguration", {"settings": {}})
        await server.notification("ai/status")
        assert not [message for message in await server.synchronized() if message.get("method") == "window/showMessage"]
        health = await server.result("ai/health")
        assert await server.result("ai/query", {"prompt": "hello"})
    assert told["type"] == WARNING
    for part in ("breaker.failure_threshold", "FAILURE_THRESHOLD", "cloud.modle", "editor", "model"):
        assert part in told["message"]
    assert len(health["problems"]) == 2
    assert upstream.calls == 1


async def test_a_workspace_may_not_set_where_prompts_go(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize(capabilities=PULLS)
        answer(server, await asked_for_settings(server), [{"openai": {"base_url": "http://127.0.0.1:9/v1"}}])
        assert "openai.base_url" in (await server.notification("window/showMessage"))["message"]
        assert await server.result("ai/query", {"prompt": "hello"})
    assert upstream.calls == 1


async def test_an_answer_that_is_an_error_or_nonsense_leaves_the_settings_as_they_were(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize(capabilities=PULLS)
        answer(server, await asked_for_settings(server), [{"cloud": {"model": "gpt-4.1"}}])
        await server.notification("ai/status")
        for reply in ({"error": {"code": -1, "message": "no"}}, {"result": 5}, {"result": None}, {"error": 5}):
            server.notify("workspace/didChangeConfiguration", {"settings": None})
            asked = await asked_for_settings(server)
            server.send({"jsonrpc": "2.0", "id": asked["id"], **reply})
            await server.notification("ai/status")
        await server.result("ai/query", {"prompt": "hello"})
    assert upstream.requests[-1].json["model"] == "gpt-4.1"


async def test_the_client_is_told_when_a_question_to_it_is_given_up_and_its_late_answer_is_ignored(
    tmp_path: Path,
) -> None:
    async with running_server(tmp_path) as server:
        await server.initialize(capabilities=PULLS)
        asked = await asked_for_settings(server)
        shutdown = server.ask("shutdown")
        assert await server.notification("$/cancelRequest") == {"id": asked["id"]}
        answer(server, asked, [None])
        assert (await server.reply_to(shutdown))["result"] is None
        server.notify("exit")
        assert await server.exit_code() == 0
        assert server.messages == []
        assert "incident" not in server.log


async def test_a_client_that_never_says_what_its_settings_are_is_served_without(
    tmp_path: Path, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize(capabilities=PULLS)
        assert await server.result("ai/query", {"prompt": "hello"})
        assert await server.notification("$/cancelRequest")
