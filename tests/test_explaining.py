"""The page about one query, as a person reads it: made of traces that real chains and gateways left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.explaining.page import page_of
from ai_gateway.failures import FailureKind, NoTierAnswered, OpenReason, ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.model import (
    Backend,
    BreakerState,
    Delta,
    EmbeddingInput,
    Finish,
    FinishReason,
    Message,
    Prompt,
    Query,
    SpendRule,
    Usage,
)
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.scripted import ScriptedProvider, Step
from ai_gateway.reasons import SAID
from ai_gateway.routing import Action, Decision, Exclusion
from ai_gateway.spending.consents import NoConsent
from ai_gateway.tier import ProviderTier
from ai_gateway.trace import Trace
from support.chains import HANG_SECONDS, HELLO, WaitingProvider
from support.fake_clock import FakeClock
from support.traces import SlowProvider, trace_of

BACKENDS = {"copilot": Backend.COPILOT, "ollama": Backend.LOCAL}
ADDRESSES = {"openai": "https://api.openai.com/v1", "ollama": "http://127.0.0.1:11434"}
UNREACHED = (
    "- 5 characters to work at an address that its own code knows, twice; "
    "the connection failed, so they may not have arrived"
)
SECRET = "my innermost thought"
ANSWERED = (Delta("It is"), Delta(" 42"), Finish(usage=Usage(1300, 45), cost_usd=0.0003))


def tier(name: str, clock: FakeClock, *scripts: str | BaseException | Sequence[Step], model: str = "m") -> ProviderTier:
    return of(name, clock, ScriptedProvider(*scripts), model)


def slow(name: str, clock: FakeClock, seconds: float, *scripts: str | BaseException | Sequence[Step]) -> ProviderTier:
    return of(name, clock, SlowProvider(clock, seconds, *scripts), "m")


def of(name: str, clock: FakeClock, provider: LLMProvider, model: str) -> ProviderTier:
    breaker = CircuitBreaker(clock=clock)
    backend = BACKENDS.get(name, Backend.CLOUD)
    return ProviderTier(name, provider, [model], backend, breaker, base_url=ADDRESSES.get(name))


def section(page: str, title: str) -> str:
    """What stands under a heading."""
    return page.partition(f"## {title}\n\n")[2].partition("\n\n")[0]


def happened(page: str) -> list[str]:
    return [line.removeprefix("- ") for line in section(page, "What happened").splitlines()]


def paragraphs(page: str) -> list[str]:
    return page.split("\n\n")


def failed(kind: FailureKind, detail: str = "what happened") -> ProviderFailure:
    return ProviderFailure(kind, detail)


async def test_it_begins_with_who_answered_how_long_it_took_and_what_it_cost(clock: FakeClock) -> None:
    page = page_of(await trace_of([slow("openai", clock, 0.8, ANSWERED)], clock=clock))
    assert page.startswith("# openai (m) answered in 2.4 s, for $0.0003\n")


async def test_what_this_machine_does_itself_is_said_to_cost_nothing(clock: FakeClock) -> None:
    page = page_of(await trace_of([slow("ollama", clock, 0.8, "yes")], clock=clock))
    assert page.startswith("# ollama (m) answered in 1.6 s, at no cost\n")
    assert happened(page)[-1].endswith("written, at no cost")


async def test_then_comes_why_nobody_answered_who_was_to_be_asked_before(clock: FakeClock) -> None:
    copilot, openai = tier("copilot", clock), tier("openai", clock, failed(FailureKind.TIMEOUT))
    copilot.breaker.trip(OpenReason.RATE, open_seconds=240)
    page = page_of(await trace_of([copilot, openai, tier("ollama", clock, "yes")], clock=clock))
    assert paragraphs(page)[1] == (
        "**Passed over:** copilot, which wants no more requests for now; openai (m), which took too long."
    )


async def test_the_way_there_is_told_step_by_step_with_times(clock: FakeClock) -> None:
    copilot = tier("copilot", clock)
    copilot.breaker.trip(OpenReason.RATE, open_seconds=240)
    openai = slow("openai", clock, 0.4, failed(FailureKind.SERVER, "HTTP 500"), ANSWERED)
    page = page_of(await trace_of([copilot, openai], clock=clock))
    assert happened(page) == [
        "`+0.0 s` the query came: 1 message, 5 characters",
        "`+0.0 s` the cache was not looked at",
        "`+0.0 s` skipped **copilot**: it wants no more requests for now (`rate`), to be asked again in 4 min",
        "`+0.0 s` asked **openai (m)** at api.openai.com, sending 5 characters",
        "`+0.4 s` it failed (`server`): HTTP 500; asked again at once",
        "`+0.8 s` its first words came",
        "`+1.6 s` it has answered: 1,300 tokens read, 45 written, $0.0003",
    ]


async def test_a_wait_before_the_second_call_is_told(clock: FakeClock) -> None:
    limited = ProviderFailure(FailureKind.RATE_LIMIT, "HTTP 429", retry_after_seconds=1.5)
    page = page_of(await trace_of([slow("openai", clock, 0.1, limited, ANSWERED)], clock=clock))
    assert "`+0.1 s` it failed (`rate_limit`): HTTP 429; asked again after 1.5 s" in happened(page)


async def test_what_is_over_in_less_than_a_second_is_told_in_milliseconds(clock: FakeClock) -> None:
    page = page_of(await trace_of([slow("openai", clock, 0.0102, [Delta("hi"), Finish()])], clock=clock))
    assert page.startswith("# openai (m) answered in 20 ms\n")
    assert happened(page)[-2:] == [
        "`+10 ms` its first words came",
        "`+20 ms` it has answered: about 2 tokens read, 1 written, cost unknown",
    ]


async def test_text_that_was_taken_back_is_told_of(clock: FakeClock) -> None:
    openai = slow("openai", clock, 0.5, [Delta("It"), failed(FailureKind.STREAM_BROKEN, "it was cut")])
    page = page_of(await trace_of([openai, tier("ollama", clock, "yes")], clock=clock))
    assert "`+1.0 s` what it had said was taken back" in happened(page)


async def test_each_tier_is_shown_as_it_was_at_that_moment_and_what_came_of_it(clock: FakeClock) -> None:
    copilot, azure = tier("copilot", clock), tier("azure", clock)
    azure.disabled = "set a key"
    copilot.breaker.trip(OpenReason.QUOTA, open_seconds=7200)
    tried = tier("openai", clock, "yes")
    tried.breaker.trip(open_seconds=0)
    last = tier("ollama", clock)
    last.is_emergency = True
    page = page_of(await trace_of([copilot, azure, tried, last], clock=clock))
    assert section(page, "Who could have answered").splitlines() == [
        "1. **copilot (m)**, included: skipped (`quota`); its breaker was open (`quota`, for 2 h)",
        "2. **azure (m)**, metered: skipped (`not_configured`)",
        "3. **openai (m)**, metered: answered; its breaker was half-open",
        "4. **ollama (m)**, free, for emergencies: not needed; its breaker was closed",
    ]
    assert any("as the one call that shows whether it is well again" in line for line in happened(page))


async def test_where_the_prompt_went_is_said_with_how_much_of_it(clock: FakeClock) -> None:
    openai = tier("openai", clock, failed(FailureKind.SERVER))
    broken = tier("work", clock, failed(FailureKind.NETWORK))
    signed_out = tier("copilot", clock, failed(FailureKind.SIGNED_OUT))
    page = page_of(await trace_of([openai, broken, signed_out, tier("ollama", clock, "yes")], clock=clock))
    assert section(page, "Where the prompt went").splitlines() == [
        "- 5 characters to openai at api.openai.com, twice",
        UNREACHED,
        "- 5 characters to ollama on this machine",
    ]


async def test_a_private_query_says_why_it_is_one_and_that_nothing_left_the_machine(clock: FakeClock) -> None:
    gateway = Gateway([tier("openai", clock), tier("ollama", clock, "yes")], clock=clock)
    await gateway.query("hi", private=True)
    page = await explained(gateway)
    assert section(page, "Where the prompt went").splitlines() == [
        "- nothing left this machine",
        "- 2 characters to ollama on this machine",
        "- only local tiers may see this query: the query says so",
    ]
    assert "**Passed over:** openai, which is not local, and the query is private." in paragraphs(page)


async def test_masked_secrets_are_counted(clock: FakeClock) -> None:
    trace = replace(await trace_of([tier("openai", clock, "yes")], clock=clock), masked=2)
    assert "- 2 secrets were replaced by placeholders before anything left this machine" in page_of(trace)


async def test_where_nobody_answered_it_says_why_and_what_to_do(clock: FakeClock) -> None:
    gateway = Gateway([tier("ollama", clock, failed(FailureKind.NETWORK, "connection refused"))], clock=clock)
    with pytest.raises(NoTierAnswered) as raised:
        await gateway.query("hi")
    page = await explained(gateway)
    assert page.startswith("# Nobody answered, after ")
    assert paragraphs(page)[1:3] == [
        "**Why:** ollama (m) could not be reached.",
        f"**What to do:** {raised.value.hint}",
    ]
    assert happened(page)[-1].endswith("nobody is left to ask")


async def test_a_refusal_names_who_refused(clock: FakeClock) -> None:
    openai = tier("openai", clock, failed(FailureKind.CONTENT_FILTER))
    page = page_of(await trace_of([openai, tier("ollama", clock, "yes")], clock=clock))
    assert page.startswith("# openai refused the query, after ")
    assert "2. **ollama (m)**, free: not needed; its breaker was closed" in page


async def test_a_query_that_could_not_be_asked_is_told_of_as_well(clock: FakeClock) -> None:
    gateway = Gateway([tier("openai", clock)], clock=clock)
    with pytest.raises(Exception, match="empty"):
        await gateway.query(" ")
    page = await explained(gateway)
    assert page.startswith("# Nobody was asked: the gateway refused the query")
    assert "**What to do:** the prompt is empty" in page


async def test_a_cancelled_query_says_whom_it_was_waiting_for(clock: FakeClock) -> None:
    waiting = WaitingProvider()
    gateway = Gateway([of("openai", clock, waiting, "m")], clock=clock)
    asking = asyncio.ensure_future(gateway.query("hi"))
    async with asyncio.timeout(HANG_SECONDS):
        await waiting.is_waiting.wait()
        clock.advance(5)
        asking.cancel()
        await asyncio.wait([asking])
    page = await explained(gateway)
    assert page.startswith("# Cancelled after 5.0 s")
    assert happened(page)[-2:] == ["`+5.0 s` it was left before it had answered", "`+5.0 s` the query was cancelled"]


async def test_an_answer_from_the_cache_says_how_old_it_is_and_who_gave_it(clock: FakeClock) -> None:
    gateway = Gateway([tier("openai", clock, "yes")], clock=clock)
    await gateway.query("hi")
    clock.advance(720)
    await gateway.query("hi")
    page = await explained(gateway)
    assert page.startswith("# From the cache, in under 1 ms: the answer that openai (m) gave 12 min ago\n")
    assert happened(page)[-1].endswith("the cache has a fresh answer")
    assert section(page, "Where the prompt went") == "- nothing left this machine"


async def test_an_old_answer_says_that_nobody_could_give_a_new_one(clock: FakeClock) -> None:
    down = tier("openai", clock, "yes", failed(FailureKind.QUOTA))
    gateway = Gateway([down], cache_ttl_seconds=60, clock=clock)
    await gateway.query("hi")
    clock.advance(7200)
    assert (await gateway.query("hi")).stale
    page = await explained(gateway)
    assert "openai (m) gave it 2 h ago, and nobody could give a new one\n" in page.partition("\n\n")[0] + "\n"
    assert "the cache has only an old answer" in happened(page)[1]
    assert happened(page)[-1].endswith("the old answer was given")


async def test_a_query_that_shared_a_call_names_the_one_that_made_it(clock: FakeClock) -> None:
    waiting = WaitingProvider()
    gateway = Gateway([of("openai", clock, waiting, "m")], clock=clock)
    asking = [asyncio.ensure_future(gateway.query("hi")) for _ in range(2)]
    async with asyncio.timeout(HANG_SECONDS):
        await waiting.is_waiting.wait()
        await asyncio.sleep(0)
        waiting.go_on.set()
        first, second = await asyncio.gather(*asking)
    assert waiting.calls == 1
    page = await explained(gateway, second.query_id)
    assert "together with the same query that was asked before\n" in page.partition("\n\n")[0] + "\n"
    assert first.query_id in happened(page)[1]
    assert happened(page)[-1].endswith("that answer came")
    assert first.query_id in section(page, "Where the prompt went")


async def test_an_escalation_tells_who_asked_for_whom(clock: FakeClock) -> None:
    weak, strong = tier("openai", clock, "[ESCALATE]", model="weak"), tier("openai", clock, "yes", model="strong")
    query = Query(HELLO.prompt, escalate=True)
    page = page_of(await trace_of([weak], query, clock=clock, escalation=[strong]))
    assert page.startswith("# openai (strong) answered")
    assert "**Passed over:** openai (weak), which asked for a stronger model." in paragraphs(page)
    assert any(line.endswith("it asked for a stronger model") for line in happened(page))
    assert "1. **openai (weak)**, metered: answered (`escalated`); its breaker was closed" in page
    assert "2. **openai (strong)**, metered: answered; its breaker was closed" in page


async def test_a_tier_that_costs_more_than_is_allowed_is_told_of(clock: FakeClock) -> None:
    copilot = tier("copilot", clock)
    copilot.breaker.trip(OpenReason.QUOTA, open_seconds=60)
    query = replace(HELLO, spend=SpendRule.NEVER)
    page = page_of(
        await trace_of([copilot, tier("openai", clock, "yes"), tier("ollama", clock, "y")], query, clock=clock)
    )
    assert "openai, which costs more than the spending rule allows" in page
    assert "spend never" in happened(page)[0]


async def test_a_question_to_the_person_and_their_reply_are_told(clock: FakeClock) -> None:
    copilot = tier("copilot", clock)
    copilot.breaker.trip(OpenReason.QUOTA, open_seconds=60)
    query = replace(HELLO, spend=SpendRule.ASK)
    page = page_of(
        await trace_of([copilot, tier("openai", clock, "yes"), tier("ollama", clock, "y")], query, clock=clock)
    )
    [line] = [line for line in happened(page) if "asked the person" in line]
    assert "whether **openai** may answer, which is metered: no: it costs more, and nobody could be asked" in line


async def test_a_probe_before_its_time_says_that_nobody_else_was_left(clock: FakeClock) -> None:
    openai = tier("openai", clock, "yes")
    openai.breaker.trip(OpenReason.OUTAGE, open_seconds=60)
    page = page_of(await trace_of([openai], clock=clock), replayed=True)
    assert any("though it has an outage: nobody else is left" in line for line in happened(page))
    assert "ask early openai (m): the same" in page


async def test_an_answer_that_was_cut_short_says_so(clock: FakeClock) -> None:
    cut = tier("openai", clock, [Delta("so far"), Finish(FinishReason.LENGTH)])
    assert "**Cut short:**" in page_of(await trace_of([cut], clock=clock))


async def test_embeddings_are_told_of_as_texts(clock: FakeClock) -> None:
    query = Query(EmbeddingInput(("one", "two")))
    page = page_of(await trace_of([tier("openai", clock)], query, clock=clock))
    assert happened(page)[0].endswith("the query came: 2 texts to embed, 6 characters")
    assert "openai makes no embeddings" in page


async def test_what_was_asked_for_is_told_and_nothing_of_the_prompt_is_in_it(clock: FakeClock) -> None:
    prompt = Prompt((Message("system", SECRET), Message("user", SECRET)))
    query = Query(prompt, backend=Backend.CLOUD, provider="openai", model="m", timeout_seconds=60)
    page = page_of(await trace_of([tier("openai", clock, f"about {SECRET}")], query, clock=clock), replayed=True)
    assert "2 messages, 40 characters; backend cloud; provider openai; model m; at most 60 s" in happened(page)[0]
    assert SECRET not in page


async def test_names_that_others_chose_are_nothing_but_text(clock: FakeClock) -> None:
    name = "a|b\n[click](command:evil) `<img>` \x1b[31m"
    page = page_of(await trace_of([tier(name, clock, "x")], clock=clock))
    assert "\x1b" not in page
    assert page.startswith(r"# a\|b \[click\](command:evil) \`\<img\>\` \[31m (m) answered")


async def test_what_an_upstream_calls_its_model_is_only_kept_where_it_is_a_name(clock: FakeClock) -> None:
    finish = Finish(model=f"you said: {SECRET}")
    trace = await trace_of([tier("openai", clock, [Delta("x"), finish])], clock=clock)
    assert trace.given is not None
    assert trace.given.model == "m"
    assert SECRET not in repr(trace)


async def test_the_last_line_names_the_query_and_when_it_was_asked(clock: FakeClock) -> None:
    trace = await trace_of([tier("openai", clock, "yes")], clock=clock)
    asked_at = time.strftime("%Y-%m-%d at %H:%M:%S", time.localtime(trace.asked_at))
    assert paragraphs(page_of(trace))[-1] == (
        f"Query `{trace.query_id}`, asked on {asked_at}."
        f" To see every decision made again: `ai-gateway explain --replay {trace.query_id}`\n"
    )


async def test_decisions_made_again_come_out_the_same(clock: FakeClock) -> None:
    copilot = tier("copilot", clock)
    copilot.breaker.trip(OpenReason.RATE, open_seconds=240)
    page = page_of(await trace_of([copilot, tier("openai", clock, "yes")], clock=clock), replayed=True)
    assert "On what was known then, every decision comes out today as it did." in paragraphs(page)
    assert page.count(": the same") == 2


async def test_a_decision_that_comes_out_otherwise_is_shown_with_both(clock: FakeClock) -> None:
    trace = await trace_of([tier("copilot", clock, "yes"), tier("openai", clock)], clock=clock)
    [step] = trace.steps
    other = replace(step, decision=Decision(Action.SKIP, 0, OpenReason.RATE))
    page = page_of(replace(trace, steps=(other,)), replayed=True)
    assert "On what was known then, 1 of 1 decisions come out otherwise today." in paragraphs(page)
    assert "skip copilot (m) (`rate`): **today** ask copilot (m)" in page


async def test_nothing_was_to_be_decided_for_an_answer_from_the_cache(clock: FakeClock) -> None:
    gateway = Gateway([tier("openai", clock, "yes")], clock=clock)
    await gateway.query("hi")
    await gateway.query("hi")
    trace = await gateway.explain()
    assert trace is not None
    assert "There was nothing to decide" in page_of(trace, replayed=True)


async def test_a_tier_that_a_drill_let_fail_is_told_apart(clock: FakeClock) -> None:
    copilot = tier("copilot", clock, failed(FailureKind.OVERLOADED))
    copilot.is_rehearsal = True
    page = page_of(await trace_of([copilot, tier("openai", clock, "yes")], clock=clock))
    [line] = [line for line in happened(page) if "drill" in line]
    assert "asked **copilot (m)**" in line


def test_every_reason_that_there_is_has_words_for_a_person() -> None:
    reasons = {*OpenReason, *FailureKind, *Exclusion, *NoConsent}
    assert reasons <= SAID.keys()


def test_a_forced_breaker_is_told_of() -> None:
    clock = FakeClock()
    copilot = tier("copilot", clock)
    copilot.breaker.force(BreakerState.OPEN, seconds=1800)
    trace = asyncio.run(trace_of([copilot, tier("openai", clock, "yes")], clock=clock))
    assert "copilot, which is kept out by hand" in page_of(trace)


async def explained(gateway: Gateway, query_id: str | None = None) -> str:
    trace: Trace | None = await gateway.explain(query_id)
    assert trace is not None
    return page_of(trace)
