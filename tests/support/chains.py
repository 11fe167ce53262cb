"""What the tests of the chain share: a query, providers that wait, and a consumer that obeys resets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from typing_extensions import override

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import GatewayError
from ai_gateway.model import Answer, Delta, Event, Finish, Message, Piece, Prompt, Query, Reset
from ai_gateway.providers.base import LLMProvider

HELLO_PROMPT = Prompt((Message("user", "Hello"),))
HELLO = Query(HELLO_PROMPT)
HANG_SECONDS = 10.0
"""A test that waits this long for something has failed."""


class WaitingProvider(LLMProvider):
    """Yields some pieces, waits until it is let go, and yields the rest."""

    def __init__(self, *before: Piece, after: Sequence[Piece] = (Delta("late"), Finish())) -> None:
        self._before = before
        self._after = after
        self.calls = 0
        self.closed = 0
        self.is_closed = asyncio.Event()
        self.is_waiting = asyncio.Event()
        self.go_on = asyncio.Event()

    @override
    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        self.calls += 1
        try:
            for piece in self._before:
                yield piece
            self.is_waiting.set()
            await self.go_on.wait()
            for piece in self._after:
                yield piece
        finally:
            self.closed += 1
            self.is_closed.set()


@dataclass
class Seen:
    """What a consumer saw of one query."""

    events: list[Event] = field(default_factory=list)
    error: GatewayError | None = None

    @property
    def text(self) -> str:
        """What is on the screen, after every reset was obeyed."""
        text = ""
        for event in self.events:
            if isinstance(event, Delta):
                text += event.text
            elif isinstance(event, Reset):
                text = ""
        return text

    @property
    def answer(self) -> Answer:
        """The answer, which comes last."""
        last = self.events[-1]
        assert isinstance(last, Answer), self.error
        return last


async def watch(chain: FailoverChain, query: Query = HELLO) -> Seen:
    """Ask, and see all that happens."""
    seen = Seen()
    try:
        async with asyncio.timeout(HANG_SECONDS), aclosing(chain.stream(query)) as events:
            async for event in events:
                seen.events.append(event)
    except GatewayError as error:
        seen.error = error
    return seen
