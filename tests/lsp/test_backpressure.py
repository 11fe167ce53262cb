"""A client that stops reading harms nobody, itself included."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest
from support.rpc import HANG_SECONDS, ServerProcess, running_server

from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.lsp.outbox import FULL_BYTES

CANCELLED = -32800
MEGABYTE = 1024 * 1024


async def until_unread(server: ServerProcess, upstream: FakeOpenAI) -> None:
    """Wait until a stream has come to a stand because nobody reads what it says."""
    seen = -1
    process = psutil.Process(server.pid)
    async with asyncio.timeout(HANG_SECONDS):
        while (now := process.cpu_times().user) != seen:
            seen = now
            await upstream.wait_for_calls(1)
            await asyncio.to_thread(process.cpu_percent, 0.3)


async def test_a_stream_that_nobody_reads_waits_and_everything_else_is_served(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.endless())
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.notification("ai/status")
        memory_before = psutil.Process(server.pid).memory_info().rss
        server.stop_reading()
        streaming = server.ask("ai/query", {"prompt": "talk", "partialResultToken": 1})
        await upstream.wait_for_calls(1)
        await until_unread(server, upstream)
        memory = psutil.Process(server.pid).memory_info().rss
        asked = server.ask("ai/query", {"prompt": "another"})
        await upstream.wait_for_calls(2)
        server.notify("$/cancelRequest", {"id": streaming})
        await upstream.wait_until_idle()
        server.read_on()
        reply = await server.reply_to(streaming); print(str(reply)[:800], server.log[-500:])
        assert (await server.reply_to(streaming))["error"]["code"] == CANCELLED
        assert "result" in await server.reply_to(asked)
    assert memory - memory_before < 20 * MEGABYTE


async def test_a_client_that_asks_and_never_reads_is_not_read_any_more(tmp_path: Path) -> None:
    async with running_server(tmp_path, environ={"AI_GATEWAY_ORDER": "copilot"}) as server:
        await server.initialize()
        await server.notification("ai/status")
        server.stop_reading()
        unknown = b"x" * 100_000
        body = b'{"jsonrpc":"2.0","id":"%b","method":"ai/unknown"}' % unknown
        frame = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        total = 3 * FULL_BYTES // len(unknown)
        server.send_bytes(frame * total)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await server.sent()
        server.read_on()
        await server.sent()
        for _ in range(total):
            await server.wait_for(lambda message: message["id"] == unknown.decode())
