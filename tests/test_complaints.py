"""What people complained of in systems like this one; each test is named by what they saw, and shows it is not so here.

Most complaints have their tests with the part that they are about; here are those about a query's whole way.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from ai_gateway.failures import FailureKind, NoTierAnswered, OpenReason, QueryRefused
from ai_gateway.fakes import FakeOpenAI, Fault, RecordedRequest
from ai_gateway.fakes.answers import Reply
from ai_gateway.gateway import Gateway
from ai_gateway.model import Attempt, BreakerState
from ai_gateway.options import QueryOptions, query_of
from support.chains import HANG_SECONDS
from support.fake_clock import FakeClock
from support.person import Asker, Person, a_person

TEN_HOURS = 10 * 3600.0 + 7 * 60
OUT_OF_CREDIT = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}


def reasons(attempts: tuple[Attempt, ...]) -> list[tuple[str, str | None]]:
    return [(attempt.provider, attempt.reason) for attempt in attempts]


async def unanswered(window: Gateway, prompt: str = "hi", **options: object) -> NoTierAnswered:
    with pytest.raises(NoTierAnswered) as raised:
        await window.query(prompt, **options)  # type: ignore[arg-type]  # tests name them
    return raised.value


async def test_quota_exceeded_retrying_in_10_hours(person: Person, clock: FakeClock) -> None:
    """And no fallback meanwhile. Here the next tier answers at once, and the first is back at that time by itself."""
    window = await person.window()
    person.plan.fault(Fault.status(429, OUT_OF_CREDIT, retry_after=int(TEN_HOURS)))
    answer = await window.query("one")
    assert reasons(answer.attempts) == [("plan", FailureKind.QUOTA), ("dear", None)]
    assert answer.attempts[0].retry_after_seconds == TEN_HOURS
    assert clock.slept == []
    clock.advance(TEN_HOURS - 1)
    assert reasons((await window.query("two")).attempts) == [("plan", OpenReason.QUOTA), ("dear", None)]
    clock.advance(1)
    assert (await window.query("three")).provider == "plan"
    assert person.plan.calls == 2


@pytest.mark.parametrize("status", [402, 429])
async def test_an_account_without_credit_was_asked_every_time(person: Person, clock: FakeClock, status: int) -> None:
    window = await person.window()
    person.plan.fault(Fault.status(status, OUT_OF_CREDIT), times=None)
    for number in range(5):
        assert (await window.query(f"{number}")).provider == "dear"
        clock.advance(300)
    assert person.plan.calls == 1


async def test_a_query_of_my_own_local_model_still_went_to_the_vendor(person: Person) -> None:
    window = await person.window()
    assert (await window.query("hi", backend="local", escalate=True)).provider == "home"
    assert (await window.query("hi", private=True)).provider == "home"
    assert (person.plan.requests, person.dear.requests) == ([], [])


async def test_the_local_model_did_not_work_offline_because_something_else_failed_first(person: Person) -> None:
    await person.plan.stop()
    await person.dear.stop()
    window = await person.window()
    answer = await window.query("hi")
    assert reasons(answer.attempts) == [("plan", FailureKind.NETWORK), ("dear", FailureKind.NETWORK), ("home", None)]


async def test_all_are_cooling_down_and_nobody_says_until_when(person: Person) -> None:
    window = await person.window()
    for upstream, seconds in ((person.plan, 90), (person.dear, 40)):
        upstream.fault(Fault.rate_limited(seconds), times=None)
    person.die(person.home)
    for prompt in ("one", "two"):
        error = await unanswered(window, prompt, timeout_seconds=5)
        waits = {attempt.provider: attempt.retry_after_seconds for attempt in error.attempts}
        assert (waits["plan"], waits["dear"]) == (90, 40)
        assert error.retry_after_seconds == 30
        assert "plan limits the rate of requests" in error.hint


async def test_all_models_failed_though_the_fallbacks_were_never_tried(person: Person) -> None:
    """The first was cooling down, and that counted as the failure of the query."""
    window = await person.window()
    person.die(person.plan)
    await window.query("one")
    for prompt in ("two", "three"):
        assert (await window.query(prompt)).provider == "dear"
    assert person.plan.calls == 1


@pytest.mark.parametrize("status", [403, 429, 500, 502])
@pytest.mark.parametrize("streams", [True, False], ids=["streaming", "whole"])
async def test_a_fallback_was_configured_and_not_attempted(person: Person, status: int, streams: bool) -> None:
    window = await person.window()
    person.plan.fault(Fault.status(status, "<html>502 Bad Gateway</html>", content_type="text/html"), times=None)
    if streams:
        asker = Asker(window, query_of("hi"))
        assert (await asker.task).provider == "dear"
        assert asker.text == "from dear"
    else:
        assert (await window.query("hi")).content == "from dear"


async def test_a_request_that_is_wrong_for_everybody_walked_from_vendor_to_vendor(person: Person) -> None:
    window = await person.window()
    wrong = {"error": {"message": "Invalid 'tools'", "type": "invalid_request_error", "code": "invalid_value"}}
    for number in range(4):
        person.plan.fault(Fault.status(400, {"error": {"code": "content_filter", "message": "no"}}))
        with pytest.raises(QueryRefused):
            await window.query(f"{number}")
    assert (person.dear.requests, person.home.requests) == ([], [])
    assert window.tiers[0].breaker.state is BreakerState.CLOSED
    for number in range(4):
        person.plan.fault(Fault.status(400, wrong))
        with pytest.raises(QueryRefused):
            await window.query(f"wrong {number}")
    assert (person.dear.calls, window.tiers[0].breaker.state) == (0, BreakerState.CLOSED)


async def test_the_first_half_of_the_answer_came_twice(person: Person) -> None:
    window = await person.window()
    person.plan.reply("The first half")
    person.dear.reply("The first half and the second")
    person.plan.fault(Fault.cut(after=2))
    asker = Asker(window, query_of("hi"))
    assert (await asker.task).content == asker.text == "The first half and the second"


async def test_ten_more_upstream_attempts_were_made_after_the_client_had_left(person: Person) -> None:
    window = await person.window()
    go_on = asyncio.Event()
    person.plan.fault(Fault.hold(go_on) | Fault.status(500), times=None)
    async with asyncio.timeout(HANG_SECONDS):
        asker = Asker(window, query_of("hi"))
        await person.plan.wait_for_calls(1)
        await asker.leave()
        go_on.set()
        await person.plan.wait_until_idle()
        await window.aclose()
    assert person.called() == (1, 0, 0)


async def test_whoever_logs_the_breaker_kept_it_from_opening(person: Person) -> None:
    """A fault of whoever is told of changes is none of the query, nor of what is known about the tier."""
    window = await person.window()

    def fail() -> None:
        raise ValueError("a fault of the editor's side")

    window.on_change = fail
    person.die(person.plan)
    assert (await window.query("hi")).provider == "dear"
    assert window.tiers[0].breaker.reason is OpenReason.OUTAGE


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_apology_was_cached_and_replayed(person: Person, reason: str) -> None:
    window = await person.window(order=["plan"])
    person.plan.reply("Sorry, I can only", finish_reason=reason)
    for _ in range(2):
        if reason == "length":
            assert not (await window.query("hi")).cached
        else:
            with pytest.raises(QueryRefused):
                await window.query("hi")
    assert person.plan.calls == 2


async def test_somebody_got_the_answer_to_another_question(person: Person) -> None:
    """Queries that mean nearly the same are not the same, nor is one with other limits."""
    window = await person.window()

    def said(request: RecordedRequest) -> Reply:
        return Reply.of(json.dumps(request.json["messages"]))

    person.plan.reply(said)
    texts = {(await window.query(prompt)).content for prompt in ("delete it?", "delete it", "Delete it?")}
    assert len(texts) == 3
    for options in (QueryOptions(max_tokens=5), QueryOptions(provider="plan"), QueryOptions(system="Be brief")):
        assert not (await window.query("delete it?", **options)).cached


async def test_one_model_was_swapped_for_a_dearer_one_38_times_without_a_word(person: Person) -> None:
    window = await person.window()
    person.die(person.plan)
    for number in range(3):
        answer = await window.query(f"{number}")
        assert (answer.provider, answer.model) == ("dear", "dear-model")
        assert answer.attempts[0].reason in {FailureKind.OVERLOADED, OpenReason.OUTAGE}
        trace = await window.explain(answer.query_id)
        assert trace is not None
        assert trace.given is not None
        assert trace.given.provider == "dear"


async def test_the_status_stayed_red_until_somebody_asked(person: Person, clock: FakeClock) -> None:
    window = await person.window()
    person.die(person.plan)
    await window.query("hi")
    wait = window.seconds_to_next_change()
    assert wait == 30
    clock.advance(wait)
    found = await window.health()
    assert found.providers[0].state is BreakerState.HALF_OPEN


async def test_an_upstream_that_says_nothing_held_the_query_for_100_minutes(person: Person) -> None:
    services = person.services()
    services["plan"]["first_token_seconds"] = 0.05
    window = await person.window(services=services)
    person.plan.fault(Fault.hang(), times=None)
    answer = await asyncio.wait_for(window.query("hi"), HANG_SECONDS)
    assert reasons(answer.attempts) == [("plan", FailureKind.TIMEOUT), ("dear", None)]
    assert person.plan.calls == 1


async def test_a_model_that_is_not_there_was_found_out_by_nobody(clock: FakeClock) -> None:
    """A typing error in a setting is shouted at the person, by the tier that it is in."""
    async with FakeOpenAI(models=("gpt-4.1",)) as upstream, a_person(clock) as person:
        services = person.services()
        services["plan"] |= {"base_url": upstream.base_url, "model": "gtp-4.1"}
        window = await person.window(services=services)
        assert (await window.query("hi")).provider == "dear"
        found = await window.health()
        plan = found.providers[0]
        assert (plan.state, plan.reason) == (BreakerState.OPEN, OpenReason.NOT_CONFIGURED)
        assert "does not know this model" in (plan.hint or "")
        await window.query("again")
        assert upstream.calls == 1
