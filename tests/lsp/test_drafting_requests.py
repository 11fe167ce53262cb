"""`ai/pullRequest` and `ai/commitMessage`, over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.messages.results import CommitMessageResult, PullRequestResult
from ai_gateway.messages.schema import adapter_of
from support.listener import connected
from support.repositories import Repo, repo_with_topic
from support.rpc import Json, RpcClient

INVALID_PARAMS, REQUEST_FAILED, CANCELLED = -32602, -32803, -32800


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = repo_with_topic(tmp_path / "repo")
    repo.stage("staged.py", "3\n")
    return repo


@asynccontextmanager
async def opened(address: str, settings: Json, *folders: Path) -> AsyncIterator[RpcClient]:
    """A client with these folders as its workspace, for the length of a block."""
    workspace = [{"uri": folder.as_uri(), "name": folder.name} for folder in folders]
    params = {"processId": None, "capabilities": {}, "initializationOptions": settings, "workspaceFolders": workspace}
    async with connected(address) as server:
        await server.result("initialize", params)
        server.notify("initialized", {})
        yield server


async def test_a_pull_request_is_drafted_for_the_first_folder_of_the_workspace(
    tmp_path: Path, address: str, upstream: FakeOpenAI, settings: Json, repo: Repo
) -> None:
    upstream.reply("Go on\n\nThat is all.")
    async with opened(address, settings, repo.top, tmp_path) as server:
        result = await server.result("ai/pullRequest", {"workDoneToken": "w"})
        adapter_of(PullRequestResult).validate_python(result)
        assert (result["title"], result["base"], result["generated_by"]) == ("Go on", "main", "llm")
        assert result["body"].startswith("That is all.\n\n<sub>")
        assert (await server.progress("w", "begin"))["cancellable"]
        assert (await server.progress("w", "report"))["message"] == "compared with main: 1 file, +1 -1"
        await server.progress("w", "end")
        explained = await server.result("ai/explain", {"query_id": result["query_id"]})
        assert explained["provider"] == result["provider"] == "openai"


async def test_a_commit_message_is_drafted_of_what_is_staged(
    address: str, upstream: FakeOpenAI, settings: Json, repo: Repo
) -> None:
    upstream.reply("Stage it")
    async with opened(address, settings, repo.top) as server:
        result = await server.result("ai/commitMessage")
    adapter_of(CommitMessageResult).validate_python(result)
    assert result["message"].startswith("Stage it\n\nAssisted-by: ")
    assert "staged.py" in str(upstream.requests[-1].json)


async def test_the_folder_can_be_named_by_path_or_uri_or_from_the_workspace_on(
    tmp_path: Path, address: str, upstream: FakeOpenAI, settings: Json, repo: Repo
) -> None:
    async with opened(address, settings, tmp_path) as server:
        uris = repo.top.as_uri(), (repo.top / "hello.py").as_uri(), f"file://localhost{repo.top}"
        for folder in (str(repo.top), *uris, "repo"):
            result = await server.result("ai/commitMessage", {"folder": folder, "use_llm": False})
            assert (result["message"], result["generated_by"], result["model"]) == ("Add staged.py", "template", None)
    assert not upstream.calls


async def test_without_a_model_the_template_stands_in_and_says_why(
    address: str, upstream: FakeOpenAI, settings: Json, repo: Repo
) -> None:
    upstream.fault(Fault.overloaded(), times=None)
    async with opened(address, settings, repo.top) as server:
        result = await server.result("ai/pullRequest")
    assert (result["title"], result["generated_by"]) == ("Go on", "template")
    assert "overloaded" in result["problem"]
    assert [attempt["reason"] for attempt in result["attempts"]] == ["overloaded"]


WRONG: list[tuple[str, Json, int, str | None, str]] = [
    ("ai/pullRequest", {"base": "mian"}, INVALID_PARAMS, "base", "did you mean 'main'?"),
    ("ai/pullRequest", {"base": "--output=x"}, INVALID_PARAMS, "base", "does not begin with '-'"),
    ("ai/pullRequest", {"base": "main\nmain"}, INVALID_PARAMS, "base", "one line"),
    ("ai/pullRequest", {"folder": "untitled:one"}, INVALID_PARAMS, "folder", "no URI of a file"),
    ("ai/pullRequest", {"folder": "vscode-remote://host/x"}, INVALID_PARAMS, "folder", "no URI of a file"),
    ("ai/pullRequest", {"folder": "file://other-host/tmp"}, INVALID_PARAMS, "folder", "on this machine"),
    ("ai/pullRequest", {"folder": "file://["}, INVALID_PARAMS, "folder", "no URI of a file"),
    ("ai/pullRequest", {"folder": "nowhere"}, INVALID_PARAMS, "folder", "there is no folder"),
    ("ai/commitMessage", {"base": "main"}, INVALID_PARAMS, "base", "no such field"),
    ("ai/commitMessage", {"folder": "/"}, REQUEST_FAILED, None, "in no git repository"),
]


async def test_what_is_wrong_is_said_in_words(address: str, settings: Json, repo: Repo) -> None:
    async with opened(address, settings, repo.top) as server:
        for method, params, code, field, said in WRONG:
            error = (await server.request(method, params))["error"]
            assert error["code"] == code, error
            assert said in error["message"]
            assert error.get("data", {}).get("field") == field


async def test_without_a_folder_anywhere_it_says_so(address: str, settings: Json) -> None:
    async with opened(address, settings) as server:
        error = (await server.request("ai/commitMessage"))["error"]
    assert (error["code"], error["data"]["field"]) == (INVALID_PARAMS, "folder")


async def test_a_cancel_ends_it(address: str, upstream: FakeOpenAI, settings: Json, repo: Repo) -> None:
    upstream.fault(Fault.hang())
    async with opened(address, settings, repo.top) as server:
        msg_id = server.ask("ai/pullRequest")
        await upstream.wait_for_calls(1)
        server.notify("$/cancelRequest", {"id": msg_id})
        assert (await server.reply_to(msg_id))["error"]["code"] == CANCELLED
        await upstream.wait_until_idle()
