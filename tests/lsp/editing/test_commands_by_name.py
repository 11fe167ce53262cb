"""Commands, by which a client that knows no requests but LSP's own can do everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ai_gateway.code_actions.kinds import KINDS
from ai_gateway.fakes import FakeCopilot, FakeOpenAI, Fault
from ai_gateway.lsp.editing.names import COMMANDS
from ai_gateway.messages.results import ExplainResult, HealthResult, ResetResult, SignInResult
from ai_gateway.messages.schema import adapter_of
from support.buffers import Editor, capable, editing, editing_alone, lines
from support.repositories import Repo, new_repo
from support.rpc import Json, running_server

URI = "file:///project/shop.py"
TEXT = "def price(item):\n    return item.price\n"
SELECTED = {"uri": URI, "range": lines(0, 1)}
WARNING, INFO = 2, 3


async def error_of(editor: Editor, name: object, *arguments: object) -> Any:
    params = {"command": name, "arguments": list(arguments)}
    return (await editor.server.request("workspace/executeCommand", params))["error"]


@pytest_asyncio.fixture
async def github() -> AsyncIterator[FakeCopilot]:
    async with FakeCopilot() as github:
        yield github


def copilot_only(github: FakeCopilot) -> dict[str, str]:
    return {
        "GITHUB_COPILOT_API_URL": github.url,
        "GITHUB_COPILOT_SERVER_URL": github.url,
        "AI_GATEWAY_ORDER": "copilot",
    }


async def test_health_is_the_same_as_by_its_method_and_is_told(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        found = await editor.command("aiGateway.health")
        message = await editor.message()
    adapter_of(HealthResult).validate_python(found)
    assert found["status"] == "ok"
    assert (message["type"], message["message"]) == (INFO, "AI Gateway: ok: openai is ready")


async def test_health_says_in_words_why_a_tier_is_out(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.rate_limited(60), times=None)
    async with editing(address, settings) as editor:
        await editor.server.request("ai/query", {"prompt": "hello"})
        await editor.command("aiGateway.health")
        message = await editor.message()
    assert message["message"] == "AI Gateway: down: openai wants no more requests for now"


@pytest.mark.parametrize("argument", [None, {}, "openai", {"provider": "openai", "cache": True}])
async def test_reset_closes_breakers_and_tells_which(
    argument: object, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.fault(Fault.status(401), times=1)
    async with editing(address, settings) as editor:
        await editor.server.request("ai/query", {"prompt": "hello"})
        done = await editor.command("aiGateway.reset", *([] if argument is None else [argument]))
        message = await editor.message()
    adapter_of(ResetResult).validate_python(done)
    assert (done["state"], done["reset"]) == ("closed", ["openai"])
    assert message["message"] == "AI Gateway: reset: openai"


async def test_the_last_answer_is_explained_in_a_document(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.reply("Paris")
    async with editing(address, settings) as editor:
        await editor.server.result("ai/query", {"prompt": "Which city?"})
        found = await editor.command("aiGateway.explainLast")
        page = await editor.page()
    adapter_of(ExplainResult).validate_python(found)
    assert found["page"] == page
    assert page.startswith("# openai (gpt-4o-mini) answered in ")


async def test_signing_in_opens_the_page_in_the_browser_and_tells_the_code(tmp_path: Path, github: FakeCopilot) -> None:
    async with editing_alone(tmp_path, copilot_only(github)) as editor:
        begun = await editor.command("aiGateway.signIn")
        message = await editor.message()
        shown = await editor.request("window/showDocument")
    adapter_of(SignInResult).validate_python(begun)
    assert shown == {"uri": begun["verification_uri"], "external": True}
    assert github.device_flow.user_code in message["message"]
    assert begun["verification_uri"] in message["message"]


async def test_the_reply_goes_before_anything_that_the_server_asks(tmp_path: Path, github: FakeCopilot) -> None:
    async with running_server(tmp_path, environ=copilot_only(github)) as server:
        await server.initialize(capabilities=capable())
        asked = server.ask("workspace/executeCommand", {"command": "aiGateway.signIn"})
        await server.notification("window/showDocument")
        assert [message["id"] for message in server.messages if "result" in message] == [asked]


async def test_an_editor_that_opens_no_pages_still_tells_the_code(tmp_path: Path, github: FakeCopilot) -> None:
    less = capable(without=("window.showDocument",))
    async with editing_alone(tmp_path, copilot_only(github), capabilities=less) as editor:
        await editor.command("aiGateway.signIn")
        assert github.device_flow.user_code in (await editor.message())["message"]


class TestDrafts:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Repo:
        repository = new_repo(tmp_path / "repository")
        repository.commit("Begin", shop__py=TEXT)
        repository.branch("rounding")
        repository.stage("shop.py", TEXT.replace("item.price\n", "round(item.price)\n"))
        return repository

    async def test_a_pull_request_opens_as_a_document(
        self, repository: Repo, address: str, settings: Json, upstream: FakeOpenAI
    ) -> None:
        repository.commit("Round prices")
        upstream.fault(Fault.status(500), times=None)
        async with editing(address, settings, folder=repository.top) as editor:
            assert await editor.command("aiGateway.draftPullRequest", {"base": "main"}) == {"status": "started"}
            page = await editor.page()
            message = await editor.message()
        assert page.startswith("# Round prices\n\n")
        assert "shop.py" in page
        assert message["type"] == WARNING
        assert message["message"].startswith("AI Gateway: no model wrote this draft: ")

    async def test_a_commit_message_opens_as_a_document(
        self, repository: Repo, address: str, settings: Json, upstream: FakeOpenAI
    ) -> None:
        async with editing(address, settings, folder=repository.top) as editor:
            started = await editor.command("aiGateway.draftCommitMessage", {"use_llm": False})
            page = await editor.page()
        assert started == {"status": "started"}
        assert "shop" in page
        assert upstream.requests == []

    async def test_what_there_is_nothing_of_to_draft_is_said(
        self, repository: Repo, address: str, settings: Json
    ) -> None:
        repository.commit("Round prices")
        async with editing(address, settings, folder=repository.top) as editor:
            await editor.command("aiGateway.draftCommitMessage")
            message = await editor.message()
        assert (message["type"], "staged" in message["message"]) == (WARNING, True)

    async def test_without_a_folder_it_says_what_is_missing(self, address: str, settings: Json) -> None:
        async with editing(address, settings) as editor:
            error = await error_of(editor, "aiGateway.draftPullRequest")
        assert (error["code"], error["data"]) == (-32602, {"field": "folder"})


async def test_a_command_that_is_nearly_right_is_told_which_was_meant(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        error = await error_of(editor, "aiGateway.explian")
    assert error["message"] == "there is no such command; did you mean 'aiGateway.explain'?"


async def test_an_action_whose_document_has_changed_since_is_refused(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        editor.retype(URI, f"# new\n{TEXT}")
        error = await error_of(editor, "aiGateway.improve", {**SELECTED, "version": 1})
    assert error["code"] == -32803
    assert "choose it again" in error["message"]


async def test_an_action_where_there_is_nothing_is_refused(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, f"\n\n\n{TEXT}")
        error = await error_of(editor, "aiGateway.improve", {"uri": URI, "range": lines(0, 1)})
        no_comment = await error_of(editor, "aiGateway.comment", {"uri": URI, "range": lines(3, 4)})
    assert error["message"] == "there is nothing here to work on; select some lines"
    assert no_comment["code"] == -32803


async def test_a_command_can_be_given_no_arguments_in_every_way(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        more: Any
        for more in ({}, {"arguments": None}, {"arguments": []}, {"arguments": [None]}, {"arguments": [{}]}):
            reply = await editor.server.result("workspace/executeCommand", {"command": "aiGateway.stop", **more})
            assert reply == {"status": "ok", "stopped": 0}


async def test_a_command_that_is_cancelled_gets_its_one_reply(tmp_path: Path, github: FakeCopilot) -> None:
    github.fault(Fault.hang(), path="/login/device/code")
    async with editing_alone(tmp_path, copilot_only(github)) as editor:
        asked = editor.server.ask("workspace/executeCommand", {"command": "aiGateway.signIn"})
        await github.wait_for(lambda: bool(github.requests))
        editor.server.notify("$/cancelRequest", {"id": asked})
        assert (await editor.server.reply_to(asked))["error"]["code"] == -32800


def test_every_kind_of_action_has_its_command() -> None:
    assert {info.command for info in KINDS.values()} <= set(COMMANDS)
    assert len(COMMANDS) == len(set(COMMANDS))
