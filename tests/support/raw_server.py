"""A TCP server on loopback whose every byte a test decides: for what no honest HTTP server would send."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
TLS = Path(__file__).parent / "tls"
AUTHORITY = TLS / "authority.pem"
"""Signed the certificate of `tls_context`, which is for 127.0.0.1, localhost and upstream.test until the year 2126."""

Script = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What is said to a request; a function may also wait, or close the connection."""


def tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem")
    return context


def response(
    body: bytes = b"", *, status: str = "200 OK", content_type: str | None = "text/event-stream", **headers: str
) -> bytes:
    """A whole response; an underscore in a header's name stands for a hyphen."""
    fields = {"content-length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    if content_type is not None:
        fields["content-type"] = content_type
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + body


class RawServer:
    """Plays one script for each request, and the last one over and over.

    Attributes:
        heads: request lines and headers, as they came.
        bodies: what followed them.
        connections: how many were opened.
    """

    def __init__(self, *scripts: Script, tls: bool = False) -> None:
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self._scripts = scripts
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0, ssl=tls_context() if self._tls else None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    script = await self._read_request(reader)
                    if isinstance(script, bytes):
                        writer.write(script)
                        await writer.drain()
                    else:
                        await script(reader, writer)
        finally:
            writer.close()

    async def _read_request(self, reader: asyncio.StreamReader) -> Script:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        script = self._scripts[min(len(self.heads), len(self._scripts) - 1)]
        self.heads.append(head)
        length = header(head, "content-length")
        if isinstance(script, bytes):
            self.bodies.append(await reader.readexactly(int(length)) if length else b"")
        return script


def header(head: str, name: str) -> str | None:
    """The value of a header in a request's head."""
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None


def closing(data: bytes) -> Script:
    """Say this, and close the connection."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return script
