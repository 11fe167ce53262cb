"""Calling a provider's own code, which is anybody's: what it does becomes a piece, a failure of a kind, or a cancel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager

from ai_gateway.failures import FailureKind, ProviderFailure, where
from ai_gateway.model import EmbeddingInput, Finish, Piece, Prompt
from ai_gateway.providers.base import LLMProvider

log = logging.getLogger(__name__)


@contextmanager
def _cancels_kept() -> Iterator[None]:
    """Run a provider's own code; a cancel that comes meanwhile stays one, whatever that code makes of it."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


@asynccontextmanager
async def stream_of(
    provider: LLMProvider, prompt: Prompt | EmbeddingInput, model: str | None
) -> AsyncGenerator[AsyncGenerator[Piece, None], None]:
    """Begin a provider's stream, and end it whatever happens; a fault in its ending takes no answer or cancel away."""
    try:
        pieces = provider.stream(prompt, model) if isinstance(prompt, Prompt) else _embedded(provider, prompt, model)
    except ProviderFailure:
        raise
    except Exception as error:
        raise _crash(error) from error
    try:
        yield pieces
    finally:
        try:
            with _cancels_kept():
                await pieces.aclose()
        except Exception as error:  # noqa: BLE001 - it is whatever the provider's own code raises
            log.error("a provider's own code failed as its stream was closed: %s", where(error))  # noqa: TRY400 - the text may quote the prompt


async def next_piece(pieces: AsyncGenerator[Piece, None], limit_seconds: float, share_seconds: float) -> Piece:
    """Wait for the next piece, and call everything that can happen instead by its kind."""
    if share_seconds <= 0:
        raise ProviderFailure(FailureKind.DEADLINE, "the query's time ran out")
    try:
        with _cancels_kept():
            async with asyncio.timeout(min(limit_seconds, share_seconds)) as scope:
                piece = await anext(pieces)
    except ProviderFailure:
        raise
    except StopAsyncIteration:
        raise ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker") from None
    except TimeoutError as error:
        if scope.expired() and share_seconds < limit_seconds:
            raise ProviderFailure(FailureKind.DEADLINE, "the query's time ran out") from error
        raise ProviderFailure(FailureKind.TIMEOUT, "nothing arrived in time") from error
    except OSError as error:
        raise ProviderFailure(FailureKind.NETWORK, f"the connection failed ({type(error).__name__})") from error
    except Exception as error:
        raise _crash(error) from error
    if not isinstance(piece, Piece):
        raise ProviderFailure(FailureKind.CRASHED, f"the provider yielded a {type(piece).__name__}, not a piece")
    return piece


async def _embedded(provider: LLMProvider, given: EmbeddingInput, model: str | None) -> AsyncGenerator[Piece, None]:
    """Embed, as a stream that says nothing but its end."""
    found = await provider.embed(given, model)
    lengths = {len(vector) for vector in found.vectors}
    if len(found.vectors) != len(given.texts) or len(lengths) != 1 or 0 in lengths:
        raise ProviderFailure(FailureKind.SERVER, "the vectors do not fit the texts: one each, all of one length")
    if given.dimensions is not None and lengths != {given.dimensions}:
        raise ProviderFailure(FailureKind.UNSUPPORTED, "the model makes no vectors of the length that was asked for")
    yield Finish(usage=found.usage, model=found.model, cost_usd=found.cost_usd, vectors=found.vectors)


def _crash(error: Exception) -> ProviderFailure:
    log.error("a provider's own code failed: %s", where(error))
    return ProviderFailure(FailureKind.CRASHED, f"the provider raised {type(error).__name__}")
