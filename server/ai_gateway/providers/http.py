"""The only place that knows how bytes travel: one HTTP client for one upstream, with its proxy, trust and limits.

Requests and responses are httpx's, the transport is httpx-aiohttp's, which takes half the time of httpx's own at one
request and a quarter at sixty-four (`make bench`). It is used without httpx's client, which would add cookies and
redirects: there are none here, so a credential reaches its own host only.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from ai_gateway import __version__
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.failure_rows import MAX_ERROR_BYTES, ErrorResponse, error_response
from ai_gateway.providers.lines import Decoder, parsed

CLIENT_NAME = "AI-Gateway"
MAX_BODY_BYTES = 64 * 1024 * 1024
"""No honest answer is larger."""
MAX_CONNECTIONS = 256
PIECE_BYTES = 256 * 1024
"""How much of a large request is sent at once, so that the event loop serves others in between."""
ERROR_BODY_SECONDS = 2.0
"""How long the body of a refusal may take; its status alone says enough."""


class RefusedByUpstream(Exception):
    """The upstream answered with anything but 200, or a web page; the provider's rows say what it means."""

    def __init__(self, response: ErrorResponse) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


@dataclass(frozen=True, slots=True)
class Network:
    """How upstreams are reached, the same for all of them."""

    connect_seconds: float = 5.0
    ca_file: str | None = None
    """A PEM file of certificates that are trusted besides the operating system's."""
    proxy: str | None = field(default=None, repr=False)
    """A proxy for every upstream outside this machine; None: as the environment says; empty: none."""

    def proxy_for(self, url: str) -> str | None:
        """Choose the proxy for an upstream; this machine's own addresses never have one."""
        parts = urlsplit(url)
        if is_loopback(parts.hostname or ""):
            return None
        if self.proxy is not None:
            return self.proxy or None
        named = getproxies()
        return None if proxy_bypass(parts.netloc) else named.get(parts.scheme) or named.get("all")

    def trust(self) -> ssl.SSLContext:
        """Trust what the operating system trusts, and the added certificates.

        Raises:
            ProviderFailure: The added ones can't be read.
        """
        import truststore  # noqa: PLC0415 - reading the system's store costs; a plain-http upstream never needs it

        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca_file:
            try:
                context.load_verify_locations(self.ca_file)
            except OSError as error:
                hint = "set network.ca_file to a readable PEM file"
                raise ProviderFailure(FailureKind.NETWORK, "the added certificates can't be read", hint=hint) from error
        return context


class UpstreamResponse:
    """A response with status 200 whose body is still arriving."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.headers: Mapping[str, str] = response.headers
        self.content_type = response.headers.get("content-type", "").lower()

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives.

        Raises:
            ProviderFailure: It broke off, can't be decoded, or has no end.
        """
        return _chunks(self._response)

    async def batches(self, decoder: Decoder) -> AsyncGenerator[list[bytes], None]:
        """Yield the messages of the body, those that arrived together in one list; raises as `chunks` does."""
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                if messages := decoder.feed(chunk):
                    yield messages
        if messages := decoder.end():
            yield messages

    async def json(self) -> object:
        """Give the whole body, parsed.

        Raises:
            ProviderFailure: It broke off or is no JSON.
        """
        async with aclosing(self.chunks()) as chunks:
            body = b"".join([chunk async for chunk in chunks])
        value = parsed(body)
        if value is None:
            raise ProviderFailure(FailureKind.SERVER, "the upstream's answer is not JSON")
        return value


class Upstream:
    """One remote service, with one pool of connections.

    Args:
        base_url: Where it is; paths are appended to it.
        network: How it is reached.
    """

    def __init__(self, base_url: str, network: Network) -> None:
        self.base_url = base_url.rstrip("/")
        self._network = network
        self._timeout = httpx.Timeout(None, connect=network.connect_seconds).as_dict()
        self._urls: dict[str, httpx.URL] = {}
        self._transport: httpx.AsyncBaseTransport | None = None
        self._open: set[httpx.Response] = set()
        self._is_closed = False

    @asynccontextmanager
    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], payload: object = None
    ) -> AsyncIterator[UpstreamResponse]:
        """Send a request, and hold its response open for the length of the context.

        Raises:
            RefusedByUpstream: The status is not 200, or the body is a web page.
            ProviderFailure: The upstream can't be reached, or broke off.
        """
        response = await self._send(method, path, headers, payload)
        self._open.add(response)
        try:
            answer = UpstreamResponse(response)
            if response.status_code != 200 or "html" in answer.content_type:
                raise RefusedByUpstream(await _read_error(response))
            yield answer
        finally:
            self._open.discard(response)
            await response.aclose()

    async def get_json(self, path: str, *, headers: Mapping[str, str]) -> object:
        """GET a JSON document; raises as `request` does."""
        async with self.request("GET", path, headers=headers) as response:
            return await response.json()

    async def aclose(self) -> None:
        """Close every connection, also those in use; no more requests are sent."""
        self._is_closed = True
        for response in tuple(self._open):  # aiohttp closes their sockets, but would never wake who reads from them
            await response.aclose()
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _send(self, method: str, path: str, headers: Mapping[str, str], payload: object) -> httpx.Response:
        if self._is_closed:
            raise ProviderFailure(FailureKind.NETWORK, "its connections were closed")
        _refuse_unsendable(headers)
        content = None if payload is None else json.dumps(payload, separators=(",", ":")).encode()
        try:
            request = _request(method, self._url(path), headers, content)
            request.extensions["timeout"] = self._timeout
            if self._transport is None:
                self._transport = _transport(self.base_url, self._network)
            return await self._transport.handle_async_request(request)
        except (httpx.TransportError, httpx.InvalidURL, aiohttp.ClientError, ValueError) as error:
            raise _unreachable(error) from error

    def _url(self, path: str) -> httpx.URL:
        return self._urls.get(path) or self._urls.setdefault(path, httpx.URL(self.base_url + path))


class _InPieces(httpx.AsyncByteStream):
    """A large body, so that the event loop serves others while it is sent."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._starts = iter(range(0, len(content), PIECE_BYTES))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for start in self._starts:
            return self._content[start : start + PIECE_BYTES]
        raise StopAsyncIteration


async def read_to_end(batches: AsyncIterator[list[bytes]], *, within_seconds: float) -> list[bytes]:
    """Read what follows a terminal marker, so that the connection can serve the next request; give up soon."""
    rest: list[bytes] = []
    with suppress(TimeoutError, ProviderFailure):  # the answer is whole already
        async with asyncio.timeout(within_seconds):
            async for batch in batches:
                rest += batch
    return rest


def is_safe_for_credentials(url: str) -> bool:
    """Whether nobody on the way can read what is sent there: it goes through TLS, or stays on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refuse_unsendable(headers: Mapping[str, str]) -> None:
    """Find a credential that was copied with a line break or typographic quotes before anything could quote it."""
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        hint = "copy the credential again, without line breaks and typographic quotes"
        raise ProviderFailure(FailureKind.AUTH, "the credential holds characters that can't be sent", hint=hint)


def _request(method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None) -> httpx.Request:
    sent = {"accept": "*/*", "accept-encoding": "identity", "user-agent": f"{CLIENT_NAME}/{__version__}", **headers}
    if content is None:
        return httpx.Request(method, url, headers=sent)
    sent |= {"content-type": "application/json", "content-length": str(len(content))}
    if len(content) <= PIECE_BYTES:
        return httpx.Request(method, url, headers=sent, content=content)
    return httpx.Request(method, url, headers=sent, stream=_InPieces(content))


def _transport(base_url: str, network: Network) -> AiohttpTransport:
    proxy = _proxy(network.proxy_for(base_url))
    is_encrypted = base_url.lower().startswith("https:") or (proxy is not None and proxy.url.scheme == "https")
    context = network.trust() if is_encrypted else None

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=60.0, ssl=context or True)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return AiohttpTransport(client=session, verify=context or False, proxy=proxy, trust_env=False)


def _proxy(address: str | None) -> httpx.Proxy | None:
    if address is None:
        return None
    proxy = _parsed_proxy(address if "://" in address else f"http://{address}")
    if proxy is None or proxy.url.scheme not in {"http", "https"} or not proxy.url.host:
        hint = "set the proxy as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT; SOCKS is not spoken"
        raise ProviderFailure(FailureKind.NETWORK, "the proxy's address can't be used", hint=hint)
    if proxy.auth is None:
        return proxy
    credential = base64.b64encode(":".join(proxy.auth).encode()).decode()
    return httpx.Proxy(proxy.url, headers={"authorization": f"Basic {credential}"})


def _parsed_proxy(address: str) -> httpx.Proxy | None:
    try:
        return httpx.Proxy(address)
    except (httpx.InvalidURL, ValueError):
        return None


async def _chunks(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    received = 0
    try:
        async for chunk in response.aiter_bytes():
            received += len(chunk)
            if received > MAX_BODY_BYTES:
                raise ProviderFailure(FailureKind.SERVER, "the upstream's answer has no end")
            yield chunk
    except httpx.DecodingError as error:
        raise ProviderFailure(FailureKind.SERVER, "the upstream's compression is damaged") from error
    except (httpx.TransportError, aiohttp.ClientError) as error:
        raise ProviderFailure(FailureKind.STREAM_BROKEN, "the connection broke in the middle of the answer") from error


async def _read_error(response: httpx.Response) -> ErrorResponse:
    body = bytearray()
    with suppress(TimeoutError, httpx.HTTPError, aiohttp.ClientError):
        async with asyncio.timeout(ERROR_BODY_SECONDS):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) >= MAX_ERROR_BYTES:
                    break
    return error_response(response.status_code, response.headers, bytes(body[:MAX_ERROR_BYTES]), now=time.time())


def _unreachable(error: Exception) -> ProviderFailure:
    """Say in words of our own what aiohttp means, whether httpx has wrapped it or not."""
    hint = None
    match (error.__cause__ if isinstance(error, httpx.TransportError) else None) or error:
        case aiohttp.ClientConnectorCertificateError():
            detail = "the TLS certificate is not trusted"
            hint = "if a proxy inspects TLS here, add its certificate with network.ca_file"
        case aiohttp.ClientSSLError():
            detail = "the TLS handshake failed"
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            detail = "the proxy does not let the connection through"
        case aiohttp.ClientConnectorDNSError():
            detail = "the host name can't be resolved"
        case aiohttp.ServerTimeoutError():
            detail = "the connection took too long"
        case aiohttp.ClientConnectorError():
            detail = "the connection was refused"
        case httpx.InvalidURL() | aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | UnicodeError():
            detail = "the address is not one of a host"
            hint = "check the base URL"
        case _:
            detail = "the connection broke before an answer"
    return ProviderFailure(FailureKind.NETWORK, detail, hint=hint)
