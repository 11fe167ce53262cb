"""A circuit breaker as a state machine over an injected clock.

Closed → open after consecutive failures, or at once; open → half-open when its time is up; half-open admits one
probe, whose success closes it and whose failure opens it for longer. Nothing in here waits or runs on its own:
whether an open breaker has become half-open is worked out when somebody looks (Nygard, *Release It!*; the
generations are those of sony/gobreaker).
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from types import TracebackType
from typing import Protocol, Self

from ai_gateway.breakers.record import BreakerLimits, BreakerRecord, Change
from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.failures import OpenReason
from ai_gateway.model import BreakerState


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, as it happens."""

    before: BreakerState
    after: BreakerState
    reason: OpenReason | None
    reopens_in_seconds: float | None
    is_news: bool = False
    """Whether it was another process that found it out."""


TransitionListener = Callable[[Transition], None]
Lease = Callable[[BreakerRecord], BreakerRecord | None]
"""Gives the record with the probe's lease in it; None where none is to be had."""


class Sharing(Protocol):
    """How a breaker agrees with its like in other processes."""

    def tell(self, before: BreakerRecord, change: Change) -> None:
        """Make a change there too that was made here, to `before`."""
        ...

    async def claim(self, lease: Lease) -> BreakerRecord | None:
        """Take the lease there; give the record that holds it, or None if somebody else was quicker."""
        ...


class CircuitBreaker:
    """Decides whether one provider may be called.

    Args:
        failure_threshold: Consecutive failures that open it.
        recovery_timeout: Seconds of the first open period; later ones double, jittered, up to `max_open_seconds`.
        max_open_seconds: The longest open period that the breaker chooses by itself.
        probe_lease_seconds: How long a probe that never settles keeps others out.
        clock: The time.
        jitter: Gives numbers in [0, 1); scales the growing part of an open period.
        on_transition: Called at every change of state; one that time alone made is told with the next.

    Use it alone::

        breaker = CircuitBreaker(failure_threshold=3, recovery_timeout=60)
        if permit := breaker.acquire():
            with permit:  # an exception counts as a failure
                call()
    """

    def __init__(
        self,
        failure_threshold: int = 3,
        recovery_timeout: float = 60.0,
        *,
        max_open_seconds: float = 900.0,
        probe_lease_seconds: float = 60.0,
        clock: Clock = SYSTEM_CLOCK,
        jitter: Callable[[], float] = random.random,
        on_transition: TransitionListener | None = None,
    ) -> None:
        if failure_threshold < 1:
            raise ValueError("failure_threshold is at least 1")
        if not recovery_timeout >= 0:
            raise ValueError("recovery_timeout is zero or more seconds")
        self.limits = BreakerLimits(
            failure_threshold, recovery_timeout, max(max_open_seconds, recovery_timeout), probe_lease_seconds
        )
        self.sharing: Sharing | None = None
        self._clock = clock
        self._jitter = jitter
        self._listeners: list[TransitionListener] = [] if on_transition is None else [on_transition]
        self._record = BreakerRecord()
        self._told = BreakerState.CLOSED
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def record(self) -> BreakerRecord:
        """All that it remembers."""
        return self._record

    @property
    def state(self) -> BreakerState:
        """The state at this moment."""
        record = self._record
        if record.reason is None and record.forced is None:
            return BreakerState.CLOSED
        return record.state_at(self._clock.monotonic())

    @property
    def reason(self) -> OpenReason | None:
        """Why it is not closed; None while it is."""
        record = self._record
        if record.forced is None:
            return record.reason
        match record.forced_at(self._clock.monotonic()):
            case BreakerState.OPEN:
                return OpenReason.FORCED
            case BreakerState.CLOSED:
                return None
            case _:
                return record.reason

    @property
    def forced(self) -> BreakerState | None:
        """The state that a person's hand keeps it in; None: it goes by itself."""
        return None if self._record.forced is None else self._record.forced_at(self._clock.monotonic())

    @property
    def consecutive_failures(self) -> int:
        """Failures counted since the last success while closed."""
        return self._record.failures

    @property
    def reopens_in_seconds(self) -> float | None:
        """Seconds until a probe is admitted; None while closed, or if only a change or a reset helps."""
        record = self._record
        if record.reason is None and record.forced is None:
            return None
        return record.reopens_in(self._clock.monotonic())

    @property
    def changes_in_seconds(self) -> float | None:
        """Seconds until time alone changes its state; None: it will not."""
        state = self.state
        if state is BreakerState.OPEN:
            return self.reopens_in_seconds
        if state is BreakerState.CLOSED and self._record.reason is not None:  # it is only kept so by hand
            seconds = self._record.forced_until - self._clock.monotonic()
            return None if math.isinf(seconds) else seconds
        return None

    @property
    def may_be_probed_early(self) -> bool:
        """Whether a waiting person is worth a call before the open period ends."""
        record = self._record
        return record.reason is not None and record.may_be_probed_early_at(self._clock.monotonic())

    @property
    def has_probe_out(self) -> bool:
        """Whether a call is under way that will show how the provider is."""
        return self._record.reason is not None and self._clock.monotonic() < self._record.probe_until

    def listen(self, listener: TransitionListener) -> None:
        """Call `listener` too at every change of state."""
        self._listeners.append(listener)

    def acquire(self, *, early: bool = False) -> Permit | None:
        """Ask for leave to make one call.

        Args:
            early: Probe before the open period ends, if it `may_be_probed_early`: a person is waiting.

        Returns:
            A permit to settle, or None if no call may be made now.
        """
        if self.state is BreakerState.CLOSED:
            return Permit(self, self._record.generation)
        leased = self._lease(early)(self._record)
        if leased is None:
            return None
        self._change(lambda _record: leased)
        return Permit(self, leased.generation)

    async def admit(self, *, early: bool = False) -> Permit | None:
        """Ask as `acquire` does, in agreement with the processes that share this breaker: one of all gets the probe."""
        if self.sharing is None or self.state is BreakerState.CLOSED:
            return self.acquire(early=early)
        leased = await self.sharing.claim(self._lease(early))
        return None if leased is None else Permit(self, leased.generation)

    async def probed(self) -> None:
        """Wait until no probe is out any more that this process knows of."""
        while self.has_probe_out:
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(settled)
            await settled

    def trip(self, reason: OpenReason = OpenReason.OUTAGE, *, open_seconds: float | None = None) -> None:
        """Open now, for `open_seconds` or else the growing time; `math.inf` means until `reset`."""
        self._change(self._trip(reason, open_seconds))

    def force(self, state: BreakerState, *, seconds: float) -> None:
        """Keep it open or closed for so long, whatever happens; `math.inf` means until `reset`.

        Raises:
            ValueError: It can't be kept half-open.
        """
        if state is BreakerState.HALF_OPEN:
            raise ValueError("a breaker is forced open or closed")
        until = self._clock.monotonic() + seconds
        self._change(lambda record: replace(record, forced=state, forced_until=until))

    def reset(self) -> None:
        """Close it and forget the past; permits given before no longer count."""
        self._change(BreakerRecord.reset)

    def adopt(self, record: BreakerRecord, *, is_news: bool = True) -> None:
        """Take over what is agreed with others; `is_news` where it was one of them that found it out."""
        if record != self._record:
            self._become(record, is_news=is_news)

    def _succeeded(self, generation: int) -> None:
        record = self._record
        if record.reason is not None or record.failures:
            self._change(lambda record: record.succeeded(generation))

    def _failed(self, generation: int, reason: OpenReason, *, at_once: bool, open_seconds: float | None) -> None:
        trip, threshold = self._trip(reason, open_seconds), self.limits.failure_threshold

        def failed(record: BreakerRecord) -> BreakerRecord:
            if generation != record.generation:
                return record
            failures = record.failures + 1
            if at_once or record.reason is not None or failures >= threshold:
                return trip(record)
            return replace(record, failures=failures)

        self._change(failed)

    def _released(self, generation: int) -> None:
        if self._record.reason is not None:
            self._change(lambda record: record.released(generation))

    def _lease(self, early: bool) -> Lease:
        now, seconds = self._clock.monotonic(), self.limits.probe_lease_seconds
        return lambda record: record.leased(now, seconds=seconds, early=early)

    def _trip(self, reason: OpenReason, open_seconds: float | None) -> Change:
        now, limits = self._clock.monotonic(), self.limits
        jitter = cache(self._jitter)  # drawn once, however many records it is applied to
        return lambda record: record.tripped(now, reason, limits, open_seconds=open_seconds, jitter=jitter)

    def _change(self, change: Change) -> None:
        before, after = self._record, change(self._record)
        if after == before:
            return
        self._become(after)
        if self.sharing is not None:
            self.sharing.tell(before, change)

    def _become(self, record: BreakerRecord, *, is_news: bool = False) -> None:
        by_time = self._untold_change(is_news=is_news)  # nobody made it: it counts with the one that came then
        self._record = record
        while self._waiting and not self.has_probe_out:
            settled = self._waiting.pop()
            if not settled.done():
                settled.set_result(None)
        for transition in (by_time, self._untold_change(is_news=is_news)):
            if transition is not None:
                for listener in self._listeners:
                    listener(transition)

    def _untold_change(self, *, is_news: bool = False) -> Transition | None:
        before, self._told = self._told, self.state
        if self._told is before:
            return None
        return Transition(before, self._told, self.reason, self.reopens_in_seconds, is_news)


class Permit:
    """Leave to make one call; settle it once: the first settlement counts, later ones do nothing."""

    __slots__ = ("_breaker", "_generation", "_settled")

    def __init__(self, breaker: CircuitBreaker, generation: int) -> None:
        self._breaker = breaker
        self._generation = generation
        self._settled = False

    @property
    def is_current(self) -> bool:
        """Whether what the call shows still counts: others may have shown more meanwhile."""
        return self._generation == self._breaker.record.generation

    def succeed(self) -> None:
        """The provider answered."""
        if self._settle():
            self._breaker._succeeded(self._generation)  # noqa: SLF001 - a permit is the breaker's other half

    def fail(
        self,
        reason: OpenReason = OpenReason.OUTAGE,
        *,
        at_once: bool = False,
        open_seconds: float | None = None,
    ) -> None:
        """The provider failed; `at_once` opens the breaker whatever the count."""
        if self._settle():
            self._breaker._failed(  # noqa: SLF001 - a permit is the breaker's other half
                self._generation, reason, at_once=at_once, open_seconds=open_seconds
            )

    def release(self) -> None:
        """The call says nothing about the provider's health."""
        if self._settle():
            self._breaker._released(self._generation)  # noqa: SLF001 - a permit is the breaker's other half

    def __enter__(self) -> Self:
        """Hold the permit for one call."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Settle by how the call ended; a cancel or an exit of the program releases it."""
        if error is None:
            self.succeed()
        elif isinstance(error, Exception):
            self.fail()
        else:
            self.release()

    def _settle(self) -> bool:
        first, self._settled = not self._settled, True
        return first
