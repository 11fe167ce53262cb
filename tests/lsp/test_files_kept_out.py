"""Files that are kept out of prompts, and what was sent instead, over the wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI
from ai_gateway.messages.results import ExplainResult, QueryResult
from ai_gateway.messages.schema import adapter_of
from support.listener import connected
from support.repositories import new_repo
from support.rpc import Json, running_server

SECRET = "my innermost thought"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    new_repo(project)
    (project / ".git" / "HEAD").touch()
    (project / ".aiexclude").write_text("secrets/\n")
    (project / ".gitignore").write_text("*.log\n")
    return project


def entry(file: Path, text: str = SECRET, **more: str) -> Json:
    return {"uri": file.as_uri(), "text": text, **more}


def contents(folder: Path) -> bytes:
    """Of the store's files."""
    return b"".join(file.read_bytes() for file in folder.glob("gateway.db*"))


async def test_entries_of_the_context_are_left_out_and_named_and_the_query_goes_on(
    address: str, project: Path, upstream: FakeOpenAI, settings: Json
) -> None:
    context: list[Json] = [
        entry(project / "secrets" / "plan.md", path="secrets/plan.md"),
        entry(project / "debug.log"),
        entry(project / "main.py", "print(1)", path="main.py"),
        {"text": "of no file"},
    ]
    async with connected(address) as server:
        await server.initialize(settings)
        asked = await server.result("ai/query", {"prompt": "explain", "context": context})
        only = await server.result("ai/query", {"prompt": "explain", "context": context[:2]})
        told = await server.result("ai/explain", {"query_id": asked["query_id"], "sent": True})
        bare = await server.result("ai/explain", {"query_id": asked["query_id"]})
    adapter_of(QueryResult).validate_python(asked)
    adapter_of(ExplainResult).validate_python(told)
    assert asked["left_out"] == [
        {"path": "secrets/plan.md", "reason": f"line 1 of {project / '.aiexclude'} ('secrets/') says so"},
        {
            "path": (project / "debug.log").as_uri(),
            "reason": f"line 1 of {project / '.gitignore'} ('*.log') says so, as privacy.use_gitignore is on",
        },
    ]
    assert [each["path"] for each in only["left_out"]] == [each["path"] for each in asked["left_out"]]
    prompt = "main.py:\n```\nprint(1)\n```\n\n```\nof no file\n```\n\nexplain"
    sent = [[{"role": "user", "content": text}] for text in (prompt, "explain")]
    assert [request.json["messages"] for request in upstream.requests] == sent
    assert (told["files"], told["left_out"], told["sent_note"]) == (1, 2, None)
    assert told["sent"] == [
        {
            "provider": "openai",
            "backend": "cloud",
            "model": "gpt-4o-mini",
            "address": upstream.base_url,
            "files": [(project / "main.py").as_uri()],
            "messages": sent[0],
            "tools": [],
            "omitted_characters": 0,
        }
    ]
    assert "print(1)" in told["sent_page"]
    assert (bare["sent"], bare["sent_note"], bare["sent_page"]) == ([], None, None)
    assert "1 file was quoted in it" in bare["page"]
    assert "2 files were left out of it, as exclusions say" in bare["page"]
    assert "print(1)" not in repr(bare)
    assert SECRET not in repr(told)


@pytest.mark.parametrize("method", ["ai/query", "ai/embed"])
async def test_a_prompt_that_quotes_one_itself_is_refused(
    address: str, project: Path, upstream: FakeOpenAI, settings: Json, method: str
) -> None:
    given = {"prompt": SECRET} if method == "ai/query" else {"input": SECRET}
    path = str(project / "secrets" / "plan.md")
    async with connected(address) as server:
        await server.initialize(settings)
        error = (await server.request(method, {**given, "paths": [str(project / "main.py"), path]}))["error"]
        told = await server.result("ai/explain", {"sent": True})
    assert (error["code"], error["data"]) == (-32602, {"field": "paths"})
    assert error["message"].startswith(f"{path} is kept out of every prompt: line 1 of {project / '.aiexclude'}")
    assert (told["outcome"], told["sent"], told["sent_note"]) == ("refused", [], "nothing was sent")
    assert upstream.calls == 0


async def test_relative_paths_begin_in_the_folders_of_the_workspace(
    tmp_path: Path, address: str, project: Path, upstream: FakeOpenAI, settings: Json
) -> None:
    folders = [{"uri": (tmp_path / "other").as_uri(), "name": "a"}, {"uri": project.as_uri(), "name": "b"}]
    async with connected(address) as server:
        params: Json = {"capabilities": {}, "initializationOptions": settings, "workspaceFolders": folders}
        await server.result("initialize", {"processId": None, **params})
        server.notify("initialized", {})
        asked = await server.result(
            "ai/query", {"prompt": "hi", "context": [{"path": "secrets/plan.md", "text": SECRET}]}
        )
        names = ["secrets/plan.md", (project / "secrets" / "plan.md").as_uri(), str(project / "secrets" / "plan.md")]
        refused = [(await server.request("ai/query", {"prompt": "hi", "paths": [name]}))["error"] for name in names]
    assert [each["path"] for each in asked["left_out"]] == ["secrets/plan.md"]
    for error in refused:
        assert error["message"].startswith("secrets/plan.md is kept out of every prompt: "), "as a person calls it"
    assert SECRET not in repr([request.json for request in upstream.requests])


async def test_settings_change_what_is_kept_out_without_a_restart(address: str, project: Path, settings: Json) -> None:
    query = {"prompt": "hi", "context": [entry(project / "debug.log"), entry(project / "my.pem")]}
    async with connected(address) as server:
        await server.initialize({**settings, "privacy": {"useGitignore": False, "exclude": ["*.pem"]}})
        first = await server.result("ai/query", query)
        changed = {"privacy": {"useGitignore": True, "exclude": ["[no pattern"]}}
        server.notify("workspace/didChangeConfiguration", {"settings": {"aiGateway": changed}})
        status = await server.notification("ai/status", lambda status: status["problems"])
        again = await server.result("ai/query", query)
    assert status["problems"] == ["privacy.exclude: no pattern as in a .gitignore: '[no pattern'"]
    assert [Path(each["path"]).name for each in first["left_out"]] == ["my.pem"]
    assert [Path(each["path"]).name for each in again["left_out"]] == ["debug.log", "my.pem"]


async def test_no_name_of_a_file_and_no_text_gets_into_the_store_or_the_log(
    tmp_path: Path, project: Path, cloud: dict[str, str]
) -> None:
    environ = {**cloud, "AI_GATEWAY_STORE__PATH": str(tmp_path / "gateway.db")}
    async with running_server(tmp_path, environ=environ) as server:
        await server.initialize()
        context = [entry(project / "secrets" / "kept-out.md"), entry(project / "let-in.py")]
        asked = await server.result("ai/query", {"prompt": "hello", "context": context, "cache": "off"})
        refused = await server.request(
            "ai/query", {"prompt": SECRET, "paths": [str(project / "secrets" / "kept-out.md")]}
        )
        told = await server.result("ai/explain", {"query_id": asked["query_id"], "sent": True})
        assert (len(told["sent"]), "error" in refused) == (1, True)
        await server.result("shutdown")
        server.notify("exit")
        await server.exit_code()
    written = contents(tmp_path)
    assert asked["query_id"].encode() in written
    for secret in (SECRET, "kept-out", "let-in", "aiexclude"):
        assert secret.encode() not in written
        assert secret not in server.log


async def test_another_window_can_explain_the_query_and_not_what_was_sent(
    tmp_path: Path, cloud: dict[str, str]
) -> None:
    async with running_server(tmp_path, environ=cloud) as one:
        await one.initialize()
        asked = await one.result("ai/query", {"prompt": "hello"})
        await one.result("shutdown")
    async with running_server(tmp_path, environ=cloud) as other:
        await other.initialize()
        told = await other.result("ai/explain", {"query_id": asked["query_id"], "sent": True})
    assert (told["provider"], told["sent"]) == ("openai", [])
    assert "each process keeps that of its own last 16 queries, in memory only" in told["sent_note"]
    assert told["sent_page"].startswith("# What was sent\n\nWhat was sent is not known here")
