"""How git is run: nothing that a repository says is executed, nothing is written, nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ai_gateway.drafting.drafter import draft_commit_message, draft_pull_request
from ai_gateway.drafting.failures import GitFailed, GitMissing, GitRefused, NotARepository
from ai_gateway.drafting.git import Git
from ai_gateway.drafting.repository import open_repository
from drafting.conftest import Desk
from support.repositories import Repo, new_repo

HANG_SECONDS = 30


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a mark when somebody runs it."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\necho sprung >> '{tmp_path / 'mark'}'\ncat < /dev/null\n")
    program.chmod(0o755)
    return program


def is_sprung(trap: Path) -> bool:
    mark = trap.with_name("mark")
    was_sprung = mark.exists()
    mark.unlink(missing_ok=True)
    return was_sprung


def set_traps(repo: Repo, trap: Path) -> None:
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "diff.external", "gpg.program"):
        repo.git("config", name, str(trap))
    for name in ("diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge"):
        repo.git("config", name, str(trap))
    for name in ("log.showSignature", "diff.autoRefreshIndex", "filter.evil.required"):
        repo.git("config", name, "true")
    hooks = repo.top / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "post-checkout", "pre-commit"):
        (hooks / hook).symlink_to(trap)
    repo.write(".git/info/attributes", "* diff=evil filter=evil\n")


async def test_nothing_that_a_repository_names_is_run(desk: Desk, repo: Repo, trap: Path) -> None:
    repo.stage("staged.py", "1\n")
    repo.write("hello.py", "touched since\n")
    set_traps(repo, trap)
    repo.git("diff", "HEAD")
    assert is_sprung(trap), "these are no traps"
    repo.git("-c", "core.fsmonitor=false", "diff", "--cached", "--no-ext-diff")
    assert is_sprung(trap), "these are no traps"
    await draft_pull_request(await desk.gateway(), repo.top)
    assert '+    return "hello"' in desk.asked()[1]
    await draft_commit_message(await desk.gateway(), repo.top)
    assert "staged.py" in desk.asked()[1]
    assert not is_sprung(trap)


async def test_what_a_partial_clone_lacks_is_not_fetched_by_its_own_program(
    desk: Desk, repo: Repo, trap: Path, tmp_path: Path
) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{repo.top}", str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone")
    clone.git("config", "remote.origin.uploadpack", str(trap))
    clone.git("config", "protocol.file.allow", "always")
    with pytest.raises(AssertionError):
        clone.git("diff", "origin/main", "HEAD")
    assert is_sprung(trap), "this is no trap"
    with pytest.raises(GitFailed):
        await draft_pull_request(await desk.gateway(), clone.top, base="origin/main")
    assert not is_sprung(trap)


async def test_a_repository_inside_another_that_has_no_files_of_its_own_is_not_used(
    desk: Desk, repo: Repo, tmp_path: Path
) -> None:
    repo.git("clone", "--quiet", "--bare", str(repo.top), str(tmp_path / "bare"))
    for folder in (tmp_path / "bare", repo.top / ".git"):
        with pytest.raises(NotARepository, match="where no files are checked out; go to where they are"):
            await draft_pull_request(await desk.gateway(), folder)


async def test_a_repository_whose_files_are_nowhere_says_where_they_should_be(repo: Repo, tmp_path: Path) -> None:
    repo.git("config", "core.worktree", str(tmp_path / "gone"))
    with pytest.raises(NotARepository, match=r"gone', which is not there; see: git config core\.worktree"):
        await open_repository(repo.top)


async def test_a_configuration_that_can_not_be_read_is_not_taken_for_a_long_diff(repo: Repo, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    repo.git("config", "include.path", str(tmp_path / "pipe"))
    with pytest.raises(GitFailed, match="run 'git status' to see whether something holds it up") as failed:
        await Git(repo.top, time_limit_seconds=0.5).output("rev-parse", "--show-toplevel")
    assert not isinstance(failed.value, GitRefused)  # which would mean that this is no repository


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


async def test_nothing_is_written(desk: Desk, repo: Repo) -> None:
    repo.stage("staged.py", "1\n")
    os.utime(repo.top / "staged.py", (1, 1))  # so that the index could be brought up to date
    before = contents(repo.top)
    await draft_pull_request(await desk.gateway(), repo.top)
    await draft_commit_message(await desk.gateway(), repo.top)
    assert contents(repo.top) == before


async def test_the_repository_that_an_editor_was_started_from_is_not_mistaken_for_the_one_that_is_named(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_repo(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.top / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.top))
    assert (await open_repository(repo.top)).top == repo.top


async def test_a_hook_s_own_index_counts_where_the_hook_runs(
    desk: Desk, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.stage("first.py", "FIRST = 1\n")
    (repo.top / ".git" / "index").rename(repo.top / ".git" / "next-index")
    repo.git("read-tree", "HEAD")
    repo.stage("second.py", "SECOND = 1\n")
    monkeypatch.chdir(repo.top)
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index")
    await draft_commit_message(await desk.gateway(), Path())
    user = desk.asked()[1]
    assert "FIRST" in user
    assert "SECOND" not in user


async def test_a_folder_that_belongs_to_somebody_else_says_how_to_trust_it(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = "fatal: detected dubious ownership in repository at '/their repo'"  # as git 2.39 says it
    install_git(tmp_path, monkeypatch, f'echo "{complaint}" >&2\nexit 128')
    with pytest.raises(NotARepository, match=r"git config --global --add safe\.directory '/their repo'$"):
        await open_repository(repo.top)


async def test_a_cancel_ends_git_and_all_that_it_has_started(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    install_git(tmp_path, monkeypatch, f"exec 3> '{alive}'\nsleep 1000 &\necho started >&3\nwait")
    opening = asyncio.create_task(open_repository(repo.top))
    async with asyncio.timeout(HANG_SECONDS):
        with await asyncio.to_thread(alive.open) as reader:
            assert await asyncio.to_thread(reader.readline) == "started\n"
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            assert await asyncio.to_thread(reader.read) == ""  # nobody is left who could write


async def test_a_git_that_takes_too_long_is_stopped(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_git(tmp_path, monkeypatch, "exec sleep 1000")
    async with asyncio.timeout(HANG_SECONDS):
        with pytest.raises(GitFailed, match="took longer"):
            await Git(repo.top, time_limit_seconds=0.05).output("status")


def install_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put another git in the place of the real one."""
    program = tmp_path / "programs" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


async def test_a_git_that_says_too_much_is_stopped_and_what_it_said_first_is_there(repo: Repo) -> None:
    repo.stage("large.txt", "0123456789\n" * 100_000)
    blob = repo.git("rev-parse", ":large.txt")
    async with asyncio.timeout(HANG_SECONDS):
        assert await Git(repo.top).output("cat-file", "blob", blob, limit=25) == b"0123456789\n0123456789\n012"


async def test_without_git_it_says_what_to_install(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitMissing, match=r"git-scm\.com"):
        await open_repository(repo.top)


async def test_a_git_that_is_too_old_is_to_be_updated(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_git(tmp_path, monkeypatch, 'echo "unknown option: --no-optional-locks" >&2\nexit 129')
    with pytest.raises(GitMissing, match=r"too old \(unknown option: --no-optional-locks\); install"):
        await open_repository(repo.top)


async def test_a_git_in_the_folder_itself_is_not_run(repo: Repo, trap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo.top / "git").symlink_to(trap)
    monkeypatch.chdir(repo.top)
    monkeypatch.setenv("PATH", ".")
    with pytest.raises(GitMissing):
        await open_repository(repo.top)
    assert not is_sprung(trap)


def test_drafting_is_not_imported_with_the_gateway() -> None:
    said = "import sys, ai_gateway.gateway, ai_gateway.cli.ask; print([n for n in sys.modules if 'drafting' in n])"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
