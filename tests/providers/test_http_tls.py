"""Who is trusted, who is not and what is said of it, and how we identify ourselves, on real sockets."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import ssl
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.network import Network
from support.asking import all_texts_of, ask, failure_of
from support.proxy import Proxy
from support.raw_server import AUTHORITY, TLS, RawServer, response, tls_context
from support.upstreams import ANSWER, provider_of, saying

TRUSTING = Network(ca_file=str(AUTHORITY))
CLIENT = str(TLS / "client.pem")
CLIENT_ALONE = str(TLS / "client_alone.pem")
LOCKED_KEY = str(TLS / "client_locked.key")
PASSWORD = "pass-of-a-key"


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


async def failure_with(server: RawServer, network: Network = TRUSTING) -> ProviderFailure:
    async with server, aclosing(provider_of(server.url, network)) as provider:
        failure = await failure_of(ask(provider))
    assert server.heads == []
    assert failure.kind is FailureKind.NETWORK
    return failure


@pytest.mark.parametrize(
    ("certificate", "detail", "hint"),
    [
        ("expired", "the TLS certificate has expired", "clock"),
        ("early", "the TLS certificate is not valid yet", "clock"),
        ("elsewhere", "the TLS certificate is one of another host", "somebody else answers for 127.0.0.1"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_said(certificate: str, detail: str, hint: str) -> None:
    failure = await failure_with(RawServer(response(ANSWER), tls=tls_context(certificate)))
    assert failure.detail == detail
    assert hint in (failure.hint or "")


async def test_a_certificate_of_another_name_is_refused() -> None:
    async with RawServer(response(ANSWER), tls=True) as server, Proxy({"elsewhere.test:443": server.port}) as proxy:
        network = Network(ca_file=str(AUTHORITY), proxy=proxy.url)
        async with aclosing(provider_of("https://elsewhere.test", network)) as provider:
            failure = await failure_of(ask(provider))
    assert server.heads == []
    assert failure.detail == "the TLS certificate is one of another host"
    assert "elsewhere.test" in (failure.hint or "")


async def test_an_upstream_that_speaks_no_tls_is_named_so() -> None:
    async def say_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(say_at_once, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, aclosing(provider_of(url)) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the TLS handshake failed")
    assert "does not speak TLS" in (failure.hint or "")


@pytest.mark.parametrize("leave", [asyncio.StreamWriter.close, lambda writer: writer.transport.abort()])
async def test_an_upstream_that_leaves_during_the_handshake_is_a_failure_of_the_network(
    leave: Callable[[asyncio.StreamWriter], None],
) -> None:
    server = await asyncio.start_server(lambda _, writer: leave(writer), "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, aclosing(provider_of(url)) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the connection broke before an answer")


async def failure_of_greeting(context: ssl.SSLContext) -> ProviderFailure:
    """By OpenSSL itself, in a thread: asyncio's servers refuse a handshake without a word."""

    def greet() -> None:
        with listening.accept()[0] as sock, sock.dup() as beneath, suppress(ConnectionError):
            with suppress(ssl.SSLError), context.wrap_socket(sock, server_side=True) as tls:
                tls.recv(1)
            beneath.shutdown(socket.SHUT_WR)
            while beneath.recv(4096):
                pass  # what is left unread resets the connection, and OpenSSL's last word is lost with it

    with socket.create_server(("127.0.0.1", 0)) as listening:
        greeting = asyncio.create_task(asyncio.to_thread(greet))
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        async with aclosing(provider_of(url, TRUSTING)) as provider:
            failure = await failure_of(ask(provider))
        await greeting
    assert failure.kind is FailureKind.NETWORK
    return failure


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_added_certificates_that_cannot_be_read_are_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    async with aclosing(provider_of("https://127.0.0.1:1", Network(ca_file=str(file)))) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "the added certificates can't be read")
    assert "network.ca_file" in (failure.hint or "")


async def is_trusted(network: Network) -> bool:
    async with RawServer(response(ANSWER), tls=True) as server, aclosing(provider_of(server.url, network)) as provider:
        with suppress(ProviderFailure):
            return (await ask(provider)).content == "hi"
    return False


@pytest.mark.parametrize("name", ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_certificates_that_the_environment_names_are_trusted_too(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not await is_trusted(Network())
    monkeypatch.setenv(name, str(AUTHORITY))
    assert await is_trusted(Network())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """As `openssl rehash` makes it: `openssl x509 -subject_hash` is the file's name."""
    shutil.copy(AUTHORITY, tmp_path / "f20e0b1e.0")
    return tmp_path


async def test_a_directory_of_certificates_is_trusted(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await is_trusted(Network(ca_file=str(directory)))
    monkeypatch.setenv("SSL_CERT_DIR", str(directory))
    assert await is_trusted(Network())


@pytest.mark.parametrize(("file_name", "directory_name"), [("SSL_CERT_FILE", "SSL_CERT_DIR")])
def test_what_the_environment_names_adds_to_what_the_system_trusts(
    file_name: str, directory_name: str, directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """OpenSSL takes these two in place of its own; a company's certificate alone would cut off everybody else."""
    usual = ssl.get_default_verify_paths()
    kept = tmp_path / "system.pem"
    shutil.copy(TLS / "client_alone.pem", kept)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: usual._replace(openssl_cafile=str(kept)))
    monkeypatch.setenv(file_name, str(AUTHORITY))
    monkeypatch.setenv(directory_name, str(directory))
    loaded: list[object] = []
    monkeypatch.setattr("truststore.SSLContext.load_verify_locations", lambda _, **places: loaded.append(places))
    Network().trust()
    assert {"cafile": str(kept)} in loaded


async def test_a_certificate_of_the_environment_that_can_not_be_read_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "gone.pem"))
    with caplog.at_level(logging.WARNING):
        assert await is_trusted(TRUSTING)
    assert "gone.pem" in caplog.text


def test_those_who_reach_upstreams_alike_share_what_they_trust() -> None:
    """A context holds all certificates of the system, about a megabyte."""
    mine = Network(ca_file=str(AUTHORITY)).trust()
    assert Network(ca_file=str(AUTHORITY)).trust() is mine
    assert Network().trust() is not mine


@pytest.mark.parametrize(
    "identity",
    [
        Network(ca_file=str(AUTHORITY), client_cert=CLIENT),
        Network(ca_file=str(AUTHORITY), client_cert=CLIENT_ALONE, client_key=LOCKED_KEY, client_key_password=PASSWORD),
    ],
    ids=["one file", "a locked key"],
)
async def test_an_upstream_that_asks_who_we_are_is_shown_our_certificate(identity: Network) -> None:
    async with (
        RawServer(response(ANSWER), tls=tls_context(wants_client=True)) as server,
        aclosing(provider_of(server.url, identity)) as provider,
    ):
        assert (await ask(provider)).content == "hi"


async def test_an_upstream_that_wants_a_certificate_says_so() -> None:
    failure = await failure_of_greeting(tls_context(wants_client=True))
    assert failure.detail == "the server wants a client certificate"
    assert "network.client_cert" in (failure.hint or "")


async def test_an_upstream_that_wants_a_certificate_in_tls_1_2_only_fails_so_both_ways_out_are_named() -> None:
    context = tls_context(wants_client=True)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    failure = await failure_of_greeting(context)
    assert failure.detail == "the TLS handshake failed"
    assert "network.client_cert" in (failure.hint or "")


async def test_an_upstream_that_speaks_only_what_is_broken_is_refused() -> None:
    context = tls_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA@SECLEVEL=0")
    failure = await failure_of_greeting(context)
    assert failure.detail == "the TLS handshake failed"
    assert "no version or cipher" in (failure.hint or "")


@pytest.mark.parametrize(
    ("cert", "key", "password"),
    [
        ("/gone.pem", None, None),
        (CLIENT, "/gone.key", None),
        (CLIENT_ALONE, None, None),
        (str(TLS / "server.pem"), CLIENT, None),
        (CLIENT_ALONE, LOCKED_KEY, None),
        (CLIENT_ALONE, LOCKED_KEY, "wrong-pass"),
        (CLIENT_ALONE, LOCKED_KEY, "wrong-pass" * 500),
    ],
)
async def test_a_certificate_of_ours_that_can_not_be_used_is_named(
    cert: str, key: str | None, password: str | None
) -> None:
    """And OpenSSL does not ask for a password on the terminal, which would hang."""
    network = Network(client_cert=cert, client_key=key, client_key_password=password)
    async with aclosing(provider_of("https://127.0.0.1:1", network)) as provider:
        failure = await failure_of(ask(provider))
    assert (failure.kind, failure.detail) == (FailureKind.NETWORK, "our own certificate can't be used")
    assert "network.client_key" in (failure.hint or "")
    assert "wrong-pass" not in all_texts_of(failure)


def test_a_keys_password_is_in_no_repr() -> None:
    assert PASSWORD not in repr(Network(client_key_password=PASSWORD))
