"""`ai/pullRequest` and `ai/commitMessage`, over the wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.messages.results import CommitMessageResult, PullRequestResult
from ai_gateway.messages.schema import adapter_of
from support.repositories import Repo, new_repo
from support.rpc import Json, ServerProcess, running_server

INVALID_PARAMS, REQUEST_FAILED, CANCELLED = -32602, -32803, -32800


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = new_repo(tmp_path / "repo")
    repo.commit("Begin", hello__py="1\n")
    repo.branch("topic")
    repo.commit("Go on", hello__py="2\n")
    repo.stage("staged.py", "3\n")
    return repo


async def opened(server: ServerProcess, *folders: Path) -> None:
    """Initialize it with these folders as the workspace."""
    workspace = [{"uri": folder.as_uri(), "name": folder.name} for folder in folders]
    await server.result("initialize", {"processId": None, "capabilities": {}, "workspaceFolders": workspace})
    server.notify("initialized", {})


async def test_a_pull_request_is_drafted_for_the_first_folder_of_the_workspace(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str], repo: Repo
) -> None:
    upstream.reply("Go on\n\nThat is all.")
    async with running_server(tmp_path, environ=cloud) as server:
        await opened(server, repo.top, tmp_path)
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
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str], repo: Repo
) -> None:
    upstream.reply("Stage it")
    async with running_server(tmp_path, environ=cloud) as server:
        await opened(server, repo.top)
        result = await server.result("ai/commitMessage")
    adapter_of(CommitMessageResult).validate_python(result)
    assert result["message"].startswith("Stage it\n\nAssisted-by: ")
    assert "staged.py" in str(upstream.requests[-1].json)


async def test_the_folder_can_be_named_by_path_or_uri_or_from_the_workspace_on(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str], repo: Repo
) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await opened(server, tmp_path)
        for folder in (str(repo.top), repo.top.as_uri(), (repo.top / "hello.py").as_uri(), "repo"):
            result = await server.result("ai/commitMessage", {"folder": folder, "use_llm": False})
            assert (result["message"], result["generated_by"], result["model"]) == ("Add staged.py", "template", None)
    assert not upstream.calls


async def test_without_a_model_the_template_stands_in_and_says_why(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str], repo: Repo
) -> None:
    upstream.fault(Fault.overloaded(), times=None)
    async with running_server(tmp_path, environ=cloud) as server:
        await opened(server, repo.top)
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
    ("ai/pullRequest", {"folder": "nowhere"}, INVALID_PARAMS, "folder", "there is no folder"),
    ("ai/commitMessage", {"base": "main"}, INVALID_PARAMS, "base", "no such field"),
    ("ai/commitMessage", {"folder": "/"}, REQUEST_FAILED, None, "in no git repository"),
]


async def test_what_is_wrong_is_said_in_words(tmp_path: Path, cloud: dict[str, str], repo: Repo) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await opened(server, repo.top)
        for method, params, code, field, said in WRONG:
            error = (await server.request(method, params))["error"]
            assert error["code"] == code, error
            assert said in error["message"]
            assert error.get("data", {}).get("field") == field


async def test_without_a_folder_anywhere_it_says_so(tmp_path: Path, cloud: dict[str, str]) -> None:
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        error = (await server.request("ai/commitMessage"))["error"]
    assert (error["code"], error["data"]["field"]) == (INVALID_PARAMS, "folder")


async def test_a_cancel_ends_it(tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str], repo: Repo) -> None:
    upstream.fault(Fault.hang())
    async with running_server(tmp_path, environ=cloud) as server:
        await opened(server, repo.top)
        msg_id = server.ask("ai/pullRequest")
        await upstream.wait_for_calls(1)
        server.notify("$/cancelRequest", {"id": msg_id})
        assert (await server.reply_to(msg_id))["error"]["code"] == CANCELLED
        await upstream.wait_until_idle()
