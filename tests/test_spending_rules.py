"""What the rules about money make of a query: who may answer it, who is asked first, what is booked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from ai_gateway.config import load_settings
from ai_gateway.drill.rehearsal import Drill
from ai_gateway.escalation import INSTRUCTION, MARKER
from ai_gateway.failures import FailureKind, NoTierAnswered
from ai_gateway.fakes import Fault
from ai_gateway.gateway import Gateway
from ai_gateway.model import Attempt, Outcome, PriceClass, SpendRule
from ai_gateway.options import QueryOptions, query_of
from ai_gateway.routing import Action, Exclusion
from ai_gateway.spending import Consent, NobodyToAsk, NoConsent, SpendRequest
from support.chains import HANG_SECONDS
from support.fake_clock import FakeClock
from support.person import Asker, Person

ASK, NEVER = {"rule": "ask"}, {"rule": "never"}
DAY = 24 * 3600.0
SEEN_ALL = "it stays so"
"""Said by a drill that has nothing more to show."""


class Asked:
    """Somebody at the editor, who says what a test has them say."""

    def __init__(self, *replies: Consent | Callable[[], Consent]) -> None:
        self.requests: list[SpendRequest] = []
        self.is_asked = asyncio.Event()
        self._replies = list(replies)

    async def __call__(self, request: SpendRequest) -> Consent:
        self.requests.append(request)
        self.is_asked.set()
        if not self._replies:
            await asyncio.get_running_loop().create_future()
        reply = self._replies.pop(0)
        return reply if isinstance(reply, Consent) else reply()


def outcomes(attempts: Sequence[Attempt]) -> list[tuple[str, str, str | None]]:
    return [(attempt.provider, attempt.outcome, attempt.reason) for attempt in attempts]


async def spent(window: Gateway) -> tuple[float | None, int]:
    """What the day has cost, in dollars, and how many answers nobody knows the price of."""
    found = await window.health()
    assert window._purse is not None
    return found.spent_today_usd, window._purse.ledger.unpriced_answers


# The rule


@pytest.mark.parametrize(
    ("rule", "override", "provider"),
    [
        ("auto", None, "dear"),
        ("never", None, "home"),
        ("ask", None, "home"),
        ("never", "auto", "dear"),
        ("ask", "auto", "dear"),
        ("auto", "never", "home"),
        ("auto", "ask", "home"),
    ],
)
async def test_a_dearer_tier_answers_only_where_the_rule_or_the_query_lets_it(
    person: Person, rule: str, override: SpendRule | None, provider: str
) -> None:
    person.die(person.plan)
    window = await person.window(spending={"rule": rule})
    answer = await window.query("hi", **({} if override is None else QueryOptions(spend=override)))
    assert answer.provider == provider
    assert person.dear.calls == (provider == "dear")


async def test_a_tier_that_the_rule_shuts_out_says_how_to_let_it_in(person: Person) -> None:
    person.die(person.plan, person.home)
    window = await person.window(spending=NEVER)
    with pytest.raises(NoTierAnswered) as raised:
        await window.query("hi")
    assert ("dear", "skipped", Exclusion.SPENDING) in outcomes(raised.value.attempts)
    assert "spend = auto" in raised.value.hint


async def test_whom_a_query_names_it_may_pay(person: Person) -> None:
    window = await person.window(spending=NEVER)
    assert (await window.query("hi", provider="dear")).provider == "dear"
    assert (await window.query("hi", backend="cloud", model="dear-model", cache="off")).provider == "plan"


async def test_what_the_first_tier_costs_is_what_the_person_is_used_to(person: Person) -> None:
    person.die(person.dear)
    window = await person.window(order=["dear", "plan"], spending=NEVER)
    assert (await window.query("hi")).provider == "plan"


async def test_what_a_plan_includes_is_dearer_than_what_is_free(person: Person) -> None:
    person.die(person.home)
    window = await person.window(order=["home", "plan"], spending=NEVER)
    with pytest.raises(NoTierAnswered) as raised:
        await window.query("hi")
    assert outcomes(raised.value.attempts)[1] == ("plan", "skipped", Exclusion.SPENDING)
    assert person.plan.calls == 0


async def test_the_emergency_tier_is_not_what_the_person_is_used_to_wherever_it_stands(person: Person) -> None:
    window = await person.window(order=["home", "plan"], emergency="home", spending=NEVER)
    assert (await window.query("hi")).provider == "plan"


# The cap


async def test_a_day_that_is_spent_shuts_metered_tiers_out_until_midnight(person: Person, clock: FakeClock) -> None:
    window = person.priced(await person.window(order=["dear", "plan"], spending={"daily_cap_usd": 1}))
    assert (await window.query("one")).cost_usd == 1.0
    answer = await window.query("two", spend="auto")
    assert answer.provider == "plan"
    skipped = answer.attempts[0]
    assert (skipped.outcome, skipped.reason) == (Outcome.SKIPPED, Exclusion.DAILY_CAP)
    assert skipped.retry_after_seconds is not None
    assert 0 < skipped.retry_after_seconds <= DAY
    person.die(person.plan)
    with pytest.raises(NoTierAnswered) as raised:
        await window.query("three", provider="dear")
    assert raised.value.retry_after_seconds == pytest.approx(skipped.retry_after_seconds)
    assert "daily_cap_usd" in raised.value.hint
    clock.advance(skipped.retry_after_seconds)
    assert (await window.query("four")).provider == "dear"


async def test_what_another_window_has_spent_counts(person: Person) -> None:
    one = person.priced(await person.window(order=["dear", "plan"], spending={"daily_cap_usd": 1}))
    other = await person.window(order=["dear", "plan"], spending={"daily_cap_usd": 1})
    await one.query("one")
    await one.aclose()
    assert (await other.query("two")).provider == "plan"


async def test_nobody_is_asked_about_what_the_cap_forbids(person: Person) -> None:
    window = person.priced(await person.window(order=["plan", "dear", "home"], spending={**ASK, "daily_cap_usd": 1}))
    asked = Asked()
    window.ask_through(asked)
    await window.query("one", provider="dear")
    person.die(person.plan)
    assert (await window.query("two")).provider == "home"
    assert asked.requests == []


# Consent


async def test_a_yes_for_this_time_lets_one_query_pass(person: Person) -> None:
    person.die(person.plan)
    window = person.priced(await person.window(spending=ASK))
    asked = Asked(Consent.ONCE, Consent.ONCE)
    window.ask_through(asked)
    for prompt in ("one", "two"):
        assert (await window.query(prompt)).provider == "dear"
    first, second = asked.requests
    assert (first.provider, first.model, first.price_class) == ("dear", "dear-model", PriceClass.METERED)
    assert first.moved_from is not None
    assert (first.moved_from.provider, first.moved_from.reason) == ("plan", FailureKind.OVERLOADED)
    assert (first.estimate_usd, first.spent_today_usd, second.spent_today_usd) == (1.0, 0.0, 1.0)
    trace = await window.explain()
    assert trace is not None
    assert [step.decision.action for step in trace.steps] == [Action.SKIP, Action.CONSENT, Action.ASK]


async def test_a_yes_for_today_lets_every_window_pass_until_midnight(person: Person, clock: FakeClock) -> None:
    person.die(person.plan)
    one, other = await person.window(spending=ASK), await person.window(spending=ASK)
    asked = Asked(Consent.TODAY, Consent.NO)
    for window in (one, other):
        window.ask_through(asked)
    assert (await one.query("one")).provider == "dear"
    assert (await one.query("two")).provider == "dear"
    await one.aclose()
    assert (await other.query("three")).provider == "dear"
    assert len(asked.requests) == 1
    clock.advance(DAY)
    assert (await other.query("four")).provider == "home"
    assert len(asked.requests) == 2


async def test_a_no_goes_on_to_whoever_costs_less_and_is_not_asked_again(person: Person) -> None:
    person.die(person.plan)
    window = await person.window(spending=ASK)
    asked = Asked(Consent.NO)
    window.ask_through(asked)
    for prompt in ("one", "two"):
        answer = await window.query(prompt)
        assert answer.provider == "home"
        assert ("dear", "skipped", NoConsent.DECLINED) in outcomes(answer.attempts)
    assert (len(asked.requests), person.dear.calls) == (1, 0)


def nobody() -> Consent:
    raise NobodyToAsk("the editor can't ask")


def broken() -> Consent:
    raise ValueError("the code of the editor's own")


@pytest.mark.parametrize("asked", [None, Asked(nobody), Asked(broken)], ids=["none", "can't", "fails"])
async def test_where_nobody_can_be_asked_nothing_is_spent_and_the_error_says_what_to_do(
    person: Person, asked: Asked | None
) -> None:
    person.die(person.plan, person.home)
    window = await person.window(spending=ASK)
    window.ask_through(asked)
    with pytest.raises(NoTierAnswered) as raised:
        await window.query("hi")
    assert ("dear", "skipped", NoConsent.NOBODY_TO_ASK) in outcomes(raised.value.attempts)
    assert "spend 'auto'" in raised.value.hint
    assert person.dear.calls == 0


async def test_whoever_says_nothing_leaves_half_of_the_time_to_whoever_costs_less(person: Person) -> None:
    person.die(person.plan)
    window = await person.window(spending=ASK)
    asked = Asked()
    window.ask_through(asked)
    answer = await asyncio.wait_for(window.query("hi", timeout_seconds=0.2), HANG_SECONDS)
    assert answer.provider == "home"
    assert ("dear", "skipped", NoConsent.UNANSWERED) in outcomes(answer.attempts)


async def test_a_query_that_is_cancelled_takes_its_question_back(person: Person) -> None:
    person.die(person.plan)
    window = await person.window(spending=ASK)
    asked = Asked()
    window.ask_through(asked)
    query = asyncio.create_task(window.query("hi"))
    await asyncio.wait_for(asked.is_asked.wait(), HANG_SECONDS)
    query.cancel()
    with pytest.raises(asyncio.CancelledError):
        await query
    window.ask_through(Asked(Consent.ONCE))
    assert (await window.query("hi")).provider == "dear"


async def test_new_settings_keep_what_was_spent_and_what_was_said(person: Person) -> None:
    person.die(person.plan)
    settings = {"rule": "ask", "daily_cap_usd": 10}
    window = person.priced(await person.window(spending=settings))
    asked = Asked(Consent.NO)
    window.ask_through(asked)
    await window.query("one", provider="dear")
    await window.query("two")
    await window.reconfigure(person.loaded(spending=settings, query={"timeout_seconds": 77}))
    assert await spent(window) == (1.0, 0)
    answer = await window.query("three")
    assert ("dear", "skipped", NoConsent.DECLINED) in outcomes(answer.attempts)
    assert len(asked.requests) == 1
    await window.reconfigure(person.loaded(spending={"rule": "auto"}))
    assert (await window.query("four")).provider == "dear"


async def test_what_was_spent_a_moment_ago_is_in_the_account_though_the_settings_move_the_store(
    person: Person, tmp_path: Path
) -> None:
    window = person.priced(await person.window(order=["dear"]))
    await window.query("one")
    elsewhere = {"path": str(tmp_path / "elsewhere.db")}
    await window.reconfigure(person.loaded(order=["dear"], store=elsewhere))
    assert (await (await person.window()).health()).spent_today_usd == 1.0


# What is booked


async def test_text_that_was_paid_for_and_taken_back_is_booked_by_estimate(person: Person) -> None:
    window = person.priced(await person.window(order=["dear", "home"]))
    person.dear.fault(Fault.cut(after=1))
    assert (await window.query("hi")).provider == "home"
    assert await spent(window) == (1.0, 0)


async def test_an_answer_that_only_asked_for_a_stronger_model_is_booked_too(person: Person) -> None:
    loaded = person.loaded(
        order=["cloud"],
        openai={"base_url": person.dear.base_url, "model": "dear-model"},
        escalation={"model": "home-model"},
    )
    async with Gateway.from_settings(loaded, clock=person.clock) as window:
        person.dear.reply(lambda request: MARKER if request.json["model"] == "dear-model" else "done")
        assert (await window.query("hi", escalate=True)).content == "done"
        assert (await spent(window))[1] == 2


async def test_a_cancelled_answer_is_booked_if_it_had_begun(person: Person) -> None:
    window = await person.window(order=["dear"])
    person.dear.fault(Fault.hang())
    person.dear.fault(Fault.stall(after=1))
    async with asyncio.timeout(HANG_SECONDS):
        silent = Asker(window, query_of("one"))
        await person.dear.wait_for_calls(1)
        await silent.leave()
        assert await spent(window) == (0.0, 0)
        begun = Asker(window, query_of("two"))
        await begun.has_text.wait()
        await begun.leave()
    assert await spent(window) == (0.0, 1)


async def test_neither_what_is_free_nor_what_a_plan_includes_nor_what_failed_at_once_is_booked(person: Person) -> None:
    window = person.priced(await person.window())
    await window.query("one")
    person.die(person.plan)
    person.dear.fault(Fault.status(400))
    await window.query("two")
    assert person.called() == (2, 1, 1)
    await window.query("one")
    assert await spent(window) == (0.0, 0)


@pytest.mark.parametrize("fault", ["cut", "stall"])
async def test_a_rehearsed_outage_costs_nothing(person: Person, fault: str) -> None:
    limits = {"base_url": person.dear.base_url, "model": "dear-model", "api_key": "k", "idle_seconds": 0.1}
    loaded = person.loaded(order=["dear", "home"], services={"dear": limits, **_home(person)})
    async with Gateway.from_settings(loaded) as window:
        drill = Drill(window, "dear", fault, HANG_SECONDS, tell=lambda line: drill.stop() if SEEN_ALL in line else None)
        report = await drill.run()
        assert report.finished
        assert await spent(window) == (0.0, 0)


def _home(person: Person) -> dict[str, object]:
    return {"home": {"base_url": person.home.base_url, "model": "home-model", "backend": "local", "api_key": "k"}}


# Stronger models


async def test_no_model_is_told_of_a_stronger_one_that_the_rule_forbids(person: Person) -> None:
    loaded = person.loaded(
        order=["plan"],
        spending=NEVER,
        openai={"base_url": person.dear.base_url, "model": "dear-model"},
        escalation={"model": "dear-model"},
    )
    async with Gateway.from_settings(loaded, clock=person.clock) as window:
        person.plan.reply(f"{MARKER} no, I can do it")
        answer = await window.query("hi", escalate=True)
        assert answer.content == "no, I can do it"
    assert INSTRUCTION not in json.dumps(person.plan.requests[0].body)
    assert (person.plan.calls, person.dear.calls) == (1, 0)


async def test_the_person_is_asked_before_a_dearer_model_takes_over(person: Person) -> None:
    loaded = person.loaded(
        order=["plan"],
        spending=ASK,
        openai={"base_url": person.dear.base_url, "model": "dear-model"},
        escalation={"model": "dear-model"},
    )
    async with Gateway.from_settings(loaded, clock=person.clock) as window:
        window.ask_through(Asked(Consent.ONCE))
        person.plan.reply(MARKER)
        answer = await window.query("hi", escalate=True)
        assert (answer.content, person.dear.calls) == ("from dear", 1)


@pytest.mark.parametrize(
    "workspace", [{"order": ["dear", "plan", "home"]}, {"order": ["dear"]}], ids=["asked first", "asked alone"]
)
async def test_a_workspace_cannot_have_the_person_spend_more_than_they_allow(
    person: Person, workspace: dict[str, object]
) -> None:
    editor = {"spending": NEVER, "order": ["plan", "dear", "home"], "services": person.services()}
    loaded = load_settings(environ={}, editor=editor, workspaces=[workspace])
    async with Gateway.from_settings(loaded, clock=person.clock) as window:
        with suppress(NoTierAnswered):
            await window.query("hi")
    assert person.dear.calls == 0


async def test_a_cap_that_cannot_hold_for_want_of_a_price_is_said_to_the_person(person: Person) -> None:
    window = await person.window(order=["dear"], spending={"daily_cap_usd": 5})
    assert (await window.health()).problems == (
        "spending.daily_cap_usd does not hold for dear: nobody knows what its answers cost",
    )
    without = await person.window(order=["dear"])
    assert (await without.health()).problems == ()
