"""Calling a provider's own code, which is anybody's: what it does becomes a piece, a failure of a kind, or a cancel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Self

from ai_gateway.failures import FailureKind, ProviderFailure, where
from ai_gateway.model import AnyPrompt, EmbeddingInput, Finish, Piece, Prompt
from ai_gateway.pace import Pace
from ai_gateway.providers.base import LLMProvider
from ai_gateway.waiting import FirstWait, out_of_time, timed_out

log = logging.getLogger(__name__)


class Pieces:
    """A provider's stream under way; leaving the context ends it, and a fault in that takes no answer or cancel away.

    Args:
        generator: The provider's own.
        provider: Who is asked.
        pace: Of the model, to hold it to and to learn from; None: only the limits that are set hold.
        characters: How long the prompt is, where there is a pace.
    """

    __slots__ = ("characters", "generator", "has_begun", "pace", "provider")

    def __init__(
        self, generator: AsyncGenerator[Piece, None], provider: LLMProvider, pace: Pace | None, characters: int
    ) -> None:
        self.generator = generator
        self.provider = provider
        self.pace = pace
        self.characters = characters
        self.has_begun = False

    async def __aenter__(self) -> Self:
        """Use it for the length of a block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the stream."""
        try:
            with _CancelsKept():
                await self.generator.aclose()
        except Exception as error:  # noqa: BLE001 - it is whatever the provider's own code raises
            log.error("a provider's own code failed as its stream was closed: %s", where(error))  # noqa: TRY400 - the text may quote the prompt


class _CancelsKept:
    """Runs a provider's own code; a cancel that comes meanwhile stays one, whatever that code makes of it.

    A class, as it stands around every piece: `contextmanager` would take three times as long.
    """

    __slots__ = ("_before", "_task")

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._before = 0 if self._task is None else self._task.cancelling()

    def __exit__(self, *_: object) -> None:
        if self._task is not None and self._task.cancelling() > self._before:
            raise asyncio.CancelledError


def stream_of(provider: LLMProvider, prompt: AnyPrompt, model: str | None, *, pace: Pace | None = None) -> Pieces:
    """Begin a provider's stream.

    Args:
        provider: Who is asked.
        prompt: What is asked.
        model: Which model; None: the provider's own choice.
        pace: Of that model; None: nothing is learnt, and only the limits that are set hold.
    """
    try:
        if isinstance(prompt, Prompt):
            generator = provider.stream(prompt, model)
        elif isinstance(prompt, EmbeddingInput):
            generator = _embedded(provider, prompt, model)
        else:
            generator = provider.fill(prompt, model)
    except ProviderFailure:
        raise
    except Exception as error:
        raise _failure_of(error) from error
    return Pieces(generator, provider, pace, 0 if pace is None else prompt.characters())


async def next_piece(
    pieces: Pieces, limit_seconds: float, share_seconds: float, patience_seconds: float | None = None
) -> Piece:
    """Wait for the next piece, and call everything that can happen instead by its kind.

    Args:
        pieces: Whose.
        limit_seconds: The longest silence: before the first piece (see `FirstWait`), or after another.
        share_seconds: What the query has left for this provider.
        patience_seconds: How long the query itself waits for the first piece; None: as long as it may.

    Raises:
        ProviderFailure: There is none.
    """
    if share_seconds <= 0:
        raise out_of_time()
    if not pieces.has_begun:
        return await _first_piece(pieces, limit_seconds, share_seconds, patience_seconds)
    piece = await _piece_within(asyncio.timeout(min(limit_seconds, share_seconds)), pieces.generator)
    if piece is None:
        raise out_of_time() if share_seconds < limit_seconds else timed_out()
    return piece


async def preload(provider: LLMProvider, model: str) -> None:
    """Have a provider load a model.

    Raises:
        ProviderFailure: It could not.
    """
    try:
        await provider.preload(model)
    except ProviderFailure:
        raise
    except Exception as error:
        raise _failure_of(error) from error


async def _first_piece(
    pieces: Pieces, limit_seconds: float, share_seconds: float, patience_seconds: float | None
) -> Piece:
    wait = FirstWait(
        pieces.provider, limit_seconds, share_seconds, pieces.pace, pieces.characters, patience_seconds=patience_seconds
    )
    try:
        piece = await _piece_within(wait.scope, pieces.generator)
    finally:
        wait.end()
    if piece is None:
        raise wait.failure()
    wait.arrived()
    pieces.has_begun = True
    return piece


async def _piece_within(scope: asyncio.Timeout, generator: AsyncGenerator[Piece, None]) -> Piece | None:
    """Give the next piece; None where the scope's time was up before."""
    try:
        with _CancelsKept():
            async with scope:
                piece = await anext(generator)
    except ProviderFailure:
        raise
    except Exception as error:
        if scope.expired() and isinstance(error, TimeoutError):
            return None
        raise _failure_of(error) from error
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


def _failure_of(error: Exception) -> ProviderFailure:
    """Call by its kind what a provider's own code raised."""
    match error:
        case StopAsyncIteration():
            return ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker")
        case TimeoutError():
            return timed_out()
        case OSError():
            return ProviderFailure(FailureKind.NETWORK, f"the connection failed ({type(error).__name__})")
    log.error("a provider's own code failed: %s", where(error))
    return ProviderFailure(FailureKind.CRASHED, f"the provider raised {type(error).__name__}")
