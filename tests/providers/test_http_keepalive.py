"""Connections are used again, and one that the other side has closed in between is nobody's error."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from collections.abc import Callable
from contextlib import aclosing

import aiohttp
import httpx
import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.providers.http import Upstream
from ai_gateway.providers.network import Network
from ai_gateway.providers.transport import Transport
from support.asking import HANG_SECONDS, MESSAGES, ask, chain_of, failure_of
from support.raw_server import AUTHORITY, RawServer, Script, closing, header, response
from support.upstreams import ANSWER, chunked, provider_of, saying

WHOLE = chunked(ANSWER) + b"0\r\n\r\n"
AT_ONCE = 5

Break = Callable[[asyncio.StreamWriter], None]


def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN: what was in flight is lost."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def serving_each_connection_once(break_off: Break) -> Script:
    """Answer the first request of a connection, and break off as soon as the second begins."""
    served: set[asyncio.StreamWriter] = set()

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writer in served:
            break_off(writer)
            return
        served.add(writer)
        writer.write(WHOLE)
        await writer.drain()

    return script


async def test_one_connection_serves_query_after_query() -> None:
    whole = chunked(ANSWER) + b"0\r\n\r\n"
    async with saying(whole) as (server, provider):
        for _ in range(10):
            assert (await ask(provider)).content == "hi"
        assert server.connections == 1


async def test_a_connection_is_kept_after_refusals_too() -> None:
    async with saying(response(b"no", status="500 No"), response(b"no", status="429 No"), response(ANSWER)) as (
        server,
        provider,
    ):
        await failure_of(ask(provider))
        await failure_of(ask(provider))
        assert (await ask(provider)).content == "hi"
        assert server.connections == 1


async def test_a_body_that_ends_a_moment_after_its_terminal_marker_keeps_its_connection() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(int(header(server.heads[-1], "content-length") or 0))
        writer.write(chunked(ANSWER))
        await writer.drain()
        for _ in range(20):  # let the client take it in first
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")

    async with saying(answer) as (server, provider):
        for _ in range(5):
            assert (await ask(provider)).content == "hi"
        assert server.connections < 5


async def test_a_connection_forgets_the_answers_that_it_carried() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(chunked(ANSWER))
        await read.wait()
        read.clear()
        writer.write(b"0\r\n\r\n")

    read = asyncio.Event()
    async with RawServer(answer) as server, aclosing(Upstream(server.url, Network())) as upstream:
        for _ in range(20):
            async with upstream.request("GET", "/", headers={}) as arriving, aclosing(arriving.chunks()) as chunks:
                assert await anext(chunks) == ANSWER
                read.set()
                assert await anext(chunks, None) is None
        assert server.connections == 1
        gc.collect()
        assert sum(isinstance(thing, aiohttp.ClientResponse) for thing in gc.get_objects()) <= 2


async def test_a_body_without_end_does_not_hold_a_finished_answer_up() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(chunked(ANSWER))
        await asyncio.get_running_loop().create_future()

    async with saying(answer) as (server, provider):
        for _ in range(2):
            assert (await asyncio.wait_for(ask(provider), HANG_SECONDS)).content == "hi"
        assert server.connections == 2


async def test_a_connection_that_the_upstream_closed_while_idle_is_replaced() -> None:
    async with saying(closing(response(ANSWER))) as (server, provider):
        chain = chain_of(provider)
        for _ in range(5):
            assert (await chain.chat(MESSAGES)).content == "hi"
        assert server.connections >= 5


async def test_after_its_closing_nothing_is_sent() -> None:
    async with RawServer(response(ANSWER)) as server:
        provider = provider_of(server.url)
        await ask(provider)
        await provider.aclose()
        await provider.aclose()
        failure = await failure_of(ask(provider))
        assert len(server.heads) == 1
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "its connections were closed")


async def test_closing_ends_what_is_running() -> None:
    begun = asyncio.Event()

    async def stall(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(chunked(b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'))
        begun.set()
        await asyncio.get_running_loop().create_future()

    async with saying(stall) as (_, provider):
        asking = asyncio.ensure_future(ask(provider))
        await begun.wait()
        await provider.aclose()
        failure = await failure_of(asyncio.wait_for(asking, HANG_SECONDS))
    assert failure.kind in {FailureKind.STREAM_BROKEN, FailureKind.NETWORK}


async def test_a_connection_that_is_closed_between_two_reads_breaks_the_answer() -> None:
    async def stall(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(chunked(b"hi"))
        await asyncio.get_running_loop().create_future()

    async with RawServer(stall) as server:
        transport = Transport(server.url, Network())
        answer = await transport.handle_async_request(httpx.Request("GET", server.url))
        chunks = answer.aiter_raw()
        async with aclosing(answer):
            assert await asyncio.wait_for(anext(chunks), HANG_SECONDS) == b"hi"
            closing_all = asyncio.create_task(transport.aclose())
            await asyncio.sleep(0)  # it has closed the connection by now, and nobody was told yet
            with pytest.raises(httpx.ReadError):
                await anext(chunks)
            await closing_all


async def test_nobody_complains_of_an_idle_connection_that_is_reset() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    is_answered, is_reset = asyncio.Event(), asyncio.Event()

    async def answer_and_reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(chunked(ANSWER))
        await writer.drain()
        for _ in range(20):  # let the client wait for the rest
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        await is_answered.wait()
        reset(writer)
        is_reset.set()

    async with saying(answer_and_reset, WHOLE) as (server, provider):
        for _query in range(2):
            assert (await ask(provider)).content == "hi"
            is_answered.set()
            await is_reset.wait()
        assert server.connections == 2
    gc.collect()
    assert complaints == []


async def body_of(upstream: Upstream, method: str) -> bytes:
    payload = None if method == "GET" else {"prompt": "x" * 1000}
    async with (
        upstream.request(method, "/", headers={"authorization": "Bearer sk-1"}, payload=payload) as answer,
        aclosing(answer.chunks()) as chunks,
    ):
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("break_off", [close, reset])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("tls", [False, True])
async def test_a_kept_connection_that_breaks_under_a_request_is_replaced(
    method: str,
    break_off: Break,
    tls: bool,
) -> None:
    network = Network(ca_file=str(AUTHORITY))
    async with (
        RawServer(serving_each_connection_once(break_off), tls=tls) as server,
        aclosing(Upstream(server.url, network)) as upstream,
    ):
        for _ in range(4):
            assert await asyncio.wait_for(body_of(upstream, method), HANG_SECONDS) == ANSWER


@pytest.mark.parametrize("break_off", [close, reset])
async def test_a_large_request_is_sent_again_from_its_beginning(break_off: Break) -> None:
    bodies: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(server.heads) == 2:
            await reader.readexactly(100_000)
            break_off(writer)
            return
        bodies.append(await reader.readexactly(int(header(server.heads[-1], "content-length") or 0)))
        writer.write(WHOLE)
        await writer.drain()

    async with RawServer(script) as server, aclosing(provider_of(server.url)) as provider:
        for _ in range(2):
            assert (await provider.chat([{"role": "user", "content": "x" * 3_000_000}])).content == "hi"
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("break_off", [close, reset])
async def test_any_number_of_stale_connections_costs_one_more_request(break_off: Break) -> None:
    """The second is sent on a connection that is new for sure, not on the next stale one."""
    arrived = asyncio.Barrier(AT_ONCE)
    kept: set[asyncio.StreamWriter] = set()

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if writer in kept:
            break_off(writer)
            return
        if len(kept) < AT_ONCE:
            kept.add(writer)
            await arrived.wait()
        writer.write(WHOLE)
        await writer.drain()

    async with RawServer(script) as server, aclosing(Upstream(server.url, Network())) as upstream:
        await asyncio.gather(*(body_of(upstream, "POST") for _ in range(AT_ONCE)))
        assert server.connections == AT_ONCE
        for count in range(1, AT_ONCE + 1):
            assert await body_of(upstream, "POST") == ANSWER
            assert len(server.heads) == AT_ONCE + 2 * count
        assert await body_of(upstream, "POST") == ANSWER


async def test_after_a_stale_connection_others_are_kept_again() -> None:
    script = serving_each_connection_once(close)
    async with RawServer(WHOLE, script, script, WHOLE) as server, aclosing(Upstream(server.url, Network())) as upstream:
        for _ in range(10):
            assert await body_of(upstream, "GET") == ANSWER
    assert server.connections < 5


@pytest.mark.parametrize("break_off", [close, reset])
async def test_a_new_connection_that_breaks_is_a_failure_at_once(break_off: Break) -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        break_off(writer)

    async with saying(script) as (server, provider):
        failure = await failure_of(ask(provider))
        assert len(server.heads) == 1
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the connection broke before an answer")


@pytest.mark.parametrize("break_off", [close, reset])
async def test_a_request_is_sent_twice_at_most(break_off: Break) -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        break_off(writer)

    async with saying(WHOLE, script) as (server, provider):
        await ask(provider)
        failure = await failure_of(ask(provider))
        assert len(server.heads) == 3
    assert failure.kind is FailureKind.NETWORK


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-le"])
async def test_nothing_is_sent_again_once_an_answer_has_begun(begun: bytes) -> None:
    async with saying(WHOLE, closing(begun), WHOLE) as (server, provider):
        await ask(provider)
        failure = await failure_of(ask(provider))
        assert len(server.heads) == 2
    assert failure.kind is FailureKind.NETWORK


async def test_an_answer_that_breaks_in_its_middle_is_not_asked_for_again() -> None:
    cut = chunked(b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n')
    async with saying(WHOLE, closing(cut), WHOLE) as (server, provider):
        await ask(provider)
        failure = await failure_of(ask(provider))
        assert len(server.heads) == 2
    assert failure.kind is FailureKind.STREAM_BROKEN


async def test_a_cancelled_request_is_not_sent_again() -> None:
    async def hang(*_: object) -> None:
        arrived.set()
        await asyncio.get_running_loop().create_future()

    arrived = asyncio.Event()
    async with saying(WHOLE, hang) as (server, provider):
        await ask(provider)
        asking = asyncio.ensure_future(ask(provider))
        await arrived.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert len(server.heads) == 2
