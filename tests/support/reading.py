"""How the tests of readers show them a body: what it says, or how it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import httpx
import pytest

from ai_gateway.failures import ProviderFailure
from ai_gateway.model import Delta, Finish, Piece
from ai_gateway.providers.http import UpstreamResponse

Reader = Callable[[UpstreamResponse], AsyncGenerator[Piece, None]]


def said_by(reader: Reader, *chunks: bytes) -> tuple[str, Finish]:
    """What a body of status 200 says that arrives in these chunks."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def read() -> tuple[str, Finish]:
        async with aclosing(reader(UpstreamResponse(httpx.Response(200, content=body())))) as pieces:
            *deltas, finish = [piece async for piece in pieces]
        assert isinstance(finish, Finish)
        return "".join([delta.text for delta in deltas if isinstance(delta, Delta)]), finish

    return asyncio.run(read())


def failure_in(reader: Reader, *chunks: bytes) -> ProviderFailure:
    """How such a body fails."""
    with pytest.raises(ProviderFailure) as raised:
        said_by(reader, *chunks)
    return raised.value
