"""The real command as a child process, with the fakes as its world."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HANG_SECONDS = 60
AI_GATEWAY = (sys.executable, "-m", "ai_gateway")


@dataclass(frozen=True)
class Finished:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def environment(home: Path, **variables: str) -> dict[str, str]:
    """An environment that knows nothing of this machine's own accounts."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "TERM": "xterm", "COLUMNS": "200"}
    return {**kept, **own, **variables}


async def run(*arguments: str, environ: Mapping[str, str], stdin: bytes = b"") -> Finished:
    """Run the command with pipes."""
    process = await asyncio.create_subprocess_exec(
        *AI_GATEWAY,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environ),
    )
    async with asyncio.timeout(HANG_SECONDS):
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


async def run_on_terminal(*arguments: str, environ: Mapping[str, str]) -> Finished:
    """Run the command with a terminal for all three streams; what both streams show comes as `out`."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *AI_GATEWAY, *arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(environ)
    )
    os.close(theirs)
    shown = bytearray()
    try:
        async with asyncio.timeout(HANG_SECONDS):
            while chunk := await asyncio.to_thread(_read, ours):
                shown += chunk
            code = await process.wait()
    finally:
        os.close(ours)
    return Finished(code, shown.decode().replace("\r\n", "\n"), "")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says so when the last writer is gone
        return b""
