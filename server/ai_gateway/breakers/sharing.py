"""Breakers that the processes of one person, or of one team, share through a store.

A breaker works on what this process knows; every change of it is made in the store as well, a moment later and on
whatever is there by then. Only the lease of a probe is taken there first, so that one of all gets it.

What only another credential or other settings can mend (auth, blocked, not configured) is each process's own
knowledge: after a restart it is tried again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial

from ai_gateway.breakers.breaker import CircuitBreaker, Lease
from ai_gateway.breakers.record import NEVER, BreakerRecord, Change
from ai_gateway.clock import Clock
from ai_gateway.failures import MAX_OPEN_SECONDS, OpenReason
from ai_gateway.model import BreakerState
from ai_gateway.store.base import Entry, Store, StoreUnavailable

log = logging.getLogger(__name__)

SPACE = "breakers"
KEPT_SECONDS = 24 * 3600.0
"""How long a record stays after its last time is over, so that openings go on growing."""
LOOK_SECONDS = 0.1
"""How often it is looked whether another process's probe is over: nobody else would tell those who wait for it."""
NAMED_BY_UPSTREAMS = frozenset({OpenReason.RATE, OpenReason.QUOTA})
"""Reasons whose open periods are as long as an upstream says, which may be until next month."""
LARGEST_COUNT = 2**53
LATEST = 2.0**53
"""Seconds since the epoch: no time that is meant is later, unless it never comes."""
MOST_UNTOLD = 256
"""Changes that wait for a store that is away; the oldest are forgotten."""


class SharedBreakers:
    """Keeps breakers in agreement with their like in other processes.

    Args:
        store: Where they agree.
        clock: The time; in the store it is that of the epoch, for monotonic clocks differ.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._shared: dict[str, _Shared] = {}
        self._untold: deque[tuple[_Shared, BreakerRecord, Change]] = deque(maxlen=MOST_UNTOLD)
        self._telling: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._is_behind = True
        """Whether there may be more in the store than what is new since it was last looked at."""

    def share(self, breakers: Iterable[tuple[str, CircuitBreaker]]) -> None:
        """Share these, each under its name, and no others any more."""
        before, self._shared = self._shared, {}
        for name, breaker in breakers:
            known = before.get(name)
            shared = known if known is not None and known.breaker is breaker else _Shared(self, name, breaker)
            self._shared[name] = breaker.sharing = shared
            self._is_behind |= shared is not known

    async def refresh(self) -> None:
        """Take over what others have found out; costs next to nothing where there is no news."""
        self._begin_to_tell()
        await self._take_over()
        self.watch()

    def watch(self) -> None:
        """See to it that whoever waits for another process's probe learns how it ends."""
        if (self._watching is None or self._watching.done()) and self._probed_elsewhere():
            self._watching = asyncio.create_task(self._watch())

    async def aclose(self) -> None:
        """Tell others what is untold, and look at the store no more."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait((self._watching,))
        await self.all_told()

    async def all_told(self) -> None:
        """Wait until every change is made in the store too, as far as it can be."""
        self._begin_to_tell()
        while self._telling is not None and not self._telling.done():
            await asyncio.wait((self._telling,))

    async def told(self, shared: _Shared) -> None:
        """Wait until every change of one breaker is made in the store too."""
        self._begin_to_tell()
        while self._has_untold(shared) and self._telling is not None and not self._telling.done():
            await asyncio.wait((self._telling,))

    def tell(self, shared: _Shared, before: BreakerRecord, change: Change) -> None:
        """Make a change in the store too, a moment later."""
        self._untold.append((shared, before, change))
        self._begin_to_tell()

    async def update(self, shared: _Shared, before: BreakerRecord, lease: Lease) -> BreakerRecord | None:
        """Change a breaker's record in the store; where there is none, `before` is what it was.

        Raises:
            StoreUnavailable: It can't be changed there now.
        """
        while True:
            entry = await self._store.get(SPACE, shared.name)
            known = before if entry is None else self.record_in(entry, shared.breaker) or before
            after = lease(known)
            if after is None or after == known:
                return after
            version = 0 if entry is None else entry.version
            kept = await self._store.put(
                SPACE, shared.name, self._value_of(after), expires_at=self._until(after), if_version=version
            )
            if kept is not None:
                return after

    @property
    def holder(self) -> str:
        """The name of this process."""
        return self._store.holder

    def record_in(self, entry: Entry, breaker: CircuitBreaker) -> BreakerRecord | None:
        """Read a breaker's record, in this process's time; None: it can't be read.

        The lease of a process that has ended is void, and no time is further off than a breaker could have chosen.
        """
        try:
            record = _record_of(entry.value)
        except (ValueError, TypeError, KeyError, RecursionError):
            log.warning("the shared record of a breaker can't be read; it is written anew")
            return None
        if record.holder is not None and self._store.is_gone(record.holder):
            record = replace(record, probe_until=NEVER, holder=None)
        now = self._clock.monotonic()
        return _within_bounds(record.shifted(now - self._clock.time()), breaker, now)

    async def _take_over(self) -> None:
        has_news = self._shared and (self._store.has_news() or self._is_behind)
        if has_news:
            try:
                entries = await self._store.entries(SPACE)
            except StoreUnavailable:
                self._is_behind = True
                return
            self._is_behind = False
            for name, entry in entries.items():
                if (shared := self._shared.get(name)) is not None and not self._has_untold(shared):
                    shared.adopt(self.record_in(entry, shared.breaker))
        for shared in self._probed_elsewhere():
            shared.void_if_gone(self._store)

    def _probed_elsewhere(self) -> list[_Shared]:
        return [shared for shared in self._shared.values() if shared.is_probed_elsewhere]

    async def _watch(self) -> None:
        """Look how the probes of others end, as long as there are any; one that is killed tells nobody."""
        while self._probed_elsewhere():
            await asyncio.sleep(LOOK_SECONDS)
            await self._take_over()

    def _begin_to_tell(self) -> None:
        if self._untold and (self._telling is None or self._telling.done()):
            with suppress(RuntimeError):  # no event loop runs, as in a script: later, then
                self._telling = asyncio.get_running_loop().create_task(self._tell_all())

    async def _tell_all(self) -> None:
        while self._untold:
            shared, before, change = self._untold[0]
            try:
                after = await self.update(shared, before, change)
            except StoreUnavailable:
                return  # it goes on alone until the next time; the store says itself what is wrong
            self._untold.popleft()
            if not self._has_untold(shared):
                shared.adopt(after)

    def _has_untold(self, shared: _Shared) -> bool:
        return any(untold is shared for untold, _, _ in self._untold)

    def _value_of(self, record: BreakerRecord) -> bytes:
        fields = asdict(record.shifted(self._clock.time() - self._clock.monotonic()))
        return json.dumps({name: value for name, value in fields.items() if value not in {None, NEVER}}).encode()

    def _until(self, record: BreakerRecord) -> float:
        times = (record.reopens_at, record.probe_until, record.forced_until)
        last = max((time for time in times if math.isfinite(time)), default=NEVER)
        return self._clock.time() + max(0.0, last - self._clock.monotonic()) + KEPT_SECONDS


class _Shared:
    """One breaker that is shared."""

    def __init__(self, owner: SharedBreakers, name: str, breaker: CircuitBreaker) -> None:
        self.name = name
        self.breaker = breaker
        self._owner = owner
        self._claimed: int | None = None
        """The generation of the last lease that was this process's own."""
        self._known: int | None = None
        """The generation of the record there when it was last looked at."""

    @property
    def is_probed_elsewhere(self) -> bool:
        """Whether another process has the lease of the probe."""
        record = self.breaker.record
        if record.holder is None or not self.breaker.has_probe_out:
            return False
        return record.generation != self._claimed or record.holder != self._owner.holder

    def void_if_gone(self, store: Store) -> None:
        """Take no notice of a lease any more whose process has ended."""
        record = self.breaker.record
        if record.holder is not None and store.is_gone(record.holder):
            self.breaker.adopt(record.released(record.generation))

    def tell(self, before: BreakerRecord, change: Change) -> None:
        """Make a change there too that was made here, to `before`."""
        generation, after = before.generation, change(before)
        if _is_own(after):  # others need to know no more than whether it is forced, and that no probe is out
            is_forced = (after.forced, after.forced_until) != (before.forced, before.forced_until)
            change = (
                partial(_forced_like, after) if is_forced else partial(BreakerRecord.released, generation=generation)
            )
        self._owner.tell(self, BreakerRecord(generation=generation) if _is_own(before) else before, change)

    async def claim(self, lease: Lease) -> BreakerRecord | None:
        """Take the lease there; give the record that holds it, or None if somebody else was quicker."""
        await self._owner.told(self)
        seen = self.breaker.record
        if _is_own(seen):
            return None
        holder = self._owner.holder

        def held(record: BreakerRecord) -> BreakerRecord | None:
            nonlocal seen
            seen, leased = record, lease(record)
            return None if leased is None else replace(leased, holder=holder)

        try:
            record = await self._owner.update(self, seen, held)
        except StoreUnavailable:
            record = held(seen)
        except asyncio.CancelledError:  # the lease may be there already
            self._owner.tell(self, seen, partial(BreakerRecord.released, generation=seen.generation + 1))
            raise
        if record is not None:
            self._claimed = record.generation
        self.breaker.adopt(seen if record is None else record, is_news=record is None)
        self._owner.watch()
        return record

    def adopt(self, record: BreakerRecord | None) -> None:
        """Take over what is known there; what others can't know is only ended there by a reset, or by an answer."""
        if record is None:
            return
        mine, before, self._known = self.breaker.record, self._known, record.generation
        is_closed_anew = record.reason is None and before is not None and record.generation != before
        self.breaker.adopt(record if not _is_own(mine) or is_closed_anew else _forced_like(record, mine))
        self._owner.watch()


def _is_own(record: BreakerRecord) -> bool:
    """Whether it is open until something of this process changes."""
    return record.reason is not None and record.reopens_at == math.inf


def _forced_like(forced: BreakerRecord, record: BreakerRecord) -> BreakerRecord:
    """Give a record, forced as another is."""
    return replace(record, forced=forced.forced, forced_until=forced.forced_until)


def _within_bounds(record: BreakerRecord, breaker: CircuitBreaker, now: float) -> BreakerRecord:
    """Bring the times nearer that a clock which was wrong, or anybody else, has put further off than may be.

    What this process knows of the same open period already is in a clock that does not jump, so it holds as well.
    """
    limits, mine = breaker.limits, breaker.record
    if record.reason is None:
        return record
    longest = MAX_OPEN_SECONDS if record.reason in NAMED_BY_UPSTREAMS else limits.max_open_seconds
    is_known = (record.generation, record.reason) == (mine.generation, mine.reason)
    return replace(
        record,
        reopens_at=min(record.reopens_at, now + longest, mine.reopens_at if is_known else math.inf),
        probe_until=min(
            record.probe_until, now + limits.probe_lease_seconds, mine.probe_until if is_known else math.inf
        ),
    )


def _record_of(value: bytes) -> BreakerRecord:
    fields = json.loads(value)
    if not isinstance(fields, dict):
        raise TypeError("no record")
    reason, forced, holder = fields.get("reason"), fields.get("forced"), fields.get("holder")
    if not isinstance(holder, str | None):
        raise TypeError("no name of a process")
    return BreakerRecord(
        failures=_count(fields, "failures"),
        openings=_count(fields, "openings"),
        generation=_count(fields, "generation"),
        reason=None if reason is None else OpenReason(reason),
        reopens_at=_time(fields, "reopens_at"),
        probe_until=_time(fields, "probe_until"),
        holder=holder,
        forced=None if forced is None else BreakerState(forced),
        forced_until=_time(fields, "forced_until"),
    )


def _count(fields: Mapping[str, object], name: str) -> int:
    count = fields.get(name, 0)
    if not isinstance(count, int) or not 0 <= count < LARGEST_COUNT:
        raise ValueError(f"{name} is no count")
    return count


def _time(fields: Mapping[str, object], name: str) -> float:
    time = fields.get(name, NEVER)
    if not isinstance(time, int | float) or not NEVER <= time <= math.inf or (time > LATEST and time != math.inf):
        raise ValueError(f"{name} is no time")
    return float(time)
