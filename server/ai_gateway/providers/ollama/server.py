"""Requests to one Ollama, wherever on this machine it listens; what it refuses becomes a failure of a kind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.error_response import stream_error
from ai_gateway.providers.http import RefusedByUpstream, Upstream, UpstreamResponse
from ai_gateway.providers.network import Network, is_loopback
from ai_gateway.providers.ollama.address import DEFAULT_PORT, SCHEME_PORTS, other_loopback
from ai_gateway.providers.ollama.refusals import ELSEWHERE_HINT, OLLAMA_ROWS, START_HINT, ollama_failure
from ai_gateway.providers.refusals import Row
from ai_gateway.providers.wire import whole_object


class OllamaServer:
    """One Ollama.

    Listening on this machine, it may do so on either loopback address: where one refuses the connection the other is
    tried, and the one that answered last is asked first.

    Args:
        base_url: Where it is.
        network: How it is reached.
    """

    def __init__(self, base_url: str, network: Network) -> None:
        other = other_loopback(base_url)
        self._upstreams = [Upstream(url, network) for url in (base_url, other) if url is not None]
        self._hint = START_HINT if is_loopback(urlsplit(base_url).hostname or "") else ELSEWHERE_HINT

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        payload: object = None,
        model: str | None = None,
        rows: Iterable[Row] = OLLAMA_ROWS,
    ) -> AsyncIterator[UpstreamResponse]:
        """Send a request about `model`, and hold its response open for the length of the context.

        Raises:
            ProviderFailure: It was refused, as `rows` and the generic ones read it, or nobody is there.
        """
        async with AsyncExitStack() as stack:
            try:
                response = await self._open(stack, tuple(self._upstreams), method, path, payload)
            except RefusedByUpstream as refusal:
                raise ollama_failure(refusal.response, model, rows) from refusal
            except ProviderFailure as failure:
                if failure.kind is FailureKind.NETWORK:
                    failure.hint = failure.hint or self._hint
                raise
            yield response

    async def json(
        self, method: str, path: str, *, payload: object = None, model: str | None = None
    ) -> dict[str, object]:
        """Ask for one JSON object; raises as `request` does."""
        async with self.request(method, path, payload=payload, model=model) as response:
            value = whole_object(await response.json())
        refuse_error(value, model)
        return value

    async def aclose(self) -> None:
        """Close its connections."""
        for upstream in self._upstreams:
            await upstream.aclose()

    async def _open(
        self, stack: AsyncExitStack, upstreams: Sequence[Upstream], method: str, path: str, payload: object
    ) -> UpstreamResponse:
        first, *others = upstreams
        try:
            response = await stack.enter_async_context(first.request(method, path, headers={}, payload=payload))
        except ProviderFailure as failure:
            if failure.kind is FailureKind.NETWORK and others and not await _is_anyone_at(first.base_url):
                with suppress(ProviderFailure):  # of the two, what the likelier address said is worth telling
                    return await self._open(stack, others, method, path, payload)
            raise
        self._upstreams.sort(key=lambda upstream: upstream is not first)
        return response


def refuse_error(value: Mapping[str, object], model: str | None, rows: Iterable[Row] = OLLAMA_ROWS) -> None:
    """Find the error in an object that came with status 200.

    Raises:
        ProviderFailure: There is one.
    """
    if value.get("error"):
        said = stream_error(value["error"], status=value.get("status"), now=time.time())
        raise ollama_failure(said, model, rows)


async def _is_anyone_at(base_url: str) -> bool:
    """Whether anyone listens there who can have read a request."""
    parts = urlsplit(base_url)
    try:
        _, writer = await asyncio.open_connection(
            parts.hostname, parts.port or SCHEME_PORTS.get(parts.scheme, DEFAULT_PORT)
        )
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    writer.close()
    return True
