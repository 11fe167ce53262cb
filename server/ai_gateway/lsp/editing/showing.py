"""Texts to read, opened in the editor as files; nobody reads a page in a pop-up.

They lie in the user's cache folder, readable for this person only, and go after a day.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from platformdirs import user_cache_path

from ai_gateway.failures import GatewayError
from ai_gateway.lsp.editing.abilities import Abilities
from ai_gateway.lsp.folders import folders_of
from ai_gateway.lsp.protocol import ClientError

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

FOLDER = "answers"
FOLDER_MODE = 0o700
KEPT_SECONDS = 24 * 3600.0
LONGEST_NAME = 60
LONGEST_MESSAGE = 20_000
SHOW_SECONDS = 10.0
"""How long the editor may take to show a document."""


class NotShown(GatewayError):
    """A text could not be opened in the editor; says what to do."""


async def show_text(server: GatewayServer, name: str, text: str) -> bool:
    """Open a text as a Markdown file, in the editor where it can, else by telling where the file is, or what it says.

    Args:
        server: Whose client opens it.
        name: What the file is about; its name begins so.
        text: What it holds.

    Returns:
        Whether it is open in the editor.

    Raises:
        NotShown: The disk would not take it.
    """
    file = await asyncio.to_thread(_written, name, text, folders_of(server.workspace))
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
    server.window_show_message(types.ShowMessageParams(kind, f"AI Gateway: {message}"))


def _wanted(server: GatewayServer) -> str:
    opened = server.host.opened
    loaded = None if opened is None else opened.gateway.settings
    return "auto" if loaded is None else loaded.settings.actions.show


def _beginning(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}\n… (the rest is in the file)"


def _written(name: str, text: str, workspace: list[Path]) -> Path:
    try:
        folder = _folder(workspace)
        _remove_old(folder)
        stem = re.sub(r"[^\w.-]+", "-", name)[:LONGEST_NAME].strip("-.")
        descriptor, path = tempfile.mkstemp(prefix=f"{stem}-", suffix=".md", dir=folder)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
    except OSError as error:
        why = error.strerror or "it can't be written"
        raise NotShown(
            f"there is no file for the answer ({why}); make room in the cache folder, and ask again"
        ) from error
    return Path(path)


def _folder(workspace: list[Path]) -> Path:
    """Make it, outside of the workspace, whose files are searched, built and committed."""
    folder = user_cache_path("ai-gateway", appauthor=False) / FOLDER
    if any(folder.resolve().is_relative_to(root.resolve()) for root in workspace):
        return Path(tempfile.mkdtemp(prefix="ai-gateway-"))
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    if os.name == "posix":
        folder.chmod(FOLDER_MODE)
    return folder


def _remove_old(folder: Path) -> None:
    before = time.time() - KEPT_SECONDS
    for path in folder.glob("*.md"):
        with suppress(OSError):  # another window has removed it
            if path.lstat().st_mtime < before:
                path.unlink()
