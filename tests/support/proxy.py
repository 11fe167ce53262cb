"""A forward proxy on loopback, which knows where to find hosts that do not exist."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from typing_extensions import override

from support.raw_server import header
from support.tcp_server import HOST, TcpServer


class Proxy(TcpServer):
    """Forwards plain requests, and tunnels for CONNECT (RFC 9110 §9.3.6).

    Args:
        routes: The port on this machine of each `HOST:PORT`; others are refused with 502.
        credential: `USER:PASSWORD` that it wants; without, it answers 407.
        refusal: The status and reason that it refuses everybody with.
        tls: How it shows a certificate to its clients, if it does.

    Attributes:
        asked: The first line of each connection.
        heads: All of what these lines head.
    """

    def __init__(
        self,
        routes: Mapping[str, int] | None = None,
        *,
        credential: str | None = None,
        refusal: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls=tls)
        self.asked: list[str] = []
        self.heads: list[str] = []
        self._refusal = refusal
        self._routes = routes or {}
        self._wanted = f"Basic {base64.b64encode(credential.encode()).decode()}" if credential else None

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @override
    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._pass_on(await reader.readuntil(b"\r\n\r\n"), reader, writer)

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, _, _ = head.decode("latin-1").partition("\r\n")
        self.asked.append(line)
        self.heads.append(head.decode("latin-1"))
        method, target, _ = line.split()
        port = self._routes.get(target if method == "CONNECT" else _authority(target))
        if self._refusal is not None:
            writer.write(f"HTTP/1.1 {self._refusal}\r\ncontent-length: 0\r\n\r\n".encode())
        elif self._wanted is not None and header(head.decode("latin-1"), "proxy-authorization") != self._wanted:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        elif port is None:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
        else:
            far_reader, far_writer = await asyncio.open_connection(HOST, port)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                far_writer.write(head)
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        await writer.drain()


def _authority(target: str) -> str:
    parts = urlsplit(target)
    return f"{parts.hostname}:{parts.port or 80}"


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
