"""Where Ollama is, in all the ways that `OLLAMA_HOST` can say it, and on either loopback address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import FakeOllama, Fault
from ai_gateway.providers.ollama.address import base_url_of, other_loopback
from ai_gateway.providers.ollama.provider import OllamaProvider
from ai_gateway.providers.ollama.refusals import START_HINT
from support.asking import HANG_SECONDS, ask, failure_of

MODEL = "llama3.2"


@pytest.mark.parametrize(
    ("ollama_host", "base_url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":1234", "http://127.0.0.1:1234"),
        ("1.2.3.4:1234", "http://1.2.3.4:1234"),
        ("example.com", "http://example.com:11434"),
        ("example.com:1234", "http://example.com:1234"),
        ("localhost", "http://localhost:11434"),
        (":0", "http://127.0.0.1:11434"),
        (":66000", "http://127.0.0.1:11434"),
        (":-1", "http://127.0.0.1:11434"),
        (":http", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("[::1]", "http://[::1]:11434"),
        ("::1", "http://[::1]:11434"),
        ("[::1]:1337", "http://[::1]:1337"),
        ("[::]", "http://[::1]:11434"),
        ("::", "http://[::1]:11434"),
        ("[::]:1234", "http://[::1]:1234"),
        (" 1.2.3.4 ", "http://1.2.3.4:11434"),
        ('"1.2.3.4"', "http://1.2.3.4:11434"),
        ("' 1.2.3.4 '", "http://1.2.3.4:11434"),
        ("http://1.2.3.4", "http://1.2.3.4:80"),
        ("HTTP://1.2.3.4:4321", "http://1.2.3.4:4321"),
        ("https://1.2.3.4", "https://1.2.3.4:443"),
        ("https://0.0.0.0:4321", "https://127.0.0.1:4321"),
        ("https://example.com/ollama", "https://example.com:443/ollama"),
        ("example.com/ollama/", "http://example.com:11434/ollama"),
        ("https://[fe80::1]:56789/path/", "https://[fe80::1]:56789/path"),
        ("ollama.com", "https://ollama.com:443"),
        ("ftp://host", "ftp://host:11434"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(ollama_host: str, base_url: str) -> None:
    assert base_url_of(ollama_host) == base_url


@pytest.mark.parametrize(
    ("base_url", "other"),
    [
        ("http://127.0.0.1:11434", "http://[::1]:11434"),
        ("http://[::1]:11434/x", "http://127.0.0.1:11434/x"),
        ("http://127.0.0.1", "http://[::1]"),
        ("http://localhost:11434", None),
        ("http://10.0.0.1:11434", None),
        ("https://example.com", None),
    ],
)
def test_each_loopback_address_has_another(base_url: str, other: str | None) -> None:
    assert other_loopback(base_url) == other


@asynccontextmanager
async def on_ipv6_only(upstream: FakeOllama) -> AsyncIterator[socket.socket]:
    """The IPv4 side of a port that refuses as long as it does not listen, while `[::1]` leads to `upstream`."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", int(upstream.url.rpartition(":")[2]))
        try:
            await asyncio.gather(pour(reader, there[1]), pour(there[0], writer))
        finally:
            there[1].close()
            writer.close()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
        writer.close()

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.setblocking(False)
        async with await asyncio.start_server(relay, "::1", held.getsockname()[1]):
            yield held


needs_ipv6 = pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")


@needs_ipv6
async def test_an_ollama_that_listens_on_ipv6_alone_is_found_and_remembered() -> None:
    async with (
        FakeOllama(models=[MODEL]) as upstream,
        on_ipv6_only(upstream) as ipv4,
        aclosing(OllamaProvider(base_url=f"http://127.0.0.1:{ipv4.getsockname()[1]}")) as provider,
    ):
        await provider.check(MODEL)
        ipv4.listen()
        assert (await asyncio.wait_for(ask(provider, MODEL), HANG_SECONDS)).content == upstream.greeting
        with pytest.raises(BlockingIOError):
            ipv4.accept()


@needs_ipv6
async def test_an_ollama_that_left_ipv6_is_found_where_it_was_before() -> None:
    async with FakeOllama(models=[MODEL]) as upstream:
        port = int(upstream.url.rpartition(":")[2])
        async with aclosing(OllamaProvider(base_url=f"http://[::1]:{port}")) as provider:
            assert (await ask(provider, MODEL)).content == upstream.greeting


@needs_ipv6
async def test_a_prompt_that_may_have_been_read_goes_to_no_other_address() -> None:
    connections: list[asyncio.StreamWriter] = []
    async with FakeOllama(models=[MODEL]) as upstream:
        port = int(upstream.url.rpartition(":")[2])
        async with (
            await asyncio.start_server(lambda _, writer: connections.append(writer), "::1", port),
            aclosing(OllamaProvider(base_url=upstream.base_url)) as provider,
        ):
            upstream.fault(Fault.reset(), times=None)
            failure = await failure_of(ask(provider, MODEL))
    assert failure.kind is FailureKind.NETWORK
    assert not connections


async def test_where_neither_address_answers_ollama_is_to_be_started() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        async with aclosing(OllamaProvider(base_url=f"http://127.0.0.1:{held.getsockname()[1]}")) as provider:
            failure = await failure_of(ask(provider, MODEL))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the connection was refused")
    assert failure.hint == START_HINT


async def test_an_address_by_name_is_left_as_it_is() -> None:
    async with FakeOllama(models=[MODEL]) as upstream:
        port = upstream.url.rpartition(":")[2]
        async with aclosing(OllamaProvider(base_url=f"http://localhost:{port}")) as provider:
            assert (await ask(provider, MODEL)).content == upstream.greeting
