"""Every fault of one tier, with one after it that is well: who answers, who was asked how often, what the breaker says.

On real sockets, for each role, streamed and not, at the first try and by a half-open breaker's probe.
"""

from __future__ import annotations

import math

import pytest

from ai_gateway.failures import OpenReason, QueryRefused
from ai_gateway.model import Attempt, BreakerState, Delta, Outcome, Reset
from ai_gateway.trace import QueryOutcome, replay
from matrix.faults import GROWING, RECOVERY_SECONDS, Row, rows_on
from matrix.stage import PROMPT, TEXT, WELL, Stage, staged, starts_of
from matrix.wires import AFTER, KEY, OTHER_CLOUDS, ROLES, TOKEN, Wire
from support.chains import Seen

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
TOLERANCE_SECONDS = 0.001
DATE_TOLERANCE_SECONDS = 3 * 3600.0
"""A date is as far away as the machine's own clock says, and the table was made some time ago."""


def cases(*wires: Wire) -> list[object]:
    return [pytest.param(wire, row, id=f"{wire.name}: {row.name}") for wire in wires for row in rows_on(wire)]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("probed", [False, True], ids=["first try", "half-open"])
@pytest.mark.parametrize(("wire", "row"), cases(*ROLES))
async def test_whatever_a_tier_does_the_person_gets_a_whole_answer_or_a_clear_reason(
    wire: Wire, row: Row, probed: bool, streamed: bool
) -> None:
    await check(wire, row, probed=probed, streamed=streamed)


@pytest.mark.parametrize("probed", [False, True], ids=["first try", "half-open"])
@pytest.mark.parametrize(("wire", "row"), cases(*OTHER_CLOUDS))
async def test_the_same_holds_of_every_other_cloud(wire: Wire, row: Row, probed: bool) -> None:
    await check(wire, row, probed=probed, streamed=True)


async def check(wire: Wire, row: Row, *, probed: bool, streamed: bool) -> None:
    async with staged(wire, AFTER[wire.name], row) as stage:
        if probed:
            await stage.half_open()
            assert stage.state is HALF_OPEN
        stage.strike(row, wire)
        seen = await stage.ask(temperature=row.temperature, streamed=streamed)
        check_outcome(stage, wire, row, seen)
        if streamed:
            check_events(wire, row, seen)
        check_calls(stage, row)
        check_attempts(stage, wire, row, seen)
        await check_trace(stage, row, seen)
        check_breaker(stage, row, probed=probed)
        if stage.tier.breaker.state is OPEN:
            await check_that_nobody_asks_in_vain(stage, wire, row)
        check_that_it_can_be_tried_again(stage, row)


def check_outcome(stage: Stage, wire: Wire, row: Row, seen: Seen) -> None:
    """A success is whole and says who gave it; a refusal of the query itself says so."""
    if row.is_final:
        assert isinstance(seen.error, QueryRefused)
        assert seen.error.kind is row.kind
        return
    expected = wire if row.kind is None else AFTER[wire.name]
    answer = seen.answer
    assert (answer.provider, answer.backend) == (expected.name, expected.backend)
    assert answer.content == (TEXT if row.kind is None else WELL)
    assert answer.state is stage.tier.breaker.state


def check_events(wire: Wire, row: Row, seen: Seen) -> None:
    """What was shown of a tier that failed is retracted, and nothing of it remains, or comes twice."""
    answering = [] if row.is_final else [wire.name if row.kind is None else AFTER[wire.name].name]
    has_begun = [wire.name] if row.shows_text and row.kind is not None else []
    assert starts_of(seen) == [*has_begun, *answering]
    assert [event.reason for event in seen.events if isinstance(event, Reset)] == [row.kind] * len(has_begun)
    assert seen.text == ("" if row.is_final else seen.answer.content)
    if row.shows_text:
        before_reset = seen.events[: seen.events.index(Reset(str(row.kind)))]
        assert any(isinstance(event, Delta) for event in before_reset)


def check_calls(stage: Stage, row: Row) -> None:
    """Nobody is asked more often than the table says, and nobody who need not be."""
    assert stage.faulty.calls == row.calls
    assert stage.healthy is not None
    assert stage.healthy.calls == (0 if row.kind is None or row.is_final else 1)
    assert stage.clock.slept == ([] if row.slept is None else [row.slept])


def check_attempts(stage: Stage, wire: Wire, row: Row, seen: Seen) -> None:
    """The answer, or the refusal, tells who was asked, and how it ended."""
    attempts = attempts_of(seen)
    after = AFTER[wire.name]
    if row.kind is None:
        assert told(attempts) == [(wire.name, wire.backend, Outcome.ANSWERED, None)]
        return
    failed = (wire.name, wire.backend, Outcome.FAILED, row.kind)
    rest = [] if row.is_final else [(after.name, after.backend, Outcome.ANSWERED, None)]
    assert told(attempts) == [failed, *rest]
    reopens_in = stage.tier.breaker.reopens_in_seconds
    if row.seconds is not GROWING:
        assert attempts[0].retry_after_seconds == (None if reopens_in is None else pytest.approx(reopens_in))


async def check_trace(stage: Stage, row: Row, seen: Seen) -> None:
    """The trace tells the same, every call that failed, and no text; each decision in it comes out as it did."""
    trace = await stage.gateway.explain()
    assert trace is not None
    assert trace.outcome is (QueryOutcome.REFUSED if row.is_final else QueryOutcome.ANSWERED)
    assert tuple(step.attempt for step in trace.steps if step.attempt is not None) == attempts_of(seen)
    assert all(decision.is_same for decision in replay(trace.steps))
    kinds = [call.kind for call in trace.steps[0].tries]
    assert len(kinds) == row.failed_tries
    assert row.kind is None or kinds[-1] == row.kind
    assert not any(text in repr(trace) for text in (PROMPT, TEXT, WELL, KEY, TOKEN))


def told(attempts: tuple[Attempt, ...]) -> list[tuple[object, ...]]:
    return [(attempt.provider, attempt.backend, attempt.outcome, attempt.reason) for attempt in attempts]


def attempts_of(seen: Seen) -> tuple[Attempt, ...]:
    if seen.error is None:
        return seen.answer.attempts
    assert isinstance(seen.error, QueryRefused)
    return seen.error.attempts


def check_breaker(stage: Stage, row: Row, *, probed: bool) -> None:
    """The breaker is as the table says; that of the tier which is well has seen nothing."""
    breaker = stage.tier.breaker
    if row.kind is None:
        assert (breaker.state, breaker.reason, breaker.consecutive_failures) == (CLOSED, None, 0)
    elif row.mark == "nothing":
        expected = (HALF_OPEN, OpenReason.OUTAGE) if probed else (CLOSED, None)
        assert (breaker.state, breaker.reason, breaker.consecutive_failures) == (*expected, 0)
    elif row.mark == "counts" and not probed:
        assert (breaker.state, breaker.reason, breaker.consecutive_failures) == (CLOSED, None, 1)
    else:
        assert (breaker.state, breaker.reason) == (OPEN, row.reason)
        check_open_time(breaker.reopens_in_seconds, row.seconds, periods=2 if probed else 1)
    assert stage.gateway.tiers[1].breaker.state is CLOSED


async def check_that_nobody_asks_in_vain(stage: Stage, wire: Wire, row: Row) -> None:
    """While it is open, the next query goes past it, and says why."""
    asked_before = len(stage.faulty.requests)
    seen = await stage.ask("Say it again")
    assert seen.answer.content == WELL
    assert told(seen.answer.attempts)[0] == (wire.name, wire.backend, Outcome.SKIPPED, row.reason)
    assert len(stage.faulty.requests) == asked_before


def check_that_it_can_be_tried_again(stage: Stage, row: Row) -> None:
    """Its permit came back: when its time has come, it can be tried, unless only a change would help."""
    stage.let_its_time_pass()
    is_shut = row.kind is not None and row.mark == "opens" and math.isinf(row.seconds)
    assert (stage.tier.breaker.acquire() is None) is is_shut


def check_open_time(reopens_in: float | None, seconds: float, *, periods: int) -> None:
    if math.isinf(seconds):
        assert reopens_in is None
    elif math.isnan(seconds):
        assert reopens_in is not None
        assert RECOVERY_SECONDS - TOLERANCE_SECONDS <= reopens_in <= periods * RECOVERY_SECONDS + TOLERANCE_SECONDS
    else:
        tolerance = DATE_TOLERANCE_SECONDS if seconds > 24 * 3600 else TOLERANCE_SECONDS
        assert reopens_in == pytest.approx(seconds, abs=tolerance)
