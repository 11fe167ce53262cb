"""GitHub's own Copilot client, asked in words of LSP; its only network is a loopback with our fake on it.

Run as a program in a network namespace of its own (`unshare -rn`), with the path of the client's binary; a JSON object
on stdin says what the fake does, one on stdout what the client made of it. The client must not reach anybody else: it
sends telemetry, whatever it is told.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import struct
import sys
import tempfile
from collections.abc import Mapping
from typing import cast

from ai_gateway.fakes import Answer, FakeCopilot, copilot_failures

TOKEN = "ghu_judged"
SET_FLAGS = 0x8914
"""SIOCSIFFLAGS, of netdevice(7)."""
UP_AND_RUNNING = 0x1 | 0x40
HANG_SECONDS = 60

Fields = Mapping[str, object]

EXCHANGE_REFUSALS: Mapping[str, Answer] = {
    "not entitled": copilot_failures.not_entitled(),
    "revoked": copilot_failures.bad_credentials(),
}
CHAT_REFUSALS: Mapping[str, Answer] = {
    "model": copilot_failures.model_not_supported(),
    "quota": copilot_failures.quota_exceeded(),
    "free": copilot_failures.quota_exceeded("free_quota_exceeded"),
    "budget": copilot_failures.quota_exceeded("overage_limit_reached"),
    "bill": copilot_failures.quota_exceeded("billing_not_configured"),
    "session": copilot_failures.rate_limited(retry_after=60),
    "week": copilot_failures.rate_limited("user_weekly_rate_limited:pro", retry_after=60),
    "vendor": copilot_failures.rate_limited("upstream_provider_rate_limit", retry_after=60),
    "old": copilot_failures.client_outdated(),
}


class LanguageServer:
    """The client's process, and how to talk with it.

    Attributes:
        told: what it said without being asked: notifications, in order.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        self.told: list[Fields] = []
        self._in, self._out = process.stdin, process.stdout
        self._calls = 0

    async def call(self, method: str, params: Fields) -> Fields:
        """Ask, and answer nothing to all that it asks meanwhile."""
        self._calls += 1
        await self.send({"id": self._calls, "method": method, "params": params})
        while True:
            message = await self._receive()
            if "method" not in message:
                assert message["id"] == self._calls
                return message
            self.told.append(message)
            if "id" in message:
                await self.send({"id": message["id"], "result": None})

    async def send(self, message: Fields) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._in.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await self._in.drain()

    async def _receive(self) -> dict[str, object]:
        head = (await self._out.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split()[0])
        return cast("dict[str, object]", json.loads(await self._out.readexactly(length)))

    def told_of(self, method: str, *, since: int = 0) -> list[Fields]:
        told = [message for message in self.told[since:] if message["method"] == method]
        return [cast("Fields", message.get("params") or {}) for message in told]


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        fcntl.ioctl(anything, SET_FLAGS, struct.pack("16sh", b"lo", UP_AND_RUNNING))


def environment(upstream: FakeCopilot, home: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "XDG_CONFIG_HOME": f"{home}/config",
        "GH_COPILOT_TOKEN": TOKEN,
        "GH_COPILOT_API_URL": f"{upstream.url}/",
        "GH_COPILOT_SERVER_URL": f"{upstream.url}/",
    }


async def begin(server: LanguageServer) -> object:
    """Introduce ourselves, and hear whether the client finds itself signed in."""
    editor = {"name": "Judge", "version": "1.0"}
    options = {"editorInfo": editor, "editorPluginInfo": editor}
    params = {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": options}
    await server.call("initialize", params)
    await server.send({"method": "initialized", "params": {}})
    return (await server.call("checkStatus", {}))["result"]


async def turn(server: LanguageServer) -> list[object]:
    """Have a conversation of one question, and give what the client shows of it."""
    before = len(server.told)
    params = {
        "workDoneToken": "turn",
        "turns": [{"request": "Say hello"}],
        "capabilities": {"skills": [], "allSkills": False},
        "source": "panel",
        "computeSuggestions": False,
        "model": "gpt-4o",
    }
    await server.call("conversation/create", params)
    return [told.get("value") for told in server.told_of("$/progress", since=before)]


async def converse(server: LanguageServer, upstream: FakeCopilot, wanted: Fields) -> dict[str, object]:
    seen: dict[str, object] = {"status": await begin(server)}
    turns = cast("list[str]", wanted.get("turns", []))
    if turns:
        seen["models"] = (await server.call("copilot/models", {}))["result"]
    shown = []
    for name in turns:
        if name in CHAT_REFUSALS:
            upstream.fault(CHAT_REFUSALS[name])
        shown.append(await turn(server))
    return seen | {"turns": shown, "quotas": server.told_of("copilot/quotaChange")}


async def judge(binary: str, wanted: Fields) -> dict[str, object]:
    async with FakeCopilot(oauth_tokens=[TOKEN]) as upstream:
        upstream.reply(str(wanted.get("reply", "")))
        if (refusal := EXCHANGE_REFUSALS.get(str(wanted.get("exchange")))) is not None:
            upstream.fault(refusal, times=None, path=upstream.exchange_path)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
            process = await asyncio.create_subprocess_exec(
                binary,
                "--stdio",
                env=environment(upstream, home),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=2**24,
            )
            try:
                async with asyncio.timeout(HANG_SECONDS):
                    seen = await converse(LanguageServer(process), upstream, wanted)
            finally:
                process.kill()
                await process.wait()
        return seen | {"requests": [f"{request.method} {request.path}" for request in upstream.requests]}


if __name__ == "__main__":
    raise_loopback()
    json.dump(asyncio.run(judge(sys.argv[1], json.load(sys.stdin))), sys.stdout)
