"""Git, run so that a repository can be read and nothing more, whatever its author has put into it.

A repository's own configuration can name programs for git to start: to show differences, to filter files, to watch
them, to fetch what is missing, to check signatures (https://git-scm.com/docs/git-config). Only plumbing commands that
read objects are run, and what could still start something is switched off. No shell is involved, nothing is written,
and nothing waits for a person.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from copy import copy
from pathlib import Path

from ai_gateway.drafting.failures import GitFailed, GitMissing, GitRefused

GIT_SECONDS = 30.0
"""How long one command may take."""
OUTPUT_BYTES = 4 * 1024 * 1024
"""Of one command's output: so much is read at most."""
ERROR_BYTES = 4096
USAGE = 129
"""The exit code of a git that does not know an option."""
CHUNK_BYTES = 64 * 1024
HARDENED = (
    "--no-pager",
    "--no-optional-locks",
    "--literal-pathspecs",
    "-c", "core.fsmonitor=false",
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "core.bigFileThreshold=16m",
    "-c", "log.showSignature=false",
    "-c", "safe.bareRepository=explicit",
)  # fmt: skip
"""What is larger than the threshold counts as binary, so that git need not hold it in memory."""
ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
"""A partial clone fetches what it lacks, by whatever program it names for that. New versions of git know a variable
against it; with no protocol allowed, none can."""
PLACES = ("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Set by git itself for hooks and editors; they mean the repository that those were started in."""

Take = Callable[[bytes], bool]
"""Takes a piece of output, and says whether to go on."""


class Git:
    """Runs git in one folder.

    Args:
        folder: Where.
        environ: The environment to find and run it in; None: this process's.
        time_limit_seconds: How long one command may take.

    Raises:
        GitMissing: It is not on the `PATH`.
    """

    def __init__(
        self, folder: Path, *, environ: Mapping[str, str] | None = None, time_limit_seconds: float = GIT_SECONDS
    ) -> None:
        given = os.environ if environ is None else environ
        self._program = _program(given)
        self._folder = folder
        self._environ = _environment(given, is_here=_is_current(folder))
        self._time_limit_seconds = time_limit_seconds

    def at(self, folder: Path) -> Git:
        """Give one that runs in another folder of the same repository."""
        other = copy(self)
        other._folder = folder  # noqa: SLF001 - it is one of the same class
        return other

    async def output(self, *arguments: str, limit: int = OUTPUT_BYTES) -> bytes:
        """Give what it prints, up to a number of bytes.

        Raises:
            GitFailed: It could not do that.
        """
        said = await self.answer(*arguments, limit=limit)
        if said is None:
            raise GitRefused(f"git {arguments[0]} failed; see what it says when you run it yourself")
        return said

    async def answer(self, *arguments: str, limit: int = OUTPUT_BYTES) -> bytes | None:
        """Give what it prints, or None for a no: that is what exit code 1 means where a question was asked.

        Raises:
            GitFailed: It could not say.
        """
        said = bytearray()

        def take(data: bytes) -> bool:
            said.extend(data[: limit - len(said)])
            return len(said) < limit

        return bytes(said) if await self.read(take, *arguments) else None

    async def read(self, take: Take, *arguments: str) -> bool:
        """Hand on what it prints piece by piece, until there is no more or enough was taken; False: its answer is no.

        Raises:
            GitFailed: It could not do that, or took too long.
        """
        try:
            async with asyncio.timeout(self._time_limit_seconds), self._running(arguments) as (process, complaint):
                while data := await _piped(process.stdout).read(CHUNK_BYTES):
                    if not take(data):
                        return True
                code = await process.wait()
                if code == USAGE:
                    raise GitMissing(f"git is too old ({_last_words(await complaint)}); install 2.15 or newer")
                if code > 1 or code < 0:
                    raise GitRefused(f"git {arguments[0]} failed: {_last_words(await complaint)}")
                return code == 0
        except TimeoutError as error:
            seconds = self._time_limit_seconds
            raise GitFailed(
                f"git {arguments[0]} took longer than {seconds:g} s and was stopped; "
                "run 'git status' to see whether something holds it up, or describe less at a time"
            ) from error
        except OSError as error:
            raise GitMissing(f"git can't be run ({error.strerror or type(error).__name__})") from error

    @asynccontextmanager
    async def _running(self, arguments: tuple[str, ...]) -> AsyncIterator[tuple[Process, asyncio.Task[bytes]]]:
        """Run it for the length of a block; whatever happens, it has ended and is gone afterwards."""
        starting = asyncio.create_task(self._started(arguments))
        complaint: asyncio.Task[bytes] | None = None
        try:
            process = await asyncio.shield(starting)  # a cancel half-way would leave behind what it has started
            complaint = asyncio.create_task(_first_bytes(process))
            yield process, complaint
        finally:
            with suppress(OSError):  # it was never started, which is known by then, or does not matter
                await _end(await starting)
            if complaint is not None:
                await complaint

    async def _started(self, arguments: tuple[str, ...]) -> Process:
        return await asyncio.create_subprocess_exec(
            self._program, *HARDENED, *arguments,
            cwd=self._folder, env=self._environ, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True,
        )  # fmt: skip


def _program(environ: Mapping[str, str]) -> str:
    """Find it, but not at a relative place: that would be whatever a workspace puts there."""
    found = shutil.which("git", path=environ.get("PATH", ""))
    if found is None or not Path(found).is_absolute():
        raise GitMissing("git is not on the PATH; install it (https://git-scm.com), then ask again")
    return found


def _is_current(folder: Path) -> bool:
    try:
        return folder.samefile(os.curdir)
    except OSError:  # one of them is gone
        return False


def _environment(given: Mapping[str, str], *, is_here: bool) -> dict[str, str]:
    """Leave out what would let git do more, or look elsewhere than in the folder that is meant."""
    kept = {
        name: value for name, value in given.items() if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
    }
    places = {name: str(Path(given[name]).absolute()) for name in PLACES if is_here and given.get(name)}
    return {**kept, **places, **ENVIRONMENT}


async def _first_bytes(process: Process) -> bytes:
    """Read all that it complains of, and give the beginning."""
    first = b""
    while data := await _piped(process.stderr).read(ERROR_BYTES):
        first += data[: ERROR_BYTES - len(first)]
    return first


async def _end(process: Process) -> None:
    """End it with what it has started, and let the system forget it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
    while await _piped(process.stdout).read(CHUNK_BYTES):
        pass  # what was in the pipe; unread, it would keep the pipe open
    await process.wait()


def _piped(stream: StreamReader | None) -> StreamReader:
    if stream is None:
        raise AssertionError("git is started with pipes")
    return stream


def _last_words(complaint: bytes) -> str:
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    said = (fatal or lines or ["it does not say why"])[0].removeprefix("fatal: ")
    return "".join(filter(str.isprintable, said))
