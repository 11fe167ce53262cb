"""The way through proxies, on real sockets."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import FakeOpenAI
from ai_gateway.providers.network import Network
from ai_gateway.providers.openai.provider import OpenAIProvider
from support.asking import KEY, all_texts_of, ask, failure_of
from support.proxy import Proxy
from support.raw_server import AUTHORITY, RawServer, header, response, tls_context
from support.upstreams import ANSWER, free_port, provider_of

PORTS = {"http": 80, "https": 443}


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
async def test_the_proxy_itself_may_speak_tls(scheme: str) -> None:
    """Its certificate is trusted as any other, and what goes to a plain upstream still goes through it in secret."""
    async with (
        RawServer(response(ANSWER), tls=scheme == "https") as server,
        Proxy({f"upstream.test:{PORTS[scheme]}": server.port}, tls=tls_context()) as proxy,
    ):
        network = Network(proxy=proxy.url, ca_file=str(AUTHORITY))
        async with aclosing(provider_of(f"{scheme}://upstream.test/v1", network)) as provider:
            for _ in range(2):
                assert (await ask(provider)).content == "hi"
        assert server.connections == 1
    [first] = proxy.asked
    assert first.startswith("CONNECT upstream.test:443" if scheme == "https" else "POST http://upstream.test/v1/")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_with_an_unknown_certificate_learns_nothing(scheme: str) -> None:
    async with Proxy(tls=tls_context(), credential="user:right") as proxy:
        network = Network(proxy=f"https://user:right@{proxy.address}")
        async with aclosing(provider_of(f"{scheme}://upstream.test/v1", network)) as provider:
            failure = await failure_of(ask(provider))
        assert proxy.heads == []
    assert failure.detail == "the TLS certificate is not trusted"


@pytest.mark.parametrize("is_encrypted", [False, True])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_proxys_own_credential_goes_to_the_proxy(scheme: str, is_encrypted: bool) -> None:
    async with (
        RawServer(response(ANSWER), tls=scheme == "https") as server,
        Proxy(
            {f"upstream.test:{PORTS[scheme]}": server.port},
            credential="user:pa:ss wörd",
            tls=tls_context() if is_encrypted else None,
        ) as proxy,
    ):
        address = f"{'https' if is_encrypted else 'http'}://user:pa%3Ass%20w%C3%B6rd@{proxy.address}"
        network = Network(proxy=address, ca_file=str(AUTHORITY))
        async with aclosing(provider_of(f"{scheme}://upstream.test/v1", network)) as provider:
            for _ in range(2):
                assert (await ask(provider)).content == "hi"
    if scheme == "https":
        assert header(server.heads[0], "proxy-authorization") is None
        assert KEY not in proxy.heads[0]


async def test_a_proxy_that_wants_a_sign_in_is_named_and_its_password_is_not() -> None:
    async with Proxy(credential="user:right") as proxy:
        address = f"http://user:wrong-password@{proxy.address}"
        async with aclosing(provider_of("https://upstream.test/v1", Network(proxy=address))) as provider:
            tunnelled = await failure_of(ask(provider))
        async with aclosing(provider_of("http://upstream.test/v1", Network(proxy=address))) as provider:
            plain = await failure_of(ask(provider))
        assert proxy.address in (tunnelled.hint or "")
    assert tunnelled.detail == "the proxy wants a sign-in (HTTP 407)"
    assert plain.status == 407
    for failure in (tunnelled, plain):
        assert failure.kind is FailureKind.NETWORK
        assert "wrong-password" not in all_texts_of(failure)
        assert "dXNlcjp3cm9uZy1wYXNzd29yZA==" not in all_texts_of(failure)


@pytest.mark.parametrize("status", ["403 Forbidden", "502 Bad Gateway", "503 Busy"])
async def test_a_proxy_that_does_not_let_us_through_is_named(status: str) -> None:
    async with (
        Proxy(refusal=status) as proxy,
        aclosing(provider_of("https://upstream.test/v1", Network(proxy=proxy.url))) as provider,
    ):
        failure = await failure_of(ask(provider))
        assert proxy.address in (failure.hint or "")
    assert failure.kind is FailureKind.NETWORK
    assert failure.detail == f"the proxy does not let the connection through (HTTP {status[:3]})"


async def test_a_proxy_that_never_answers_is_given_up() -> None:
    async def say_nothing(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    async with RawServer(say_nothing) as proxy:
        network = Network(connect_seconds=0.1, proxy=proxy.url)
        async with aclosing(provider_of("https://upstream.test", network)) as provider:
            failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the connection took too long")


async def test_a_proxy_that_is_not_there_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    async with aclosing(provider_of("http://upstream.test", Network(proxy=address))) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the proxy can't be reached")
    assert address in (failure.hint or "")


async def test_a_proxy_whose_name_is_unknown_is_named() -> None:
    name = ".".join(["a" * 60] * 5)
    async with aclosing(provider_of("http://upstream.test", Network(proxy=f"http://{name}:1"))) as provider:
        failure = await failure_of(ask(provider))
    assert failure.detail == "the proxy's host name can't be resolved"
    assert name in (failure.hint or "")


@pytest.mark.parametrize("proxy", ["foo://x", "http://[::1", "http://", "http://u:p@[::1", "http://h:99999", "u:p@:1"])
async def test_a_proxy_that_cannot_be_one_is_named(proxy: str) -> None:
    async with aclosing(provider_of("http://upstream.test", Network(proxy=proxy))) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the proxy's address can't be used")
    assert "http://HOST:PORT" in (failure.hint or "")


@pytest.mark.parametrize("scheme", ["socks", "socks4", "socks5", "socks5h"])
async def test_socks_is_refused_clearly(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://user:secret-pass@127.0.0.1:1")
    async with aclosing(provider_of("https://upstream.test")) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the proxy is a SOCKS proxy")
    assert "http://HOST:PORT" in (failure.hint or "")
    assert "secret-pass" not in all_texts_of(failure)


async def test_this_machine_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Proxy() as proxy, FakeOpenAI() as upstream:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        for network in (Network(), Network(proxy=proxy.url)):
            async with aclosing(OpenAIProvider(base_url=upstream.base_url, network=network)) as provider:
                assert (await ask(provider)).content == upstream.greeting
        assert proxy.asked == []
