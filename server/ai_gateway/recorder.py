"""Keeps what happened, also where other windows see it: traces of the last queries, the journal, figures.

A query never waits for it: what is to be written is written together, a moment later.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import islice
from typing import TYPE_CHECKING, Any

from ai_gateway.clock import Clock
from ai_gateway.model import LastAnswer
from ai_gateway.sent import Sent, SentByQuery, SentLog
from ai_gateway.store.base import Store, StoreUnavailable
from ai_gateway.telemetry.figures import gathered, leave
from ai_gateway.telemetry.metrics import Metrics
from ai_gateway.trace import Trace

if TYPE_CHECKING:
    from ai_gateway.history.journal import Happening, Journal
    from ai_gateway.history.past import History
    from ai_gateway.telemetry.spans import Telemetry

log = logging.getLogger(__name__)

TRACES = "traces"
KEPT_HERE = 50
KEPT_THERE = 500
KEPT_SECONDS = 7 * 24 * 3600.0
DELAY_SECONDS = 1.0
MOST_PENDING = 100
"""Of what happened; then it is put in the journal at once, which takes half a millisecond."""
FIGURES_SECONDS = 10.0
"""How often figures are written at most."""


class Recorder:
    """Takes in what happened.

    Args:
        metrics: This process's figures.
        clock: The time.
    """

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self.store: Store | None = None
        """Where other windows see it; None: nowhere."""
        self.telemetry: Telemetry | None = None
        """Tells of it as spans; None: nobody wants that."""
        self.on_kept: Callable[[], None] | None = None
        """Called a moment after something has happened, when it can be read; for many things together, once."""
        self._sent, self._sent_to_fill = SentLog(), SentLog()
        self._metrics = metrics
        self._clock = clock
        self._traces: deque[Trace] = deque(maxlen=KEPT_HERE)
        self._fills: deque[Trace] = deque(maxlen=KEPT_HERE)
        """Of gaps that were filled, apart: there are many, and nobody means one by "the last query"."""
        self._unwritten: deque[Trace] = deque(maxlen=KEPT_HERE)
        self._journal: Journal | None = None
        self._happened: list[tuple[float, Happening]] = []
        """What is not in the journal yet."""
        self._writing: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self._figures_left_at: float | None = None
        self._is_closing = False

    def add(self, trace: Trace, *, files: Sequence[str] = (), sent: Sequence[Sent] = ()) -> None:
        """Take in how a query went; which files it quoted, and what it sent, stay in memory."""
        (self._sent_to_fill if trace.asked.fills else self._sent).add(trace.query_id, files, sent)
        if self.telemetry is not None:
            self.telemetry.export(trace)
        self.happened(trace.cache)
        if trace.asked.fills:
            self._fills.append(trace)
            return
        self._traces.append(trace)
        if self.store is not None and not self._is_closing:
            self._unwritten.append(trace)

    def happened(self, happening: Happening) -> None:
        """Take in what belongs in the journal."""
        if not self._is_closing:
            self._happened.append((self._clock.time(), happening))
            if len(self._happened) >= MOST_PENDING:
                self._journal_so_far()
            self._write_soon()

    def find(self, query_id: str | None) -> Trace | None:
        """Give the trace of this process's query; None: of the last one, but for gaps that were filled."""
        if query_id is None:
            return self._traces[-1] if self._traces else None
        return next((trace for trace in (*self._traces, *self._fills) if trace.query_id == query_id), None)

    def sent(self, query_id: str) -> SentByQuery | None:
        """Give what a query of this process sent; None: it is not known, or not any more."""
        return self._sent.of(query_id) or self._sent_to_fill.of(query_id)

    async def written(self, query_id: str | None) -> bytes | None:
        """Give the trace that any window wrote, as JSON; None: of the last query."""
        if self.store is None:
            return None
        with suppress(StoreUnavailable):
            await self._write()
            if query_id is None:
                newest = await self.store.entries(TRACES, newest=1)
                return next((entry.value for entry in newest.values()), None)
            entry = await self.store.get(TRACES, query_id)
            return None if entry is None else entry.value
        return None

    async def last_answer(self) -> LastAnswer | None:
        """Say who gave an answer last, in this process or else in another; from the cache is from nobody."""
        now = self._clock.time()
        for trace in reversed(self._traces):
            if trace.given is not None and trace.given.age_seconds is None:
                return LastAnswer(trace.given.provider, trace.given.model, now - trace.asked_at)
        if self.store is None:
            return None
        try:
            written = await self.store.entries(TRACES, newest=KEPT_HERE)
        except StoreUnavailable:
            return None
        found = (_answer_in(entry.value, now) for entry in written.values())
        return next(filter(None, found), None)

    async def history(self, *, days: int, queries: int, hours: float) -> History:
        """Tell what was: so many days, so many of the last queries, and the transitions of so many hours."""
        from ai_gateway.history.past import past  # noqa: PLC0415 - for those who look back

        journal = self._journal_so_far()
        try:
            await self._write()
            traces = await self._last_traces(self.store, queries)
            return await past(traces, journal, self.store, days=days, hours=hours)
        except StoreUnavailable:  # then what this process knows itself
            traces = await self._last_traces(None, queries)
            return await past(traces, journal, None, days=days, hours=hours)

    async def aclose(self) -> None:
        """Write what is not written yet."""
        self._is_closing = True
        if isinstance(self._writing, asyncio.TimerHandle):
            self._writing.cancel()
        elif self._writing is not None:
            await asyncio.wait((self._writing,))
        if self._traces or self._fills or self._happened:
            await self._write_all()

    def _write_soon(self) -> None:
        if self._writing is None:
            with suppress(RuntimeError):  # no event loop runs, as in a script: with the next one, then
                self._writing = asyncio.get_running_loop().call_later(DELAY_SECONDS, self._begin_to_write)

    def _begin_to_write(self) -> None:
        self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            await self._write()
        except StoreUnavailable:
            self._unwritten.clear()  # the store says itself what is wrong
        finally:
            self._writing = None
            if (self._unwritten or self._happened) and not self._is_closing:  # they came while the rest was tidied up
                self._write_soon()
        if self.on_kept is not None and not self._is_closing:
            self.on_kept()

    async def _write(self) -> None:
        journal = self._journal_so_far() if self._happened else self._journal
        if (store := self.store) is None:
            return
        if self._unwritten:
            await self._write_traces(store)
        if journal is not None:
            await journal.write(store)
        await self._leave_figures(store)

    def _journal_so_far(self) -> Journal:
        """Give the journal, with all in it that has happened."""
        if self._journal is None:
            from ai_gateway.history.journal import Journal  # noqa: PLC0415 - at the start there is nothing to put in

            self._journal = Journal(self._clock)
        for at, happening in self._happened:
            self._journal.add(at, happening)
        self._happened.clear()
        return self._journal

    async def _write_traces(self, store: Store) -> None:
        until = self._clock.time() + KEPT_SECONDS
        while self._unwritten:
            trace = self._unwritten.popleft()
            await store.put(TRACES, trace.query_id, _ENCODED(trace).encode(), expires_at=until)
            await asyncio.sleep(0)  # a query that comes meanwhile waits for one of them, not for fifty
        await store.keep_within(TRACES, max_entries=KEPT_THERE)

    async def _last_traces(self, store: Store | None, count: int) -> list[bytes]:
        if store is None:
            return [_ENCODED(trace).encode() for trace in islice(reversed(self._traces), count)]
        return [entry.value for entry in (await store.entries(TRACES, newest=count)).values()]

    async def _leave_figures(self, store: Store) -> None:
        now = self._clock.monotonic()
        if self._figures_left_at is None:
            await gathered(store, clock=self._clock)  # folds what processes left that have ended
        elif now - self._figures_left_at < FIGURES_SECONDS and not self._is_closing:
            return
        self._figures_left_at = now
        await leave(store, self._metrics.snapshot(), clock=self._clock)


def _as_object(value: Any) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


_ENCODED = json.JSONEncoder(separators=(",", ":"), default=_as_object).encode
"""As `asdict` and `dumps` would, in a third of their time: nothing is copied on the way."""


def _answer_in(written: bytes, now: float) -> LastAnswer | None:
    """Say whom a trace tells of; None: of nobody, or it is of another version."""
    try:
        trace = json.loads(written)
        given = trace["given"]
        if given is None or given["age_seconds"] is not None:
            return None
        provider, model, age_seconds = given["provider"], given["model"], max(0.0, now - trace["asked_at"])
        known = math.isfinite(age_seconds)
        return LastAnswer(str(provider), None if model is None else str(model), age_seconds) if known else None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
