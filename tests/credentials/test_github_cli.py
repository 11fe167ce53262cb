from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ai_gateway.credentials.found import NOTHING
from ai_gateway.credentials.github_cli import SOURCE, GitHubCLI

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for gh is a shell script")

HOST = "github.com"
HANG_SECONDS = 20


class StandIn:
    """A program named gh, and the environment that finds it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.accounts = folder / "config" / "hosts.yml"
        self.accounts.parent.mkdir()
        self.environ: Mapping[str, str] = {
            "PATH": f"{folder}{os.pathsep}{os.defpath}",
            "GH_CONFIG_DIR": str(self.accounts.parent),
        }

    def does(self, script: str) -> None:
        program = self.folder / "gh"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def cli(self, **changes: float) -> GitHubCLI:
        return GitHubCLI(HOST, environ=self.environ, **changes)


@pytest.fixture
def gh(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


async def test_it_is_asked_for_the_token_of_the_host(gh: StandIn) -> None:
    gh.does('test "$*" = "auth token --hostname github.com" && echo gho_one')
    (token,) = (await gh.cli().token()).tokens
    assert (token.value, token.source) == ("gho_one", SOURCE)


async def test_tokens_of_the_environment_are_not_taken_for_its_own(gh: StandIn) -> None:
    gh.environ = {**gh.environ, "GH_TOKEN": "ghp_personal", "GITHUB_TOKEN": "ghp_personal", "KEPT": "gho_kept"}
    gh.does('echo "$GH_TOKEN$GITHUB_TOKEN$KEPT"')
    (token,) = (await gh.cli().token()).tokens
    assert token.value == "gho_kept"


async def test_its_absence_is_no_error(tmp_path: Path) -> None:
    for environ in ({"PATH": str(tmp_path)}, {}):
        cli = GitHubCLI(HOST, environ=environ)
        assert cli.program is None
        assert not cli.may_have_one
        assert cli.version is None
        assert await cli.token() == NOTHING
        assert cli.problems == ()


async def test_one_that_lies_in_the_folder_it_would_run_in_is_not_run(
    gh: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    gh.does("echo gho_planted")
    monkeypatch.chdir(gh.folder)
    assert GitHubCLI(HOST, environ={"PATH": "."}).program is None


@pytest.mark.parametrize("script", ["echo 'no oauth token' >&2; exit 1", "exit 0", "echo gho_one; exit 4"])
async def test_without_an_account_it_says_how_to_sign_in(gh: StandIn, script: str) -> None:
    gh.does(script)
    cli = gh.cli()
    assert cli.may_have_one
    found = await cli.token()
    assert not found.tokens
    assert "gh auth login --hostname github.com" in str(found.problems[0])
    assert cli.problems == found.problems
    assert not cli.may_have_one


async def test_it_is_worth_asking_again_once_somebody_has_signed_in(gh: StandIn) -> None:
    gh.does("exit 1")
    cli = gh.cli()
    await cli.token()
    before = cli.version
    gh.accounts.write_text("github.com:\n")
    assert cli.version != before
    assert cli.problems == ()
    assert cli.may_have_one
    gh.does("echo gho_one")
    assert (await cli.token()).tokens


@pytest.mark.parametrize(
    ("variable", "accounts"),
    [
        ("GH_CONFIG_DIR", "hosts.yml"),
        ("XDG_CONFIG_HOME", "gh/hosts.yml"),
        ("APPDATA", "GitHub CLI/hosts.yml"),
        ("HOME", ".config/gh/hosts.yml"),
    ],
)
def test_a_sign_in_there_is_noticed_wherever_it_keeps_its_accounts(
    gh: StandIn, tmp_path: Path, variable: str, accounts: str
) -> None:
    gh.does("exit 1")
    cli = GitHubCLI(HOST, environ={"PATH": gh.environ["PATH"], variable: str(tmp_path / "place")})
    before = cli.version
    (tmp_path / "place" / accounts).parent.mkdir(parents=True)
    (tmp_path / "place" / accounts).touch()
    assert cli.version != before


@pytest.mark.parametrize("printed", ["ghp one", "tid=1:mac", "\\377\\376"])
async def test_what_can_be_no_token_is_a_reason(gh: StandIn, printed: str) -> None:
    gh.does(f"printf '{printed}'")
    found = await gh.cli().token()
    assert not found.tokens
    assert printed not in str(found.problems[0])


async def test_one_that_can_not_be_run_is_a_reason(gh: StandIn) -> None:
    gh.does("")
    (gh.folder / "gh").write_text("#!/no/such/shell\n")
    assert "can't be run" in str((await gh.cli().token()).problems[0])


@asynccontextmanager
async def what_goes_through(pipe: Path) -> AsyncIterator[asyncio.StreamReader]:
    """Read a named pipe; its end is when nobody is alive who has opened it for writing."""
    os.mkfifo(pipe)
    reader = asyncio.StreamReader()
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb") as end:
        connecting = asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), end)
        transport, _ = await connecting
        try:
            yield reader
        finally:
            transport.close()


async def test_a_cancel_kills_it_and_what_it_has_started(gh: StandIn) -> None:
    pipe = gh.folder / "pipe"
    gh.does(f"exec 3> {pipe}; sleep 1000 & echo started >&3; wait")
    async with asyncio.timeout(HANG_SECONDS), what_goes_through(pipe) as said:
        task = asyncio.create_task(gh.cli().token())
        assert await said.readline() == b"started\n"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await said.read() == b""


async def test_one_that_never_answers_is_killed_and_may_be_asked_again(gh: StandIn) -> None:
    gh.does("sleep 1000")
    cli = gh.cli(time_limit_seconds=0.05)
    async with asyncio.timeout(HANG_SECONDS):
        found = await cli.token()
    assert "does not answer" in str(found.problems[0])
    assert cli.may_have_one
