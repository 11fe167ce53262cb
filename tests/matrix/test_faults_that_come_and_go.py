"""Upstreams that fail and recover over several queries, and what strikes where a connection or a session is kept."""

from __future__ import annotations

import asyncio

import pytest

from ai_gateway.failures import FailureKind, NoTierAnswered, OpenReason
from ai_gateway.fakes import FakeCopilot, Fault, copilot_failures
from ai_gateway.model import Attempt, BreakerState, Outcome
from matrix.faults import RECOVERY_SECONDS
from matrix.stage import HANG_SECONDS, ROUNDING_SECONDS, TEXT, WELL, Stage, staged
from matrix.wires import AFTER, COPILOT, OLLAMA, ROLES, Wire

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
every_role = pytest.mark.parametrize("wire", ROLES, ids=lambda wire: wire.name)
THRESHOLD = 3


def told(attempts: tuple[Attempt, ...]) -> list[tuple[str, str | None]]:
    return [(attempt.outcome, attempt.reason) for attempt in attempts]


async def who_answers(stage: Stage, prompt: str) -> str:
    """Ask, see that the answer is whole, and say whose it is."""
    seen = await stage.ask(prompt)
    assert seen.text == seen.answer.content
    assert seen.answer.content in {TEXT, WELL}
    return seen.answer.provider


@every_role
async def test_an_upstream_that_fails_at_every_other_request_answers_every_query_by_its_second_try(wire: Wire) -> None:
    async with staged(wire, AFTER[wire.name]) as stage:
        for number in range(6):
            stage.faulty.fault(Fault.status(500))
            assert await who_answers(stage, f"Say {number}") == wire.name
        assert stage.faulty.calls == 12
        assert stage.tier.breaker.state is CLOSED


@every_role
async def test_an_upstream_that_breaks_off_every_other_answer_never_opens_its_breaker(wire: Wire) -> None:
    async with staged(wire, AFTER[wire.name]) as stage:
        answering = []
        for number in range(8):
            if number % 2 == 0:
                stage.faulty.fault(Fault.cut(after=2))
            answering.append(await who_answers(stage, f"Say {number}"))
        assert answering == [AFTER[wire.name].name, wire.name] * 4
        assert (stage.tier.breaker.state, stage.tier.breaker.consecutive_failures) == (CLOSED, 0)


@every_role
async def test_a_tier_opens_is_probed_and_closes_and_each_failed_probe_costs_it_more_time(wire: Wire) -> None:
    async with staged(wire, AFTER[wire.name]) as stage:
        breaker, after = stage.tier.breaker, AFTER[wire.name].name
        stage.faulty.fault(Fault.cut(after=2), times=THRESHOLD + 1)
        for number in range(THRESHOLD):
            assert breaker.state is CLOSED
            assert await who_answers(stage, f"Say {number}") == after
        assert (breaker.state, breaker.reason) == (OPEN, OpenReason.OUTAGE)
        assert breaker.reopens_in_seconds == pytest.approx(RECOVERY_SECONDS)
        stage.let_its_time_pass()
        assert await who_answers(stage, "Is it well again?") == after
        second_period = breaker.reopens_in_seconds
        assert second_period is not None
        assert second_period >= RECOVERY_SECONDS - ROUNDING_SECONDS
        assert (breaker.state, stage.faulty.calls) == (OPEN, THRESHOLD + 1)
        stage.let_its_time_pass()
        assert await who_answers(stage, "And now?") == wire.name
        assert (breaker.state, breaker.reason) == (CLOSED, None)
        stage.faulty.fault(Fault.cut(after=2), times=THRESHOLD)
        for number in range(THRESHOLD):
            await who_answers(stage, f"Say it once more, {number}")
        assert breaker.state is OPEN
        assert breaker.reopens_in_seconds == pytest.approx(RECOVERY_SECONDS)


@every_role
async def test_the_time_that_a_person_is_told_is_the_time_that_the_breaker_keeps(wire: Wire) -> None:
    async with staged(wire, AFTER[wire.name]) as stage:
        stage.faulty.fault(Fault.cut(after=2), times=None)
        for _ in range(4):
            await stage.half_open()
            seen = await stage.ask("Are you well?")
            told_seconds = seen.answer.attempts[0].retry_after_seconds
            assert told_seconds == pytest.approx(stage.tier.breaker.reopens_in_seconds, abs=ROUNDING_SECONDS)


@every_role
async def test_of_many_queries_at_a_half_open_breaker_one_probes_and_the_others_go_on_without_waiting(
    wire: Wire,
) -> None:
    async with staged(wire, AFTER[wire.name]) as stage:
        await stage.half_open()
        go_on = asyncio.Event()
        stage.faulty.fault(Fault.hold(go_on))
        probe = asyncio.create_task(stage.ask("Are you well?"))
        async with asyncio.timeout(HANG_SECONDS):
            await stage.faulty.wait_for_calls(1)
        others = await asyncio.gather(*(stage.ask(f"Say {number}") for number in range(8)))
        assert {seen.answer.provider for seen in others} == {AFTER[wire.name].name}
        assert all(told(seen.answer.attempts)[0] == (Outcome.SKIPPED, "outage") for seen in others)
        go_on.set()
        assert (await probe).answer.provider == wire.name
        assert (stage.faulty.calls, stage.tier.breaker.state) == (1, CLOSED)


NOT_OF_THE_TIER = Fault.status(400, {"error": {"message": "No.", "type": "invalid_request_error"}})


@every_role
@pytest.mark.parametrize(
    ("ends", "are_answered"),
    [
        pytest.param(Fault(), True, id="answered"),
        pytest.param(Fault.cut(), False, id="failed"),
        pytest.param(None, True, id="cancelled"),
        pytest.param(NOT_OF_THE_TIER, True, id="refused for what it asked"),
    ],
)
async def test_those_who_have_nobody_else_wait_for_the_probe_and_go_by_how_it_ends(
    wire: Wire, ends: Fault | None, are_answered: bool
) -> None:
    async with staged(wire) as stage, asyncio.timeout(HANG_SECONDS):
        stage.tier.breaker.trip(OpenReason.OUTAGE)
        go_on = asyncio.Event()
        stage.faulty.fault(Fault.hold(go_on) | (ends or Fault()))
        probe = asyncio.create_task(stage.ask("Are you well?"))
        await stage.faulty.wait_for_calls(1)
        waiting = [asyncio.create_task(stage.ask(f"Say {number}")) for number in range(4)]
        await go_round()
        assert stage.faulty.calls == 1
        if ends is None:
            probe.cancel()
        go_on.set()
        seen = await asyncio.gather(*waiting)
        await asyncio.wait([probe])
        if are_answered:
            assert [each.error for each in seen] == [None] * 4
            assert {each.answer.content for each in seen} == {TEXT}
            assert (stage.faulty.calls, stage.tier.breaker.state) == (5, CLOSED)
        else:
            assert {type(each.error) for each in seen} == {NoTierAnswered}
            assert stage.faulty.calls == 1


async def go_round() -> None:
    """Let everybody come as far as they can."""
    for _ in range(50):
        await asyncio.sleep(0)


@every_role
async def test_a_probe_that_begins_as_soon_as_the_breaker_has_opened_is_the_only_one(wire: Wire) -> None:
    async with staged(wire) as stage:
        go_on = asyncio.Event()
        stage.faulty.fault(Fault.hold(go_on), times=None)
        stage.tier.breaker.trip(OpenReason.OUTAGE)
        asking = [asyncio.create_task(stage.ask(f"Say {number}")) for number in range(4)]
        async with asyncio.timeout(HANG_SECONDS):
            await stage.faulty.wait_for_calls(1)
        others = [asyncio.create_task(stage.ask(f"Say more, {number}")) for number in range(4)]
        await go_round()
        probes = stage.faulty.calls
        go_on.set()
        await asyncio.gather(*asking, *others)
        assert probes == 1


@every_role
@pytest.mark.parametrize("fault", [Fault.hang(), Fault.stall(after=2)], ids=["before the headers", "in the middle"])
async def test_a_probe_that_is_cancelled_reaches_its_upstream_and_gives_its_permit_back(
    wire: Wire, fault: Fault
) -> None:
    async with staged(wire, AFTER[wire.name]) as stage, asyncio.timeout(HANG_SECONDS):
        await stage.half_open()
        stage.faulty.fault(fault)
        probe = asyncio.create_task(stage.ask("Are you well?"))
        await stage.faulty.wait_for_calls(1)
        probe.cancel()
        await asyncio.wait([probe])
        await stage.faulty.wait_until_idle()
        assert (stage.faulty.disconnects, stage.tier.breaker.state) == (1, HALF_OPEN)
        assert await who_answers(stage, "And now?") == wire.name
        assert stage.tier.breaker.state is CLOSED


@every_role
async def test_an_upstream_that_was_restarted_between_two_queries_is_asked_once_more_and_answers(wire: Wire) -> None:
    async with staged(wire, AFTER[wire.name]) as stage:
        assert await who_answers(stage, "Say it") == wire.name
        await stage.faulty.stop()
        await stage.faulty.start()
        assert await who_answers(stage, "Say it again") == wire.name
        assert stage.faulty.calls == 2


@every_role
async def test_a_reset_on_a_kept_connection_goes_unnoticed(wire: Wire) -> None:
    async with staged(wire, AFTER[wire.name]) as stage:
        assert await who_answers(stage, "Say it") == wire.name
        stage.faulty.fault(Fault.reset())
        seen = await stage.ask("Say it again")
        assert told(seen.answer.attempts) == [(Outcome.ANSWERED, None)]
        assert stage.faulty.calls == 3


@every_role
async def test_an_upstream_that_resets_every_connection_is_not_asked_for_ever(wire: Wire) -> None:
    async with staged(wire, AFTER[wire.name]) as stage:
        assert await who_answers(stage, "Say it") == wire.name
        stage.faulty.fault(Fault.reset(), times=None)
        seen = await stage.ask("Say it again")
        assert told(seen.answer.attempts) == [(Outcome.FAILED, FailureKind.NETWORK), (Outcome.ANSWERED, None)]
        assert stage.faulty.calls - 1 == (4 if wire is OLLAMA else 3)


async def test_a_copilot_session_that_has_expired_is_renewed_without_a_word() -> None:
    async with staged(COPILOT, AFTER["copilot"]) as stage:
        assert await who_answers(stage, "Say it") == "copilot"
        assert isinstance(stage.faulty, FakeCopilot)
        stage.faulty.expire_session()
        seen = await stage.ask("Say it again")
        assert told(seen.answer.attempts) == [(Outcome.ANSWERED, None)]
        assert (stage.faulty.calls, stage.faulty.exchanges, stage.tier.breaker.state) == (3, 2, CLOSED)


async def test_a_copilot_session_that_stays_refused_is_renewed_once() -> None:
    async with staged(COPILOT, AFTER["copilot"]) as stage:
        assert await who_answers(stage, "Say it") == "copilot"
        assert isinstance(stage.faulty, FakeCopilot)
        stage.faulty.fault(copilot_failures.session_expired(), times=None)
        seen = await stage.ask("Say it again")
        assert told(seen.answer.attempts) == [(Outcome.FAILED, FailureKind.AUTH), (Outcome.ANSWERED, None)]
        assert (stage.faulty.calls, stage.faulty.exchanges) == (3, 2)
        assert (stage.tier.breaker.reason, stage.tier.breaker.reopens_in_seconds) == (OpenReason.AUTH, None)
