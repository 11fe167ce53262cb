"""No server outlives its client, whatever either of them is doing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from support import odd_server
from support.rpc import HANG_SECONDS, SERVER, environment, running_server

EDITOR = Path(odd_server.__file__).with_name("editor.py")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs descriptors to be handed on")


@asynccontextmanager
async def killed_editor(
    home: Path, pipes: str, upstream: FakeOpenAI, environ: dict[str, str]
) -> AsyncIterator[psutil.Process]:
    """Start an editor, kill it in the middle of an answer, and give the server that it had started."""
    upstream.fault(Fault.stall(after=1))
    editor = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EDITOR),
        pipes,
        *SERVER,
        stdout=asyncio.subprocess.PIPE,
        env=environment(home, **environ),
    )
    assert editor.stdout is not None
    server_pid, other_pid = map(int, (await editor.stdout.readline()).split())
    server = psutil.Process(server_pid)
    try:
        await upstream.wait_for_calls(1)
        editor.kill()
        yield server
    finally:
        await editor.wait()
        for pid in (server_pid, other_pid):
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


async def ended(process: psutil.Process) -> None:
    """Wait until a process that is not ours has ended, whether or not anybody has taken notice of it."""
    async with asyncio.timeout(HANG_SECONDS):
        with suppress(psutil.NoSuchProcess):
            while process.status() != psutil.STATUS_ZOMBIE:
                await asyncio.to_thread(lambda: psutil.wait_procs([process], timeout=0.05))


@pytest.mark.parametrize("pipes", ["own", "leaked"])
async def test_a_server_ends_when_its_editor_is_killed_in_the_middle_of_an_answer(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str], pipes: str
) -> None:
    async with killed_editor(tmp_path, pipes, upstream, cloud) as server:
        await ended(server)
        await upstream.wait_until_idle()
    assert upstream.disconnects == 1


async def test_a_server_whose_event_loop_hangs_ends_when_its_client_is_gone(tmp_path: Path) -> None:
    async with running_server(tmp_path, command=(sys.executable, odd_server.__file__)) as server:
        await server.initialize()
        await server.notification("ai/status")
        server.ask("ai/hang")
        server.ask("ai/metrics")
        server.close_stdin()
        assert await server.exit_code() == 1


async def test_a_server_whose_event_loop_hangs_ends_at_a_signal(tmp_path: Path) -> None:
    async with running_server(tmp_path, command=(sys.executable, odd_server.__file__)) as server:
        await server.initialize()
        await server.notification("ai/status")
        server.ask("ai/hang")
        await hanging(server.pid)
        server.signal(signal.SIGTERM)
        assert await server.exit_code() == 128 + signal.SIGTERM


async def hanging(pid: int) -> None:
    """Wait until a server has read what it was sent."""
    process = psutil.Process(pid)
    async with asyncio.timeout(HANG_SECONDS):
        while await asyncio.to_thread(process.cpu_percent, 0.25) > 0:
            pass


@pytest.mark.parametrize("process_id", [None, 0, -5, 2**22 + 12345, 2**70])
async def test_a_client_whose_process_can_not_be_seen_is_served(tmp_path: Path, process_id: int | None) -> None:
    async with running_server(tmp_path, environ={"AI_GATEWAY_ORDER": "copilot"}) as server:
        await server.initialize(process_id=process_id)
        await server.notification("ai/status")
        assert await server.result("ai/metrics")
