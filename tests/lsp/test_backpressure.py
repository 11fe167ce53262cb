"""A client that stops reading harms nobody, itself included."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from ai_gateway.fakes import FakeOpenAI
from ai_gateway.lsp.outbox import FULL_BYTES
from support.rpc import HANG_SECONDS, ServerProcess, running_server

CANCELLED = -32800
MEGABYTE = 1024 * 1024


STREAMS = 8


async def at_rest(server: ServerProcess) -> None:
    """Wait until the process has nothing left that it could do."""
    process = psutil.Process(server.pid)
    async with asyncio.timeout(HANG_SECONDS):
        while await asyncio.to_thread(process.cpu_percent, 0.25) > 0:
            pass


async def test_streams_that_nobody_reads_wait_and_everything_else_is_served(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.reply(chunks=["x" * 4096] * 1500)
    async with running_server(tmp_path, environ=cloud) as server:
        await server.initialize()
        await server.notification("ai/status")
        process = psutil.Process(server.pid)
        memory_before = process.memory_info().rss
        server.stop_reading()
        streaming = [server.ask("ai/query", {"prompt": str(i), "partialResultToken": i}) for i in range(STREAMS)]
        await upstream.wait_for_calls(STREAMS)
        await at_rest(server)
        memory = process.memory_info().rss
        upstream.reply("short")
        asked = server.ask("ai/query", {"prompt": "another"})
        await upstream.wait_for_calls(STREAMS + 1)
        for msg_id in streaming:
            server.notify("$/cancelRequest", {"id": msg_id})
        await upstream.wait_until_idle()
        server.read_on()
        replies = [await server.reply_to(msg_id) for msg_id in streaming]
        assert "result" in await server.reply_to(asked)
    assert [reply["error"]["code"] for reply in replies] == [CANCELLED] * STREAMS
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
        await at_rest(server)
        assert server.unsent_bytes > 0
        server.read_on()
        for _ in range(total):
            await server.wait_for(lambda message: message["id"] == unknown.decode())
