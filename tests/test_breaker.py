from __future__ import annotations

import asyncio
import math
from itertools import pairwise

import pytest

from ai_gateway.breakers.breaker import CircuitBreaker, Permit, Transition
from ai_gateway.failures import OpenReason
from ai_gateway.model import BreakerState
from support.fake_clock import FakeClock

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


@pytest.fixture
def breaker(clock: FakeClock) -> CircuitBreaker:
    return CircuitBreaker(failure_threshold=3, recovery_timeout=60, probe_lease_seconds=20, clock=clock)


def permit_of(breaker: CircuitBreaker, *, early: bool = False) -> Permit:
    permit = breaker.acquire(early=early)
    assert permit is not None
    return permit


def fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        permit_of(breaker).fail()


def test_it_starts_closed_and_lets_calls_through(breaker: CircuitBreaker) -> None:
    assert (breaker.state, breaker.reason, breaker.reopens_in_seconds) == (CLOSED, None, None)
    assert permit_of(breaker) is not permit_of(breaker)


def test_it_opens_at_the_threshold_and_not_before(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    assert (breaker.state, breaker.consecutive_failures) == (CLOSED, 2)
    fail(breaker)
    assert (breaker.state, breaker.reason) == (OPEN, OpenReason.OUTAGE)
    assert breaker.acquire() is None


def test_only_consecutive_failures_count(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    permit_of(breaker).succeed()
    assert breaker.consecutive_failures == 0
    fail(breaker, 2)
    assert breaker.state is CLOSED


def test_a_success_without_failures_before_changes_nothing(breaker: CircuitBreaker) -> None:
    permit_of(breaker).succeed()
    assert (breaker.state, breaker.consecutive_failures) == (CLOSED, 0)


def test_a_released_call_does_not_count(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    permit_of(breaker).release()
    assert (breaker.state, breaker.consecutive_failures) == (CLOSED, 2)


def test_one_failure_may_open_it_at_once_for_a_time_that_the_upstream_names(breaker: CircuitBreaker) -> None:
    permit_of(breaker).fail(OpenReason.RATE, at_once=True, open_seconds=7)
    assert (breaker.state, breaker.reason, breaker.reopens_in_seconds) == (OPEN, OpenReason.RATE, 7)


def test_it_is_half_open_from_the_moment_that_its_time_is_up(breaker: CircuitBreaker, clock: FakeClock) -> None:
    breaker.trip()
    clock.advance(59.5)
    assert (breaker.state, breaker.reopens_in_seconds) == (OPEN, 0.5)
    assert breaker.acquire() is None
    clock.advance(0.5)
    assert (breaker.state, breaker.reopens_in_seconds) == (HALF_OPEN, 0)


def test_half_open_admits_one_probe_and_says_when_the_next_may_come(breaker: CircuitBreaker, clock: FakeClock) -> None:
    breaker.trip()
    clock.advance(60)
    permit_of(breaker)
    assert breaker.acquire() is None
    assert breaker.acquire(early=True) is None
    assert (breaker.state, breaker.reopens_in_seconds) == (HALF_OPEN, 20)


def test_a_probe_that_succeeds_closes_it_and_forgets_the_past(breaker: CircuitBreaker, clock: FakeClock) -> None:
    breaker.trip()
    clock.advance(60)
    permit_of(breaker).succeed()
    assert (breaker.state, breaker.reason, breaker.consecutive_failures) == (CLOSED, None, 0)
    breaker.trip()
    assert breaker.reopens_in_seconds == 60


def test_a_probe_that_fails_opens_it_at_once_with_its_own_reason(breaker: CircuitBreaker, clock: FakeClock) -> None:
    breaker.trip()
    clock.advance(60)
    permit_of(breaker).fail(OpenReason.SLOW)
    assert (breaker.state, breaker.reason) == (OPEN, OpenReason.SLOW)
    assert breaker.acquire() is None


def test_a_probe_that_is_released_makes_room_for_the_next(breaker: CircuitBreaker, clock: FakeClock) -> None:
    breaker.trip()
    clock.advance(60)
    permit_of(breaker).release()
    assert breaker.state is HALF_OPEN
    permit_of(breaker).succeed()
    assert breaker.state is CLOSED


def test_a_probe_that_never_settles_frees_its_place_after_the_lease(breaker: CircuitBreaker, clock: FakeClock) -> None:
    breaker.trip()
    clock.advance(60)
    lost = permit_of(breaker)
    clock.advance(19.5)
    assert breaker.acquire() is None
    clock.advance(0.5)
    second = permit_of(breaker)
    lost.fail(OpenReason.AUTH, at_once=True, open_seconds=math.inf)
    assert breaker.state is HALF_OPEN
    second.succeed()
    assert breaker.state is CLOSED


def test_a_probe_that_outlives_its_lease_still_counts_while_nobody_else_probes(
    breaker: CircuitBreaker, clock: FakeClock
) -> None:
    breaker.trip()
    clock.advance(60)
    slow = permit_of(breaker)
    clock.advance(1000)
    slow.succeed()
    assert breaker.state is CLOSED


@pytest.mark.parametrize("settle", [Permit.succeed, Permit.fail, Permit.release])
def test_late_results_from_before_it_opened_change_nothing(breaker: CircuitBreaker, settle: object) -> None:
    assert callable(settle)
    late = permit_of(breaker)
    breaker.trip(OpenReason.RATE, open_seconds=30)
    settle(late)
    assert (breaker.state, breaker.reason, breaker.reopens_in_seconds) == (OPEN, OpenReason.RATE, 30)


def test_permits_from_before_a_reset_no_longer_count(breaker: CircuitBreaker) -> None:
    permits = [permit_of(breaker) for _ in range(3)]
    breaker.reset()
    for permit in permits:
        permit.fail()
    assert (breaker.state, breaker.consecutive_failures) == (CLOSED, 0)


def test_a_permit_settles_once(breaker: CircuitBreaker) -> None:
    permit = permit_of(breaker)
    for _ in range(5):
        permit.fail()
    permit.succeed()
    assert breaker.consecutive_failures == 1


@pytest.mark.parametrize("reason", [OpenReason.OUTAGE, OpenReason.SLOW, OpenReason.LOADING])
def test_a_waiting_person_may_probe_early_what_may_be_well_again(breaker: CircuitBreaker, reason: OpenReason) -> None:
    breaker.trip(reason)
    assert breaker.acquire() is None
    probe = permit_of(breaker, early=True)
    assert breaker.state is HALF_OPEN
    assert breaker.acquire(early=True) is None
    probe.succeed()
    assert breaker.state is CLOSED


@pytest.mark.parametrize(
    "reason",
    [OpenReason.RATE, OpenReason.QUOTA, OpenReason.AUTH, OpenReason.BLOCKED, OpenReason.NOT_CONFIGURED],
)
def test_nobody_may_probe_early_what_only_time_or_a_person_mends(breaker: CircuitBreaker, reason: OpenReason) -> None:
    breaker.trip(reason)
    assert breaker.acquire(early=True) is None
    assert breaker.state is OPEN


def test_an_early_probe_that_is_released_leaves_it_open_as_it_was(breaker: CircuitBreaker, clock: FakeClock) -> None:
    breaker.trip()
    clock.advance(15)
    permit_of(breaker, early=True).release()
    assert (breaker.state, breaker.reopens_in_seconds) == (OPEN, 45)


def test_early_probes_that_fail_do_not_make_the_open_periods_grow(breaker: CircuitBreaker, clock: FakeClock) -> None:
    breaker.trip()
    for _ in range(10):
        clock.advance(15)
        permit_of(breaker, early=True).fail()
        assert breaker.reopens_in_seconds == 60
    clock.advance(60)
    permit_of(breaker).fail()
    assert breaker.reopens_in_seconds is not None
    assert breaker.reopens_in_seconds >= 60


def test_opened_for_ever_it_waits_for_a_reset(breaker: CircuitBreaker, clock: FakeClock) -> None:
    breaker.trip(open_seconds=math.inf)
    clock.advance(1e9)
    assert (breaker.state, breaker.reopens_in_seconds) == (OPEN, None)
    assert breaker.acquire() is None
    assert breaker.acquire(early=True) is None
    breaker.reset()
    assert breaker.state is CLOSED
    permit_of(breaker).succeed()


def open_periods(breaker: CircuitBreaker, clock: FakeClock, count: int) -> list[float]:
    breaker.trip()
    periods = []
    for _ in range(count):
        assert breaker.reopens_in_seconds is not None
        periods.append(breaker.reopens_in_seconds)
        clock.advance(breaker.reopens_in_seconds)
        permit_of(breaker).fail()
    return periods


@pytest.mark.parametrize(
    ("jitter", "expected"),
    [(0.0, [60, 60, 120, 240, 450, 450]), (0.5, [60, 90, 180, 360, 675, 675])],
)
def test_open_periods_double_within_their_jitter_up_to_the_cap(
    clock: FakeClock, jitter: float, expected: list[float]
) -> None:
    breaker = CircuitBreaker(1, 60, max_open_seconds=900, clock=clock, jitter=lambda: jitter)
    assert open_periods(breaker, clock, 6) == pytest.approx(expected)


def test_open_periods_stay_capped_however_long_the_outage(clock: FakeClock) -> None:
    breaker = CircuitBreaker(1, 60, max_open_seconds=900, clock=clock)
    assert all(450 <= period <= 900 for period in open_periods(breaker, clock, 2000)[5:])


def test_a_recovery_time_above_the_cap_is_kept(clock: FakeClock) -> None:
    breaker = CircuitBreaker(1, 3600, max_open_seconds=900, clock=clock, jitter=lambda: 0.99)
    assert all(1800 <= period <= 3600 for period in open_periods(breaker, clock, 4))


def test_a_recovery_time_without_end_stays_one(clock: FakeClock) -> None:
    breaker = CircuitBreaker(1, math.inf, clock=clock, jitter=lambda: 0.0)
    breaker.trip()
    breaker.trip()
    assert (breaker.state, breaker.reopens_in_seconds) == (OPEN, None)


def test_a_recovery_time_of_nothing_leaves_it_half_open(clock: FakeClock) -> None:
    breaker = CircuitBreaker(1, 0, clock=clock)
    fail(breaker, 3)
    assert breaker.state is HALF_OPEN


@pytest.mark.parametrize(("threshold", "seconds"), [(0, 60.0), (-1, 60.0), (3, -1.0), (3, math.nan)], ids=str)
def test_limits_that_mean_nothing_are_refused(threshold: int, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"failure_threshold|recovery_timeout"):
        CircuitBreaker(threshold, seconds)


def test_the_block_of_a_permit_counts_how_it_ended(breaker: CircuitBreaker) -> None:
    with pytest.raises(RuntimeError), permit_of(breaker):
        raise RuntimeError
    assert breaker.consecutive_failures == 1
    with permit_of(breaker):
        pass
    assert breaker.consecutive_failures == 0


@pytest.mark.parametrize("ending", [asyncio.CancelledError, KeyboardInterrupt, GeneratorExit])
def test_a_block_that_is_cancelled_says_nothing_about_health(
    breaker: CircuitBreaker, ending: type[BaseException]
) -> None:
    fail(breaker, 2)
    with pytest.raises(ending), permit_of(breaker):
        raise ending
    assert (breaker.state, breaker.consecutive_failures) == (CLOSED, 2)


def test_used_alone_it_needs_no_more_than_two_numbers() -> None:
    breaker = CircuitBreaker(failure_threshold=3, recovery_timeout=60)
    for _ in range(3):
        if permit := breaker.acquire():
            permit.fail()
    assert breaker.state is OPEN
    assert breaker.reopens_in_seconds == pytest.approx(60, abs=30)


class Listener(list[Transition]):
    def __call__(self, transition: Transition) -> None:
        self.append(transition)

    @property
    def steps(self) -> list[tuple[BreakerState, BreakerState]]:
        assert all(first.after is then.before for first, then in pairwise(self))
        return [(transition.before, transition.after) for transition in self]


def test_each_change_of_state_is_told_once_with_its_reason(breaker: CircuitBreaker, clock: FakeClock) -> None:
    told = Listener()
    breaker.listen(told)
    fail(breaker, 3)
    assert told == [Transition(CLOSED, OPEN, OpenReason.OUTAGE, 60)]
    clock.advance(60)
    permit_of(breaker).succeed()
    breaker.reset()
    assert told.steps == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)]
    assert told[-1].reason is None


def test_a_second_probe_is_no_second_change(breaker: CircuitBreaker, clock: FakeClock) -> None:
    told = Listener()
    breaker.listen(told)
    breaker.trip()
    clock.advance(60)
    permit_of(breaker).release()
    permit_of(breaker).release()
    assert told.steps == [(CLOSED, OPEN), (OPEN, HALF_OPEN)]


def test_an_early_probe_that_is_given_up_is_told_both_ways(breaker: CircuitBreaker) -> None:
    told = Listener()
    breaker.listen(told)
    breaker.trip()
    permit_of(breaker, early=True).release()
    assert told.steps == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, OPEN)]


def test_what_only_time_changed_is_told_with_the_next_change(breaker: CircuitBreaker, clock: FakeClock) -> None:
    told = Listener()
    breaker.listen(told)
    breaker.trip()
    permit_of(breaker, early=True)
    clock.advance(20)
    assert breaker.state is OPEN
    permit_of(breaker, early=True)
    clock.advance(60)
    breaker.trip()
    assert told.steps == [
        (CLOSED, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, OPEN),
    ]


def test_opening_anew_while_open_is_no_change_of_state(breaker: CircuitBreaker) -> None:
    breaker.trip(open_seconds=5)
    told = Listener()
    breaker.listen(told)
    breaker.trip(OpenReason.QUOTA, open_seconds=50)
    assert told == []
    assert (breaker.reason, breaker.reopens_in_seconds) == (OpenReason.QUOTA, 50)


def test_a_listener_may_act_on_the_breaker_that_tells_it(breaker: CircuitBreaker) -> None:
    def forgive(transition: Transition) -> None:
        if transition.after is OPEN:
            breaker.reset()

    breaker.listen(forgive)
    breaker.trip()
    assert breaker.state is CLOSED
    fail(breaker)
    assert breaker.consecutive_failures == 1
