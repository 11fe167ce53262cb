"""Texts to read, opened in the editor as files; nobody reads a page in a pop-up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.lsp.editing.abilities import Abilities
from ai_gateway.lsp.editing.page_files import NotWritten, written
from ai_gateway.lsp.folders import folders_of
from ai_gateway.lsp.protocol import ClientError
from ai_gateway.printing import printable

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

LONGEST_MESSAGE = 20_000
SHOW_SECONDS = 10.0
"""How long the editor may take to show a document."""


async def show_text(server: GatewayServer, name: str, text: str) -> bool:
    """Open a text as a Markdown file, in the editor where it can, else by telling where the file is, or what it says.

    Args:
        server: Whose client opens it.
        name: What the file is about; its name begins so.
        text: What it holds; control characters are left out.

    Returns:
        Whether it is open in the editor.
    """
    text = printable(text)
    try:
        file = await asyncio.to_thread(written, name, text, folders_of(server.workspace))
    except NotWritten as error:  # it is paid for, so it is told all the same
        say(server, f"{error}\n\n{_beginning(text)}", types.MessageType.Warning)
        return False
    whole = _wanted(server) == "message"
    is_open = not whole and await show(server, file.as_uri())
    if not is_open:
        say(server, f"the text is in {file}" + (f"\n\n{_beginning(text)}" if whole else ""))
    return is_open


async def show(server: GatewayServer, uri: str, *, outside: bool = False) -> bool:
    """Open a file in the editor, or a page in the browser; say whether the client did."""
    if not (Abilities.of(server.client_capabilities).shows_documents or _wanted(server) == "document"):
        return False
    wanted: dict[str, object] = {"uri": uri, "external": outside}
    try:
        async with asyncio.timeout(SHOW_SECONDS):
            shown = await server.protocol.send_request_async(types.WINDOW_SHOW_DOCUMENT, wanted)
    except (ClientError, TimeoutError):
        return False
    return bool(shown.success)


def say(server: GatewayServer, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
    """Tell the person a sentence."""
    server.window_show_message(types.ShowMessageParams(kind, f"AI Gateway: {printable(message)}"))


def _wanted(server: GatewayServer) -> str:
    opened = server.host.opened
    loaded = None if opened is None else opened.gateway.settings
    return "auto" if loaded is None else loaded.settings.actions.show


def _beginning(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}\n… (the rest is left out)"
