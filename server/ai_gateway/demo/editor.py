"""The smallest editor there is: it starts the server, asks it over standard input, and listens."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Self

Json = Mapping[str, object]
Listener = Callable[[Json], None]

CAPABILITIES: Json = {
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}},
    "window": {"showDocument": {"support": True}},
}


class RequestFailed(Exception):
    """The server answered a request with an error."""

    def __init__(self, code: int, message: str, data: object) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.data = data


class Editor:
    """An editor with a language server as its child process.

    Args:
        command: How to start the server.
        environ: Its environment.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._command = command
        self._environ = environ
        self._ids = itertools.count(1)
        self._pending: dict[object, asyncio.Future[object]] = {}
        self._progress: dict[object, Listener] = {}
        self._notified = asyncio.Condition()
        self._news: asyncio.Queue[str] = asyncio.Queue()
        self._version = 0
        self.status: Json = {}
        """What the last `ai/status` said."""
        self.text = ""
        """Of the open document."""
        self.shown: list[str] = []
        """The URIs of the pages that the server has opened."""

    async def __aenter__(self) -> Self:
        """Start the server and shake hands."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=sys.stderr,
            env=dict(self._environ),
            limit=2**24,
        )
        self._reading = asyncio.create_task(self._read())
        await self.request("initialize", {"processId": None, "rootUri": None, "capabilities": CAPABILITIES})
        self._send({"method": "initialized", "params": {}})
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Say goodbye, as the protocol wants it."""
        if self._process.returncode is None:
            await self.request("shutdown")
            self._send({"method": "exit"})
        await self._process.wait()
        await self._reading

    async def request(self, method: str, params: Json | None = None, *, progress: Listener | None = None) -> Json:
        """Ask, and wait for the result.

        Args:
            method: What to ask.
            params: With what.
            progress: Called with each partial result.

        Raises:
            RequestFailed: The server answered with an error.
        """
        number = next(self._ids)
        message: dict[str, object] = {"id": number, "method": method}
        if params is not None:
            message["params"] = dict(params)
        if progress is not None:
            token = f"progress-{number}"
            self._progress[token] = progress
            message["params"] = {**(params or {}), "partialResultToken": token}
        self._pending[number] = future = asyncio.get_running_loop().create_future()
        self._send(message)
        result = await future
        return result if isinstance(result, Mapping) else {}

    def open(self, uri: str, language: str, text: str) -> None:
        """Open a document; there is one at a time."""
        self.text, self._version = text, 1
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})

    async def news(self) -> str:
        """Wait for the next edit, and give its name; or for the next message to the person."""
        return await self._news.get()

    async def wait_for_status(self, holds: Callable[[Json], bool], *, seconds: float) -> bool:
        """Wait until the server pushes a status of which `holds` is true; say whether it did in time."""
        try:
            async with asyncio.timeout(seconds), self._notified:
                await self._notified.wait_for(lambda: holds(self.status))
        except TimeoutError:
            return False
        return True

    def _answer(self, method: str, params: Json) -> Json | None:
        """Do what the server asks for."""
        match params:
            case {"edit": {"documentChanges": [{"textDocument": {"version": self._version}, "edits": [dict(edit)]}]}}:
                self._apply(edit)
                self._news.put_nowait(str(params.get("label")))
                return {"applied": True}
            case {"uri": str(uri)}:
                self.shown.append(uri)
                return {"success": True}
            case _:
                return {"applied": False} if method == "workspace/applyEdit" else None

    def _apply(self, edit: Json) -> None:
        """Change the document, which is plain ASCII: a column is a letter."""
        match edit:
            case {
                "range": {
                    "start": {"line": int(first), "character": int(start)},
                    "end": {"line": int(last), "character": int(end)},
                },
                "newText": str(text),
            }:
                lines = self.text.splitlines(keepends=True)
                before, after = "".join(lines[:first]) + lines[first][:start], lines[last][end:]
                self.text = before + text + after + "".join(lines[last + 1 :])
                self._version += 1

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for
        while header := await stdout.readline():
            length = int(header.split(b":")[1]) if header.lower().startswith(b"content-length") else 0
            while (await stdout.readline()).strip():
                pass
            await self._receive(json.loads(await stdout.readexactly(length)))
        for future in self._pending.values():
            future.set_exception(RequestFailed(0, "the server ended", None))

    async def _receive(self, message: Json) -> None:
        match message:
            case {"method": "$/progress", "params": {"token": token, "value": dict(value)}}:
                self._progress[token](value)
            case {"method": "ai/status", "params": dict(params)}:
                async with self._notified:
                    self.status = params
                    self._notified.notify_all()
            case {"method": "window/showMessage", "params": {"message": str(text)}}:
                self._news.put_nowait(text)
            case {"id": number, "method": str(method), "params": dict(params)}:
                self._send({"id": number, "result": self._answer(method, params)})
            case {"id": number, "error": {"code": int(code), "message": str(text), **more}} if number in self._pending:
                self._pending.pop(number).set_exception(RequestFailed(code, text, more.get("data")))
            case {"id": number, "result": result} if number in self._pending:
                self._pending.pop(number).set_result(result)
