"""The breaker against a model of its rules, over any sequence of calls, settlements and waits.

All times are sums of powers of two, so that "exactly when its time is up" can be said with floats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
)

from ai_gateway.breakers.breaker import CircuitBreaker, Permit, Transition
from ai_gateway.failures import OpenReason
from ai_gateway.model import BreakerState
from support.fake_clock import FakeClock

THRESHOLD = 3
RECOVERY_SECONDS = 64.0
CAP_SECONDS = 512.0
LEASE_SECONDS = 32.0
PROBED_EARLY = {"outage", "slow", "loading"}

reasons = st.sampled_from(OpenReason)
named_times = st.none() | st.sampled_from([0.0, 0.5, 16.0, 4096.0, math.inf])


@dataclass
class Call:
    permit: Permit
    era: int
    """Which period of the breaker it belongs to; its result counts only within that."""
    is_settled: bool = False


class BreakerMachine(RuleBasedStateMachine):
    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(monotonic=1024.0)
        self.jitter = 0.0
        self.told: list[Transition] = []
        self.breaker = CircuitBreaker(
            THRESHOLD,
            RECOVERY_SECONDS,
            max_open_seconds=CAP_SECONDS,
            probe_lease_seconds=LEASE_SECONDS,
            clock=self.clock,
            jitter=lambda: self.jitter,
            on_transition=self.told.append,
        )
        self.reason: OpenReason | None = None
        self.failures = 0
        self.periods = 0
        self.reopens_at = 0.0
        self.probe: Call | None = None
        self.lease_until = 0.0
        self.era = 0
        self.seen_before = BreakerState.CLOSED
        self.told_before = [BreakerState.CLOSED]

    @property
    def told_states(self) -> list[BreakerState]:
        return [BreakerState.CLOSED, *(transition.after for transition in self.told)]

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    @property
    def is_probed(self) -> bool:
        return self.probe is not None and not self.probe.is_settled and self.now < self.lease_until

    @property
    def expected_state(self) -> BreakerState:
        if self.reason is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self.is_probed or self.now >= self.reopens_at else BreakerState.OPEN

    @rule(target=calls, early=st.booleans())
    def acquire(self, early: bool) -> Call | MultipleResults[Call]:
        may_be_early = early and self.reason in PROBED_EARLY and self.reopens_at < math.inf
        is_due = self.now >= self.reopens_at or may_be_early
        is_expected = self.reason is None or (is_due and not self.is_probed)
        permit = self.breaker.acquire(early=early)
        assert (permit is not None) is is_expected
        if permit is None:
            return multiple()
        if self.reason is None:
            return Call(permit, self.era)
        self.era += 1
        self.lease_until = self.now + LEASE_SECONDS
        self.probe = Call(permit, self.era)
        self.has_told()
        return self.probe

    @rule(call=calls)
    def succeed(self, call: Call) -> None:
        call.permit.succeed()
        if self.counts(call):
            self.failures = 0
            if self.reason is not None:
                self.closed()

    @rule(call=calls, reason=reasons, at_once=st.booleans(), seconds=named_times)
    def fail(self, call: Call, reason: OpenReason, at_once: bool, seconds: float | None) -> None:
        call.permit.fail(reason, at_once=at_once, open_seconds=seconds)
        if self.counts(call):
            self.failures += 1
            if at_once or self.reason is not None or self.failures == THRESHOLD:
                self.opened(reason, seconds)

    @rule(call=calls)
    def release(self, call: Call) -> None:
        call.permit.release()
        self.counts(call)

    @rule(reason=reasons, seconds=named_times)
    def trip(self, reason: OpenReason, seconds: float | None) -> None:
        self.breaker.trip(reason, open_seconds=seconds)
        self.opened(reason, seconds)

    @rule()
    def reset(self) -> None:
        self.breaker.reset()
        self.closed()

    @rule(seconds=st.sampled_from([0.5, 16.0, 31.5, 32.0, 63.5, 64.0, 4096.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.reason is not None and self.now < self.reopens_at < math.inf)
    @rule()
    def wait_until_just_before_it_reopens(self) -> None:
        self.clock.advance(max(0.0, self.reopens_at - self.now - 0.25))

    @precondition(lambda self: self.is_probed)
    @rule()
    def wait_until_the_lease_ends(self) -> None:
        self.clock.advance(self.lease_until - self.now)

    @rule(jitter=st.sampled_from([0.0, 0.25, 0.5, 0.75]))
    def roll_the_dice(self, jitter: float) -> None:
        self.jitter = jitter

    def counts(self, call: Call) -> bool:
        is_first, call.is_settled = not call.is_settled, True
        return is_first and call.era == self.era

    def closed(self) -> None:
        self.reason, self.failures, self.periods, self.probe = None, 0, 0, None
        self.era += 1
        self.has_told()

    def opened(self, reason: OpenReason, seconds: float | None) -> None:
        if self.reason is None or self.now >= self.reopens_at:
            self.periods += 1
        if seconds is None:
            seconds = self.chosen_seconds()
        self.reason, self.failures, self.probe = reason, 0, None
        self.reopens_at = self.now + seconds
        self.era += 1
        self.has_told()

    def has_told(self) -> None:
        """Whatever only time had changed was told first, then what the call changed."""
        passed = [self.told_before[-1], self.seen_before, self.breaker.state]
        expected = [after for before, after in pairwise(passed) if after is not before]
        assert self.told_states[len(self.told_before) :] == expected

    def chosen_seconds(self) -> float:
        seconds = self.breaker.reopens_in_seconds
        assert seconds is not None
        longest = min(RECOVERY_SECONDS * 2.0 ** (self.periods - 1), CAP_SECONDS)
        assert RECOVERY_SECONDS <= seconds <= longest
        assert seconds >= longest / 2
        return seconds

    @invariant()
    def shows_what_the_rules_say(self) -> None:
        assert self.breaker.state is self.expected_state
        assert self.breaker.reason is self.reason
        assert self.breaker.consecutive_failures == self.failures

    @invariant()
    def says_when_a_probe_is_admitted(self) -> None:
        if self.reason is None or self.reopens_at == math.inf:
            assert self.breaker.reopens_in_seconds is None
        else:
            admitted_at = max(self.reopens_at, self.lease_until if self.is_probed else -math.inf)
            assert self.breaker.reopens_in_seconds == max(0.0, admitted_at - self.now)

    @invariant()
    def tells_every_change_once(self) -> None:
        assert all(change.before is not change.after for change in self.told)
        assert [change.before for change in self.told] == self.told_states[:-1]
        is_told = self.told_states[-1] is self.breaker.state
        assert is_told or BreakerState.CLOSED not in {self.told_states[-1], self.breaker.state}
        self.seen_before, self.told_before = self.breaker.state, self.told_states


BreakerMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestTheBreakerKeepsItsRules = BreakerMachine.TestCase
