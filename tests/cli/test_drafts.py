"""`ai-gateway pr` and `ai-gateway commit-message`, as scripts and people use them."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path

import pytest

from ai_gateway.fakes import Fault
from cli.command import AI_GATEWAY, HANG_SECONDS, run, run_on_terminal
from cli.conftest import World
from support.repositories import Repo, repo_with_topic

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return repo_with_topic(tmp_path / "repo")


@pytest.fixture
def folder(repo: Repo) -> str:
    return f"--folder={repo.top}"


async def test_stdout_has_title_and_body_alone_and_stderr_says_who_wrote_it(world: World, folder: str) -> None:
    world.copilot.reply("Go on\n\nThat is **all**.")
    drafted = await run("pr", folder, environ=world.environ)
    footer = "<sub>Drafted by gpt-4o (copilot), to be checked by a person.</sub>"
    assert (drafted.code, drafted.out) == (0, f"Go on\n\nThat is **all**.\n\n{footer}\n")
    assert drafted.err.startswith("copilot (gpt-4o) · ")
    assert len(drafted.err.splitlines()) == 1


async def test_quiet_says_nothing_but_the_text(world: World, repo: Repo, folder: str) -> None:
    repo.stage("hello.py", "3\n")
    drafted = await run("commit-message", "--quiet", folder, environ=world.environ)
    assert (drafted.out, drafted.err) == ("Hello from Copilot\n\nAssisted-by: gpt-4o (copilot)\n", "")


async def test_git_commits_with_what_it_prints(world: World, repo: Repo, folder: str) -> None:
    repo.stage("hello.py", "3\n")
    drafted = await run("commit-message", folder, environ=world.environ)
    repo.git("commit", "--quiet", "--file=-", given=drafted.out.encode())
    assert repo.git("log", "-1", "--format=%s") == "Hello from Copilot"


async def test_what_the_guide_recommends_keeps_headings_and_numbers(world: World, repo: Repo, folder: str) -> None:
    world.copilot.reply("Go on\n\n# Why\n#12 asks for it.")
    repo.stage("hello.py", "3\n")
    drafted = await run("commit-message", folder, environ=world.environ)
    advice = re.search(r"^\$ git (commit .*)$", (DOCS / "drafting.md").read_text(), re.MULTILINE)
    assert advice is not None
    command = [part.replace("$(ai-gateway commit-message)", drafted.out) for part in shlex.split(advice[1])]
    repo.git("-c", "core.editor=true", *command)
    assert "# Why" in repo.git("log", "-1", "--format=%B")
    assert "#12 asks for it." in repo.git("log", "-1", "--format=%B")


async def test_on_a_terminal_nothing_is_shown_that_it_would_do(world: World, repo: Repo, folder: str) -> None:
    repo.stage("a\x1b]0;owned\x07.py", "3\n")
    drafted = await run_on_terminal("commit-message", "--no-llm", "--json", folder, environ=world.environ)
    assert (drafted.code, "owned" in drafted.out, "\x1b" in drafted.out) == (0, True, False)


async def test_a_disk_that_is_full_is_said_in_a_sentence(world: World, folder: str) -> None:
    for command in (["pr", "--no-llm", folder], ["ask", "-q", "hello"], ["health"], ["explain", "--json"]):
        with Path("/dev/full").open("wb") as full:  # noqa: ASYNC230 - it does not wait
            process = await asyncio.create_subprocess_exec(
                *AI_GATEWAY, *command, stdout=full, stderr=asyncio.subprocess.PIPE, env=world.environ
            )
            async with asyncio.timeout(HANG_SECONDS):
                _, err = await process.communicate()
        said = "ai-gateway: can't write: No space left on device\n"
        assert (process.returncode, err.decode()) == (1, said), command


async def test_json_holds_the_whole_result(world: World, folder: str) -> None:
    world.copilot.reply("Go on\n\nThat is all.")
    result = json.loads((await run("pr", "--json", "--base", "main", folder, environ=world.environ)).out)
    assert (result["title"], result["base"], result["generated_by"]) == ("Go on", "main", "llm")
    assert (result["provider"], result["model"]) == ("copilot", "gpt-4o")
    explained = await run("explain", result["query_id"], environ=world.environ)
    assert explained.code == 0


async def test_no_llm_asks_nobody(world: World, folder: str) -> None:
    drafted = await run("pr", "--no-llm", folder, environ=world.environ)
    assert (drafted.code, drafted.err) == (0, "")
    assert drafted.out.startswith("Go on\n\n## Changed files\n")
    assert not world.copilot.calls


async def test_when_nobody_answers_it_is_the_template_s_and_stderr_says_why(world: World, folder: str) -> None:
    for upstream in (world.copilot, world.openai, world.ollama):
        upstream.fault(Fault.status(500), times=None)
    drafted = await run("pr", "--quiet", folder, environ=world.environ)
    assert drafted.code == 0
    assert drafted.out.startswith("Go on\n\n## Changed files\n")
    assert "no model wrote this" in drafted.err
    assert "copilot had a fault of its own" in drafted.err


async def test_private_asks_the_local_model_only(world: World, repo: Repo, folder: str) -> None:
    repo.stage("hello.py", "3\n")
    drafted = await run("commit-message", "--private", folder, environ=world.environ)
    assert drafted.out.startswith("Hello from here\n")
    assert not world.copilot.calls


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("pr", "--base", "mian"), "did you mean 'main'?"),
        (("pr", "--base=-x"), "does not begin with '-'"),
        (("commit-message",), "git add"),
    ],
)
async def test_what_can_not_be_described_is_wrong_usage_and_says_what_to_do(
    world: World, folder: str, arguments: tuple[str, ...], why: str
) -> None:
    drafted = await run(*arguments, folder, environ=world.environ)
    assert (drafted.code, drafted.out) == (2, "")
    assert why in drafted.err
    assert "Traceback" not in drafted.err


async def test_a_person_who_waits_is_told_what_happens(world: World, folder: str) -> None:
    shown = (await run_on_terminal("pr", folder, environ=world.environ)).out
    assert "compared with main: 1 file, +1 -1" in shown
    assert "copilot: gpt-4o writes" in shown
