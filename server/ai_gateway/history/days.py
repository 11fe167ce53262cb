"""What every model did on each local day, and how often the cache helped.

All windows write into one entry of the store for each day, so that they add up; there is nothing that a process leaves
behind when it ends.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import NamedTuple, Self

from ai_gateway.clock import Clock
from ai_gateway.model import Backend
from ai_gateway.store.base import Entry, Store
from ai_gateway.store.reading import as_count, as_objects, as_text, number_if_known, parsed, text_if_known
from ai_gateway.telemetry.metrics import COST_DECIMALS

log = logging.getLogger(__name__)

SPACE = "days"
KEPT_DAYS = 90
KEPT_SECONDS = KEPT_DAYS * 24 * 3600.0
"""How long a day's entry outlives its last change."""
MOST_MODELS = 100
"""That a day tells apart: clients may name any, so there is an end to them; the rest have no name."""
LONGEST_NAME = 200
CAS_TRIES = 20
"""Each one that fails means that another window has written; what is not written then is the next time."""


class Model(NamedTuple):
    """Whom something is told of: a model where it was asked; None: the provider's own choice, or one of too many."""

    provider: str
    backend: Backend
    name: str | None


@dataclass(slots=True)
class Tally:
    """What a model did on a day, or in a part of it."""

    queries: int = 0
    """That it answered itself; the cache may have given these answers again."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """Of answers whose cost is known, also of those that broke off; None while there is none."""
    failures: int = 0

    def __iadd__(self, other: Tally) -> Self:
        """Add what was done besides."""
        self.queries += other.queries
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        if other.cost_usd is not None:
            self.cost_usd = round((self.cost_usd or 0.0) + other.cost_usd, COST_DECIMALS)
        self.failures += other.failures
        return self


@dataclass(slots=True)
class Page:
    """One day, or a part of it."""

    tallies: dict[Model, Tally] = field(default_factory=dict)
    hits: int = 0
    """Answers from the cache."""
    misses: int = 0
    """Queries that the cache was asked for, and had no fresh answer to."""

    def __iadd__(self, other: Page) -> Self:
        """Add what was besides."""
        for model, tally in other.tallies.items():
            self.count(model, tally)
        self.hits += other.hits
        self.misses += other.misses
        return self

    def count(self, model: Model, tally: Tally) -> None:
        """Add what a model did."""
        if model not in self.tallies:
            model = model if len(self.tallies) < MOST_MODELS else model._replace(name=None)
            self.tallies.setdefault(model, Tally())
        self.tallies[model] += tally

    def to_bytes(self) -> bytes:
        """Write it."""
        tallies = [
            {"provider": model.provider, "backend": model.backend, "model": model.name, **asdict(tally)}
            for model, tally in self.tallies.items()
        ]
        page = {"tallies": tallies, "hits": self.hits, "misses": self.misses}
        return json.dumps(page, separators=(",", ":")).encode()

    @classmethod
    def of(cls, day: str, entry: Entry | None) -> Self:
        """Read what is stored; one that can't be read counts as empty."""
        if entry is None:
            return cls()
        try:
            page = parsed(entry.value)
            tallies = {_model(row): _tally(row) for row in as_objects(page.get("tallies"))}
            return cls(tallies, as_count(page.get("hits")), as_count(page.get("misses")))
        except ValueError:
            log.warning("what is stored of the day %s can't be read, so it counts anew", day)
            return cls()


class Days:
    """Keeps the pages of the last days.

    Args:
        clock: The time; days are those of the calendar here.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._unwritten: dict[str, Page] = {}
        self._written: dict[str, Page] = {}
        """By this process."""

    def of(self, at: float) -> Page:
        """Give the day of a moment, in seconds since the epoch, to add to."""
        return _page_of(date.fromtimestamp(at).isoformat(), self._unwritten)

    async def write(self, store: Store) -> None:
        """Add what is not written yet to what is stored.

        Raises:
            StoreUnavailable: It can't be now; what is unwritten stays so.
        """
        for day in list(self._unwritten):
            page, pages = self._unwritten.pop(day), self._unwritten
            try:
                if await self._is_added(store, day, page):
                    pages = self._written
            finally:
                _merge(pages, {day: page})

    async def read(self, store: Store | None, days: int) -> dict[str, Page]:
        """Give the pages of so many days up to today, the oldest first, by ISO date; of None, this process's own.

        Raises:
            StoreUnavailable: They can't be read now.
        """
        since = (date.fromtimestamp(self._clock.time()) - timedelta(days=days - 1)).isoformat()
        pages: dict[str, Page] = {}
        _merge(pages, self._written if store is None else await _pages_in(store))
        _merge(pages, self._unwritten)
        return {day: pages[day] for day in sorted(pages) if day >= since}

    async def _is_added(self, store: Store, day: str, page: Page) -> bool:
        for _ in range(CAS_TRIES):
            entry = await store.get(SPACE, day)
            total = Page.of(day, entry)
            total += page
            version, until = 0 if entry is None else entry.version, self._clock.time() + KEPT_SECONDS
            if await store.put(SPACE, day, total.to_bytes(), expires_at=until, if_version=version) is not None:
                return True
        return False


def model_of(provider: str, backend: Backend, name: str | None) -> Model:
    """Give a model by a name that is not too long to be kept."""
    return Model(provider, backend, None if name is None else name[:LONGEST_NAME])


async def _pages_in(store: Store) -> dict[str, Page]:
    entries = await store.entries(SPACE)
    return {day: Page.of(day, entry) for day, entry in entries.items() if _is_day(day)}


def _merge(pages: dict[str, Page], others: Mapping[str, Page]) -> None:
    for day, page in others.items():
        known = _page_of(day, pages)
        known += page


def _page_of(day: str, pages: dict[str, Page]) -> Page:
    """Give the page of a day; where there is one day too many, the first goes, which may be that one."""
    page = pages.get(day)
    if page is None:
        page = pages[day] = Page()
        if len(pages) > KEPT_DAYS:
            del pages[min(pages)]
    return page


def _is_day(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _model(row: Mapping[str, object]) -> Model:
    return Model(as_text(row.get("provider")), Backend(as_text(row.get("backend"))), text_if_known(row.get("model")))


def _tally(row: Mapping[str, object]) -> Tally:
    return Tally(
        as_count(row.get("queries")),
        as_count(row.get("input_tokens")),
        as_count(row.get("output_tokens")),
        number_if_known(row.get("cost_usd")),
        as_count(row.get("failures")),
    )
