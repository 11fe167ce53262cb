"""Clients over TCP and WebSocket: each has a server of its own, and web pages have none."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.lsp.address import parse_address
from ai_gateway.lsp.websocket import is_allowed_origin
from support.listener import connected, listening
from support.rpc import HANG_SECONDS, framed


async def test_each_tcp_connection_has_a_server_of_its_own(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    async with listening(tmp_path, "tcp", cloud) as (_, address):
        assert urlsplit(address).hostname == "127.0.0.1"
        async with connected(address) as one, connected(address) as other:
            await one.initialize()
            assert (await other.request("ai/metrics"))["error"]["code"] == -32002
            await other.initialize()
            assert await one.result("ai/query", {"prompt": "hello"})
            assert (await other.result("ai/metrics"))["total_requests"] == 0
            await one.result("shutdown")
            one.notify("exit")
            await one.wait_closed()
            assert await other.result("ai/query", {"prompt": "hello"})
    assert upstream.calls == 2


async def test_a_tcp_client_that_goes_away_takes_its_queries_along_and_nothing_else(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.stall(after=1))
    async with listening(tmp_path, "tcp", cloud) as (process, address):
        async with connected(address) as client:
            await client.initialize(process_id=process.pid + 1)
            client.ask("ai/query", {"prompt": "hello", "partialResultToken": 1})
            await client.progress(1, "delta")
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1
        async with connected(address) as client:
            await client.initialize()
            assert await client.result("ai/metrics")


async def test_a_web_page_can_not_smuggle_a_request_in_by_http(tmp_path: Path, cloud: dict[str, str]) -> None:
    message = framed({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}})
    async with listening(tmp_path, "tcp", cloud) as (_, address):
        parts = urlsplit(address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n" + message)
        async with asyncio.timeout(HANG_SECONDS):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.count(b"Content-Length") == 1
    assert b'"code":-32600' in answer


async def test_running_connections_end_with_the_server(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.stall(after=1))
    async with listening(tmp_path, "tcp", cloud) as (process, address), connected(address) as client:
        await client.initialize()
        running = client.ask("ai/query", {"prompt": "hello", "partialResultToken": 1})
        await client.progress(1, "delta")
        process.send_signal(signal.SIGTERM)
        assert (await client.reply_to(running))["error"]["code"] == -32800
        await client.wait_closed()


class WebSocketClient:
    """A client whose messages are those of a WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, **message: object) -> None:
        await self._socket.send_str(json.dumps({"jsonrpc": "2.0", **message}))

    async def reply(self, msg_id: object) -> dict[str, object]:
        async with asyncio.timeout(HANG_SECONDS):
            while True:
                message: dict[str, object] = await self._socket.receive_json()
                if "method" not in message and message["id"] == msg_id:
                    return message


async def test_websocket_messages_are_bodies_without_headers(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.reply("an answer")
    async with (
        listening(tmp_path, "ws", cloud) as (_, address),
        aiohttp.ClientSession() as session,
        session.ws_connect(address) as socket,
    ):
        client = WebSocketClient(socket)
        await client.send(id=1, method="initialize", params={"capabilities": {}})
        assert "result" in await client.reply(1)
        await socket.send_bytes(b'{"jsonrpc":"2.0","id":2,"method":"ai/query","params":{"prompt":"hello"}}')
        result = (await client.reply(2))["result"]
        assert isinstance(result, dict)
        assert result["response"] == "an answer"
        await socket.send_str("not json")
        assert (await client.reply(None))["error"] is not None
        await client.send(id=3, method="shutdown")
        assert "result" in await client.reply(3)
        await client.send(method="exit")
        async with asyncio.timeout(HANG_SECONDS):
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_websocket_client_that_goes_away_takes_its_queries_along(
    tmp_path: Path, upstream: FakeOpenAI, cloud: dict[str, str]
) -> None:
    upstream.fault(Fault.hang())
    async with listening(tmp_path, "ws", cloud) as (_, address), aiohttp.ClientSession() as session:
        async with session.ws_connect(address) as socket:
            client = WebSocketClient(socket)
            await client.send(id=1, method="initialize", params={"capabilities": {}})
            await client.send(id=2, method="ai/query", params={"prompt": "hello"})
            await upstream.wait_for_calls(1)
        await upstream.wait_until_idle()
    assert upstream.disconnects == 1


async def test_web_pages_from_elsewhere_may_not_open_a_websocket(tmp_path: Path, cloud: dict[str, str]) -> None:
    async with listening(tmp_path, "ws", cloud) as (_, address), aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(address, headers={"Origin": "https://evil.example"})
        async with session.get(address.replace("ws:", "http:")) as response:
            assert response.status == 426
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        (None, True),
        ("http://localhost:3000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:8080", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("null", False),
        ("", False),
        ("file://", False),
    ],
)
def test_only_pages_that_this_machine_serves_are_no_strangers(origin: str | None, is_allowed: bool) -> None:
    assert is_allowed_origin(origin) is is_allowed


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9000", ("127.0.0.1", 9000)),
        (":9000", ("127.0.0.1", 9000)),
        ("0", ("127.0.0.1", 0)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("localhost:80", ("localhost", 80)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_an_address_without_a_host_is_this_machines_own(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "localhost", "localhost:", "localhost:http", "1:70000", "-1", "٣"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_address(text)
