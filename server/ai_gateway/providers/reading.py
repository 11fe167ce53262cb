"""Reading an answer as it arrives, whatever the wire."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from ai_gateway.model import Delta, Finish, Piece
from ai_gateway.providers.http import UpstreamResponse, read_to_end
from ai_gateway.providers.lines import Decoder


class Reading(Protocol):
    """What an answer has said so far, besides its text."""

    @property
    def is_over(self) -> bool:
        """Whether the terminal marker was seen; some upstreams tell token counts after it."""
        ...

    @property
    def patience_seconds(self) -> float:
        """How long what comes after it may take."""
        ...

    def text_of(self, messages: Sequence[bytes]) -> str:
        """Take in what arrived together, and give its text.

        A malformed message is passed over: it makes no stream unsound; a missing terminal marker does.

        Raises:
            ProviderFailure: It says that something went wrong.
        """
        ...

    def finish(self) -> Finish:
        """Sum up the answer.

        Raises:
            ProviderFailure: It never came to its terminal marker, or is no answer.
        """
        ...


async def pieces_of(response: UpstreamResponse, decoder: Decoder, reading: Reading) -> AsyncGenerator[Piece, None]:
    """Read an answer, streamed or whole: deltas, those that arrive together as one, then its `Finish`.

    What arrives without text makes an empty delta: a model that thinks for long is not silent.

    Raises:
        ProviderFailure: As the reading has it, or the connection broke.
    """
    async with aclosing(response.batches(decoder)) as batches:
        async for batch in batches:
            yield Delta(reading.text_of(batch))
            if reading.is_over:
                rest = await read_to_end(batches, within_seconds=reading.patience_seconds)
                if text := reading.text_of(rest):
                    yield Delta(text)
    yield reading.finish()
