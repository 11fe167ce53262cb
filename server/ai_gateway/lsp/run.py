"""The server as a program: it serves until somebody asks for the end, and gives the process's exit code."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Literal

from ai_gateway import event_loop
from ai_gateway.failures import where
from ai_gateway.lsp.address import parse_address
from ai_gateway.lsp.ending import Ending
from ai_gateway.lsp.framing import FrameDecoder
from ai_gateway.lsp.host import SettingsSource
from ai_gateway.lsp.memory import use_one_arena
from ai_gateway.lsp.parent import watch_parent
from ai_gateway.lsp.server import GatewayServer
from ai_gateway.lsp.stdio_in import reader_for
from ai_gateway.lsp.stdio_out import PipeOutbox
from ai_gateway.lsp.streams import claim_standard_streams
from ai_gateway.privacy.redaction import TALKATIVE

log = logging.getLogger(__name__)

Transport = Literal["stdio", "tcp", "ws"]


def run(transport: Transport = "stdio", address: str = "", *, load: SettingsSource) -> int:
    """Serve clients until the end.

    Args:
        transport: How clients reach the server.
        address: `[HOST:]PORT`, for all but `stdio`.
        load: Loads the settings; None: they lead to simulated upstreams, and to nobody else.

    Returns:
        The exit code: 0 after `shutdown`, 1 without, 128 and its number after a signal.

    Raises:
        ValueError: The address is none.
        OSError: It can't be listened on.
    """
    use_one_arena()
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    if transport == "stdio":
        return event_loop.run(_serve_stdio(load))
    host, port = parse_address(address)
    return event_loop.run(_serve_connections(transport, host, port, load))


async def _serve_stdio(load: SettingsSource) -> int:
    asyncio.get_running_loop().set_exception_handler(_log_stray_error)
    received, sent = claim_standard_streams()
    ending = Ending(lambda: 0 if server.protocol.is_shutting_down else 1)
    outbox = PipeOutbox(sent, on_broken=ending.ask)
    server = GatewayServer(
        outbox,
        load,
        on_exit=ending.ask,
        on_client=lambda pid: pid is not None and watch_parent(pid, ending.ask),
    )
    ending.on_signals()
    decoder = FrameDecoder()

    def receive(chunk: bytes) -> None:
        for body in decoder.feed(chunk):
            server.protocol.receive(body)

    reader_for(received)(received, receive, outbox, on_hangup=ending.expect, on_end=ending.ask).start()
    code = await ending.wait()
    await server.stop()
    await outbox.aclose()
    return code


async def _serve_connections(transport: Transport, host: str, port: int, load: SettingsSource) -> int:
    asyncio.get_running_loop().set_exception_handler(_log_stray_error)
    if transport == "tcp":
        from ai_gateway.lsp.tcp import tcp_listener as listener  # noqa: PLC0415 - stdio needs neither
    else:
        from ai_gateway.lsp.websocket import websocket_listener as listener  # noqa: PLC0415
    ending = Ending(lambda: 0)
    ending.on_signals()
    async with listener(host, port, load) as shown:
        print(f"listening on {shown}", file=sys.stderr, flush=True)  # noqa: T201 - for whoever started it
        return await ending.wait()


def _log_stray_error(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Log an error that nobody waited for, without its text; asyncio's own message quotes arguments of callbacks."""
    error = context.get("exception")
    log.error("nobody waited for an error: %s", where(error) if isinstance(error, BaseException) else "unknown")
