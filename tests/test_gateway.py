from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

import pytest

from ai_gateway import __version__
from ai_gateway.config import load_settings
from ai_gateway.failures import (
    FailureKind,
    GatewayClosed,
    GatewayError,
    InvalidQuery,
    NoTierAnswered,
    OpenReason,
    ProviderFailure,
    QueryRefused,
    SettingsError,
)
from ai_gateway.fakes import FakeCopilot, FakeOllama, FakeOpenAI, Fault
from ai_gateway.gateway import Gateway
from ai_gateway.health import HealthStatus, recommended_local_model
from ai_gateway.model import (
    Answer,
    Backend,
    BreakerState,
    CacheMode,
    Delta,
    Event,
    Finish,
    FinishReason,
    LLMResponse,
    Message,
    Outcome,
    Piece,
    Query,
    Started,
    Usage,
)
from ai_gateway.options import QueryOptions, query_of
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.openai.provider import OpenAIProvider
from ai_gateway.providers.scripted import ScriptedProvider, Step
from ai_gateway.tier import ProviderTier
from support.asking import all_texts_of
from support.chains import HANG_SECONDS, WaitingProvider
from support.fake_clock import FakeClock
from support.raw_server import RawServer, response
from support.threads import in_a_thread

SERVER = ProviderFailure(FailureKind.SERVER, "HTTP 500")
ANSWER = b'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def tier(
    name: str, *scripts: str | BaseException, backend: Backend = Backend.CLOUD, models: Sequence[str] = ()
) -> ProviderTier:
    return ProviderTier(name, ScriptedProvider(*(scripts or (f"from {name}",))), models, backend)


def calls(of: ProviderTier) -> int:
    assert isinstance(of.provider, ScriptedProvider)
    return len(of.provider.prompts)


async def test_a_query_is_answered_with_its_provenance() -> None:
    async with Gateway([tier("a", "hello there", models=["m"])]) as gateway:
        answer = await gateway.query("hi", system="Be brief", temperature=0.5)
    assert (answer.content, answer.provider, answer.backend, answer.model) == ("hello there", "a", Backend.CLOUD, "m")
    assert (answer.cached, answer.stale, answer.age_seconds) == (False, False, None)
    assert [(attempt.provider, attempt.outcome) for attempt in answer.attempts] == [("a", Outcome.ANSWERED)]


async def test_a_prompt_may_be_a_conversation() -> None:
    a = tier("a")
    async with Gateway([a]) as gateway:
        await gateway.query([Message("user", "one"), {"role": "assistant", "content": "two"}], system="S")
    assert isinstance(a.provider, ScriptedProvider)
    [prompt] = a.provider.prompts
    assert [(message.role, message.content) for message in prompt.messages] == [
        ("system", "S"),
        ("user", "one"),
        ("assistant", "two"),
    ]


async def test_the_same_query_is_answered_from_the_cache(clock: FakeClock) -> None:
    a = tier("a", "one", "two")
    gateway = Gateway([a], clock=clock)
    first = await gateway.query("hi")
    clock.advance(10)
    again = await gateway.query("hi")
    assert calls(a) == 1
    assert (again.content, again.provider, again.model) == (first.content, "a", None)
    assert (again.cached, again.stale, again.age_seconds, again.cost_usd) == (True, False, 10, 0)
    assert again.attempts == ()
    assert again.query_id != first.query_id


@pytest.mark.parametrize(
    "options",
    [
        QueryOptions(temperature=0.1),
        QueryOptions(max_tokens=5),
        QueryOptions(stop="X"),
        QueryOptions(system="S"),
        QueryOptions(response_format={"type": "json_object"}),
        QueryOptions(tools=[{"name": "add"}]),
        QueryOptions(model="m"),
        QueryOptions(backend="cloud"),
        QueryOptions(provider="a"),
        QueryOptions(escalate=True),
    ],
    ids=lambda options: next(iter(options)),
)
async def test_whatever_shapes_an_answer_makes_another_query(options: QueryOptions) -> None:
    a = tier("a", models=["m"])
    gateway = Gateway([a])
    await gateway.query("hi")
    assert not (await gateway.query("hi", **options)).cached
    assert (await gateway.query("hi", **options)).cached


async def test_limits_do_not_make_another_query() -> None:
    gateway = Gateway([tier("a")])
    await gateway.query("hi")
    assert (await gateway.query("hi", timeout_seconds=5, ttl_seconds=5)).cached


@pytest.mark.parametrize(
    ("mode", "is_read", "is_written"),
    [
        ("on", True, True),
        (True, True, True),
        (CacheMode.ON, True, True),
        ("off", False, False),
        (False, False, False),
        ("read", True, False),
        ("refresh", False, True),
    ],
)
async def test_a_query_says_how_it_uses_the_cache(
    mode: CacheMode | str | bool, is_read: bool, is_written: bool
) -> None:
    gateway = Gateway([tier("a")])
    await gateway.query("old")
    assert (await gateway.query("old", cache=mode)).cached is is_read
    await gateway.query("new", cache=mode)
    assert (await gateway.query("new")).cached is is_written


async def test_an_answer_is_fresh_for_its_own_time_or_the_usual_one(clock: FakeClock) -> None:
    gateway = Gateway([tier("a")], cache_ttl_seconds=100, clock=clock)
    await gateway.query("usual")
    await gateway.query("short", ttl_seconds=10)
    await gateway.query("long", ttl_seconds=1000)
    clock.advance(50)
    assert [(await gateway.query(prompt)).cached for prompt in ("usual", "short", "long")] == [True, False, True]
    clock.advance(50)
    assert [(await gateway.query(prompt)).cached for prompt in ("usual", "long")] == [False, True]


async def test_a_gateway_may_keep_nothing() -> None:
    a = tier("a")
    gateway = Gateway([a], cache_enabled=False)
    for _ in range(2):
        assert not (await gateway.query("hi", cache="on")).cached
    assert calls(a) == 2


async def test_a_gateway_keeps_so_many_answers() -> None:
    gateway = Gateway([tier("a")], cache_max_entries=1)
    await gateway.query("one")
    await gateway.query("two")
    assert [(await gateway.query(prompt)).cached for prompt in ("two", "one")] == [True, False]


async def test_a_cached_answer_streams_like_any_other() -> None:
    gateway = Gateway([tier("a", "one two")])
    query = query_of("hi")
    await gateway.query("hi")
    events = [event async for event in gateway.stream(query)]
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "one two"
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Answer)


async def test_when_nobody_answers_an_old_answer_is_better_than_none(clock: FakeClock) -> None:
    a = tier("a", "old", SERVER)
    gateway = Gateway([a], cache_ttl_seconds=100, clock=clock)
    await gateway.query("hi")
    clock.advance(150)
    answer = await gateway.query("hi")
    assert (answer.content, answer.cached, answer.stale, answer.age_seconds) == ("old", True, True, 150)
    assert [(attempt.outcome, attempt.reason) for attempt in answer.attempts] == [(Outcome.FAILED, FailureKind.SERVER)]
    with pytest.raises(NoTierAnswered):
        await gateway.query("hi", cache="refresh")
    with pytest.raises(NoTierAnswered):
        await gateway.query("hi", cache="off")
    with pytest.raises(NoTierAnswered):
        await gateway.query("another")


async def test_a_refused_query_gets_no_old_answer(clock: FakeClock) -> None:
    refusal = ProviderFailure(FailureKind.CONTENT_FILTER, "HTTP 400")
    gateway = Gateway([tier("a", "old", refusal)], cache_ttl_seconds=100, clock=clock)
    await gateway.query("hi")
    clock.advance(150)
    with pytest.raises(QueryRefused) as raised:
        await gateway.query("hi")
    assert raised.value.kind is FailureKind.CONTENT_FILTER


async def test_a_private_query_reaches_local_tiers_only_and_has_answers_of_its_own() -> None:
    cloud, local = tier("a"), tier("b", backend=Backend.LOCAL)
    gateway = Gateway([cloud, local])
    assert (await gateway.query("hi")).provider == "a"
    answer = await gateway.query("hi", private=True)
    assert (answer.provider, answer.cached) == ("b", False)
    assert (await gateway.query("hi", private=True)).cached
    assert calls(cloud) == 1
    with pytest.raises(NoTierAnswered, match="private"):
        await Gateway([cloud]).query("hi", private=True)
    assert calls(cloud) == 1


@pytest.mark.parametrize(
    ("options", "provider"),
    [
        (QueryOptions(), "a"),
        (QueryOptions(backend="local"), "b"),
        (QueryOptions(backend=Backend.LOCAL), "b"),
        (QueryOptions(provider="b"), "b"),
        (QueryOptions(model="m-b"), "b"),
        (QueryOptions(provider="b", model="anything"), "b"),
    ],
)
async def test_a_query_may_choose_who_is_asked(options: QueryOptions, provider: str) -> None:
    gateway = Gateway([tier("a", models=["m-a"]), tier("b", models=["m-b"], backend=Backend.LOCAL)])
    answer = await gateway.query("hi", **options)
    assert (answer.provider, answer.model) == (provider, options.get("model") or f"m-{provider}")


@pytest.mark.parametrize("without", ["a", ["a"], ["a", "nobody"], ["nobody", "a", "a"]])
async def test_a_query_may_leave_providers_out(without: str | list[str]) -> None:
    gateway = Gateway([tier("a"), tier("b", backend=Backend.LOCAL)])
    answer = await gateway.query("hi", without=without)
    assert [(one.provider, one.reason) for one in answer.attempts] == [("a", "left_out"), ("b", None)]
    assert (await gateway.query("hi")).cached  # it is the same question
    with pytest.raises(NoTierAnswered) as raised:
        await gateway.query("ho", provider="a", without=without)
    assert str(raised.value) == "no tier answered: a is left out by the query"
    assert raised.value.hint.startswith("the query leaves a out")


async def test_a_query_that_leaves_a_provider_out_waits_for_none_that_does_not() -> None:
    waiting = WaitingProvider()
    gateway = Gateway([ProviderTier("a", waiting), tier("b")])
    first = asyncio.create_task(gateway.query("hi"))
    await asyncio.wait_for(waiting.is_waiting.wait(), HANG_SECONDS)
    assert (await asyncio.wait_for(gateway.query("hi", without="a"), HANG_SECONDS)).provider == "b"
    waiting.go_on.set()
    assert (await first).provider == "a"


async def test_a_choice_that_leaves_nobody_says_who_there_is() -> None:
    gateway = Gateway([tier("a", models=["m"])])
    with pytest.raises(InvalidQuery, match="nobody") as raised:
        await gateway.query("hi", provider="nobody")
    assert raised.value.field == "provider"
    with pytest.raises(InvalidQuery):
        await Gateway().query("hi")


@pytest.mark.parametrize(
    ("prompt", "options", "words"),
    [
        ("", {}, "empty"),
        (" \n", {}, "empty"),
        ([], {}, "empty"),
        ([{"role": "user", "content": " "}], {}, "empty"),
        ([{"role": "robot", "content": "x"}], {}, "'role' is one of"),
        ([{"role": "user", "content": 5}], {}, "'content' is text"),
        ("x", {"temprature": 1}, "unknown option 'temprature'"),
        ("x", {"backend": "clod"}, "'clod'"),
        ("x", {"cache": "maybe"}, "'maybe'"),
        ("x", {"tools": [{}]}, "a tool needs a 'name'"),
    ],
)
async def test_a_malformed_query_is_refused_before_anybody_is_asked(
    prompt: str | list[Mapping[str, object]], options: dict[str, object], words: str
) -> None:
    a = tier("a")
    with pytest.raises(InvalidQuery, match=words):
        await Gateway([a]).query(prompt, **options)  # type: ignore[arg-type]  # it is the point
    assert calls(a) == 0


def test_loose_parts_become_a_query() -> None:
    query = query_of("hi", model="m", private=True, cache=False, ttl_seconds=5, timeout_seconds=6, escalate=True)
    assert (query.model, query.private, query.cache, query.escalate) == ("m", True, CacheMode.OFF, True)
    assert (query.ttl_seconds, query.timeout_seconds) == (5, 6)


async def test_the_gateways_own_limit_holds_for_queries_without_one() -> None:
    waiting = WaitingProvider()
    gateway = Gateway([ProviderTier("a", waiting)], timeout_seconds=0.05)
    with pytest.raises(NoTierAnswered) as raised:
        await asyncio.wait_for(gateway.query("hi"), HANG_SECONDS)
    assert raised.value.attempts[0].reason == FailureKind.DEADLINE


async def test_a_querys_own_limit_comes_before_the_gateways() -> None:
    gateway = Gateway([ProviderTier("a", WaitingProvider())], timeout_seconds=HANG_SECONDS)
    with pytest.raises(NoTierAnswered) as raised:
        await asyncio.wait_for(gateway.query("hi", timeout_seconds=0.05), HANG_SECONDS)
    assert raised.value.attempts[0].reason == FailureKind.DEADLINE


async def test_a_stronger_model_takes_over_when_one_asks_for_it() -> None:
    weak, strong = tier("weak", "[ESCALATE]"), tier("strong", "done")
    gateway = Gateway([weak], escalation=[strong])
    answer = await gateway.query("hi", escalate=True)
    assert (answer.content, answer.provider) == ("done", "strong")


class Dollars:
    """A dollar for each token."""

    def cost_usd(self, model: str, usage: Usage) -> float:
        del model
        return float(usage.input_tokens + usage.output_tokens)


async def test_only_the_answer_is_billed_and_to_whom_it_is_from() -> None:
    counted = Finish(FinishReason.STOP, Usage(3, 4))
    cut = ProviderFailure(FailureKind.STREAM_BROKEN, "cut")
    scripts: dict[str, Sequence[Step]] = {"broken": [Delta("half"), cut], "weak": [Delta("[ESCALATE]"), counted]}
    tiers = [ProviderTier(name, ScriptedProvider(script), ["m"], prices=Dollars()) for name, script in scripts.items()]
    strong = ProviderTier("strong", ScriptedProvider([Delta("done"), counted]), ["m"], prices=Dollars())
    gateway = Gateway(tiers, escalation=[strong])
    answer = await gateway.query("hi", escalate=True)
    figures = gateway.metrics().providers
    assert [(attempt.provider, attempt.reason) for attempt in answer.attempts] == [
        ("broken", "stream_broken"),
        ("weak", "escalated"),
        ("strong", None),
    ]
    assert (answer.provider, answer.usage, answer.cost_usd) == ("strong", Usage(3, 4), 7.0)
    assert {name: (each.input_tokens, each.cost_usd) for name, each in figures.items()} == {
        "broken": (0, None),
        "weak": (0, None),
        "strong": (3, 7.0),
    }


async def test_a_provider_may_join_while_queries_run() -> None:
    waiting = WaitingProvider()
    gateway = Gateway([ProviderTier("old", waiting, priority=5)])
    running = asyncio.ensure_future(gateway.query("hi"))
    await asyncio.wait_for(waiting.is_waiting.wait(), HANG_SECONDS)
    changes = []
    gateway.on_change = lambda: changes.append(1)
    gateway.add_provider(ScriptedProvider("first"), name="first", priority=9, models=["m"], backend="local")
    gateway.add_provider(ScriptedProvider("last"), name="last")
    assert [tier.name for tier in gateway.tiers] == ["first", "old", "last"]
    assert gateway.tiers[0].backend is Backend.LOCAL
    assert len(changes) == 2
    answer = await gateway.query("hi", cache="off")
    assert (answer.content, answer.model) == ("first", "m")
    waiting.go_on.set()
    assert (await asyncio.wait_for(running, HANG_SECONDS)).content == "late"


async def test_a_name_is_taken_once() -> None:
    gateway = Gateway([tier("a")])
    with pytest.raises(SettingsError, match="'a' already"):
        gateway.add_provider(ScriptedProvider("x"), name="a")


async def test_at_equal_priority_the_order_stays() -> None:
    gateway = Gateway([tier("b"), tier("a")])
    gateway.add_provider(ScriptedProvider("x"), name="c")
    assert [tier.name for tier in gateway.tiers] == ["b", "a", "c"]


def environ_of(openai: FakeOpenAI, **more: str) -> dict[str, str]:
    return {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": openai.base_url, "AI_GATEWAY_ORDER": "cloud", **more}


async def test_new_settings_keep_the_breakers_of_tiers_that_stay(clock: FakeClock) -> None:
    async with FakeOpenAI() as openai:
        openai.fault(Fault.status(401), times=None)
        first = load_settings(environ=environ_of(openai))
        async with Gateway.from_settings(first, clock=clock) as gateway:
            with pytest.raises(NoTierAnswered):
                await gateway.query("hi")
            assert gateway.tiers[0].breaker.reason is OpenReason.AUTH
            openai.clear()
            await gateway.reconfigure(load_settings(environ=environ_of(openai, AI_GATEWAY_CACHE__TTL_SECONDS="5")))
            assert gateway.tiers[0].breaker.reason is OpenReason.AUTH
            changes: list[None] = []
            gateway.on_change = lambda: changes.append(None)
            await gateway.reconfigure(load_settings(environ=environ_of(openai, OPENAI_API_KEY="sk-2")))
            assert changes
            assert (await gateway.query("hi")).content == openai.greeting
    assert openai.requests[-1].bearer == "sk-2"


async def test_new_settings_let_running_queries_end(clock: FakeClock) -> None:
    go_on = asyncio.Event()
    async with FakeOpenAI() as openai:
        openai.fault(Fault.stall(after=1, until=go_on))
        async with Gateway.from_settings(load_settings(environ=environ_of(openai)), clock=clock) as gateway:
            running = asyncio.ensure_future(gateway.query("hi"))
            await asyncio.wait_for(openai.wait_for_calls(1), HANG_SECONDS)
            await gateway.reconfigure(load_settings(environ=environ_of(openai, OPENAI_API_KEY="sk-2")))
            assert (await gateway.query("another")).content == openai.greeting
            go_on.set()
            assert (await asyncio.wait_for(running, HANG_SECONDS)).content == openai.greeting
    assert [request.bearer for request in openai.requests] == ["sk-1", "sk-2"]


async def test_new_settings_change_the_cache_and_the_limits_but_keep_what_is_cached(clock: FakeClock) -> None:
    async with (
        FakeOpenAI() as openai,
        Gateway.from_settings(load_settings(environ=environ_of(openai)), clock=clock) as gateway,
    ):

        async def set_anew(**more: str) -> None:
            await gateway.reconfigure(load_settings(environ=environ_of(openai, **more)))

        await gateway.query("hi")
        await set_anew(AI_GATEWAY_CACHE__TTL_SECONDS="5")
        assert (await gateway.query("hi")).cached
        await gateway.query("short")
        clock.advance(6)
        assert not (await gateway.query("short")).cached
        await set_anew(AI_GATEWAY_CACHE__ENABLED="false")
        assert not (await gateway.query("hi")).cached
        await set_anew(AI_GATEWAY_QUERY__TIMEOUT_SECONDS="0.05")
        openai.fault(Fault.hang())
        with pytest.raises(NoTierAnswered) as raised:
            await asyncio.wait_for(gateway.query("slow"), HANG_SECONDS)
    assert raised.value.attempts[0].reason == FailureKind.DEADLINE


async def test_new_settings_name_what_is_wrong_now_and_keep_what_was_added_by_hand() -> None:
    async with FakeOpenAI() as openai, Gateway.from_env(environ_of(openai)) as gateway:
        gateway.add_provider(ScriptedProvider("x"), name="mine", priority=1000)
        await gateway.reconfigure(load_settings(environ=environ_of(openai, CLOUD_MODEL="x" * 300)))
        assert [tier.name for tier in gateway.tiers] == ["mine", "openai"]
        found = await gateway.health()
        assert "cloud.model (environment: CLOUD_MODEL)" in found.problems[0]
        assert "cloud.model" in (found.providers[1].hint or "")
        await gateway.reconfigure(load_settings(environ=environ_of(openai)))
        assert (await gateway.health()).problems == ()


async def test_a_gateway_can_be_made_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeCopilot() as copilot, FakeOllama(models=["llama3"]) as ollama:
        for name in os.environ:
            if name.startswith(("OPENAI", "AI_GATEWAY", "GH_COPILOT", "COPILOT")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("GITHUB_COPILOT_TOKEN", "ghu_fake")
        monkeypatch.setenv("GITHUB_COPILOT_API_URL", copilot.url)
        monkeypatch.setenv("OLLAMA_BASE_URL", ollama.base_url)
        async with Gateway.from_env() as gateway:
            assert (await gateway.query("hi")).provider == "copilot"
            await copilot.stop()
            answer = await gateway.query("hi", cache="off")
    assert (answer.provider, answer.content) == ("ollama", ollama.greeting)
    assert [(attempt.provider, attempt.reason) for attempt in answer.attempts] == [
        ("copilot", FailureKind.NETWORK),
        ("openai", OpenReason.NOT_CONFIGURED),
        ("ollama", None),
    ]


def test_blocking_queries_share_a_connection() -> None:
    with in_a_thread(RawServer(response(ANSWER))) as server:
        provider = OpenAIProvider(base_url=server.url)
        with Gateway([ProviderTier("a", provider)]) as gateway:
            for _ in range(3):
                assert gateway.query_sync("hi", cache=False).content == "hi"
        assert (len(server.heads), server.connections) == (3, 1)


async def test_a_blocking_query_inside_an_event_loop_says_what_to_do_instead() -> None:
    gateway = Gateway([tier("a")])
    with pytest.raises(GatewayError, match="await the asynchronous method"):
        gateway.query_sync("hi")
    assert (await gateway.query("hi")).content == "from a"


def test_blocking_queries_fail_as_others_do() -> None:
    with Gateway([tier("a", SERVER)]) as gateway, pytest.raises(NoTierAnswered):
        gateway.query_sync("hi")


def test_a_closed_gateway_takes_no_blocking_query() -> None:
    with Gateway([tier("a")]) as gateway:
        gateway.query_sync("hi")
    gateway.close()
    with pytest.raises(GatewayClosed):
        gateway.query_sync("hi")


async def test_a_closed_gateway_asks_nobody_anything_any_more() -> None:
    loaded = load_settings(environ={"AI_GATEWAY_ORDER": "copilot"})
    async with Gateway.from_settings(loaded) as gateway:
        pass
    for asking in (
        gateway.embed("hi"),
        gateway.models(),
        gateway.health(probe=True),
        gateway.sign_in(),
        gateway.sign_in("gho_session"),
        gateway.reconfigure(loaded),
    ):
        with pytest.raises(GatewayClosed, match="closed"):
            await asking
    assert (await gateway.health()).status is HealthStatus.DOWN


async def test_a_closed_gateway_takes_no_query_and_holds_no_connection() -> None:
    async with RawServer(response(ANSWER)) as server:
        provider = OpenAIProvider(base_url=server.url)
        async with Gateway([ProviderTier("a", provider)]) as gateway:
            await gateway.query("hi")
        with pytest.raises(GatewayClosed, match="closed"):
            await gateway.query("hi")
        await gateway.aclose()
        with pytest.raises(ProviderFailure, match="closed"):
            await provider.check(None)
        assert len(server.heads) == 1


@pytest.mark.parametrize("is_answering", [False, True])
async def test_closing_ends_running_queries_and_leaves_nothing_open(is_answering: bool) -> None:
    begun = asyncio.Event()

    async def read(gateway: Gateway) -> None:
        async for event in gateway.stream(query_of("hi")):
            if isinstance(event, Delta):
                begun.set()

    async with FakeOpenAI() as first, FakeOllama(models=["m"]) as second:
        first.fault(Fault.stall(after=1) if is_answering else Fault.hang())
        environ = environ_of(first, AI_GATEWAY_ORDER="cloud,local", OLLAMA_BASE_URL=second.base_url, LOCAL_MODEL="m")
        gateway = Gateway.from_env(environ)
        running = asyncio.ensure_future(read(gateway))
        await asyncio.wait_for(begun.wait() if is_answering else first.wait_for_calls(1), HANG_SECONDS)
        await gateway.aclose()
        with pytest.raises(GatewayClosed, match="meanwhile"):
            await asyncio.wait_for(running, HANG_SECONDS)
        await asyncio.wait_for(first.wait_until_idle(), HANG_SECONDS)
        assert second.requests == []


async def test_a_cancelled_query_is_cancelled_all_the_way_down() -> None:
    async with FakeOpenAI() as openai, Gateway.from_env(environ_of(openai)) as gateway:
        openai.fault(Fault.stall(after=1))
        running = asyncio.ensure_future(gateway.query("hi"))
        await asyncio.wait_for(openai.wait_for_calls(1), HANG_SECONDS)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.wait_for(openai.wait_until_idle(), HANG_SECONDS)
        figures = gateway.metrics()
        assert openai.disconnects == 1
        assert (figures.total_requests, figures.cancelled, figures.failures, figures.unanswered) == (1, 1, 0, 0)
        assert figures.providers["openai"].cancelled == 1
        assert gateway.tiers[0].breaker.consecutive_failures == 0
        assert (await gateway.query("hi")).content == openai.greeting


async def test_a_consumer_may_leave_a_stream_and_only_that_is_a_cancel() -> None:
    gateway = Gateway([tier("a", "one two three")])
    async with aclosing(gateway.stream(query_of("hi"))) as events:
        async for event in events:
            if isinstance(event, Delta):
                break
    async with aclosing(gateway.stream(query_of("hi"))) as events:
        async for event in events:
            if isinstance(event, Answer):
                break
    assert gateway.metrics().cancelled == 1


async def test_the_figures_are_right(clock: FakeClock) -> None:
    counted: list[Piece] = [Delta("hi"), Finish(FinishReason.STOP, Usage(3, 4))]
    a = ProviderTier("a", ScriptedProvider(counted, SERVER))
    gateway = Gateway([a, tier("b", SERVER, SERVER, "from b")], cache_ttl_seconds=100, clock=clock)
    await gateway.query("one")
    await gateway.query("one")
    with pytest.raises(NoTierAnswered):
        await gateway.query("two")
    await gateway.query("three")
    clock.advance(200)
    figures = gateway.metrics()
    assert (figures.total_requests, figures.cache_hits, figures.cache_hit_rate_percent) == (4, 1, 25.0)
    assert (figures.failures, figures.unanswered, figures.stale_answers, figures.cancelled) == (3, 1, 0, 0)
    of_a, of_b = figures.providers["a"], figures.providers["b"]
    assert (of_a.attempts, of_a.answered, of_a.failures) == (3, 1, {"server": 2})
    assert (of_a.input_tokens, of_a.output_tokens, of_a.cost_usd) == (3, 4, None)
    assert (of_b.attempts, of_b.answered, of_b.failures) == (2, 1, {"server": 1})
    assert of_b.latency_ms.p50 is not None


async def test_an_answer_past_its_time_is_counted_apart(clock: FakeClock) -> None:
    gateway = Gateway([tier("a", "old", SERVER)], cache_ttl_seconds=1, clock=clock)
    await gateway.query("hi")
    clock.advance(2)
    await gateway.query("hi")
    figures = gateway.metrics()
    assert (figures.cache_hits, figures.stale_answers, figures.unanswered, figures.failures) == (0, 1, 0, 1)


async def test_health_tells_how_every_provider_is(clock: FakeClock) -> None:
    quota = ProviderFailure(FailureKind.QUOTA, "HTTP 429", retry_after_seconds=60, hint="pay")
    copilot = tier("copilot", quota, backend=Backend.COPILOT, models=["m"])
    gateway = Gateway([copilot, tier("b")], problems=["x (editor): wrong"], clock=clock)
    copilot.breaker._clock = clock
    found = await gateway.health()
    assert (found.status, found.circuit_state) == (HealthStatus.OK, BreakerState.CLOSED)
    assert (found.copilot_available, found.cloud_available, found.local_available) == (True, True, False)
    assert found.problems == ("x (editor): wrong",)
    await gateway.query("hi")
    found = await gateway.health()
    assert (found.status, found.circuit_state) == (HealthStatus.DEGRADED, BreakerState.OPEN)
    assert (found.copilot_available, found.cloud_available) == (False, True)
    first = found.providers[0]
    assert (first.name, first.backend, first.state, first.model) == ("copilot", Backend.COPILOT, BreakerState.OPEN, "m")
    assert (first.reason, first.last_error, first.hint) == ("quota", "quota: HTTP 429", "pay")
    assert first.retry_after_seconds == 60
    assert first.reachable is None
    assert gateway.seconds_to_next_change() == 60
    assert gateway.state is BreakerState.OPEN
    clock.advance(60)
    assert (await gateway.health()).status is HealthStatus.DEGRADED
    assert gateway.seconds_to_next_change() is None


async def test_a_gateway_whose_tiers_cannot_answer_is_down() -> None:
    auth = ProviderFailure(FailureKind.AUTH, "HTTP 401")
    gateway = Gateway([tier("a", auth), ProviderTier("b", ScriptedProvider("x"), disabled="set B_KEY")])
    assert (await gateway.health()).status is HealthStatus.OK
    with pytest.raises(NoTierAnswered):
        await gateway.query("hi")
    found = await gateway.health()
    assert found.status is HealthStatus.DOWN
    assert [provider.reason for provider in found.providers] == ["auth", "not_configured"]
    assert found.providers[1].hint == "set B_KEY"
    assert gateway.seconds_to_next_change() is None
    assert (await Gateway().health()).status is HealthStatus.DOWN


async def test_health_describes_the_process() -> None:
    process = (await Gateway().health()).process
    assert (process.pid, process.version) == (os.getpid(), __version__)
    assert process.rss_bytes > 1_000_000
    assert process.uptime_seconds >= 0


@pytest.mark.parametrize(
    ("gib", "model"),
    [(64, "gpt-oss:20b"), (30, "gpt-oss:20b"), (16, "llama3"), (8, "phi3"), (4, "llama3.2:1b"), (0, "llama3.2:1b")],
)
def test_the_recommended_model_fits_the_memory(gib: int, model: str) -> None:
    assert recommended_local_model(gib * 1024**3) == model


class Checked(LLMProvider):
    """A provider whose check ends as it is told."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error
        self.checked: list[str | None] = []

    async def chat(
        self,
        messages: Sequence[Mapping[str, object]],  # noqa: ARG002 - nobody asks
        tools: Sequence[Mapping[str, object]] | None = None,  # noqa: ARG002
        model: str | None = None,  # noqa: ARG002
        **kwargs: object,  # noqa: ARG002
    ) -> LLMResponse:
        return LLMResponse("hi")

    async def check(self, model: str | None) -> None:
        self.checked.append(model)
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "last_error"),
    [
        (ProviderFailure(FailureKind.AUTH, "HTTP 401"), "auth: HTTP 401"),
        (TimeoutError("sk-secret"), "timeout: nothing arrived in time"),
        (ConnectionRefusedError("sk-secret"), "network: the connection failed (ConnectionRefusedError)"),
        (ValueError("sk-secret"), "crashed: the provider raised ValueError"),
    ],
)
async def test_a_probe_tells_who_can_be_reached_whatever_a_provider_does(
    error: BaseException, last_error: str, caplog: pytest.LogCaptureFixture
) -> None:
    fine, broken = Checked(), Checked(error)
    off = ProviderTier("off", Checked(), disabled="set a key")
    gateway = Gateway([ProviderTier("fine", fine, ["m"]), ProviderTier("broken", broken), off])
    found = await gateway.health(probe=True)
    assert found.status is HealthStatus.DEGRADED
    assert [provider.reachable for provider in found.providers] == [True, False, None]
    assert found.providers[1].last_error == last_error
    assert (fine.checked, broken.checked) == (["m"], [None])
    assert "sk-secret" not in caplog.text + repr(found)
    assert gateway.tiers[1].breaker.state is BreakerState.CLOSED


async def test_a_probe_asks_the_real_upstreams_and_no_model() -> None:
    async with FakeCopilot() as copilot, FakeOpenAI(api_key="sk-1") as openai, FakeOllama(models=["x"]) as ollama:
        environ = {
            **environ_of(openai, AI_GATEWAY_ORDER="copilot,cloud,local"),
            "GITHUB_COPILOT_TOKEN": "ghu_fake",
            "GITHUB_COPILOT_API_URL": copilot.url,
            "OLLAMA_BASE_URL": ollama.base_url,
        }
        async with Gateway.from_env(environ) as gateway:
            found = await gateway.health(probe=True)
    assert [(provider.name, provider.reachable) for provider in found.providers] == [
        ("copilot", True),
        ("openai", True),
        ("ollama", False),
    ]
    assert "ollama pull llama3" in (found.providers[2].hint or "")
    assert (copilot.calls, openai.calls, ollama.calls) == (0, 0, 0)


async def test_a_reset_closes_breakers_and_answers_are_forgotten_if_asked() -> None:
    auth = ProviderFailure(FailureKind.AUTH, "HTTP 401")
    a, b = tier("a", auth, "a again"), tier("b", auth, "b again")
    gateway = Gateway([a, b])
    with pytest.raises(NoTierAnswered):
        await gateway.query("hi")
    changes: list[None] = []
    gateway.on_change = lambda: changes.append(None)
    assert gateway.reset("b") == ("b",)
    assert (a.breaker.state, b.breaker.state) == (BreakerState.OPEN, BreakerState.CLOSED)
    assert (a.last_failure is None, b.last_failure is None) == (False, True)
    assert changes
    assert (await gateway.query("hi")).content == "b again"
    assert gateway.reset() == ("a", "b")
    assert (await gateway.query("hi")).cached
    assert await gateway.forget_answers() == 1
    assert (await gateway.query("hi")).content == "a again"


async def test_a_reset_of_nobody_says_who_there_is() -> None:
    with pytest.raises(InvalidQuery, match="no provider 'x'; there is: a") as raised:
        Gateway([tier("a")]).reset("x")
    assert raised.value.field == "provider"


async def test_a_reset_reaches_the_stronger_models_too() -> None:
    weak, strong = tier("a", "[ESCALATE]"), tier("strong", ProviderFailure(FailureKind.AUTH, "HTTP 401"), "done")
    gateway = Gateway([weak], escalation=[strong])
    with pytest.raises(NoTierAnswered):
        await gateway.query("hi", escalate=True)
    assert strong.breaker.state is BreakerState.OPEN
    assert gateway.reset("strong") == ("strong",)
    assert (await gateway.query("hi", escalate=True)).content == "done"


async def test_every_change_of_a_breaker_is_announced() -> None:
    gateway = Gateway([tier("a", ProviderFailure(FailureKind.AUTH, "HTTP 401"))])
    states: list[BreakerState] = []
    gateway.on_change = lambda: states.append(gateway.state)
    with pytest.raises(NoTierAnswered):
        await gateway.query("hi")
    assert states == [BreakerState.OPEN]


async def test_no_secret_and_no_prompt_is_in_what_a_gateway_shows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    prompt = "my innermost thought"
    async with FakeCopilot() as copilot, FakeOpenAI(api_key="another") as openai, FakeOllama() as ollama:
        copilot.fault(Fault.status(403, {"message": f"ghu_hidden {prompt}"}), times=None, path="")
        ollama.fault(Fault.status(500, {"error": prompt}), times=None)
        environ = {
            "GITHUB_COPILOT_TOKEN": "ghu_hidden",
            "GITHUB_COPILOT_API_URL": copilot.url,
            "OPENAI_API_KEY": "sk-hidden",
            "OPENAI_BASE_URL": openai.base_url,
            "OLLAMA_BASE_URL": ollama.base_url,
        }
        async with Gateway.from_env(environ) as gateway:
            with pytest.raises(NoTierAnswered) as raised:
                await gateway.query(prompt)
            found = await gateway.health(probe=True)
            shown = [all_texts_of(raised.value), raised.value.hint, repr(raised.value.attempts), repr(found)]
            shown += [repr(gateway.metrics()), repr(gateway.tiers), caplog.text]
    for text in shown:
        for secret in ("ghu_hidden", "sk-hidden", "idden.", "innermost"):
            assert secret not in text


async def test_events_of_a_query_come_in_order() -> None:
    async def events() -> AsyncIterator[Event]:
        async with Gateway([tier("a", "one two")]) as gateway:
            async for event in gateway.stream(Query(query_of("hi").prompt)):
                yield event

    assert [type(event) for event in [event async for event in events()]] == [Started, Delta, Delta, Answer]


def test_a_gateway_that_another_loop_used_says_so_instead_of_failing_strangely() -> None:
    gateway = Gateway([tier("a")])
    asyncio.run(gateway.query("hi", cache="off"))
    for _ in range(2):
        with pytest.raises(GatewayError, match="another event loop"):
            asyncio.run(gateway.query("hi", cache="off"))


@pytest.mark.parametrize("prompt", [None, 5])
def test_a_prompt_of_another_type_is_refused_by_name(prompt: object) -> None:
    with pytest.raises(InvalidQuery, match="a text or a list of messages") as refusal:
        query_of(prompt)  # type: ignore[arg-type]  # what a caller without a type checker may do
    assert refusal.value.field == "prompt"


async def test_tools_that_json_cannot_hold_are_refused() -> None:
    async with Gateway([tier("a")]) as gateway:
        with pytest.raises(InvalidQuery, match="only what JSON can"):
            await gateway.query("hi", tools=[{"name": "f", "parameters": {"default": object()}}])


async def test_new_models_get_new_answers_and_the_old_ones_come_back_with_the_old_models() -> None:
    async with FakeOpenAI() as upstream:
        environ = {"OPENAI_BASE_URL": upstream.base_url, "AI_GATEWAY_ORDER": "cloud"}
        async with Gateway.from_env(environ) as gateway:
            await gateway.query("hi")
            await gateway.reconfigure(load_settings(environ={**environ, "CLOUD_MODEL": "other"}))
            assert not (await gateway.query("hi")).cached
            await gateway.reconfigure(load_settings(environ=environ))
            assert (await gateway.query("hi")).cached


async def test_a_provider_added_by_hand_stays_before_a_configured_one_of_its_name() -> None:
    async with Gateway.from_env({"AI_GATEWAY_ORDER": "local"}) as gateway:
        added = gateway.add_provider(ScriptedProvider("by hand"), name="openai")
        await gateway.reconfigure(load_settings(environ={"OPENAI_API_KEY": "sk-x", "AI_GATEWAY_ORDER": "cloud"}))
        assert gateway.tiers == (added,)
