"""A server process that clients connect to: each connection has a language server of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from support.rpc import HANG_SECONDS, RpcClient, environment


@asynccontextmanager
async def listening(
    home: Path, transport: str, environ: Mapping[str, str], *arguments: str
) -> AsyncIterator[tuple[Process, str]]:
    """Run a server on a port of its own choice, and give its process and its address; it must have logged nothing."""
    command = (sys.executable, "-m", "ai_gateway", f"--{transport}", "0", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stderr=PIPE, env=environment(home, **environ))
    assert process.stderr is not None
    try:
        async with asyncio.timeout(HANG_SECONDS):
            line = (await process.stderr.readline()).decode().strip()
        assert line.startswith("listening on "), line
        yield process, line.removeprefix("listening on ")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(HANG_SECONDS):
            rest = await process.stderr.read()
            assert (await process.wait(), rest) == (128 + signal.SIGTERM, b"")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[RpcClient]:
    """Speak to a server over TCP, for the length of a block."""
    parts = urlsplit(address)
    client = RpcClient(*await asyncio.open_connection(parts.hostname, parts.port))
    try:
        yield client
    finally:
        await client.aclose()
