"""Documents are kept as pygls keeps them, and nothing is kept of what is said about them."""

from __future__ import annotations

import asyncio
import json

import pytest

from ai_gateway.config import load_settings
from ai_gateway.lsp.server import GatewayServer

URI = "file:///a.py"


class Sent:
    """An outbox that keeps what is sent."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.bodies: list[object] = []

    def send(self, body: bytes) -> None:
        self.bodies.append(json.loads(body))

    async def drained(self) -> None:
        return

    async def aclose(self) -> None:
        return


@pytest.fixture
async def server() -> GatewayServer:
    server = GatewayServer(
        Sent(),
        lambda editor, workspace: load_settings(environ={}, editor=editor, workspace=workspace),
        on_exit=lambda: None,
        on_client=lambda _: None,
    )
    say(server, "initialize", {"capabilities": {}, "processId": None}, id=1)
    return server


def say(server: GatewayServer, method: str, params: object, **more: object) -> None:
    server.protocol.receive(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode())


def change(text: str) -> dict[str, object]:
    where = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
    return {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"range": where, "text": text}]}


async def test_documents_are_opened_changed_and_closed(server: GatewayServer) -> None:
    document = {"uri": URI, "languageId": "python", "version": 1, "text": "x = 1\n"}
    say(server, "textDocument/didOpen", {"textDocument": document})
    say(server, "textDocument/didChange", change("y"))
    assert server.workspace.get_text_document(URI).source == "y = 1\n"
    say(server, "textDocument/didClose", {"textDocument": {"uri": URI}})
    assert URI not in server.workspace.text_documents


async def test_nothing_is_kept_of_a_notification_that_was_dealt_with(server: GatewayServer) -> None:
    document = {"uri": URI, "languageId": "python", "version": 1, "text": "x = 1\n"}
    say(server, "textDocument/didOpen", {"textDocument": document})
    for _ in range(10):
        say(server, "textDocument/didChange", change("z"))
    await asyncio.sleep(0)
    assert not server.protocol._request_futures
