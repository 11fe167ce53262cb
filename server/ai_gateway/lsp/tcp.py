"""TCP as a transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from ai_gateway.lsp.address import shown
from ai_gateway.lsp.conversation import converse
from ai_gateway.lsp.framing import FrameDecoder, FramingError, frame
from ai_gateway.lsp.host import SettingsSource
from ai_gateway.lsp.outbox import CONGESTED_BYTES, FULL_BYTES
from ai_gateway.lsp.server import GatewayServer

READ_BYTES = 64 * 1024
FLUSH_SECONDS = 1.0


class StreamOutbox:
    """Writes to a stream of asyncio's, which keeps the queue."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        writer.transport.set_write_buffer_limits(high=CONGESTED_BYTES)

    @property
    def unsent_bytes(self) -> int:
        """How much waits."""
        return self._writer.transport.get_write_buffer_size()

    def send(self, body: bytes) -> None:
        """Queue a body."""
        if not self._writer.is_closing():
            self._writer.write(frame(body))

    async def drained(self) -> None:
        """Wait while the stream is congested."""
        with suppress(ConnectionError):
            await self._writer.drain()

    async def aclose(self) -> None:
        """Write what waits, for a moment, and close."""
        self._writer.close()
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._writer.wait_closed()
        self._writer.transport.abort()


@asynccontextmanager
async def tcp_listener(host: str, port: int, load: SettingsSource) -> AsyncIterator[str]:
    """Serve whoever connects; gives the address. Every connection ends with the context."""
    conversations: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        outbox = StreamOutbox(writer)
        task = asyncio.ensure_future(converse(outbox, load, lambda server: _read(reader, server)))
        conversations.add(task)
        task.add_done_callback(conversations.discard)

    listener = await asyncio.start_server(connected, host, port)
    try:
        yield shown("tcp", listener.sockets[0].getsockname())
    finally:
        listener.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, server: GatewayServer) -> None:
    """Read frames; the first faulty one ends it.

    Who does not speak the protocol may be a web page that makes a browser send its own requests here.
    """
    decoder = FrameDecoder()
    with suppress(ConnectionError):
        while chunk := await reader.read(READ_BYTES):
            for body in decoder.feed(chunk):
                server.protocol.receive(body)
                if isinstance(body, FramingError):
                    return
            if server.outbox.unsent_bytes > FULL_BYTES:
                await server.outbox.drained()
