"""A circuit breaker as a pure state machine over an injected clock.

Closed → open after consecutive failures, or at once; open → half-open when its time is up; half-open admits one
probe, whose success closes it and whose failure opens it for longer. Nothing in here waits or runs on its own:
whether an open breaker has become half-open is worked out when somebody looks (Nygard, *Release It!*; the
generations are those of sony/gobreaker).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.failures import OpenReason
from ai_gateway.model import BreakerState

MAX_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class BreakerRecord:
    """All that a breaker remembers. Times are seconds of the clock's monotonic time."""

    failures: int = 0
    """Consecutive ones while closed."""
    openings: int = 0
    """Open periods since it was last closed; one that an early probe cut short and failed in counts once."""
    generation: int = 0
    reason: OpenReason | None = None
    """None while closed."""
    reopens_at: float = -math.inf
    probe_until: float = -math.inf
    """Until when a probe holds its lease."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, as it happens."""

    before: BreakerState
    after: BreakerState
    reason: OpenReason | None
    reopens_in_seconds: float | None


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
        on_transition: Callable[[Transition], None] | None = None,
    ) -> None:
        if failure_threshold < 1:
            raise ValueError("failure_threshold is at least 1")
        if not recovery_timeout >= 0:
            raise ValueError("recovery_timeout is zero or more seconds")
        self._threshold = failure_threshold
        self._recovery_seconds = recovery_timeout
        self._max_open_seconds = max(max_open_seconds, recovery_timeout)
        self._lease_seconds = probe_lease_seconds
        self._clock = clock
        self._jitter = jitter
        self.on_transition = on_transition
        self._record = BreakerRecord()
        self._told = BreakerState.CLOSED

    @property
    def state(self) -> BreakerState:
        """The state at this moment."""
        record, now = self._record, self._clock.monotonic()
        if record.reason is None:
            return BreakerState.CLOSED
        if now >= record.reopens_at or now < record.probe_until:
            return BreakerState.HALF_OPEN
        return BreakerState.OPEN

    @property
    def reason(self) -> OpenReason | None:
        """Why it is not closed; None while it is."""
        return self._record.reason

    @property
    def consecutive_failures(self) -> int:
        """Failures counted since the last success while closed."""
        return self._record.failures

    @property
    def reopens_in_seconds(self) -> float | None:
        """Seconds until a probe is admitted; None while closed, or if only a change or a reset helps."""
        record = self._record
        if record.reason is None or math.isinf(record.reopens_at):
            return None
        return max(0.0, max(record.reopens_at, record.probe_until) - self._clock.monotonic())

    @property
    def may_be_probed_early(self) -> bool:
        """Whether a waiting person is worth a call before the open period ends."""
        record = self._record
        return record.reason is not None and record.reason.may_be_probed_early and not math.isinf(record.reopens_at)

    def acquire(self, *, early: bool = False) -> Permit | None:
        """Ask for leave to make one call.

        Args:
            early: Probe before the open period ends, if it `may_be_probed_early`: a person is waiting.

        Returns:
            A permit to settle, or None if no call may be made now.
        """
        record, state = self._record, self.state
        if state is BreakerState.CLOSED:
            return Permit(self, record.generation)
        if state is BreakerState.OPEN and not (early and self.may_be_probed_early):
            return None
        now = self._clock.monotonic()
        if now < record.probe_until:
            return None
        generation = record.generation + 1
        lease = now + self._lease_seconds
        self._become(replace(record, generation=generation, probe_until=lease))
        return Permit(self, generation)

    def trip(self, reason: OpenReason = OpenReason.OUTAGE, *, open_seconds: float | None = None) -> None:
        """Open now, for `open_seconds` or else the growing time; `math.inf` means until `reset`."""
        record, now = self._record, self._clock.monotonic()
        openings = record.openings + (1 if now >= record.reopens_at else 0)
        seconds = self._growing_seconds(openings) if open_seconds is None else open_seconds
        self._become(BreakerRecord(0, openings, record.generation + 1, reason, reopens_at=now + seconds))

    def reset(self) -> None:
        """Close it and forget the past; permits given before no longer count."""
        self._become(BreakerRecord(generation=self._record.generation + 1))

    def _succeeded(self, generation: int) -> None:
        if generation != self._record.generation:
            return
        if self._record.reason is not None:
            self.reset()
        elif self._record.failures:
            self._record = replace(self._record, failures=0)

    def _failed(self, generation: int, reason: OpenReason, *, at_once: bool, open_seconds: float | None) -> None:
        record = self._record
        if generation != record.generation:
            return
        failures = record.failures + 1
        if at_once or record.reason is not None or failures >= self._threshold:
            self.trip(reason, open_seconds=open_seconds)
        else:
            self._record = replace(record, failures=failures)

    def _released(self, generation: int) -> None:
        if generation == self._record.generation and self._record.reason is not None:
            self._become(replace(self._record, probe_until=-math.inf))

    def _growing_seconds(self, openings: int) -> float:
        if openings == 1:
            return self._recovery_seconds
        grown = min(self._recovery_seconds * 2.0 ** min(openings - 1, MAX_DOUBLINGS), self._max_open_seconds)
        return grown * (1 + self._jitter()) / 2

    def _become(self, record: BreakerRecord) -> None:
        by_time = self._untold_change()
        self._record = record
        for transition in (by_time, self._untold_change()):
            if transition is not None and self.on_transition is not None:
                self.on_transition(transition)

    def _untold_change(self) -> Transition | None:
        before, self._told = self._told, self.state
        if self._told is before:
            return None
        return Transition(before, self._told, self.reason, self.reopens_in_seconds)


class Permit:
    """Leave to make one call; settle it once: the first settlement counts, later ones do nothing."""

    __slots__ = ("_breaker", "_generation", "_settled")

    def __init__(self, breaker: CircuitBreaker, generation: int) -> None:
        self._breaker = breaker
        self._generation = generation
        self._settled = False

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
