"""WebSocket as a transport (RFC 6455): each message of it is one body, without headers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from ai_gateway.lsp.address import shown
from ai_gateway.lsp.conversation import converse
from ai_gateway.lsp.framing import MAX_BODY_BYTES
from ai_gateway.lsp.host import SettingsSource
from ai_gateway.lsp.outbox import CONGESTED_BYTES, FULL_BYTES
from ai_gateway.lsp.server import GatewayServer

FLUSH_SECONDS = 1.0
HEARTBEAT_SECONDS = 30.0
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class WebSocketOutbox:
    """Writes to a WebSocket in a task, whose `send` waits while the socket is congested."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._bodies: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._has_drained = asyncio.Event()
        self._writing = asyncio.ensure_future(self._write())
        self.unsent_bytes = 0

    def send(self, body: bytes) -> None:
        """Queue a body."""
        if not self._writing.done():
            self.unsent_bytes += len(body)
            self._bodies.put_nowait(body)

    async def drained(self) -> None:
        """Wait until no more than `CONGESTED_BYTES` wait."""
        while self.unsent_bytes > CONGESTED_BYTES:
            self._has_drained.clear()
            await self._has_drained.wait()

    async def aclose(self) -> None:
        """Write what waits, for a moment, and close."""
        self._bodies.put_nowait(None)
        await asyncio.wait([self._writing], timeout=FLUSH_SECONDS)
        self._writing.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._socket.close()

    async def _write(self) -> None:
        try:
            with suppress(ConnectionError):
                while (body := await self._bodies.get()) is not None:
                    await self._socket.send_str(body.decode())
                    self.unsent_bytes -= len(body)
                    if self.unsent_bytes <= CONGESTED_BYTES:
                        self._has_drained.set()
        finally:
            self.unsent_bytes = 0
            self._has_drained.set()


@asynccontextmanager
async def websocket_listener(host: str, port: int, load: SettingsSource) -> AsyncIterator[str]:
    """Serve whoever connects; gives the address. Every connection ends with the context."""

    async def connected(request: web.BaseRequest) -> web.StreamResponse:
        if not is_allowed_origin(request.headers.get("Origin")):
            return web.Response(status=403, text="web pages from elsewhere may not connect")
        socket = web.WebSocketResponse(max_msg_size=MAX_BODY_BYTES, heartbeat=HEARTBEAT_SECONDS, compress=False)
        if not socket.can_prepare(request):
            return web.Response(status=426, text="this is a WebSocket", headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        await converse(WebSocketOutbox(socket), load, lambda server: _read(socket, server))
        return socket

    runner = web.ServerRunner(web.Server(connected, access_log=None), shutdown_timeout=FLUSH_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield shown("ws", runner.addresses[0])
    finally:
        await runner.cleanup()


def is_allowed_origin(origin: str | None) -> bool:
    """Say whether a browser's page may connect: only one that this machine serves (RFC 6455, 10.2).

    Any page in the world can make a browser connect to loopback. Programs that are no browsers send no origin.
    """
    return origin is None or urlsplit(origin).hostname in LOOPBACK_NAMES


async def _read(socket: web.WebSocketResponse, server: GatewayServer) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            server.protocol.receive(message.data.encode("utf-8", "surrogatepass"))
        elif message.type is WSMsgType.BINARY:
            server.protocol.receive(message.data)
        if server.outbox.unsent_bytes > FULL_BYTES:
            await server.outbox.drained()
