"""The only place that knows how bytes travel: one HTTP client for one upstream, with its proxy, trust and limits.

Requests and responses are httpx's, the transport is httpx-aiohttp's, which takes half the time of httpx's own at one
request and a quarter at sixty-four (`make bench`). It is used without httpx's client, which would add cookies and
redirects: there are none here, so a credential reaches its own host only.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.failure_rows import MAX_ERROR_BYTES, ErrorResponse, error_response
from ai_gateway.providers.lines import Decoder

MAX_BODY_BYTES = 64 * 1024 * 1024
"""No honest answer is larger."""
MAX_CONNECTIONS = 256


class RefusedByUpstream(Exception):
    """The upstream answered with anything but 200; the provider's rows say what it means."""

    def __init__(self, response: ErrorResponse) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


@dataclass(frozen=True, slots=True)
class Network:
    """How upstreams are reached, the same for all of them."""

    connect_seconds: float = 5.0
    ca_file: str | None = None
    """A PEM file of certificates that are trusted besides the operating system's."""
    proxy: str | None = None
    """A proxy for every upstream outside this machine; None: as the environment says; empty: none."""

    def proxy_for(self, url: str) -> str | None:
        """Choose the proxy for an upstream; this machine's own addresses never have one."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if is_loopback(host):
            return None
        if self.proxy is not None:
            return self.proxy or None
        return None if proxy_bypass(host) else getproxies().get(parts.scheme)

    def trust(self) -> ssl.SSLContext:
        """Trust what the operating system trusts, and the added certificates."""
        import truststore  # noqa: PLC0415 - reading the system's store costs; a plain-http upstream never needs it

        context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca_file:
            context.load_verify_locations(self.ca_file)
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
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise ProviderFailure(FailureKind.SERVER, "the upstream's answer is not JSON") from None


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

    @asynccontextmanager
    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], payload: object = None
    ) -> AsyncIterator[UpstreamResponse]:
        """Send a request, and hold its response open for the length of the context.

        Raises:
            RefusedByUpstream: The status is not 200.
            ProviderFailure: The upstream can't be reached, or broke off.
        """
        content = None if payload is None else json.dumps(payload, separators=(",", ":")).encode()
        sent = {"accept": "*/*", "accept-encoding": "identity", **headers}
        if content is not None:
            sent["content-type"] = "application/json"
        url = self._urls.get(path) or self._urls.setdefault(path, httpx.URL(self.base_url + path))
        request = httpx.Request(method, url, headers=sent, content=content, extensions={"timeout": self._timeout})
        response = await self._send(request)
        try:
            if response.status_code != 200:
                raise RefusedByUpstream(await _read_error(response))
            yield UpstreamResponse(response)
        finally:
            await response.aclose()

    async def get_json(self, path: str, *, headers: Mapping[str, str]) -> object:
        """GET a JSON document; raises as `request` does."""
        async with self.request("GET", path, headers=headers) as response:
            return await response.json()

    async def aclose(self) -> None:
        """Close every connection."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        if self._transport is None:
            self._transport = _transport(self.base_url, self._network)
        try:
            return await self._transport.handle_async_request(request)
        except (httpx.TransportError, httpx.InvalidURL, aiohttp.ClientError) as error:
            raise _unreachable(error) from error


async def read_to_end(batches: AsyncIterator[list[bytes]], *, within_seconds: float) -> list[bytes]:
    """Read what follows a terminal marker, so that the connection can serve the next request; give up soon."""
    rest: list[bytes] = []
    with suppress(TimeoutError, ProviderFailure):  # the answer is whole already
        async with asyncio.timeout(within_seconds):
            async for batch in batches:
                rest += batch
    return rest


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _transport(base_url: str, network: Network) -> AiohttpTransport:
    secure = base_url.lower().startswith("https:")
    proxy = network.proxy_for(base_url)
    context = network.trust() if secure else None

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=60.0, ssl=context or True)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return AiohttpTransport(
        client=session, verify=context or False, proxy=httpx.Proxy(proxy) if proxy else None, trust_env=False
    )


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
    body = b""
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) >= MAX_ERROR_BYTES:
                break
    except (httpx.HTTPError, aiohttp.ClientError):
        pass  # the status alone says enough
    return error_response(response.status_code, response.headers, body[:MAX_ERROR_BYTES], now=time.time())


def _unreachable(error: Exception) -> ProviderFailure:
    cause = error.__cause__
    match cause or error:
        case aiohttp.ClientSSLError() | aiohttp.ClientConnectorCertificateError():
            return ProviderFailure(
                FailureKind.NETWORK,
                "the TLS certificate is not trusted",
                hint="if a proxy inspects TLS here, add its certificate with network.ca_file",
            )
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return ProviderFailure(FailureKind.NETWORK, "the proxy does not let the connection through")
        case aiohttp.ClientConnectorDNSError():
            return ProviderFailure(FailureKind.NETWORK, "the host name can't be resolved")
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return ProviderFailure(FailureKind.NETWORK, "the connection took too long")
        case aiohttp.ClientConnectorError():
            return ProviderFailure(FailureKind.NETWORK, "the connection was refused")
        case _:
            return ProviderFailure(FailureKind.NETWORK, "the connection broke before an answer")
