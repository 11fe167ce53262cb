"""An httpx transport over aiohttp's connections, which take a third of the time of httpx's own.

Not httpx-aiohttp's, for what that one can't do: a kept connection that turns out to be closed never surfaces as an
error, one limit holds for connecting as a whole (name, TCP, proxy, TLS), and chunks that are framed wrongly are noticed
at once.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator
from contextvars import ContextVar

import aiohttp
import httpx
import yarl
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import ContentEncodingError
from aiohttp.tracing import Trace

from ai_gateway.failures import ProviderFailure
from ai_gateway.providers.network import Network
from ai_gateway.providers.unreachable import broke_before_answer, unreachable

MAX_HEADER_BYTES = 64 * 1024
"""Of one header: policies for browsers grow long, and mean nothing here."""
MAX_CONNECTIONS = 256
KEEP_SECONDS = 60.0
"""How long an idle connection is kept."""
PIECE_BYTES = 256 * 1024
"""How much of a large request is sent at once, so that the event loop serves others in between."""
CONTENT_ENCODING = b"content-encoding"
"""Not passed on: aiohttp has unpacked the body already, and bounds what a small one may grow to meanwhile."""
NO_TIMEOUT = aiohttp.ClientTimeout()
"""Who asks says how long to wait; only connecting has a limit of its own."""

_is_new: ContextVar[bool] = ContextVar("_is_new", default=False)
"""Whether the request that this task sends got a connection that had served none before."""


class Unreachable(httpx.TransportError):
    """No answer came; `failure` says why. It holds no error of aiohttp's, whose repr shows the request's headers."""

    def __init__(self, failure: ProviderFailure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class Transport(httpx.AsyncBaseTransport):
    """The connections to one upstream.

    Args:
        base_url: Where it is.
        network: How it is reached.
    """

    def __init__(self, base_url: str, network: Network) -> None:
        self._proxy = network.road_to(base_url)
        is_encrypted = base_url.lower().startswith("https:") or (self._proxy is not None and self._proxy.is_encrypted)
        self._context = network.trust() if is_encrypted else None
        self._connect_seconds = network.connect_seconds
        self._kept = self._session(is_single=False)
        self._single: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and wait for the head of its response.

        A server may close a kept connection at any time, also while the next request is on its way to it (RFC 9112
        §9.3.1, §9.5). If that happens before anything was answered, the request is sent again, once, on a new
        connection. A client may do so, whatever the method, where it knows that the request is safe to repeat (RFC 9110
        §9.2.2): here each asks a model, a list or a token, and the worst that a second one does is to cost as much as
        the first, if the server worked on it and died before it could say so. On a new connection the fault is the
        server's, and whether to ask again is the chain's to say; after any part of an answer, nobody asks again.

        Raises:
            Unreachable: No response came.
        """
        try:
            return await self._send(request)
        except (aiohttp.ClientError, ValueError) as error:
            failure = unreachable(error, self._proxy)
        raise Unreachable(failure)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._kept.close()
        if self._single is not None:
            await self._single.close()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        _is_new.set(False)
        try:
            return await self._send_by(self._kept, request)
        except aiohttp.ClientConnectionError as error:
            if _is_new.get() or not broke_before_answer(error):
                raise
        if self._single is None:
            self._single = self._session(is_single=True)
        return await self._send_by(self._single, request)

    async def _send_by(self, session: aiohttp.ClientSession, request: httpx.Request) -> httpx.Response:
        content = request.content
        response = await session.request(
            request.method,
            yarl.URL(str(request.url), encoded=True),
            headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
            data=_InPieces(content) if len(content) > PIECE_BYTES else content or None,
            allow_redirects=False,
            proxy=None if self._proxy is None else self._proxy.url,
            proxy_headers=None if self._proxy is None else self._proxy.headers,
        )
        headers = [(name, value) for name, value in response.raw_headers if name.lower() != CONTENT_ENCODING]
        return httpx.Response(response.status, headers=headers, stream=_Body(response), request=request)

    def _session(self, *, is_single: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(self._connect_seconds, self._context, is_single=is_single),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=NO_TIMEOUT,
            skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )


class _Connector(aiohttp.TCPConnector):
    """Makes connections within a limit of time, and says so; aiohttp means this method to be overridden.

    Args:
        seconds: The limit.
        context: For TLS.
        is_single: Whether no connection is kept for a second request.
    """

    def __init__(self, seconds: float, context: ssl.SSLContext | None, *, is_single: bool) -> None:
        kept = None if is_single else KEEP_SECONDS
        super().__init__(limit=MAX_CONNECTIONS, ssl=context or True, force_close=is_single, keepalive_timeout=kept)
        self._seconds = seconds

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        _is_new.set(True)
        async with asyncio.timeout(self._seconds):
            return await super()._create_connection(req, traces, timeout)


class _Body(httpx.AsyncByteStream):
    """The body of a response while it arrives, on its connection."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._lost = self._watch()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the body as it arrives.

        Raises:
            httpx.ReadError: It broke off.
            httpx.DecodingError: Its compression is damaged.
        """
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, RuntimeError) as error:  # RuntimeError: it was closed between two reads
            is_damaged = isinstance(error.__cause__, ContentEncodingError)
        else:
            return
        if is_damaged:  # raised here, so that it does not hold aiohttp's error, whose text may quote the body
            raise httpx.DecodingError("the compression is damaged")
        raise httpx.ReadError("the connection broke in the middle of the answer")

    async def aclose(self) -> None:
        """Give the connection back if the body has ended, and close it otherwise; wakes who still reads."""
        if self._lost is not None:
            self._lost.remove_done_callback(self._break)
            self._lost.add_done_callback(_seen)
        self._response.release()

    def _watch(self) -> asyncio.Future[None] | None:
        """Learn of the connection's end: aiohttp closes it when chunks are framed wrongly, and tells no reader.

        A compressed body is left alone: aiohttp may still be unpacking what it has got when the connection is gone.
        """
        connection = self._response.connection
        if connection is None or connection.protocol is None or "content-encoding" in self._response.headers:
            return None
        lost = connection.protocol.closed
        if lost is not None:
            lost.remove_done_callback(_seen)
            lost.add_done_callback(self._break)
        return lost

    def _break(self, lost: asyncio.Future[None]) -> None:
        _seen(lost)
        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the connection was lost"))


def _seen(lost: asyncio.Future[None]) -> None:
    """Take note of how a connection ended: asyncio would complain of an error that nobody has looked at."""
    if not lost.cancelled():
        lost.exception()


class _InPieces(AsyncIterable[bytes]):
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
