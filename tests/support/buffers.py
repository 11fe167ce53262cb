"""An editor with open buffers: it does what the server asks of it, as far as its capabilities say that it can."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack
from urllib.parse import unquote, urlsplit

from support.listener import connected
from support.rpc import HANG_SECONDS, Json, RpcClient, running_server

CAPABILITIES: Json = {
    "workspace": {
        "applyEdit": True,
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"], "changeAnnotationSupport": {}},
    },
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor"]}},
            "isPreferredSupport": True,
            "disabledSupport": True,
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit"]},
        }
    },
}
UNITS: Mapping[str, Callable[[str], int]] = {
    "utf-8": lambda text: len(text.encode()),
    "utf-16": lambda text: len(text.encode("utf-16-le")) // 2,
    "utf-32": len,
}
HOLD = object()
"""A reply that never comes."""


def capable(*, without: tuple[str, ...] = (), **more: Json) -> Json:
    """What the editor can do, less what lies at some paths, and with more sections."""
    found = copy.deepcopy(CAPABILITIES)
    for path in without:
        *outer, last = path.split(".")
        section = found
        for name in outer:
            section = section[name]
        del section[last]
    return {**found, **more}


@dataclass
class Buffer:
    """One open document."""

    text: str
    version: int


class Editor:
    """Speaks for its buffers.

    Attributes:
        replies: What it answers to the server's requests, by method: a value or a function of the parameters.
        asked: Every request of the server's so far, as method and parameters.
        shown: What it was asked to show, and the texts of the files among that.
    """

    def __init__(self, server: RpcClient, encoding: str) -> None:
        self.server = server
        self.encoding = encoding
        self._news = asyncio.Event()
        self.buffers: dict[str, Buffer] = {}
        self.asked: list[tuple[str, Json]] = []
        self.shown: list[Json] = []
        self.created: dict[str, str] = {}
        self.replies: dict[str, Any] = {
            "workspace/applyEdit": self._apply,
            "window/showDocument": self._show,
            "window/workDoneProgress/create": lambda _: None,
            "window/showMessageRequest": lambda _: None,
        }

    # What the person does

    def open(self, uri: str, text: str, language: str = "python") -> None:
        self.buffers[uri] = Buffer(text, 1)
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.server.notify("textDocument/didOpen", {"textDocument": document})

    def retype(self, uri: str, text: str) -> None:
        buffer = self.buffers[uri]
        buffer.text, buffer.version = text, buffer.version + 1
        version = {"uri": uri, "version": buffer.version}
        self.server.notify("textDocument/didChange", {"textDocument": version, "contentChanges": [{"text": text}]})

    def close(self, uri: str) -> None:
        del self.buffers[uri]
        self.server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    async def actions(self, uri: str, selected: Json, **context: object) -> list[Json]:
        params = {"textDocument": {"uri": uri}, "range": selected, "context": {"diagnostics": [], **context}}
        found: list[Json] = await self.server.result("textDocument/codeAction", params)
        return found

    async def choose(self, title: str, uri: str, selected: Json, **context: object) -> Any:
        """Choose an action, and do what clients do then; gives what the command replied."""
        [action] = [each for each in await self.actions(uri, selected, **context) if each["title"] == title]
        return await self.command(action["command"]["command"], *action["command"]["arguments"])

    async def command(self, name: str, *arguments: object) -> Any:
        return await self.server.result("workspace/executeCommand", {"command": name, "arguments": list(arguments)})

    # What the server asks

    async def request(self, method: str) -> Json:
        """Wait for a request of the server's."""
        async with asyncio.timeout(HANG_SECONDS):
            while True:
                for asked in self.asked:
                    if asked[0] == method:
                        self.asked.remove(asked)
                        return asked[1]
                await self._news.wait()

    async def message(self) -> Json:
        """Wait for what the server tells the person."""
        found: Json = await self.server.notification("window/showMessage")
        return found

    async def page(self) -> str:
        """Wait for a document that the server shows, and give its text."""
        await self.request("window/showDocument")
        return str(self.shown.pop(0)["text"])

    async def work(self) -> None:
        """Answer the server's requests until cancelled."""
        while True:
            asked = await self._next_request()
            method, params = asked["method"], asked.get("params") or {}
            reply = self.replies.get(method, {"error": {"code": -32601, "message": "no such method"}})
            reply = reply(params) if callable(reply) else reply
            if reply is not HOLD:
                failed = isinstance(reply, dict) and "error" in reply
                outcome = reply if failed else {"result": reply}
                self.server.send({"jsonrpc": "2.0", "id": asked["id"], **outcome})
            self.asked.append((method, params))
            self._news.set()
            self._news = asyncio.Event()

    async def _next_request(self) -> Json:
        while True:
            with suppress(TimeoutError):  # a test may take longer than one request
                return await self.server.wait_for(lambda message: "method" in message and "id" in message)

    def _show(self, params: Json) -> Json:
        path = Path(unquote(urlsplit(params["uri"]).path))
        is_file = urlsplit(params["uri"]).scheme == "file" and path.exists()
        self.shown.append({**params, "path": path, "text": path.read_text("utf-8") if is_file else ""})
        return {"success": True}

    def _apply(self, params: Json) -> Json:
        edit = params["edit"]
        changes = edit.get("documentChanges") or [
            {"textDocument": {"uri": uri, "version": self.buffers[uri].version}, "edits": edits}
            for uri, edits in edit["changes"].items()
        ]
        for change in changes:
            if change.get("kind") == "create":
                self.created[change["uri"]] = ""
                continue
            uri, version = change["textDocument"]["uri"], change["textDocument"]["version"]
            if uri in self.created:
                self.created[uri] = change["edits"][0]["newText"]
            elif uri not in self.buffers or self.buffers[uri].version != version:
                return {"applied": False, "failureReason": "another version"}
            else:
                self._edit(uri, change["edits"])
        return {"applied": True}

    def _edit(self, uri: str, edits: list[Json]) -> None:
        text = self.buffers[uri].text
        for edit in edits:
            start, end = (self.offset(text, edit["range"][side]) for side in ("start", "end"))
            text = text[:start] + edit["newText"] + text[end:]
        self.retype(uri, text)

    def offset(self, text: str, position: Json) -> int:
        """Where a position is, by LSP's rules, in code points; one that is nowhere is an error."""
        lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
        line = lines[position["line"]]
        units = UNITS[self.encoding]
        [column] = [at for at in range(len(line) + 1) if units(line[:at]) == position["character"]]
        assert column <= len(line.rstrip("\r\n"))
        return sum(map(len, lines[: position["line"]])) + column


class How(TypedDict, total=False):
    """How an editor differs from others."""

    capabilities: Json
    encoding: str
    folder: Path


@asynccontextmanager
async def editing(address: str, settings: Json, **how: Unpack[How]) -> AsyncIterator[Editor]:
    """An editor with these settings, at a server that other tests use as well, for the length of a block."""
    async with connected(address) as server, editor_of(server, settings, **how) as editor:
        yield editor


@asynccontextmanager
async def editing_alone(home: Path, environ: Mapping[str, str], **how: Unpack[How]) -> AsyncIterator[Editor]:
    """An editor and a server process of its own, for the length of a block."""
    async with running_server(home, environ=environ) as server, editor_of(server, **how) as editor:
        yield editor


@asynccontextmanager
async def editor_of(server: RpcClient, settings: Json | None = None, **how: Unpack[How]) -> AsyncIterator[Editor]:
    """An editor for a server that nobody has initialized yet."""
    folder, encoding = how.get("folder"), how.get("encoding", "utf-16")
    params = {
        "processId": None,
        "capabilities": {**how.get("capabilities", CAPABILITIES), "general": {"positionEncodings": [encoding]}},
        "initializationOptions": settings,
        "workspaceFolders": None if folder is None else [{"uri": folder.as_uri(), "name": folder.name}],
    }
    initialized = await server.result("initialize", params)
    assert initialized["capabilities"]["positionEncoding"] == encoding
    server.notify("initialized", {})
    await server.notification("ai/status")
    editor = Editor(server, encoding)
    working = asyncio.create_task(editor.work())
    try:
        yield editor
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError, AssertionError):  # the latter where the server has left
            await working


def lines(first: int, last: int) -> Json:
    """A selection of whole lines, from 0, the last one included."""
    return {"start": {"line": first, "character": 0}, "end": {"line": last + 1, "character": 0}}


def cursor(line: int, character: int = 0) -> Json:
    """No selection."""
    return {"start": {"line": line, "character": character}, "end": {"line": line, "character": character}}
