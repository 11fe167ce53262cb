"""One HTTP client for one upstream: JSON goes there, and an answer or a refusal comes back.

Requests and responses are httpx's, the connections are those of `transport`. It is used without httpx's client, which
would add cookies, redirects and the environment's logins: there are none, so a credential reaches its own host only.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress

import httpx

from ai_gateway import __version__
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.error_response import MAX_ERROR_BYTES, ErrorResponse, error_response
from ai_gateway.providers.lines import Decoder
from ai_gateway.providers.network import Network
from ai_gateway.providers.transport import Transport, Unreachable
from ai_gateway.providers.wire import parsed

CLIENT_NAME = "AI-Gateway"
MAX_BODY_BYTES = 64 * 1024 * 1024
"""No honest answer is larger."""
ERROR_BODY_SECONDS = 2.0
"""How long the body of a refusal may take; its status alone says enough."""


class RefusedByUpstream(Exception):
    """The upstream answered with anything but 200, or a web page; the provider's rows say what it means."""

    def __init__(self, response: ErrorResponse) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


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
        self._urls: dict[str, httpx.URL] = {}
        self._transport: Transport | None = None
        self._open: set[httpx.Response] = set()
        self._is_closed = False

    @asynccontextmanager
    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], payload: object = None
    ) -> AsyncIterator[UpstreamResponse]:
        """Send a request, and hold its response open for the length of the context.

        Where a kept connection turns out to be closed, the request is sent once more, so it must be one that does no
        harm twice (RFC 9110 §9.2.2); see `Transport`.

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
        transport = self._transport = self._transport or Transport(self.base_url, self._network)
        try:
            request = httpx.Request(method, self._url(path), headers=_sent(headers, content), content=content)
            return await transport.handle_async_request(request)
        except Unreachable as error:
            failure = error.failure
        except httpx.InvalidURL:
            hint = "check the base URL"
            failure = ProviderFailure(FailureKind.NETWORK, "the address is not one of a host", hint=hint)
        raise failure

    def _url(self, path: str) -> httpx.URL:
        return self._urls.get(path) or self._urls.setdefault(path, httpx.URL(self.base_url + path))


async def read_to_end(batches: AsyncIterator[list[bytes]], *, within_seconds: float) -> list[bytes]:
    """Read what follows a terminal marker, so that the connection can serve the next request; give up soon."""
    rest: list[bytes] = []
    with suppress(TimeoutError, ProviderFailure):  # the answer is whole already
        async with asyncio.timeout(within_seconds):
            async for batch in batches:
                rest += batch
    return rest


def _refuse_unsendable(headers: Mapping[str, str]) -> None:
    """Find a credential that was copied with a line break or typographic quotes before anything could quote it."""
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        hint = "copy the credential again, without line breaks and typographic quotes"
        raise ProviderFailure(FailureKind.AUTH, "the credential holds characters that can't be sent", hint=hint)


def _sent(headers: Mapping[str, str], content: bytes | None) -> dict[str, str]:
    sent = {"accept": "*/*", "accept-encoding": "identity", "user-agent": f"{CLIENT_NAME}/{__version__}", **headers}
    return sent if content is None else {**sent, "content-type": "application/json"}


async def _chunks(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    received = 0
    try:
        async for chunk in response.aiter_bytes():
            received += len(chunk)
            if received > MAX_BODY_BYTES:
                raise ProviderFailure(FailureKind.SERVER, "the upstream's answer has no end")
            yield chunk
    except httpx.DecodingError:
        failure = ProviderFailure(FailureKind.SERVER, "the upstream's compression is damaged")
    except httpx.TransportError as error:
        failure = ProviderFailure(FailureKind.STREAM_BROKEN, str(error))
    else:
        return
    raise failure  # here, so that it holds no error that quotes the body


async def _read_error(response: httpx.Response) -> ErrorResponse:
    body = bytearray()
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(ERROR_BODY_SECONDS):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) >= MAX_ERROR_BYTES:
                    break
    return error_response(response.status_code, response.headers, bytes(body[:MAX_ERROR_BYTES]), now=time.time())
