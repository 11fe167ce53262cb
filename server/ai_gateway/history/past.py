"""What was, put together for whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ai_gateway.history.days import Page
from ai_gateway.history.journal import Journal
from ai_gateway.history.queries import PastQuery, past_queries
from ai_gateway.history.transitions import PastTransition
from ai_gateway.store.base import Store


@dataclass(frozen=True, slots=True)
class History:
    """What was."""

    queries: Sequence[PastQuery]
    """The latest first."""
    transitions: Sequence[PastTransition]
    """The oldest first."""
    days: Mapping[str, Page]
    """By ISO date, the oldest first; one on which nothing was asked is absent."""


async def past(traces: Iterable[bytes], journal: Journal, store: Store | None, *, days: int, hours: float) -> History:
    """Read what is in a store; of None, what this process has kept itself.

    Raises:
        StoreUnavailable: It can't be read now.
    """
    return History(
        queries=await past_queries(traces),
        transitions=await journal.transitions.read(store, hours),
        days=await journal.days.read(store, days),
    )
