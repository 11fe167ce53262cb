"""What a circuit breaker remembers, and how that changes: pure functions from one record to the next.

A record is a value, so it can be kept where several processes share it, and a change can be made there anew if
somebody else was quicker. Nothing in here reads a clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from ai_gateway.failures import OpenReason
from ai_gateway.model import BreakerState

MAX_DOUBLINGS = 16
NEVER = -math.inf


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker opens, and for how long. Seconds."""

    failure_threshold: int = 3
    recovery_seconds: float = 60.0
    max_open_seconds: float = 900.0
    probe_lease_seconds: float = 60.0

    def growing_seconds(self, openings: int, jitter: Callable[[], float]) -> float:
        """Say how long the open period number `openings` is; all but the first are jittered by numbers in [0, 1)."""
        if openings == 1:
            return self.recovery_seconds
        grown = min(self.recovery_seconds * 2.0 ** min(openings - 1, MAX_DOUBLINGS), self.max_open_seconds)
        return grown * (1 + jitter()) / 2


@dataclass(frozen=True, slots=True)
class BreakerRecord:
    """All that a breaker remembers. Times are of one clock, in seconds."""

    failures: int = 0
    """Consecutive ones while closed."""
    openings: int = 0
    """Open periods since it was last closed; one that an early probe cut short and failed in counts once."""
    generation: int = 0
    reason: OpenReason | None = None
    """None while closed."""
    reopens_at: float = NEVER
    probe_until: float = NEVER
    """Until when a probe holds its lease."""
    holder: str | None = None
    """The process that holds it, where several share the breaker."""
    forced: BreakerState | None = None
    """Open or closed by a person's hand, whatever is known."""
    forced_until: float = NEVER

    def forced_at(self, now: float) -> BreakerState | None:
        """Say which state a person's hand keeps it in."""
        return self.forced if now < self.forced_until else None

    def state_at(self, now: float) -> BreakerState:
        """Say its state."""
        if (forced := self.forced_at(now)) is not None:
            return forced
        if self.reason is None:
            return BreakerState.CLOSED
        if now >= self.reopens_at or now < self.probe_until:
            return BreakerState.HALF_OPEN
        return BreakerState.OPEN

    def reopens_in(self, now: float) -> float | None:
        """Seconds until a probe is admitted; None while closed, or if only a change or a reset helps."""
        if (forced := self.forced_at(now)) is not None:
            return self.forced_until - now if forced is BreakerState.OPEN and self.forced_until < math.inf else None
        if self.reason is None or math.isinf(self.reopens_at):
            return None
        return max(0.0, max(self.reopens_at, self.probe_until) - now)

    def may_be_probed_early_at(self, now: float) -> bool:
        """Whether a waiting person is worth a call before the open period ends."""
        may = self.reason is not None and self.reason.may_be_probed_early and not math.isinf(self.reopens_at)
        return may and self.forced_at(now) is None

    def leased(self, now: float, *, seconds: float, early: bool) -> BreakerRecord | None:
        """Give the lease of the one probe; None: no probe is admitted now."""
        state = self.state_at(now)
        if state is BreakerState.CLOSED or now < self.probe_until:
            return None
        if state is BreakerState.OPEN and not (early and self.may_be_probed_early_at(now)):
            return None
        return replace(self, generation=self.generation + 1, probe_until=now + seconds)

    def tripped(
        self,
        now: float,
        reason: OpenReason,
        limits: BreakerLimits,
        *,
        open_seconds: float | None,
        jitter: Callable[[], float],
    ) -> BreakerRecord:
        """Open it, for `open_seconds` or else the growing time."""
        openings = self.openings + (1 if now >= self.reopens_at else 0)
        seconds = limits.growing_seconds(openings, jitter) if open_seconds is None else open_seconds
        return replace(
            self,
            failures=0,
            openings=openings,
            generation=self.generation + 1,
            reason=reason,
            reopens_at=now + seconds,
            probe_until=NEVER,
            holder=None,
        )

    def succeeded(self, generation: int) -> BreakerRecord:
        """Take in a success of a call that was let through in `generation`; one of an earlier one says nothing."""
        if generation != self.generation:
            return self
        return self if self.reason is None and not self.failures else self.closed()

    def released(self, generation: int) -> BreakerRecord:
        """Take in a call that says nothing: if it was the probe, the next one may be."""
        if generation != self.generation or self.reason is None:
            return self
        return replace(self, probe_until=NEVER, holder=None)

    def closed(self) -> BreakerRecord:
        """Close it and forget the past, but for a person's hand; permits given while it was not no longer count."""
        generation = self.generation if self.reason is None else self.generation + 1
        return BreakerRecord(generation=generation, forced=self.forced, forced_until=self.forced_until)

    def reset(self) -> BreakerRecord:
        """Close it and forget everything; permits given before no longer count."""
        return BreakerRecord(generation=self.generation + 1)

    def shifted(self, seconds: float) -> BreakerRecord:
        """Give the same in the time of a clock that is `seconds` ahead."""
        return replace(
            self,
            reopens_at=self.reopens_at + seconds,
            probe_until=self.probe_until + seconds,
            forced_until=self.forced_until + seconds,
        )


Change = Callable[[BreakerRecord], BreakerRecord]
"""From the record as it is to the one after; it may be applied more than once, to different records."""
