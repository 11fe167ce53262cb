"""A real editor as a child process: what it tells, how it ends, and which servers it has started."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

HANG_SECONDS = 60.0
"""Nothing that an editor does in a test takes this long unless it hangs."""
PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
"""Where an editor finds `ai-gateway`, as it would after an installation."""


def installed(program: str, package: str, *, needs: Path | None = None) -> str:
    """The path of a program; without it, or without the file that it `needs`, the test is skipped.

    A variable such as `TEST_NVIM` names another version.
    """
    found = shutil.which(os.environ.get(f"TEST_{program.upper()}", program))
    if found is None or (needs is not None and not needs.exists()):
        pytest.skip(f"{needs or program} is not installed; on Debian: apt install {package}")
    return found


class RealEditor:
    """An editor that runs a script. The script tells JSON values, one in a line, on standard output."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.said = ""
        """What it has written to standard error."""
        self._reading = asyncio.ensure_future(self._read_stderr())

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(65536):
            self.said += data.decode("utf-8", "replace")

    async def told(self) -> Any:
        """Wait for the next value that the script tells."""
        assert self.process.stdout is not None
        line = b""
        async with asyncio.timeout(HANG_SECONDS):
            while not line.strip():
                line = await self.process.stdout.readline()
                assert line, f"the editor told nothing more; it had said: {self.said}"
        return json.loads(line)

    async def exit_code(self) -> int:
        """Wait until the editor has ended."""
        async with asyncio.timeout(HANG_SECONDS):
            return await self.process.wait()

    def servers(self) -> list[psutil.Process]:
        """The servers that it runs now; they can be waited for when it has ended, too."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if _is_server(child)]

    def kill(self) -> None:
        """End the editor without a word to anybody."""
        self.process.send_signal(signal.SIGKILL)


def _is_server(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        command = " ".join(process.cmdline())
        return "ai-gateway" in command or "ai_gateway" in command
    return False


@asynccontextmanager
async def running(*command: str, environ: Mapping[str, str], folder: Path) -> AsyncIterator[RealEditor]:
    """Run an editor for the length of a block; neither it nor its servers outlive the block."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environ, cwd=folder, limit=2**24
    )
    editor = RealEditor(process)
    try:
        yield editor
    finally:
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            for left_over in editor.servers():
                left_over.kill()
            process.kill()
        await process.wait()
        await editor._reading


async def gone(server: psutil.Process) -> None:
    """Wait until a server has ended, whether or not anybody has taken notice of it."""
    async with asyncio.timeout(HANG_SECONDS):
        with suppress(psutil.NoSuchProcess):
            while server.status() != psutil.STATUS_ZOMBIE:
                await asyncio.to_thread(lambda: psutil.wait_procs([server], timeout=0.05))
