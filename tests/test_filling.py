"""Gaps in code go through the same chain as everything else, quicker and never dearer than they may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from typing_extensions import override

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, InvalidQuery, NoTierAnswered, ProviderFailure
from ai_gateway.fakes import FakeOllama, FakeOpenAI, Fault, OllamaModel
from ai_gateway.gateway import Gateway
from ai_gateway.messages.explained import explain_result
from ai_gateway.model import (
    Answer,
    Backend,
    BreakerState,
    Delta,
    Finish,
    FinishReason,
    Infill,
    Piece,
    PriceClass,
    Query,
    SpendRule,
)
from ai_gateway.pace import Paces
from ai_gateway.privacy.masking import Masker
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.ollama.provider import OllamaProvider
from ai_gateway.providers.openai.provider import OpenAIProvider
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.routing import Exclusion
from ai_gateway.tier import Deadlines, ProviderTier
from ai_gateway.trace import replay
from support.chains import HANG_SECONDS, HELLO, WaitingProvider, watch
from support.filling import GAP
from support.traces import trace_of

FILL = Query(GAP, dearest=PriceClass.INCLUDED, first_token_seconds=5.0, timeout_seconds=10.0)
SOON = 0.05
"""A limit that a silent provider reaches while the test waits."""


class Filler(ScriptedProvider):
    """Fills gaps by itself, and remembers them."""

    def __init__(self, *scripts: str) -> None:
        super().__init__(*scripts)
        self.filled: list[Infill] = []

    @override
    async def fill(self, given: Infill, model: str | None) -> AsyncGenerator[Piece, None]:
        self.filled.append(given)
        self.models_asked.append(model)
        yield Delta(given.prefix)
        yield Finish()


def local(provider: LLMProvider, *models: str) -> ProviderTier:
    return ProviderTier("home", provider, models, Backend.LOCAL)


async def fill(*tiers: ProviderTier, query: Query = FILL) -> Answer:
    async with asyncio.timeout(HANG_SECONDS):
        return (await watch(FailoverChain(tiers), query)).answer


async def reasons(*tiers: ProviderTier, query: Query = FILL) -> list[tuple[str, str | None]]:
    """Who was passed over, and why, where nobody answered."""
    seen = await watch(FailoverChain(tiers), query)
    assert isinstance(seen.error, NoTierAnswered)
    return [(attempt.provider, attempt.reason) for attempt in seen.error.attempts]


async def test_a_provider_that_knows_no_better_way_is_asked_in_a_chat() -> None:
    provider = ScriptedProvider("a + b")
    assert (await fill(local(provider))).content == "a + b"
    assert "<GAP/>" in provider.prompts[0].messages[-1].content
    assert provider.prompts[0].max_tokens == GAP.max_tokens


async def test_a_provider_may_fill_gaps_its_own_way() -> None:
    provider = Filler()
    assert (await fill(local(provider, "m"))).content == GAP.prefix
    assert provider.filled == [GAP]


async def test_a_model_of_its_own_may_fill_gaps_and_chats_are_not_asked_of_it() -> None:
    provider = Filler("hello")
    tier = ProviderTier("home", provider, ["chats"], Backend.LOCAL, completion_models=["codes"])
    await fill(tier)
    await watch(FailoverChain([tier]))
    assert provider.models_asked == ["codes", "chats"]


async def test_nothing_may_be_what_fits_and_is_no_failure() -> None:
    breaker = CircuitBreaker(1)
    tier = ProviderTier("home", ScriptedProvider(""), ["m"], Backend.LOCAL, breaker)
    answer = await fill(tier)
    assert (answer.content, answer.finish_reason, answer.attempts[0].reason) == ("", FinishReason.STOP, None)
    assert breaker.state is BreakerState.CLOSED


async def test_a_gap_with_nothing_around_it_is_not_asked() -> None:
    seen = await watch(FailoverChain([local(ScriptedProvider("x"))]), replace(FILL, prompt=Infill(" ", "\n")))
    assert isinstance(seen.error, InvalidQuery)


# Who is silent


async def test_a_silent_tier_is_left_for_the_next_and_nothing_is_held_against_it() -> None:
    silent, breaker = WaitingProvider(), CircuitBreaker(1)
    plan = ProviderTier("plan", silent, ["m"], Backend.COPILOT, breaker)
    answer = await fill(plan, local(ScriptedProvider("x")), query=replace(FILL, first_token_seconds=SOON))
    assert [(attempt.provider, attempt.reason) for attempt in answer.attempts] == [
        ("plan", FailureKind.DEADLINE),
        ("home", None),
    ]
    assert (breaker.state, silent.closed) == (BreakerState.CLOSED, 1)
    assert "first_token_seconds" in (plan.hint or "")


async def test_a_tier_that_has_begun_may_go_on() -> None:
    tier = WaitingProvider(Delta("be"), after=(Delta("gun"), Finish()))
    filling = asyncio.ensure_future(fill(local(tier), query=replace(FILL, first_token_seconds=SOON)))
    await asyncio.wait_for(tier.is_waiting.wait(), HANG_SECONDS)
    asyncio.get_running_loop().call_later(2 * SOON, tier.go_on.set)
    assert (await filling).content == "begun"


async def test_the_tiers_own_limit_still_counts_where_it_is_shorter() -> None:
    breaker = CircuitBreaker(1)
    tier = ProviderTier("home", WaitingProvider(), ["m"], Backend.LOCAL, breaker, Deadlines(SOON, SOON))
    assert await reasons(tier) == [("home", FailureKind.TIMEOUT)]
    assert breaker.state is BreakerState.OPEN


async def test_a_model_that_loads_is_left_too_and_goes_on_loading() -> None:
    async with FakeOllama(models=[OllamaModel(name="coder", capabilities=("completion", "insert"))]) as upstream:
        upstream.load = asyncio.Event()
        provider, breaker = OllamaProvider(base_url=upstream.base_url), CircuitBreaker(1)
        tier = ProviderTier("home", provider, ["coder"], Backend.LOCAL, breaker)
        quick = replace(FILL, first_token_seconds=SOON, timeout_seconds=4 * SOON)
        assert await reasons(tier, query=quick) == [("home", FailureKind.DEADLINE)]
        assert breaker.state is BreakerState.CLOSED
        await asyncio.wait_for(upstream.wait_for(lambda: upstream.loading is not None), HANG_SECONDS)
        upstream.load.set()
        assert (await fill(tier)).content == upstream.greeting
        assert (upstream.loads, upstream.aborted_loads) == (1, 0)
        await provider.aclose()


async def test_no_pace_is_learnt_from_gaps() -> None:
    paces = Paces(ceiling_seconds=20.0)
    await fill(ProviderTier("plan", ScriptedProvider("x"), ["m"], Backend.COPILOT, paces=paces))
    assert len(paces) == 0


# Money


@pytest.mark.parametrize("rule", SpendRule)
async def test_a_tier_that_costs_is_never_asked_by_default(rule: SpendRule) -> None:
    dear, query = ScriptedProvider("x"), replace(FILL, spend=rule)
    assert await reasons(ProviderTier("dear", dear), query=query) == [("dear", Exclusion.SPENDING)]
    assert dear.prompts == []
    assert (await fill(ProviderTier("dear", dear), local(ScriptedProvider("y")), query=query)).provider == "home"


@pytest.mark.parametrize(
    ("rule", "answers"), [(SpendRule.AUTO, "dear"), (SpendRule.ASK, None), (SpendRule.NEVER, None)]
)
async def test_a_tier_that_costs_may_be_allowed_as_far_as_the_spending_rule_allows_it(
    rule: SpendRule, answers: str | None
) -> None:
    """And the person is not asked about each letter."""
    broken = ScriptedProvider(ProviderFailure(FailureKind.SERVER, "broken"))
    tiers = local(broken), ProviderTier("dear", ScriptedProvider("x"))
    query = replace(FILL, spend=rule, dearest=PriceClass.METERED)
    if answers is not None:
        assert (await fill(*tiers, query=query)).provider == answers
    else:
        assert (await reasons(*tiers, query=query))[-1] == ("dear", Exclusion.SPENDING)


async def test_what_is_included_may_be_forbidden_too() -> None:
    plan = ProviderTier("plan", ScriptedProvider("x"), backend=Backend.COPILOT)
    query = replace(FILL, dearest=PriceClass.FREE)
    assert await reasons(plan, query=query) == [("plan", Exclusion.SPENDING)]
    assert (await fill(plan)).provider == "plan"


# Nobody waits


async def test_a_tier_that_is_open_is_not_probed_early_for_it() -> None:
    failing = ScriptedProvider(ProviderFailure(FailureKind.OVERLOADED, "full"))
    tier = local(failing)
    await watch(FailoverChain([tier]))
    asked = len(failing.prompts)
    assert await reasons(tier) == [("home", "outage")]
    assert len(failing.prompts) == asked
    await watch(FailoverChain([tier]))
    assert len(failing.prompts) == asked + 1


async def test_the_emergency_tier_is_not_bothered_with_it() -> None:
    spare = ScriptedProvider("x")
    down = ScriptedProvider(ProviderFailure(FailureKind.SERVER, "down"))
    tiers = [
        ProviderTier("plan", down, backend=Backend.COPILOT),
        ProviderTier("spare", spare, backend=Backend.LOCAL, is_emergency=True),
    ]
    assert ("spare", None) not in await reasons(*tiers)
    assert spare.prompts == []


# What is told of it


async def test_what_was_decided_comes_out_the_same_again() -> None:
    dear = ProviderTier("dear", ScriptedProvider("x"))
    trace = await trace_of([dear, local(ScriptedProvider("y"))], FILL)
    assert [step.situation.question.allowed for step in trace.steps] == [PriceClass.INCLUDED, PriceClass.INCLUDED]
    assert all(again.is_same for again in replay(trace.steps))
    assert (trace.asked.fills, trace.asked.messages, trace.asked.characters) == (True, 0, GAP.characters())
    told = explain_result(trace)
    assert told["asked"]["fills"]
    assert "a gap to fill" in told["page"]
    assert GAP.prefix not in str(told)


async def test_the_last_query_is_none_of_them_but_each_is_known_by_its_id() -> None:
    async with Gateway([local(ScriptedProvider("x"))]) as gateway:
        question = await gateway.query("hello")
        for _ in range(100):
            filled = (await watch_gateway(gateway, FILL)).query_id
        last, named = await gateway.explain(), await gateway.explain(filled)
    assert last is not None
    assert last.query_id == question.query_id
    assert named is not None
    assert named.asked.fills
    assert gateway.metrics().total_requests == 101


async def watch_gateway(gateway: Gateway, query: Query) -> Answer:
    found = [event async for event in gateway.stream(query) if isinstance(event, Answer)]
    return found[0]


async def test_gaps_are_not_kept_as_answers_nor_shared() -> None:
    provider = ScriptedProvider("one", "two")
    async with Gateway([local(provider)]) as gateway:
        answers = [(await watch_gateway(gateway, FILL)).content for _ in range(2)]
    assert answers == ["one", "two"]


# Secrets


async def test_secrets_around_the_gap_are_masked_and_come_back_in_what_fills_it() -> None:
    secret = "ghp_" + "a1B2" * 9
    provider = Filler()
    given = Infill(f"token = '{secret}'\n", f"\nx = '{secret}'", language_id="python")
    chain = FailoverChain([ProviderTier("plan", provider, backend=Backend.COPILOT)], masker=Masker(b"key"))
    seen = await watch(chain, replace(FILL, prompt=given))
    [sent] = provider.filled
    assert secret not in sent.prefix + sent.suffix
    assert (sent.language_id, seen.text) == ("python", given.prefix)


# On the wire


async def test_a_model_that_only_fills_gaps_is_asked_through_the_chain() -> None:
    async with FakeOpenAI(text_models=["coder"]) as upstream:
        upstream.reply("a + b")
        provider = OpenAIProvider("key", base_url=upstream.base_url)
        tier = ProviderTier("plan", provider, ["chats"], price=PriceClass.INCLUDED, completion_models=["coder"])
        answer = await fill(tier)
        upstream.fault(Fault.status(500), times=None)
        await reasons(tier)
        await provider.aclose()
    assert (answer.content, answer.model) == ("a + b", "coder")
    assert {request.path for request in upstream.requests} == {"/v1/completions"}


async def test_hello_is_asked_as_ever() -> None:
    assert (await watch(FailoverChain([local(Filler("hi"))]), HELLO)).text == "hi"
