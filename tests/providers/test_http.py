"""How bytes travel, on real sockets: reaching an upstream, requests, responses, bounds."""

from __future__ import annotations

import asyncio
import errno
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import aclosing

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from ai_gateway import __version__
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.fakes import FakeOpenAI
from ai_gateway.providers.http import MAX_BODY_BYTES, RefusedByUpstream, Upstream
from ai_gateway.providers.network import Network
from ai_gateway.providers.openai.provider import OpenAIProvider
from ai_gateway.providers.transport import PIECE_BYTES
from ai_gateway.providers.unreachable import unreachable
from support.asking import HANG_SECONDS, KEY, all_texts_of, ask, failure_of
from support.raw_server import RawServer, closing, header, response
from support.upstreams import ANSWER, chunked, free_port, provider_of, saying

NO_HEADERS: dict[str, str] = {}


async def test_requests_name_the_product_and_want_no_compression() -> None:
    async with saying(response(ANSWER)) as (server, provider):
        await ask(provider)
    assert header(server.heads[0], "user-agent") == f"AI-Gateway/{__version__}"
    assert header(server.heads[0], "accept-encoding") == "identity"
    assert header(server.heads[0], "content-type") == "application/json"


async def test_a_large_prompt_arrives_whole() -> None:
    text = "x" * (20 * PIECE_BYTES)
    async with saying(response(ANSWER)) as (server, provider):
        await provider.chat([{"role": "user", "content": text}])
    assert text.encode() in server.bodies[0]
    assert header(server.heads[0], "content-length") == str(len(server.bodies[0]))
    assert header(server.heads[0], "transfer-encoding") is None


async def test_an_upstream_may_refuse_a_large_prompt_before_it_has_read_it() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response(status="413 Content Too Large"))
        await writer.drain()
        await asyncio.get_running_loop().create_future()

    async with saying(refuse) as (_, provider):
        asking = provider.chat([{"role": "user", "content": "x" * (100 * PIECE_BYTES)}])
        failure = await failure_of(asyncio.wait_for(asking, HANG_SECONDS))
    assert failure.kind is FailureKind.CONTEXT_TOO_LONG


@pytest.mark.parametrize("key", ["sk-1\n", "sk-1\r\nx-evil: 1", "“sk-1”", "sk-\x00", "sk-é", "sk-\udc80"])
async def test_a_key_that_no_header_can_carry_is_named_and_not_shown(key: str) -> None:
    async with RawServer(response(ANSWER)) as server:
        async with aclosing(OpenAIProvider(key, base_url=server.url)) as provider:
            failure = await failure_of(ask(provider))
        assert server.connections == 0
    assert failure.kind is FailureKind.AUTH
    assert "copy the credential again" in (failure.hint or "")
    assert "sk-" not in all_texts_of(failure)


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        (f"http://127.0.0.1:{free_port()}", "the connection was refused"),
        (f"https://127.0.0.1:{free_port()}", "the connection was refused"),
        ("http://" + ".".join(["a" * 60] * 5), "the host name can't be resolved"),
        ("http://a\x00b", "the address is not one of a host"),
        ("http://127.0.0.1:99999", "the address is not one of a host"),
        ("http://..test", "the address is not one of a host"),
        ("http://" + "a" * 80 + ".test", "the address is not one of a host"),
        ("http://ü" + "a" * 80 + ".test", "the address is not one of a host"),
        ("ftp://127.0.0.1", "the address is not one of a host"),
        ("http://", "the address is not one of a host"),
        ("", "the address is not one of a host"),
    ],
)
async def test_an_upstream_that_cannot_be_reached_is_a_failure_of_the_network(url: str, detail: str) -> None:
    async with aclosing(provider_of(url)) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, detail)


@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH])
async def test_a_machine_that_is_offline_is_told_so(number: int) -> None:
    """Said as the system does: a test can't unplug its machine."""
    key = ConnectionKey("api.test", 443, True, True, None, None, None)
    failure = unreachable(aiohttp.ClientConnectorError(key, OSError(number, "no route")), None)
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the network can't be reached")
    assert failure.hint == "check that this machine is online"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        bytes(range(256)),
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: a\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc",
    ],
    ids=lambda said: repr(said[:30]),
)
async def test_what_is_no_http_is_a_failure_of_the_network(said: bytes) -> None:
    async with saying(closing(said)) as (_, provider):
        failure = await failure_of(ask(provider))
    assert failure.kind is FailureKind.NETWORK


async def test_a_connection_that_takes_too_long_is_given_up() -> None:
    async def say_nothing(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    async with RawServer(say_nothing) as server:
        url = server.url.replace("http:", "https:")  # it accepts, and never answers the handshake
        async with aclosing(provider_of(url, Network(connect_seconds=0.05))) as provider:
            failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the connection took too long")


@pytest.mark.parametrize("interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"])
async def test_interim_responses_are_passed_over(interim: bytes) -> None:
    async with saying(interim + response(ANSWER)) as (_, provider):
        assert (await ask(provider)).content == "hi"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed_so_the_key_stays(status: str) -> None:
    async with RawServer(response(ANSWER)) as elsewhere:
        async with saying(response(status=status, location=elsewhere.url)) as (_, provider):
            failure = await failure_of(ask(provider))
        assert elsewhere.connections == 0
    assert failure.kind is FailureKind.NETWORK
    assert "redirects" in (failure.hint or "")


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_answer_is_read_although_none_was_asked_for(
    encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    async with saying(response(compress(ANSWER), content_encoding=encoding)) as (_, provider):
        assert (await ask(provider)).content == "hi"


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json", "application/octet-stream"])
async def test_a_wrong_or_missing_content_type_does_not_matter(content_type: str | None) -> None:
    whole = b'\n{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}'
    async with saying(response(ANSWER, content_type=content_type), response(whole, content_type=content_type)) as (
        _server,
        provider,
    ):
        assert [(await ask(provider)).content for _ in range(2)] == ["hi", "hi"]


async def test_an_answer_may_end_with_its_connection() -> None:
    head = b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    async with saying(closing(head + ANSWER)) as (_, provider):
        assert (await ask(provider)).content == "hi"


async def read_all(upstream: Upstream) -> None:
    async with upstream.request("GET", "/", headers=NO_HEADERS) as answer, aclosing(answer.chunks()) as chunks:
        async for _ in chunks:
            pass


async def test_an_endless_body_is_left_without_filling_the_memory() -> None:
    left = asyncio.Event()
    delta = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"x" * 60_000)

    async def never_end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        try:
            while True:
                writer.write(delta)
                await writer.drain()
        except ConnectionError:
            left.set()

    async with RawServer(never_end) as server, aclosing(Upstream(server.url, Network())) as upstream:
        tracemalloc.start()
        try:
            failure = await failure_of(asyncio.wait_for(read_all(upstream), HANG_SECONDS))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        await asyncio.wait_for(left.wait(), HANG_SECONDS)
    assert (failure.kind, failure.detail) == (FailureKind.SERVER, "the upstream's answer has no end")
    assert peak < MAX_BODY_BYTES // 4


async def test_a_small_body_that_unpacks_to_a_giant_one_is_left_too() -> None:
    bomb = response(gzip.compress(bytes(4 * MAX_BODY_BYTES)), content_encoding="gzip")
    async with RawServer(bomb) as server, aclosing(Upstream(server.url, Network())) as upstream:
        tracemalloc.start()
        try:
            failure = await failure_of(asyncio.wait_for(read_all(upstream), HANG_SECONDS))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert failure.detail == "the upstream's answer has no end"
    assert peak < MAX_BODY_BYTES


async def test_the_status_counts_even_if_the_body_of_a_refusal_never_ends() -> None:
    async def begin(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 429 Too Many\r\nretry-after: 7\r\ncontent-length: 999\r\n\r\n{"error":')
        await asyncio.get_running_loop().create_future()

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 401 Unauthorized\r\n\r\n")
        while True:
            writer.write(b"no " * 10_000)
            await writer.drain()

    async with saying(begin, flood) as (_, provider):
        stalled = await failure_of(asyncio.wait_for(ask(provider), HANG_SECONDS))
        flooded = await failure_of(asyncio.wait_for(ask(provider), HANG_SECONDS))
    assert (stalled.kind, stalled.retry_after_seconds) == (FailureKind.RATE_LIMIT, 7)
    assert flooded.kind is FailureKind.AUTH


async def test_the_body_of_a_refusal_may_be_damaged() -> None:
    damaged = response(b"no gzip", status="500 Internal", content_encoding="gzip")
    async with saying(damaged, closing(response(b"{", status="402 Pay").replace(b": 1", b": 9"))) as (_, provider):
        assert (await failure_of(ask(provider))).kind is FailureKind.SERVER
        assert (await failure_of(ask(provider))).kind is FailureKind.QUOTA


async def test_a_document_that_is_no_json_is_a_fault_of_the_server() -> None:
    said = response(b"{", content_type="application/json")
    async with RawServer(said) as server, aclosing(Upstream(server.url, Network())) as upstream:
        failure = await failure_of(upstream.get_json("/", headers=NO_HEADERS))
    assert (failure.kind, failure.detail) == (FailureKind.SERVER, "the upstream's answer is not JSON")


async def test_a_web_page_is_a_refusal_whatever_its_status() -> None:
    said = response(b"<html>Sign in", content_type="text/HTML; charset=utf-8")
    async with RawServer(said) as server, aclosing(Upstream(server.url, Network())) as upstream:
        with pytest.raises(RefusedByUpstream, match="HTTP 200") as refused:
            await upstream.get_json("/", headers=NO_HEADERS)
    assert refused.value.response.is_html


async def test_cookies_are_never_sent_back() -> None:
    said = response(ANSWER, set_cookie="session=1")
    async with (
        RawServer(said) as server,
        aclosing(provider_of(f"http://localhost:{server.port}")) as provider,  # a name: addresses get no cookies
    ):
        await ask(provider)
        await ask(provider)
    assert header(server.heads[1], "cookie") is None


async def test_many_queries_at_once_share_one_upstream() -> None:
    async with FakeOpenAI() as upstream, aclosing(OpenAIProvider(base_url=upstream.base_url)) as provider:
        answers = await asyncio.gather(*(ask(provider) for _ in range(50)))
    assert {answer.content for answer in answers} == {upstream.greeting}


async def test_no_text_of_a_failure_shows_the_request_or_the_answer() -> None:
    """Not even what an exception's cause would show."""
    broken = chunked(b"an innermost thought") + b"what was said to me\r\n"
    async with saying(closing(b"HTTP/1.1 2000 What\r\n\r\n"), closing(broken)) as (server, provider):
        refused, cut = await failure_of(ask(provider)), await failure_of(ask(provider))
    assert KEY in server.heads[0]
    for failure in (refused, cut):
        assert KEY not in all_texts_of(failure)
        assert "thought" not in all_texts_of(failure)
        assert "said to me" not in all_texts_of(failure)


async def test_chunks_that_are_framed_wrongly_are_noticed_at_once() -> None:
    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(chunked(b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'))
        await writer.drain()
        await begun.wait()
        writer.write(b"this is no length\r\n")
        await asyncio.get_running_loop().create_future()

    begun = asyncio.Event()
    async with (
        RawServer(say) as server,
        aclosing(Upstream(server.url, Network())) as upstream,
        upstream.request("GET", "/", headers=NO_HEADERS) as answer,
        aclosing(answer.chunks()) as chunks,
    ):
        assert b"hi" in await asyncio.wait_for(anext(chunks), HANG_SECONDS)
        begun.set()
        failure = await failure_of(asyncio.wait_for(anext(chunks), HANG_SECONDS))
    assert (failure.kind, failure.detail) == (
        FailureKind.STREAM_BROKEN,
        "the connection broke in the middle of the answer",
    )


async def test_a_compression_that_is_damaged_is_a_fault_of_the_server() -> None:
    said = response(b"no gzip", content_encoding="gzip")
    async with RawServer(said) as server, aclosing(Upstream(server.url, Network())) as upstream:
        failure = await failure_of(read_all(upstream))
    assert (failure.kind, failure.detail) == (FailureKind.SERVER, "the upstream's compression is damaged")


@pytest.mark.parametrize(("status", "kind"), [("204 No Content", FailureKind.SERVER), ("206 Part", FailureKind.SERVER)])
async def test_a_status_that_is_no_whole_answer_is_a_fault_of_the_server(status: str, kind: FailureKind) -> None:
    async with saying(response(status=status)) as (_, provider):
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.status) == (kind, int(status[:3]))


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary"])
async def test_a_redirect_is_not_followed_on_the_same_host_either(status: str) -> None:
    async with saying(response(status=status, location="/v2")) as (server, provider):
        failure = await failure_of(ask(provider))
        assert len(server.heads) == 1
    assert failure.kind is FailureKind.NETWORK


async def test_an_older_http_is_understood() -> None:
    kept = b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
    async with saying(kept) as (_, provider):
        assert [(await ask(provider)).content for _ in range(2)] == ["hi", "hi"]


async def test_large_headers_do_no_harm() -> None:
    large = {"content_security_policy": "x" * 30_000, "link": "y" * 30_000}
    async with saying(response(ANSWER, **large)) as (_, provider):
        assert (await ask(provider)).content == "hi"


async def test_an_address_of_ipv6_is_reached() -> None:
    async with (
        RawServer(response(ANSWER), host="::1") as server,
        aclosing(provider_of(f"http://[::1]:{server.port}/v1")) as provider,
    ):
        assert (await ask(provider)).content == "hi"
        assert header(server.heads[0], "host") == f"[::1]:{server.port}"


@pytest.mark.parametrize("name", ["x-api-key", "authorization"])
async def test_a_header_can_not_bring_another(name: str) -> None:
    async with RawServer(response(ANSWER)) as server, aclosing(Upstream(server.url, Network())) as upstream:
        with pytest.raises(ProviderFailure, match="characters that can't be sent"):
            await upstream.get_json("/", headers={name: "a\r\nx-evil: 1"})
        assert server.connections == 0
