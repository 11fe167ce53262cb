"""How bytes travel, on real sockets: reaching an upstream, proxies, TLS, connections, bounds."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from ai_gateway import __version__
from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind
from ai_gateway.fakes import FakeOpenAI
from ai_gateway.providers.http import (
    MAX_BODY_BYTES,
    PIECE_BYTES,
    Network,
    RefusedByUpstream,
    Upstream,
    is_loopback,
    is_safe_for_credentials,
)
from ai_gateway.providers.openai import OpenAIProvider
from ai_gateway.tier import ProviderTier
from support.asking import MESSAGES, all_texts_of, ask, failure_of
from support.proxy import Proxy
from support.raw_server import AUTHORITY, RawServer, Script, closing, header, response

HANG_SECONDS = 20
ANSWER = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
KEY = "sk-very-secret"
NO_HEADERS: dict[str, str] = {}


@pytest.fixture(autouse=True)
def no_proxy_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return iter(())


def provider_of(base_url: str, network: Network | None = None) -> OpenAIProvider:
    return OpenAIProvider(KEY, base_url=base_url, network=network)


@asynccontextmanager
async def saying(*scripts: Script, tls: bool = False) -> AsyncIterator[tuple[RawServer, OpenAIProvider]]:
    """An upstream that says this, and a provider to ask it."""
    async with RawServer(*scripts, tls=tls) as server, aclosing(provider_of(server.url)) as provider:
        yield server, provider


def chunked(*chunks: bytes) -> bytes:
    """A response whose body comes in chunks, without its last, empty one."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


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


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        (f"http://127.0.0.1:{free_port()}", "the connection was refused"),
        (f"https://127.0.0.1:{free_port()}", "the connection was refused"),
        ("http://" + ".".join(["a" * 60] * 5), "the host name can't be resolved"),
        ("http://127.0.0.1:99999", "the address is not one of a host"),
        ("http://..test", "the address is not one of a host"),
        ("http://" + "a" * 80 + ".test", "the address is not one of a host"),
        ("http://ü" + "a" * 80 + ".test", "the address is not one of a host"),
        ("http://a\x00b", "the address is not one of a host"),
        ("ftp://127.0.0.1", "the address is not one of a host"),
        ("http://", "the address is not one of a host"),
        ("", "the address is not one of a host"),
    ],
)
async def test_an_upstream_that_cannot_be_reached_is_a_failure_of_the_network(url: str, detail: str) -> None:
    async with aclosing(provider_of(url)) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, detail)


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
        chain = FailoverChain([ProviderTier("only", provider)])
        for _ in range(5):
            assert (await chain.chat(MESSAGES)).content == "hi"
        assert server.connections >= 5


async def test_cookies_are_never_sent_back() -> None:
    async with saying(response(ANSWER, set_cookie="session=1")) as (server, provider):
        await ask(provider)
        await ask(provider)
    assert header(server.heads[1], "cookie") is None


async def test_many_queries_at_once_share_one_upstream() -> None:
    async with FakeOpenAI() as upstream, aclosing(OpenAIProvider(base_url=upstream.base_url)) as provider:
        answers = await asyncio.gather(*(ask(provider) for _ in range(50)))
    assert {answer.content for answer in answers} == {upstream.greeting}


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


async def test_an_added_certificate_is_trusted() -> None:
    network = Network(ca_file=str(AUTHORITY))
    async with RawServer(response(ANSWER), tls=True) as server, aclosing(provider_of(server.url, network)) as provider:
        assert (await ask(provider)).content == "hi"
        assert (await ask(provider)).content == "hi"
        assert server.connections == 1


async def test_an_unknown_certificate_is_refused_with_a_way_out() -> None:
    async with saying(response(ANSWER), tls=True) as (server, provider):
        failure = await failure_of(ask(provider))
    assert server.heads == []
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the TLS certificate is not trusted")
    assert "network.ca_file" in (failure.hint or "")


async def test_a_certificate_of_another_host_is_refused() -> None:
    async with RawServer(response(ANSWER), tls=True) as server, Proxy({"elsewhere.test:443": server.port}) as proxy:
        network = Network(ca_file=str(AUTHORITY), proxy=proxy.url)
        async with aclosing(provider_of("https://elsewhere.test", network)) as provider:
            failure = await failure_of(ask(provider))
    assert server.heads == []
    assert failure.detail == "the TLS certificate is not trusted"


async def test_an_upstream_that_speaks_no_tls_is_named_so() -> None:
    async def say_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(say_at_once, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, aclosing(provider_of(url)) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the TLS handshake failed")


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_added_certificates_that_cannot_be_read_are_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    async with aclosing(provider_of("https://127.0.0.1:1", Network(ca_file=str(file)))) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the added certificates can't be read")
    assert "network.ca_file" in (failure.hint or "")


@pytest.mark.parametrize("written_as", ["url", "address"])
async def test_a_plain_upstream_is_asked_through_the_proxy(written_as: str) -> None:
    async with RawServer(response(ANSWER)) as server, Proxy({"upstream.test:80": server.port}) as proxy:
        network = Network(proxy=getattr(proxy, written_as))
        async with aclosing(provider_of("http://upstream.test/v1", network)) as provider:
            for _ in range(2):
                assert (await ask(provider)).content == "hi"
    assert proxy.asked == ["POST http://upstream.test/v1/chat/completions HTTP/1.1"]
    assert server.connections == 1


async def test_the_environments_proxy_is_used_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(response(ANSWER)) as server, Proxy({"upstream.test:8080": server.port}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with aclosing(provider_of("http://upstream.test:8080/v1")) as provider:
            assert (await ask(provider)).content == "hi"
    assert len(proxy.asked) == 1


async def test_a_secure_upstream_is_asked_through_a_tunnel() -> None:
    async with RawServer(response(ANSWER), tls=True) as server, Proxy({"upstream.test:443": server.port}) as proxy:
        network = Network(proxy=proxy.url, ca_file=str(AUTHORITY))
        async with aclosing(provider_of("https://upstream.test/v1", network)) as provider:
            for _ in range(2):
                assert (await ask(provider)).content == "hi"
    assert proxy.asked == ["CONNECT upstream.test:443 HTTP/1.1"]
    assert header(server.heads[0], "authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_proxys_own_credential_goes_to_the_proxy(scheme: str) -> None:
    port = {"http": 80, "https": 443}[scheme]
    async with (
        RawServer(response(ANSWER), tls=scheme == "https") as server,
        Proxy({f"upstream.test:{port}": server.port}, credential="user:pa:ss wörd") as proxy,
    ):
        address = f"http://user:pa%3Ass%20w%C3%B6rd@{proxy.address}"
        network = Network(proxy=address, ca_file=str(AUTHORITY))
        async with aclosing(provider_of(f"{scheme}://upstream.test/v1", network)) as provider:
            assert (await ask(provider)).content == "hi"
    if scheme == "https":
        assert header(server.heads[0], "proxy-authorization") is None


@pytest.mark.parametrize(
    ("scheme", "kind", "words"),
    [("http", FailureKind.NETWORK, "HTTP 407"), ("https", FailureKind.NETWORK, "the proxy does not let")],
)
async def test_a_proxy_that_refuses_is_named_and_its_password_is_not(
    scheme: str, kind: FailureKind, words: str
) -> None:
    async with Proxy(credential="user:right") as proxy:
        address = f"http://user:wrong-password@{proxy.address}"
        async with aclosing(provider_of(f"{scheme}://upstream.test/v1", Network(proxy=address))) as provider:
            failure = await failure_of(ask(provider))
    assert failure.kind is kind
    assert words in failure.detail
    assert "wrong-password" not in all_texts_of(failure)


async def test_a_proxy_that_is_not_there_is_a_failure_of_the_network() -> None:
    async with aclosing(provider_of("http://upstream.test", Network(proxy=f"127.0.0.1:{free_port()}"))) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (
        FailureKind.NETWORK,
        "the proxy does not let the connection through",
    )


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "foo://x", "http://[::1", "http://", "http://u:p@[::1"])
async def test_a_proxy_that_cannot_be_one_is_named(proxy: str) -> None:
    async with aclosing(provider_of("http://upstream.test", Network(proxy=proxy))) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the proxy's address can't be used")
    assert "http://HOST:PORT" in (failure.hint or "")


async def test_this_machine_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Proxy() as proxy, FakeOpenAI() as upstream:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        for network in (Network(), Network(proxy=proxy.url)):
            async with aclosing(OpenAIProvider(base_url=upstream.base_url, network=network)) as provider:
                assert (await ask(provider)).content == upstream.greeting
        assert proxy.asked == []


@pytest.mark.parametrize(
    ("environ", "setting", "url", "proxy"),
    [
        ({}, None, "https://a.test", None),
        ({"HTTPS_PROXY": "http://p:1"}, None, "https://a.test", "http://p:1"),
        ({"https_proxy": "http://p:1"}, None, "https://a.test", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, None, "http://a.test", None),
        ({"HTTP_PROXY": "http://p:1"}, None, "http://a.test", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, None, "https://a.test", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:2"}, None, "https://a.test", "http://q:2"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test"}, None, "https://a.test", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".test, b"}, None, "https://a.test/v1", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test:8443"}, None, "https://a.test:8443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test:8443"}, None, "https://a.test", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None, "https://a.test", None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://q:2", "https://a.test", "http://q:2"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test"}, "http://q:2", "https://a.test", "http://q:2"),
        ({"HTTPS_PROXY": "http://p:1"}, "", "https://a.test", None),
        ({"HTTP_PROXY": "http://p:1"}, None, "http://127.0.0.1:11434", None),
        ({"HTTP_PROXY": "http://p:1"}, None, "http://[::1]:11434", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://q:2", "http://localhost:1234", None),
    ],
)
def test_the_proxy_is_chosen_as_the_setting_then_the_environment_say(
    environ: dict[str, str], setting: str | None, url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert Network(proxy=setting).proxy_for(url) == proxy


def test_a_proxys_password_is_in_no_repr() -> None:
    assert "secret" not in repr(Network(proxy="http://user:secret@proxy:1"))


@pytest.mark.parametrize("host", ["localhost", "api.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine_has_many_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.evil.test", "notlocalhost", "10.0.0.1", "128.0.0.1", "0.0.0.0", "::2"])
def test_others_are_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://api.test", True),
        ("http://127.0.0.1:1", True),
        ("http://[::1]:1", True),
        ("http://api.test", False),
        ("ftp://api.test", False),
        ("api.test", False),
        ("", False),
        ("https://[::1", False),
    ],
)
def test_a_credential_is_safe_under_tls_or_on_this_machine(url: str, is_safe: bool) -> None:
    assert is_safe_for_credentials(url) is is_safe
