"""A client of the real server process that speaks bare JSON-RPC, so that tests decide every byte."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from ai_gateway.config import ENVIRONMENT, OWN_PREFIX

HANG_SECONDS = 30.0
"""Nothing in a test takes this long unless it hangs."""
SERVER = (sys.executable, "-m", "ai_gateway", "--stdio")

Json = dict[str, Any]


def environment(home: Path, **own: str) -> dict[str, str]:
    """The environment of a process that knows nothing of whoever runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if not _is_setting(name)}
    places = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "APPDATA": str(home), "USERPROFILE": str(home)}
    return {**inherited, **places, **own}


def _is_setting(name: str) -> bool:
    return name in ENVIRONMENT or name.startswith(OWN_PREFIX) or name.lower().endswith("_proxy")


def framed(message: object) -> bytes:
    """A message with its headers."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class RpcClient:
    """One connection. Everything that arrives is kept in `messages`, in order, until somebody waits for it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.messages: list[Json] = []
        self.is_closed = False
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._changed = asyncio.Condition()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._reading = asyncio.ensure_future(self._read())

    # What the client says

    def send_bytes(self, data: bytes) -> None:
        self._writer.write(data)

    def send(self, message: object) -> None:
        self.send_bytes(framed(message))

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object = None, *, id: object = None) -> object:  # noqa: A002 - its name
        """Send a request, and give its id."""
        msg_id = next(self._ids) if id is None else id
        self.send({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})
        return msg_id

    @property
    def unsent_bytes(self) -> int:
        """How much of what was sent the server has not taken yet."""
        return self._writer.transport.get_write_buffer_size()

    async def request(self, method: str, params: object = None) -> Json:
        """Send a request, and wait for its reply."""
        return await self.reply_to(self.ask(method, params))

    async def result(self, method: str, params: object = None) -> Any:
        """Send a request, and wait for its result."""
        reply = await self.request(method, params)
        assert "result" in reply, reply
        return reply["result"]

    async def initialize(
        self, options: object = None, *, capabilities: Json | None = None, process_id: int | None = None
    ) -> Json:
        params = {"processId": process_id, "capabilities": capabilities or {}, "initializationOptions": options}
        result: Json = await self.result("initialize", params)
        self.notify("initialized", {})
        return result

    # What the server says

    async def wait_for(self, condition: Callable[[Json], object]) -> Json:
        """Give the first message that fits, and forget it."""
        async with asyncio.timeout(HANG_SECONDS), self._changed:
            while True:
                for position, message in enumerate(self.messages):
                    if condition(message):
                        return self.messages.pop(position)
                assert not self.is_closed, f"the server left; it had said: {self.messages}"
                await self._changed.wait()

    async def reply_to(self, msg_id: object) -> Json:
        return await self.wait_for(
            lambda message: "method" not in message and message["id"] == msg_id and type(message["id"]) is type(msg_id)
        )

    async def notification(self, method: str, condition: Callable[[Any], object] = lambda _: True) -> Any:
        """Give the parameters of the first such notification or request of the server's."""
        found = await self.wait_for(lambda message: message.get("method") == method and condition(message["params"]))
        return found["params"]

    async def progress(self, token: object, kind: str) -> Json:
        params = await self.notification(
            "$/progress", lambda params: params["token"] == token and params["value"]["kind"] == kind
        )
        value: Json = params["value"]
        return value

    async def synchronized(self) -> list[Json]:
        """Wait until everything sent before has been dealt with, but for queries, and give all that has come back."""
        await self.reply_to(self.ask("ai/metrics", id=f"sync-{next(self._ids)}"))
        found, self.messages[:] = list(self.messages), []
        return found

    # Reading, and not reading

    def stop_reading(self) -> None:
        self._may_read.clear()

    def read_on(self) -> None:
        self._may_read.set()

    async def _read(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                headers = await self._reader.readuntil(b"\r\n\r\n")
                await self._may_read.wait()
                body = await self._reader.readexactly(int(headers.split(b":")[1]))
                await self._take(json.loads(body))
        async with self._changed:
            self.is_closed = True
            self._changed.notify_all()

    async def _take(self, message: Json) -> None:
        async with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    async def wait_closed(self) -> None:
        """Wait until the server has closed its side."""
        async with asyncio.timeout(HANG_SECONDS):
            await self._reading

    async def aclose(self) -> None:
        self._reading.cancel()
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


class ServerProcess(RpcClient):
    """The server as a child process, spoken to over its standard streams."""

    def __init__(self, process: Process) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        super().__init__(process.stdout, process.stdin)
        self.process = process
        self.pid = process.pid
        self._stderr = asyncio.ensure_future(self._read_stderr())
        self.log = ""

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(65536):
            self.log += data.decode("utf-8", "replace")

    async def exit_code(self) -> int:
        """Wait until the process has ended; everything that it wrote has been read then."""
        async with asyncio.timeout(HANG_SECONDS):
            code = await self.process.wait()
            await asyncio.wait([self._reading, self._stderr])
        return code

    def close_stdin(self) -> None:
        self._writer.close()

    async def close_stdout(self) -> None:
        """Read no more, ever."""
        stream: Any = self._reader
        stream._transport.close()
        await asyncio.sleep(0)  # the pipe itself is closed in the next turn of the loop

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def aclose(self) -> None:
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.kill()
        self._writer.close()
        self.read_on()
        await self.process.wait()
        await asyncio.wait([self._reading, self._stderr])
        await super().aclose()


@asynccontextmanager
async def running_server(
    home: Path, *, command: Sequence[str] = SERVER, environ: Mapping[str, str] | None = None
) -> AsyncIterator[ServerProcess]:
    """Run a server for the length of a block."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment(home, **(environ or {}))
    )
    server = ServerProcess(process)
    try:
        yield server
    finally:
        await server.aclose()
