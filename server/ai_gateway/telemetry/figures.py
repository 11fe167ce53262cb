"""The figures of all processes together, by way of the store.

Each process leaves its own in a row under its name, again and again. The rows of processes that have ended are folded
into one, so that there are never many. No figure goes down meanwhile, and if the folding breaks off none is counted
twice: the one row names those that went into it, and is written before they are removed.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.telemetry.figures_row import FiguresRow
from ai_gateway.telemetry.metrics import MetricsSnapshot

if TYPE_CHECKING:
    from ai_gateway.store.base import Entry, Store

log = logging.getLogger(__name__)

SPACE = "figures"
ENDED = "ended"
"""The name of the one row; those of processes begin with a number."""
SILENT_SECONDS = 90 * 24 * 3600.0
"""A process that left nothing for so long is taken for ended: those of other machines can't be looked at."""


async def leave(store: Store, figures: MetricsSnapshot, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """Leave this process's figures in the store, in place of those that it left before.

    Raises:
        StoreUnavailable: The store can't be used now.
    """
    row = FiguresRow(figures, clock.time())
    await store.put(SPACE, store.holder, row.to_bytes(), expires_at=math.inf)


async def gathered(store: Store, *, clock: Clock = SYSTEM_CLOCK) -> MetricsSnapshot:
    """Add up what all processes left, and fold the rows of those that have ended.

    Raises:
        StoreUnavailable: The store can't be used now.
    """
    entries = await store.entries(SPACE)
    rows = _read(entries)
    may_fold = ENDED in rows or ENDED not in entries  # one of another version's shape is not ours to write anew
    ended = rows.pop(ENDED, FiguresRow())
    left_over = [name for name in rows if name in ended.folded]
    counted = {name: row for name, row in rows.items() if name not in ended.folded}
    silent_since = clock.time() - SILENT_SECONDS
    gone = [name for name, row in counted.items() if store.is_gone(name) or row.written_at < silent_since]
    if gone and may_fold:
        total = _total([ended, *(counted[name] for name in gone)])
        row = FiguresRow(total, clock.time(), folded=(*left_over, *gone))
        await _fold(store, row, over=entries.get(ENDED))
    elif left_over:
        await _remove(store, left_over)
    return _total([ended, *counted.values()])


async def _fold(store: Store, row: FiguresRow, *, over: Entry | None) -> None:
    """Write the one row and remove those that went into it, unless somebody else is just doing so."""
    version = 0 if over is None else over.version
    if await store.put(SPACE, ENDED, row.to_bytes(), expires_at=math.inf, if_version=version) is not None:
        await _remove(store, row.folded)


async def _remove(store: Store, names: Iterable[str]) -> None:
    for name in names:
        await store.remove(SPACE, name)


def _read(entries: Mapping[str, Entry]) -> dict[str, FiguresRow]:
    rows: dict[str, FiguresRow] = {}
    for name, entry in entries.items():
        try:
            rows[name] = FiguresRow.from_bytes(entry.value)
        except ValueError as error:
            log.warning("the figures of %s can't be read and are left out: %s", name, error)
    return rows


def _total(rows: Iterable[FiguresRow]) -> MetricsSnapshot:
    return sum((row.figures for row in rows), start=MetricsSnapshot())
