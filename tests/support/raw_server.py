"""A TCP server on loopback whose every byte a test decides: for what no honest HTTP server would send."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from typing_extensions import override

from support.tcp_server import HOST, TcpServer

TLS = Path(__file__).parent / "tls"
"""Certificates, as `make.sh` there makes them."""
AUTHORITY = TLS / "authority.pem"
"""Signed all of them."""

Script = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What is said to a request; a function may also wait, or close the connection."""


def tls_context(certificate: str = "server", *, wants_client: bool = False) -> ssl.SSLContext:
    """How a server shows a certificate, and maybe wants one of the client's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{certificate}.pem")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(AUTHORITY)
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


class RawServer(TcpServer):
    """Plays one script for each request, and the last one over and over.

    Args:
        scripts: What it says.
        tls: Whether it speaks TLS, or how.
        host: The address that it listens at.

    Attributes:
        heads: request lines and headers, as they came.
        bodies: what followed them.
    """

    def __init__(self, *scripts: Script, tls: bool | ssl.SSLContext = False, host: str = HOST) -> None:
        super().__init__(tls=tls_context() if tls is True else tls or None, host=host)
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self._scripts = scripts

    @override
    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            script = await self._read_request(reader)
            if isinstance(script, bytes):
                writer.write(script)
                await writer.drain()
            else:
                await script(reader, writer)

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
