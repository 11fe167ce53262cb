"""The routing decision, as a function of what is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.failures import FailureKind, OpenReason, ProviderFailure
from ai_gateway.model import Backend, BreakerState, PriceClass
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.routing import (
    Action,
    Decision,
    Exclusion,
    Question,
    Situation,
    Standing,
    TierFacts,
    decide,
    exclusion_of,
)
from ai_gateway.tier import ProviderTier
from ai_gateway.trace import replay
from ai_gateway.trace_json import trace_of as trace_read
from support.chains import HELLO
from support.traces import trace_of

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
FRESH, AWAY, DONE = Standing.FRESH, Standing.TURNED_AWAY, Standing.DONE
FREE, INCLUDED, METERED = PriceClass.FREE, PriceClass.INCLUDED, PriceClass.METERED
ANYBODY = Question()
GIVE_UP = Decision(Action.GIVE_UP)

WELL = TierFacts(
    name="openai",
    backend=Backend.CLOUD,
    model="m",
    state=CLOSED,
    reason=None,
    reopens_in_seconds=None,
    may_be_probed_early=False,
    has_probe_out=False,
    is_configured=True,
    embeds=True,
    context_tokens=None,
    price_class=METERED,
)
LOCAL = replace(WELL, name="ollama", backend=Backend.LOCAL, price_class=FREE)
EMERGENCY = replace(LOCAL, name="spare", is_emergency=True)


def opened(
    tier: TierFacts, reason: OpenReason = OpenReason.OUTAGE, *, reopens_in_seconds: float | None = 60.0
) -> TierFacts:
    may = reason.may_be_probed_early
    return replace(tier, state=OPEN, reason=reason, reopens_in_seconds=reopens_in_seconds, may_be_probed_early=may)


def half_open(tier: TierFacts, *, has_probe_out: bool) -> TierFacts:
    return replace(opened(tier, reopens_in_seconds=0.0), state=HALF_OPEN, has_probe_out=has_probe_out)


def decided(
    *tiers: TierFacts, question: Question = ANYBODY, standings: Sequence[Standing] | None = None
) -> tuple[Action, str | None, str | None]:
    """What is decided, about whom, and why."""
    situation = Situation(question, tiers, tuple(standings or [FRESH] * len(tiers)))
    decision = decide(situation)
    return decision.action, None if decision.position < 0 else tiers[decision.position].name, decision.reason


class TestATierIsSkipped:
    @pytest.mark.parametrize(
        ("question", "tier", "why"),
        [
            (Question(private=True), WELL, Exclusion.PRIVATE),
            (Question(private=True), replace(WELL, backend=Backend.COPILOT), Exclusion.PRIVATE),
            (Question(without=("openai",)), WELL, Exclusion.LEFT_OUT),
            (ANYBODY, replace(WELL, is_configured=False), Exclusion.NOT_CONFIGURED),
            (Question(embeds=True), replace(WELL, embeds=False), Exclusion.EMBEDS_NOT),
            (Question(fills=True), replace(WELL, fills=False), Exclusion.FILLS_NOT),
            (Question(too_short_tokens=8000), replace(WELL, context_tokens=8000), Exclusion.CONTEXT_TOO_LONG),
            (Question(has_time=False), WELL, Exclusion.DEADLINE),
            (Question(is_cap_reached=True), WELL, Exclusion.DAILY_CAP),
            (Question(allowed=INCLUDED), WELL, Exclusion.SPENDING),
            (Question(allowed=FREE), replace(WELL, price_class=INCLUDED), Exclusion.SPENDING),
        ],
    )
    def test_where_a_rule_of_the_query_or_its_own_lack_says_so(
        self, question: Question, tier: TierFacts, why: Exclusion
    ) -> None:
        assert exclusion_of(question, tier) is why
        assert decided(tier, LOCAL, question=question) == (Action.SKIP, "openai", why)

    @pytest.mark.parametrize(
        ("question", "tier"),
        [
            (Question(private=True), LOCAL),
            (Question(embeds=False), replace(WELL, embeds=False)),
            (Question(too_short_tokens=8000), replace(WELL, context_tokens=8001)),
            (Question(too_short_tokens=8000), WELL),
            (Question(without=("copilot", "open")), WELL),
            (Question(fills=False), replace(WELL, fills=False)),
            (Question(is_cap_reached=True), replace(WELL, price_class=INCLUDED)),
            (Question(is_cap_reached=True, allowed=FREE), LOCAL),
            (Question(allowed=INCLUDED, may_ask_for_more=True), WELL),
        ],
    )
    def test_for_no_other_reason(self, question: Question, tier: TierFacts) -> None:
        assert exclusion_of(question, tier) is None

    def test_for_what_a_person_can_least_change_first(self) -> None:
        """Whoever may not see a query is told of no quota; a tier that isn't set up is told of no deadline."""
        question = Question(
            private=True,
            embeds=True,
            too_short_tokens=10,
            has_time=False,
            allowed=FREE,
            is_cap_reached=True,
            fills=True,
            without=("openai",),
        )
        tier = replace(WELL, is_configured=False, embeds=False, context_tokens=10, fills=False)
        found = [exclusion_of(question, tier)]
        found += [exclusion_of(question := replace(question, private=False), tier)]
        found += [exclusion_of(question := replace(question, without=()), tier)]
        tier = replace(tier, is_configured=True)
        found += [exclusion_of(question, tier)]
        found += [exclusion_of(question := replace(question, embeds=False), tier)]
        found += [exclusion_of(question := replace(question, fills=False), tier)]
        found += [exclusion_of(question := replace(question, too_short_tokens=0), tier)]
        found += [exclusion_of(question := replace(question, has_time=True), tier)]
        found += [exclusion_of(question := replace(question, is_cap_reached=False), tier)]
        assert found == [
            Exclusion.PRIVATE,
            Exclusion.LEFT_OUT,
            Exclusion.NOT_CONFIGURED,
            Exclusion.EMBEDS_NOT,
            Exclusion.FILLS_NOT,
            Exclusion.CONTEXT_TOO_LONG,
            Exclusion.DEADLINE,
            Exclusion.DAILY_CAP,
            Exclusion.SPENDING,
        ]
        assert exclusion_of(replace(question, allowed=METERED), tier) is None

    @pytest.mark.parametrize("reason", list(OpenReason))
    def test_while_its_breaker_is_open_with_the_reason_of_that(self, reason: OpenReason) -> None:
        assert decided(opened(WELL, reason), LOCAL) == (Action.SKIP, "openai", reason)

    def test_while_somebody_else_probes_it(self) -> None:
        assert decided(half_open(WELL, has_probe_out=True), LOCAL) == (Action.SKIP, "openai", OpenReason.OUTAGE)

    def test_by_a_rule_sooner_than_by_its_breaker(self) -> None:
        dead = opened(WELL, OpenReason.AUTH)
        assert decided(dead, LOCAL, question=Question(private=True)) == (Action.SKIP, "openai", Exclusion.PRIVATE)


class TestATierIsAsked:
    def test_in_order(self) -> None:
        assert decided(WELL, LOCAL) == (Action.ASK, "openai", None)
        assert decided(WELL, LOCAL, standings=(DONE, FRESH)) == (Action.ASK, "ollama", None)

    def test_as_its_one_probe_when_its_time_is_up(self) -> None:
        assert decided(half_open(WELL, has_probe_out=False), LOCAL) == (Action.ASK, "openai", None)

    def test_whatever_its_breaker_remembers_while_a_hand_keeps_it_closed(self) -> None:
        kept_closed = replace(opened(WELL), state=CLOSED, reason=None, has_probe_out=True)
        assert decided(kept_closed) == (Action.ASK, "openai", None)

    @pytest.mark.parametrize(
        ("other", "may_follow"),
        [
            (LOCAL, True),
            (half_open(LOCAL, has_probe_out=False), True),
            (opened(LOCAL), False),
            (replace(LOCAL, is_configured=False), False),
            (replace(LOCAL, context_tokens=10), False),
        ],
    )
    def test_knowing_whether_somebody_could_take_over(self, other: TierFacts, may_follow: bool) -> None:
        situation = Situation(Question(too_short_tokens=10), (WELL, other), (FRESH, FRESH))
        assert decide(situation) == Decision(Action.ASK, 0, None, others_may_follow=may_follow)


class TestThePersonIsAsked:
    ASKED = Question(allowed=INCLUDED, may_ask_for_more=True)

    def test_before_a_dearer_tier_is(self) -> None:
        assert decided(WELL, LOCAL, question=self.ASKED) == (Action.CONSENT, "openai", None)

    def test_only_about_a_tier_that_could_be_asked_at_once(self) -> None:
        for tier in (opened(WELL), half_open(WELL, has_probe_out=True)):
            assert decided(tier, LOCAL, question=self.ASKED)[0] is Action.SKIP

    def test_before_a_dearer_tier_is_probed_early_too(self) -> None:
        assert decided(opened(WELL), question=self.ASKED, standings=[AWAY]) == (Action.CONSENT, "openai", None)

    def test_nothing_about_what_costs_no_more(self) -> None:
        included = replace(WELL, price_class=INCLUDED)
        assert decided(included, question=self.ASKED) == (Action.ASK, "openai", None)

    def test_nothing_where_the_day_is_spent(self) -> None:
        question = replace(self.ASKED, is_cap_reached=True)
        assert decided(WELL, question=question) == (Action.SKIP, "openai", Exclusion.DAILY_CAP)


class TestWhenNobodyElseIsLeft:
    def test_the_local_tier_is_probed_first_and_then_whoever_reopens_soonest(self) -> None:
        late, soon = opened(WELL, reopens_in_seconds=60), replace(opened(WELL, reopens_in_seconds=6), name="soon")
        local = opened(LOCAL, reopens_in_seconds=900)
        assert decided(late, soon, local, standings=(AWAY, AWAY, AWAY)) == (Action.PROBE_EARLY, "ollama", None)
        assert decided(late, soon, local, standings=(AWAY, AWAY, DONE)) == (Action.PROBE_EARLY, "soon", None)
        assert decided(late, soon, local, standings=(AWAY, DONE, DONE)) == (Action.PROBE_EARLY, "openai", None)

    def test_an_early_probe_knows_whether_another_may_follow(self) -> None:
        both = (opened(WELL), opened(LOCAL))
        assert decide(Situation(ANYBODY, both, (AWAY, AWAY))).others_may_follow
        assert not decide(Situation(ANYBODY, both, (AWAY, DONE))).others_may_follow

    @pytest.mark.parametrize("reason", [reason for reason in OpenReason if not reason.may_be_probed_early])
    def test_nobody_is_probed_whom_only_time_or_a_person_mends(self, reason: OpenReason) -> None:
        assert decided(opened(WELL, reason), standings=[AWAY]) == (Action.GIVE_UP, None, None)

    def test_nobody_is_probed_early_while_somebody_can_be_asked(self) -> None:
        assert decided(opened(LOCAL), WELL, standings=(AWAY, FRESH)) == (Action.ASK, "openai", None)

    def test_no_rule_is_broken_for_an_early_probe(self) -> None:
        private = Question(private=True)
        assert decided(opened(WELL), question=private, standings=[AWAY]) == (Action.GIVE_UP, None, None)

    def test_the_probe_of_another_is_waited_for(self) -> None:
        tier = half_open(WELL, has_probe_out=True)
        assert decided(tier, standings=[AWAY]) == (Action.AWAIT_PROBE, "openai", None)

    def test_a_probe_of_ones_own_comes_before_waiting_for_that_of_another(self) -> None:
        tiers = (half_open(LOCAL, has_probe_out=True), opened(WELL))
        assert decided(*tiers, standings=(AWAY, AWAY)) == (Action.PROBE_EARLY, "openai", None)

    def test_whoever_has_closed_meanwhile_is_asked_after_all(self) -> None:
        assert decided(WELL, standings=[AWAY]) == (Action.PROBE_EARLY, "openai", None)

    def test_the_probe_of_a_tier_that_a_hand_keeps_open_is_not_waited_for(self) -> None:
        """Whatever it shows, nobody may be let through."""
        kept_open = replace(opened(WELL, OpenReason.FORCED), has_probe_out=True)
        assert decided(kept_open, standings=[AWAY]) == (Action.GIVE_UP, None, None)

    def test_it_is_given_up(self) -> None:
        assert decide(Situation(ANYBODY, (), ())) == GIVE_UP
        assert decide(Situation(ANYBODY, (WELL, LOCAL), (DONE, DONE))) == GIVE_UP


class TestTheEmergencyTier:
    def test_comes_last_wherever_it_stands(self) -> None:
        assert decided(EMERGENCY, WELL) == (Action.ASK, "openai", None)
        assert decided(EMERGENCY, WELL, standings=(FRESH, DONE)) == (Action.ASK, "spare", None)

    def test_comes_after_every_early_probe_and_every_wait(self) -> None:
        assert decided(EMERGENCY, opened(WELL), standings=(FRESH, AWAY))[0] is Action.PROBE_EARLY
        probed = half_open(WELL, has_probe_out=True)
        assert decided(EMERGENCY, probed, standings=(FRESH, AWAY))[0] is Action.AWAIT_PROBE

    def test_obeys_every_rule(self) -> None:
        spare = replace(EMERGENCY, backend=Backend.CLOUD)
        private = Question(private=True)
        assert decided(spare, question=private) == (Action.SKIP, "spare", Exclusion.PRIVATE)
        dear = replace(EMERGENCY, price_class=METERED)
        assert decided(dear, question=Question(allowed=FREE)) == (Action.SKIP, "spare", Exclusion.SPENDING)
        asked = Question(allowed=FREE, may_ask_for_more=True)
        assert decided(dear, question=asked) == (Action.CONSENT, "spare", None)

    def test_is_worth_an_early_probe_like_any_other(self) -> None:
        assert decided(opened(EMERGENCY), standings=[AWAY]) == (Action.PROBE_EARLY, "spare", None)


# Whatever happens

BACKENDS = st.sampled_from(Backend)
CLASSES = st.sampled_from(PriceClass)


@st.composite
def facts(draw: st.DrawFn, name: str) -> TierFacts:
    """What may be known of a tier; as a breaker would have it, its parts fit together."""
    state = draw(st.sampled_from(BreakerState))
    reason = None if state is CLOSED else draw(st.sampled_from(OpenReason))
    return TierFacts(
        name=name,
        backend=draw(BACKENDS),
        model=None,
        state=state,
        reason=reason,
        reopens_in_seconds=draw(st.none() | st.floats(0, 900)),
        may_be_probed_early=reason is not None and reason.may_be_probed_early,
        has_probe_out=state is HALF_OPEN and draw(st.booleans()),
        is_configured=draw(st.sampled_from([True, True, True, False])),
        embeds=draw(st.booleans()),
        context_tokens=draw(st.none() | st.integers(1, 4)),
        price_class=draw(CLASSES),
        is_emergency=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def questions(draw: st.DrawFn) -> Question:
    allowed = draw(CLASSES)
    return Question(
        private=draw(st.booleans()),
        embeds=draw(st.booleans()),
        too_short_tokens=draw(st.integers(0, 3)),
        has_time=draw(st.sampled_from([True, True, True, False])),
        allowed=allowed,
        may_ask_for_more=draw(st.booleans()),
        is_cap_reached=draw(st.booleans()),
    )


@dataclass
class Walk:
    """A query on its way, as the chain goes by the decisions; what happens to it is drawn."""

    data: st.DataObject
    question: Question
    tiers: list[TierFacts]
    standings: list[Standing]
    asked: list[str]
    consents: int = 0
    is_answered: bool = False

    def step(self) -> Decision:
        decision = decide(Situation(self.question, tuple(self.tiers), tuple(self.standings)))
        if decision.action is Action.GIVE_UP:
            return decision
        match decision.action:
            case Action.ASK | Action.PROBE_EARLY if self._chance("let through"):
                self._ask(decision.position)
            case Action.ASK | Action.SKIP:
                excluded = isinstance(decision.reason, Exclusion)
                self.standings[decision.position] = DONE if excluded else AWAY
            case Action.CONSENT:
                self._consent(decision.position)
            case Action.PROBE_EARLY | Action.AWAIT_PROBE:
                closed = decision.action is Action.AWAIT_PROBE and self._chance("well again")
                if closed:
                    self.tiers[decision.position] = replace(
                        self.tiers[decision.position], state=CLOSED, reason=None, has_probe_out=False
                    )
                else:
                    self.standings[decision.position] = DONE
        self._time_passes()
        return decision

    def _ask(self, position: int) -> None:
        tier = self.tiers[position]
        assert tier.name not in self.asked
        assert self.standings[position] is not DONE
        assert exclusion_of(self.question, tier) is None
        assert tier.is_configured
        assert tier.backend is Backend.LOCAL or not self.question.private
        assert tier.price_class.rank <= self.question.allowed.rank
        assert not (self.question.is_cap_reached and tier.price_class is METERED)
        assert self.question.has_time
        if tier.is_emergency:
            others = [its for its, other in zip(self.standings, self.tiers, strict=True) if not other.is_emergency]
            assert FRESH not in others
        self.asked.append(tier.name)
        self.standings[position] = DONE
        self.is_answered = self._chance("answered")
        if not self.is_answered and self._chance("too long"):
            tokens = tier.context_tokens or 0
            self.question = replace(self.question, too_short_tokens=max(self.question.too_short_tokens, tokens))

    def _consent(self, position: int) -> None:
        assert self.question.may_ask_for_more
        assert self.tiers[position].price_class.rank > self.question.allowed.rank
        self.consents += 1
        granted = self._chance("granted")
        allowed = self.tiers[position].price_class if granted else self.question.allowed
        self.question = replace(self.question, may_ask_for_more=False, allowed=allowed)
        if not granted:
            self.standings[position] = DONE

    def _time_passes(self) -> None:
        if self._chance("time is up"):
            self.question = replace(self.question, has_time=False)
        if self._chance("cap"):
            self.question = replace(self.question, is_cap_reached=True)
        if self._chance("news"):
            position = self.data.draw(st.integers(0, len(self.tiers) - 1), label="of")
            before = self.tiers[position]
            news = self.data.draw(facts(before.name), label="news")
            self.tiers[position] = replace(
                news, backend=before.backend, price_class=before.price_class, is_emergency=before.is_emergency
            )

    def _chance(self, label: str) -> bool:
        return self.data.draw(st.booleans(), label=label)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_happens_a_query_ends_and_breaks_no_rule(data: st.DataObject) -> None:
    """Nobody is asked twice, nobody who is excluded, nobody dearer without consent; and it comes to an end."""
    names = [f"tier-{number}" for number in range(data.draw(st.integers(1, 5), label="tiers"))]
    tiers = [data.draw(facts(name), label=name) for name in names]
    walk = Walk(data, data.draw(questions(), label="question"), tiers, [FRESH] * len(tiers), [])
    decisions: list[Decision] = []
    while not walk.is_answered and (not decisions or decisions[-1].action is not Action.GIVE_UP):
        decisions.append(walk.step())
        assert len(decisions) <= 4 * len(tiers) + 2, "it goes in circles"
    assert walk.consents <= 1
    if not walk.is_answered:
        untouched = [name for name, its in zip(names, walk.standings, strict=True) if its is FRESH]
        assert untouched == []


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_the_same_situation_always_leads_to_the_same_decision(data: st.DataObject) -> None:
    tiers = tuple(data.draw(facts(f"tier-{number}")) for number in range(data.draw(st.integers(0, 4))))
    standings = tuple(data.draw(st.sampled_from(Standing)) for _ in tiers)
    situation = Situation(data.draw(questions()), tiers, standings)
    decision = decide(situation)
    assert decide(situation) == decision
    if decision.action is not Action.GIVE_UP:
        assert standings[decision.position] is not DONE


# Deciding again


async def test_a_trace_that_was_written_down_leads_to_the_same_decisions_again() -> None:
    dead = ProviderTier("copilot", ScriptedProvider("Hello"), backend=Backend.COPILOT)
    dead.breaker.trip(OpenReason.QUOTA, open_seconds=600)
    failing = ProviderTier("openai", ScriptedProvider(ProviderFailure(FailureKind.TIMEOUT, "as the test wants it")))
    off = ProviderTier("azure", ScriptedProvider("Hello"), disabled="set a key")
    local = ProviderTier("ollama", ScriptedProvider("Good day"), backend=Backend.LOCAL)
    trace = await trace_of([dead, failing, off, local], replace(HELLO, timeout_seconds=5.0))
    again = replay(trace.steps)
    assert [(made.decision.action, made.is_same) for made in again] == [
        (Action.SKIP, True),
        (Action.ASK, True),
        (Action.SKIP, True),
        (Action.ASK, True),
    ]
    read = trace_read(json.dumps(asdict(trace)).encode())
    assert read == trace
    assert all(made.is_same for made in replay(read.steps))


async def test_a_decision_that_comes_out_otherwise_is_seen() -> None:
    trace = await trace_of([ProviderTier("openai", ScriptedProvider("Hello"))])
    altered = replace(trace.steps[0], decision=Decision(Action.SKIP, 0, OpenReason.OUTAGE))
    [made] = replay((altered,))
    assert not made.is_same
    assert made.decision.action is Action.ASK
