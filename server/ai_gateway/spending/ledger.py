"""What metered tiers cost today, in all windows of one person together."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

from ai_gateway.clock import Clock
from ai_gateway.store.base import Entry, Store, StoreUnavailable

log = logging.getLogger(__name__)

SPACE = "spending"
KEPT_SECONDS = 48 * 3600.0
"""How long a day's entry outlives its last change: longer than any day."""
MICRO = 1_000_000
LARGEST_COUNT = 2**53
CAS_TRIES = 20
"""Each one that fails means that another window has written; what is not written then is the next time."""

Offer = tuple[str, str | None]
"""A provider and its model: what a person allows."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What was spent and allowed on one day, or a part of it."""

    micro_usd: int = 0
    unpriced_answers: int = 0
    allowed: frozenset[Offer] = frozenset()

    def __add__(self, other: _Page) -> _Page:
        return _Page(
            self.micro_usd + other.micro_usd,
            self.unpriced_answers + other.unpriced_answers,
            self.allowed | other.allowed,
        )

    def __sub__(self, other: _Page) -> _Page:
        return _Page(
            self.micro_usd - other.micro_usd,
            self.unpriced_answers - other.unpriced_answers,
            self.allowed - other.allowed,
        )

    def encoded(self) -> bytes:
        allowed = sorted(self.allowed, key=str)
        page = {"micro_usd": self.micro_usd, "unpriced_answers": self.unpriced_answers, "allowed": allowed}
        return json.dumps(page, separators=(",", ":")).encode()

    @classmethod
    def of(cls, entry: Entry | None) -> Self:
        """Read what is stored; one that can't be read counts as empty."""
        if entry is None:
            return cls()
        try:
            page = json.loads(entry.value)
            return cls(_count(page, "micro_usd"), _count(page, "unpriced_answers"), _offers(page["allowed"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            log.warning("what is stored of today's spending can't be read, so it counts anew from here")
            return cls()


class Ledger:
    """Keeps the day's account of metered answers, and what the person has allowed for the day.

    All windows write into one entry of the store for each local day, so that they add up; `refresh` reads what the
    others wrote, and everything else answers from memory. Where the store can't be used, this window's own account
    holds, and is written down when it can be again. A write whose outcome nobody learnt is made again: at worst too
    much is counted, never too little.

    Args:
        store: Shared by the windows of one person, not by a team; None: this window counts alone.
        clock: The time.
        cap_usd: The most that a person wants to spend in a day, in US$; None: there is no limit.
    """

    def __init__(self, store: Store | None, clock: Clock, *, cap_usd: float | None = None) -> None:
        self.cap_usd = cap_usd
        self._store = store
        self._clock = clock
        self._day = self._today()
        self._saved = _Page()
        self._unsaved = _Page()
        self._one_by_one = asyncio.Lock()
        self._saving: set[asyncio.Task[None]] = set()

    @property
    def spent_today_usd(self) -> float:
        """What metered answers have cost since local midnight, in US$, as far as their prices are known."""
        return self._page().micro_usd / MICRO

    @property
    def unpriced_answers(self) -> int:
        """How many metered answers of today are not in `spent_today_usd`, as nobody knows what they cost."""
        return self._page().unpriced_answers

    @property
    def left_usd(self) -> float | None:
        """What may still be spent today; None where there is no cap. Answers under way may overdraw it."""
        return None if self.cap_usd is None else max(0.0, self.cap_usd - self.spent_today_usd)

    @property
    def is_cap_reached(self) -> bool:
        """Whether metered tiers are shut out for the rest of the day."""
        return self.left_usd == 0

    @property
    def renews_in_seconds(self) -> float:
        """How long it is until local midnight, when a new day's account begins."""
        midnight = datetime.combine(self._today() + timedelta(days=1), time.min)
        return max(0.0, midnight.timestamp() - self._clock.time())

    def is_allowed_today(self, provider: str, model: str | None) -> bool:
        """Say whether the person has allowed this model for the day."""
        return (provider, model) in self._page().allowed

    def count(self, cost_usd: float | None) -> None:
        """Book a metered answer, to be written down with the next save; None where nobody knows what it cost."""
        is_known = cost_usd is not None and math.isfinite(cost_usd) and cost_usd >= 0
        self._book(_Page(micro_usd=_micro(cost_usd or 0.0)) if is_known else _Page(unpriced_answers=1))

    def allow_today(self, provider: str, model: str | None) -> None:
        """Remember until local midnight, in all windows, that the person allows this model."""
        self._book(_Page(allowed=frozenset({(provider, model)})))
        self.save_soon()

    async def refresh(self) -> None:
        """Read what the other windows have written, and write what could not be written before."""
        if self._store is None:
            return
        try:
            async with self._one_by_one:
                for _ in range(CAS_TRIES):
                    if await self._is_exchanged(self._store):
                        return
        except StoreUnavailable as error:
            log.info("today's spending is known of this window alone: %s", error)

    def save_soon(self) -> asyncio.Task[None]:
        """Begin to write down what is booked, and give the task that does it."""
        task = asyncio.create_task(self.refresh())
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)
        return task

    def _book(self, page: _Page) -> None:
        self._page()
        self._unsaved += page

    async def _is_exchanged(self, store: Store) -> bool:
        self._page()
        day, unsaved = self._day, self._unsaved
        name = day.isoformat()
        entry = await store.get(SPACE, name)
        page = _Page.of(entry) + unsaved
        if unsaved != _Page():
            version = 0 if entry is None else entry.version
            expires_at = self._clock.time() + KEPT_SECONDS
            if await store.put(SPACE, name, page.encoded(), expires_at=expires_at, if_version=version) is None:
                return False
        if day == self._day:
            self._saved = page
            self._unsaved -= unsaved
        return True

    def _page(self) -> _Page:
        """Give the account of today; the first one to look after midnight turns the page."""
        today = self._today()
        if today != self._day:
            self._day, self._saved, self._unsaved = today, _Page(), _Page()
        return self._saved + self._unsaved

    def _today(self) -> date:
        return date.fromtimestamp(self._clock.time())


def _micro(usd: float) -> int:
    """Round up, so that answers too cheap to count add up all the same; not by what a float is off by."""
    return math.ceil(round(usd * MICRO, 3))


def _count(page: Mapping[str, object], name: str) -> int:
    count = page[name]
    if not isinstance(count, int) or not 0 <= count < LARGEST_COUNT:
        raise ValueError(f"{name} is no count")
    return count


def _offers(found: object) -> frozenset[Offer]:
    if not isinstance(found, list):
        raise ValueError("what is allowed is a list")
    return frozenset((str(provider), None if model is None else str(model)) for provider, model in found)
