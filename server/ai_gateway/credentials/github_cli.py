"""The token of the GitHub CLI, for those who want it used: `gh auth token`.

It belongs to the CLI's own OAuth app, which Copilot's token exchange may refuse; so nobody gets it unasked.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ai_gateway.credentials.foreign_file import fingerprint
from ai_gateway.credentials.found import NOTHING, Found, Unreadable, found_token, nothing

SOURCE = "gh auth token"
SILENT = "gh does not answer; see what it waits for by running: gh auth status"
NOT_PASSED_ON = frozenset({"GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_DEBUG"})
"""It would print those tokens instead of its own; they are mostly personal access tokens, which Copilot refuses."""


class GitHubCLI:
    """Asks the GitHub CLI.

    Args:
        host: Whose token is wanted, in lower case.
        environ: The environment to find and run it in; None: this process's.
        time_limit_seconds: How long it may take.
    """

    def __init__(self, host: str, *, environ: Mapping[str, str] | None = None, time_limit_seconds: float = 5.0) -> None:
        self._host = host
        self._environ = dict(os.environ if environ is None else environ)
        self._time_limit_seconds = time_limit_seconds
        self.program = _program(self._environ)
        """Where it is; None: not on the `PATH`, which is no error."""
        self._refused: tuple[object, Found] | None = None

    @property
    def version(self) -> object:
        """Changes when somebody signs in or out there."""
        return None if self.program is None else fingerprint(_accounts_file(self._environ))

    @property
    def problems(self) -> tuple[Unreadable, ...]:
        """Why it gave no token when it was asked last, if nobody has signed in since."""
        version, said = self._refused or (None, NOTHING)
        return said.problems if version == self.version else ()

    @property
    def may_have_one(self) -> bool:
        """Whether it is worth asking: it may be slow once, but without an account it is until somebody signs in."""
        return self.program is not None and all(problem.why == SILENT for problem in self.problems)

    async def token(self) -> Found:
        """Ask for the token. Its absence, or its having none, is no error."""
        if self.program is None:
            return NOTHING
        version = self.version
        found = await self._asked(self.program)
        self._refused = None if found.tokens else (version, found)
        return found

    async def _asked(self, program: str) -> Found:
        try:
            said = await self._said_by(program)
        except OSError as error:
            return nothing(SOURCE, f"gh can't be run ({error.strerror or type(error).__name__})")
        if said is None:
            return nothing(SOURCE, SILENT)
        token = said.decode("utf-8", "replace").strip()
        if not token:
            return nothing(SOURCE, f"gh is not signed in; run: gh auth login --hostname {self._host}")
        return found_token(token, SOURCE)

    async def _said_by(self, program: str) -> bytes | None:
        """Give what it prints, which is nothing where it fails; None: it took too long, and was killed."""
        starting = asyncio.create_task(self._started(program))
        said = None
        try:
            async with asyncio.timeout(self._time_limit_seconds):
                process = await asyncio.shield(starting)  # a cancel half-way would leave behind what it has started
                said, _ = await process.communicate()
        except TimeoutError:
            return None
        finally:
            if said is None:
                with suppress(OSError):  # it was never started, which is known by then, or does not matter
                    await _kill(await starting)
        return said if process.returncode == 0 else b""

    async def _started(self, program: str) -> Process:
        environ = {name: value for name, value in self._environ.items() if name not in NOT_PASSED_ON}
        return await asyncio.create_subprocess_exec(
            program, "auth", "token", "--hostname", self._host,
            env={**environ, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1"},
            stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL,
            start_new_session=True,
        )  # fmt: skip


async def _kill(process: Process) -> None:
    """End it and what it has started, and let the system forget it."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _program(environ: Mapping[str, str]) -> str | None:
    """Find it, but not at a relative place: that would be whatever a workspace puts there."""
    found = shutil.which("gh", path=environ.get("PATH", ""))
    return found if found and Path(found).is_absolute() else None


def _accounts_file(environ: Mapping[str, str]) -> Path:
    """Where gh keeps its accounts and notes every sign-in (https://cli.github.com/manual/gh_help_environment)."""
    if folder := environ.get("GH_CONFIG_DIR"):
        return Path(folder, "hosts.yml")
    if folder := environ.get("XDG_CONFIG_HOME"):
        return Path(folder, "gh", "hosts.yml")
    if folder := environ.get("APPDATA"):
        return Path(folder, "GitHub CLI", "hosts.yml")
    return Path(environ.get("HOME", ""), ".config", "gh", "hosts.yml")
