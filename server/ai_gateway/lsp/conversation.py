"""Clients that connect: each has a language server of its own, for as long as the connection lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ai_gateway.lsp.host import SettingsSource
from ai_gateway.lsp.outbox import Outbox
from ai_gateway.lsp.server import GatewayServer

Read = Callable[[GatewayServer], Awaitable[None]]
"""Hands a server what its client sends, until the client is gone."""


async def converse(outbox: Outbox, load: SettingsSource, read: Read) -> None:
    """Serve one client until it says `exit` or is gone."""
    has_exited = asyncio.Event()
    server = GatewayServer(outbox, load, on_exit=has_exited.set, on_client=_ignore)
    ends = [asyncio.ensure_future(read(server)), asyncio.ensure_future(has_exited.wait())]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
        await server.stop()
        await outbox.aclose()


def _ignore(_process_id: int | None) -> None:
    """A client over a socket did not start this process, and does not take it along."""
