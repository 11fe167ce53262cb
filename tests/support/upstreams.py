"""What the tests of the HTTP client share: an upstream whose every byte they decide, and a provider to ask it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from ai_gateway.providers.network import Network
from ai_gateway.providers.openai.provider import OpenAIProvider
from support.asking import KEY
from support.raw_server import RawServer, Script

ANSWER = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def provider_of(base_url: str, network: Network | None = None) -> OpenAIProvider:
    return OpenAIProvider(KEY, base_url=base_url, network=network)


@asynccontextmanager
async def saying(*scripts: Script, tls: bool = False) -> AsyncIterator[tuple[RawServer, OpenAIProvider]]:
    """An upstream that says this, and a provider to ask it."""
    async with RawServer(*scripts, tls=tls) as server, aclosing(provider_of(server.url)) as provider:
        yield server, provider


def chunked(*chunks: bytes) -> bytes:
    """A response whose body comes in chunks, without its last, empty one."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
