"""Identical queries in flight share one upstream call.

A flight runs in a task of its own, so that whoever asked first may leave while others still wait. Its events stand in
one log that every consumer reads at its own pace; one who is late is told first what holds so far.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from itertools import groupby

from ai_gateway.failures import GatewayClosed, where
from ai_gateway.model import Answer, Delta, Event, Reset

log = logging.getLogger(__name__)

MAX_UNREAD_CHARACTERS = 64 * 1024
"""The upstream is paused when even the consumer that is furthest is so far behind."""

Start = Callable[[], AsyncGenerator[Event, None]]


class Flights:
    """The upstream calls that are under way, by what they ask. Belongs to one event loop."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}

    def __len__(self) -> int:
        """Count the upstream calls that are under way."""
        return sum(not flight.is_over for flight in self._flights.values())

    def __contains__(self, key: Hashable) -> bool:
        """Say whether whoever joins now shares an upstream call that others have begun."""
        flight = self._flights.get(key)
        return flight is not None and not flight.is_over

    async def join(self, key: Hashable, start: Start) -> AsyncGenerator[Event, None]:
        """Yield the events of the flight under `key`; the first to ask begins it.

        Who comes late gets what was told so far with all deltas in one, and nothing that was retracted. Who leaves
        leaves alone: only when nobody is left is the upstream given up, and then it is closed before this is.

        Args:
            key: The same for queries that may share an answer.
            start: Makes the upstream's events; called at most once, in a task of its own.

        Raises:
            GatewayClosed: All flights were ended meanwhile.
            Exception: What the upstream raised, to each consumer as an object of its own.
        """
        flight = self._flights.get(key)
        if flight is None or flight.is_over:
            flight = self._flights[key] = _Flight(start)
        told, read = flight.told, len(flight.told)
        events = flight.so_far()
        flight.consumers += 1
        try:
            while True:
                for event in events:
                    yield event
                if read == len(told):
                    if flight.is_over:
                        break
                    await flight.news()
                events, read = told[read:], len(told)
            flight.raise_error()
        finally:
            flight.consumers -= 1
            if not flight.consumers:
                if self._flights.get(key) is flight:
                    del self._flights[key]
                await flight.close()

    async def aclose(self) -> None:
        """End all flights, and wait until their upstreams are closed; whoever waits for one gets `GatewayClosed`."""
        flights = [flight for flight in self._flights.values() if not flight.is_over]
        for flight in flights:
            flight.give_up(GatewayClosed("the gateway was closed meanwhile"))
        if flights:
            await asyncio.wait([flight.task for flight in flights])


class _Flight:
    """One upstream call, and what it has told."""

    def __init__(self, start: Start) -> None:
        self.told: list[Event] = []
        self.consumers = 0
        self._error: Exception | None = None
        self._unread_characters = 0
        self._is_closing = False
        self._has_news = asyncio.Event()
        self._is_read = asyncio.Event()
        self.task = asyncio.create_task(self._fly(start))
        news = self._has_news
        self.task.add_done_callback(lambda _task: news.set())

    @property
    def is_over(self) -> bool:
        """Whether no more will be told."""
        return self.task.done()

    def so_far(self) -> list[Event]:
        """Give what holds of all that was told, its deltas in one."""
        resets = (index for index in reversed(range(len(self.told))) if isinstance(self.told[index], Reset))
        held: list[Event] = []
        for is_text, events in groupby(self.told[next(resets, -1) + 1 :], lambda event: isinstance(event, Delta)):
            if is_text:
                held.append(Delta("".join(event.text for event in events if isinstance(event, Delta))))
            else:
                held.extend(events)
        return held

    async def news(self) -> None:
        """Wait for something new, having read all there is."""
        self._unread_characters = 0
        self._is_read.set()
        self._has_news.clear()
        await self._has_news.wait()

    def raise_error(self) -> None:
        """Raise what the upstream ended with, if it did not end well."""
        if self._error is not None:
            raise _copy_of(self._error)
        if self.task.cancelled():
            raise asyncio.CancelledError

    def give_up(self, error: Exception | None = None) -> None:
        """Cancel the upstream, with an error for whoever still waits; one that is closing already is let be."""
        if not self._is_closing:
            self._is_closing, self._error = True, error
            self.task.cancel()

    async def close(self) -> None:
        """Give the upstream up, once nobody is left, and wait until it is closed."""
        try:
            self.give_up()
            while not self.is_over:
                await self.news()
        finally:
            del self.task  # it holds its cancellation, whose traceback holds this flight and the prompt

    async def _fly(self, start: Start) -> None:
        try:
            async with aclosing(start()) as events:
                async for event in events:
                    self.told.append(event)
                    self._has_news.set()
                    if isinstance(event, Delta):
                        self._unread_characters += len(event.text)
                        if self._unread_characters > MAX_UNREAD_CHARACTERS:
                            self._is_read.clear()
                            await self._is_read.wait()
                    elif isinstance(event, Answer):
                        self._is_closing = True
                        return
        except Exception as error:  # noqa: BLE001 - whatever it is, the consumers are to raise it
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self.consumers:
            log.error("an upstream call failed as it was given up: %s", where(error))
            return
        frames = error.__traceback__ and error.__traceback__.tb_next  # the first is this flight's own
        traceback.clear_frames(frames)
        self._error = error.with_traceback(frames)


def _copy_of(error: Exception) -> Exception:
    """Make the same error once more: one object raised to several would gather the tracebacks of all."""
    try:
        copy = type(error).__new__(type(error), *error.args)
    except TypeError:
        return RuntimeError(f"the upstream call failed: {where(error)}")
    vars(copy).update(vars(error))
    return copy.with_traceback(error.__traceback__)
