from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import fields, replace
from types import MappingProxyType
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import Unpack

from ai_gateway.caching.cache import CHARACTERS_PER_ENTRY, AnswerCache, key_of
from ai_gateway.escalation import MARKER
from ai_gateway.failures import FailureKind, NoTierAnswered, ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.model import (
    Answer,
    Backend,
    BreakerState,
    CacheMode,
    Delta,
    Finish,
    FinishReason,
    Message,
    Piece,
    Prompt,
    Query,
    SpendRule,
    Started,
    Tool,
    ToolCall,
    Usage,
)
from ai_gateway.options import QueryOptions, query_of
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import ProviderTier
from support.chains import HANG_SECONDS, WaitingProvider
from support.fake_clock import FakeClock


class AnswerFields(TypedDict, total=False):
    finish_reason: FinishReason
    tool_calls: tuple[ToolCall, ...]


def answer(content: str = "yes", **fields: Unpack[AnswerFields]) -> Answer:
    whole = Answer(
        content=content,
        backend=Backend.CLOUD,
        provider="openai",
        model="gpt",
        state=BreakerState.CLOSED,
        finish_reason=FinishReason.STOP,
        usage=Usage(1, 1),
        query_id="1",
        elapsed_ms=1.0,
        attempts=(),
    )
    return replace(whole, **fields)


@pytest.fixture
def cache(clock: FakeClock) -> AnswerCache:
    return AnswerCache(ttl_seconds=60, max_entries=3, clock=clock)


def kept_in(cache: AnswerCache) -> str:
    """The keys that are kept, of one letter each."""
    return "".join(letter for letter in "abcdefgh" if cache.get(letter.encode()) is not None)


def test_an_unknown_key_has_no_answer(cache: AnswerCache) -> None:
    assert cache.get(b"a") is None
    assert len(cache) == 0


def test_an_answer_is_given_with_its_age(cache: AnswerCache, clock: FakeClock) -> None:
    cache.put(b"a", answer())
    clock.advance(12)
    kept = cache.get(b"a")
    assert kept is not None
    assert (kept.answer, kept.age_seconds, kept.stale) == (answer(), 12, False)


def test_past_its_time_an_answer_is_stale_but_still_there(cache: AnswerCache, clock: FakeClock) -> None:
    cache.put(b"a", answer())
    seen = []
    for seconds in (59, 1):
        clock.advance(seconds)
        kept = cache.get(b"a")
        assert kept is not None
        seen.append((kept.age_seconds, kept.stale))
    assert seen == [(59, False), (60, True)]


def test_an_answer_may_have_a_time_of_its_own(cache: AnswerCache, clock: FakeClock) -> None:
    cache.put(b"a", answer(), ttl_seconds=5)
    cache.put(b"b", answer(), ttl_seconds=0)
    cache.put(b"c", answer(), ttl_seconds=600)
    clock.advance(5)
    stale = {key: kept.stale for key in (b"a", b"b", b"c") if (kept := cache.get(key)) is not None}
    assert stale == {b"a": True, b"b": True, b"c": False}


def test_a_new_answer_takes_the_place_of_the_old(cache: AnswerCache, clock: FakeClock) -> None:
    cache.put(b"a", answer("old"))
    clock.advance(100)
    cache.put(b"a", answer("new"))
    kept = cache.get(b"a")
    assert kept is not None
    assert (kept.answer.content, kept.age_seconds, kept.stale) == ("new", 0, False)
    assert len(cache) == 1


def test_the_least_recently_used_answer_goes_first(cache: AnswerCache) -> None:
    for key in (b"a", b"b", b"c"):
        cache.put(key, answer())
    cache.get(b"a")
    cache.put(b"d", answer())
    assert kept_in(cache) == "acd"


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.REFUSAL])
def test_an_answer_that_is_not_whole_is_not_kept(cache: AnswerCache, reason: FinishReason) -> None:
    cache.put(b"a", answer(finish_reason=reason))
    assert len(cache) == 0


@pytest.mark.parametrize("content", ["", " ", "\n\t"])
def test_an_answer_that_says_nothing_is_not_kept(cache: AnswerCache, content: str) -> None:
    cache.put(b"a", answer(content))
    assert len(cache) == 0


def test_an_answer_that_is_not_whole_leaves_the_one_before(cache: AnswerCache) -> None:
    cache.put(b"a", answer("whole"))
    cache.put(b"a", answer("who", finish_reason=FinishReason.LENGTH))
    kept = cache.get(b"a")
    assert kept is not None
    assert kept.answer.content == "whole"


def test_an_answer_of_tool_calls_is_kept(cache: AnswerCache) -> None:
    cache.put(b"a", answer("", finish_reason=FinishReason.TOOL_CALLS, tool_calls=(ToolCall("1", "look", "{}"),)))
    assert len(cache) == 1


def test_a_long_answer_takes_the_room_of_several(cache: AnswerCache) -> None:
    for key in (b"a", b"b"):
        cache.put(key, answer())
    cache.put(b"c", answer("x" * CHARACTERS_PER_ENTRY))
    assert kept_in(cache) == "bc"


def test_long_tool_calls_take_room_too(cache: AnswerCache) -> None:
    for key in (b"a", b"b"):
        cache.put(key, answer())
    cache.put(b"c", answer("", tool_calls=(ToolCall("1", "write", "x" * CHARACTERS_PER_ENTRY),)))
    assert kept_in(cache) == "bc"


def test_an_answer_without_room_is_not_kept_and_pushes_nobody_out(cache: AnswerCache) -> None:
    cache.put(b"a", answer())
    cache.put(b"b", answer("x" * CHARACTERS_PER_ENTRY * 3))
    assert kept_in(cache) == "a"


def test_a_cache_of_no_entries_keeps_nothing(clock: FakeClock) -> None:
    cache = AnswerCache(max_entries=0, clock=clock)
    cache.put(b"a", answer())
    assert len(cache) == 0


def test_clearing_forgets_all_and_says_how_many(cache: AnswerCache) -> None:
    cache.put(b"a", answer())
    cache.put(b"b", answer())
    assert cache.clear() == 2
    assert kept_in(cache) == ""


def test_a_smaller_cache_keeps_what_was_used_last(cache: AnswerCache) -> None:
    for key in (b"a", b"b", b"c"):
        cache.put(key, answer())
    cache.get(b"a")
    cache.resize(ttl_seconds=60, max_entries=2)
    assert kept_in(cache) == "ac"


def test_a_smaller_cache_drops_what_is_now_too_long(cache: AnswerCache) -> None:
    cache.put(b"a", answer("x" * CHARACTERS_PER_ENTRY))
    cache.put(b"b", answer())
    cache.resize(ttl_seconds=60, max_entries=1)
    assert kept_in(cache) == "b"


def test_new_limits_hold_for_new_answers_only(cache: AnswerCache, clock: FakeClock) -> None:
    cache.put(b"a", answer())
    cache.resize(ttl_seconds=5, max_entries=10)
    cache.put(b"b", answer())
    clock.advance(5)
    stale = {key: kept.stale for key in (b"a", b"b") if (kept := cache.get(key)) is not None}
    assert stale == {b"a": False, b"b": True}


def query(text: str = "Hello", *, system: str | None = None) -> Query:
    messages = (Message("user", text),)
    return Query(Prompt((Message("system", system), *messages) if system else messages))


WEATHER = Tool("weather", "Tells the weather", {"type": "object"})
PROMPT = Prompt((Message("user", "Hello"),))
PLAIN = Query(PROMPT)
SHAPED = [
    PLAIN,
    query("Hello "),
    query(system="Be brief"),
    Query(Prompt((Message("assistant", "Hello"),))),
    Query(Prompt((Message("user", "Hello"), Message("user", "")))),
    Query(Prompt((Message("user", "Hello", tool_calls=(ToolCall("1", "weather", "{}"),)),))),
    Query(Prompt((Message("user", "Hello", tool_call_id="1"),))),
    replace(PLAIN, prompt=replace(PROMPT, temperature=0.0)),
    replace(PLAIN, prompt=replace(PROMPT, temperature=0.5)),
    replace(PLAIN, prompt=replace(PROMPT, max_tokens=5)),
    replace(PLAIN, prompt=replace(PROMPT, stop=("end",))),
    replace(PLAIN, prompt=replace(PROMPT, stop=("end", "."))),
    replace(PLAIN, prompt=replace(PROMPT, response_format={"type": "json_object"})),
    replace(PLAIN, prompt=replace(PROMPT, tools=(WEATHER,))),
    replace(PLAIN, prompt=replace(PROMPT, tools=(replace(WEATHER, description="Lies"),))),
    replace(PLAIN, prompt=replace(PROMPT, tools=(replace(WEATHER, parameters={}),))),
    replace(PLAIN, backend=Backend.LOCAL),
    replace(PLAIN, provider="local"),
    replace(PLAIN, model="local"),
    replace(PLAIN, preferred_model="local"),
    replace(PLAIN, private=True),
    replace(PLAIN, escalate=True),
    *(replace(PLAIN, spend=rule) for rule in SpendRule),
    query("hello"),
    query("Hello\n"),
    query("Hello?"),
    Query(Prompt((Message("user", "Hel"), Message("user", "lo")))),
    Query(Prompt((Message("user", "Hello", tool_calls=(ToolCall("2", "weather", "{}"),)),))),
    Query(Prompt((Message("user", "Hello", tool_calls=(ToolCall("1", "weather", "{}", signature="s"),)),))),
    replace(PLAIN, prompt=replace(PROMPT, tools=(WEATHER, WEATHER))),
]


def test_whatever_shapes_the_answer_shapes_the_key() -> None:
    keys = [key_of(shaped) for shaped in SHAPED]
    assert len(set(keys)) == len(SHAPED)


def test_other_tiers_give_other_answers() -> None:
    chains: list[list[tuple[str, str | None, tuple[str, ...]]]] = [
        [],
        [("a", None, ("m",))],
        [("a", None, ("n",))],
        [("a", None, ("m", "n"))],
        [("a", "https://a.example", ("m",))],
        [("a", None, ("m",)), ("b", None, ())],
        [("b", None, ()), ("a", None, ("m",))],
    ]
    assert len({key_of(PLAIN, chain) for chain in chains}) == len(chains)


texts = st.sampled_from(["", "a", "A", "a ", "ab", "é", "e\u0301", '"', "\\"])
prompts = st.builds(
    Prompt,
    st.lists(
        st.builds(
            Message,
            st.sampled_from(["user", "assistant"]),
            texts,
            tool_calls=st.lists(st.builds(ToolCall, texts, texts, texts, st.none() | texts), max_size=2).map(tuple),
            tool_call_id=st.none() | texts,
        ),
        max_size=3,
    ).map(tuple),
    max_tokens=st.none() | st.integers(1, 2),
    stop=st.lists(texts, max_size=2).map(tuple),
    tools=st.lists(st.builds(Tool, texts, texts), max_size=2).map(tuple),
    response_format=st.none() | st.dictionaries(texts, texts, max_size=2),
)
queries = st.builds(
    Query,
    prompts,
    backend=st.none() | st.sampled_from(Backend),
    provider=st.none() | texts,
    model=st.none() | texts,
    preferred_model=st.none() | texts,
    private=st.booleans(),
    escalate=st.booleans(),
)


@given(prompts, prompts, queries, queries, st.data())
def test_no_query_is_given_the_answer_of_another_that_resembles_it(
    prompt: Prompt, other_prompt: Prompt, query: Query, other_query: Query, data: st.DataObject
) -> None:
    one = replace(query, prompt=prompt)
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from([field.name for field in fields(Prompt)]))
        other = replace(one, prompt=replace(prompt, **{name: getattr(other_prompt, name)}))
    else:
        name = data.draw(st.sampled_from([field.name for field in fields(Query)]))
        other = replace(one, **{name: getattr(other_query, name)})
    assert (key_of(one) == key_of(other)) is (one == other)


def test_the_same_query_has_the_same_key() -> None:
    assert [key_of(shaped) for shaped in SHAPED] == [key_of(replace(shaped)) for shaped in SHAPED]


def test_time_limits_and_the_use_of_the_cache_leave_the_key_alone() -> None:
    for other in (
        replace(PLAIN, timeout_seconds=3),
        replace(PLAIN, ttl_seconds=3),
        replace(PLAIN, cache=CacheMode.REFRESH),
        replace(PLAIN, paths=("a.py",)),
    ):
        assert key_of(other) == key_of(PLAIN)


def test_the_order_of_a_schemas_keys_leaves_the_key_alone() -> None:
    forms = [{"type": "json_schema", "name": "x"}, {"name": "x", "type": "json_schema"}]
    first, second = (key_of(replace(PLAIN, prompt=replace(PROMPT, response_format=form))) for form in forms)
    assert first == second


def test_any_mapping_may_be_part_of_a_key() -> None:
    frozen = MappingProxyType({"type": "object"})
    plain, unusual = (replace(PROMPT, tools=(replace(WEATHER, parameters=form),)) for form in ({**frozen}, frozen))
    assert key_of(replace(PLAIN, prompt=plain)) == key_of(replace(PLAIN, prompt=unusual))


def test_text_that_is_no_valid_unicode_has_a_key() -> None:
    assert key_of(query("\ud800")) != key_of(query("\ud801"))


def test_a_key_holds_no_prompt() -> None:
    assert len(key_of(query("x" * 100_000))) == 16


# as a gateway uses it

SERVER = ProviderFailure(FailureKind.SERVER, "HTTP 500")
MANY = 5


def tier(*scripts: str | BaseException | Sequence[Piece | BaseException], name: str = "a") -> ProviderTier:
    return ProviderTier(name, ScriptedProvider(*scripts), backend=Backend.LOCAL)


def calls(of: ProviderTier) -> int:
    assert isinstance(of.provider, ScriptedProvider)
    return len(of.provider.prompts)


async def ask_twice(gateway: Gateway, **options: Unpack[QueryOptions]) -> tuple[Answer, Answer]:
    return await gateway.query("hi", **options), await gateway.query("hi", **options)


async def test_a_failure_is_not_kept() -> None:
    a = tier(SERVER, SERVER, "fine")
    gateway = Gateway([a])
    with pytest.raises(NoTierAnswered):
        await gateway.query("hi")
    first, second = await ask_twice(gateway)
    assert [(first.content, first.cached), (second.content, second.cached)] == [("fine", False), ("fine", True)]


@pytest.mark.parametrize(
    "script",
    [
        [Delta("Sorry, I can't"), Finish(FinishReason.REFUSAL)],
        [Finish(FinishReason.REFUSAL)],
        [Delta("Once upon"), Finish(FinishReason.LENGTH)],
        [Delta(" \n"), Finish()],
    ],
    ids=["apology", "refusal", "truncated", "blank"],
)
async def test_what_is_no_real_answer_is_asked_for_again(script: Sequence[Piece]) -> None:
    a = tier(script, "real")
    gateway = Gateway([a])
    first, second = await ask_twice(gateway)
    assert (first.cached, second.cached, second.content) == (False, False, "real")
    assert (await gateway.query("hi")).cached


async def test_an_answer_that_nobody_waited_for_is_not_kept() -> None:
    provider = WaitingProvider(Delta("half"))
    gateway = Gateway([ProviderTier("a", provider)])
    async with aclosing(gateway.stream(query_of("hi"))) as events:
        async for event in events:
            if isinstance(event, Delta):
                break
    assert provider.closed == 1
    provider.go_on.set()
    first, second = await ask_twice(gateway)
    assert (first.content, first.cached, second.cached) == ("halflate", False, True)


async def test_what_was_retracted_is_not_kept() -> None:
    gateway = Gateway([tier([Delta("wrong "), SERVER]), tier("right", name="b")])
    _, again = await ask_twice(gateway)
    assert (again.content, again.provider, again.cached) == ("right", "b", True)
    events = [event async for event in gateway.stream(query_of("hi"))]
    assert [type(event) for event in events] == [Started, Delta, Answer]


async def test_the_marker_is_never_kept() -> None:
    weak, strong = tier(f"{MARKER} I am not sure"), tier("I am sure", name="strong")
    gateway = Gateway([weak], escalation=[strong])
    first, again = await ask_twice(gateway, escalate=True)
    assert [(first.content, first.provider), (again.content, again.provider)] == [("I am sure", "strong")] * 2
    assert (again.cached, calls(weak), calls(strong)) == (True, 1, 1)


async def test_tool_calls_come_back_from_the_cache() -> None:
    call = ToolCall("1", "look", '{"at": "x"}', signature="sealed")
    gateway = Gateway([tier([Finish(FinishReason.TOOL_CALLS, tool_calls=(call,))])])
    first, again = await ask_twice(gateway, tools=[{"name": "look"}])
    assert (first.tool_calls, again.tool_calls, again.finish_reason) == ((call,), (call,), FinishReason.TOOL_CALLS)
    assert (first.cached, again.cached) == (False, True)


async def test_a_refreshed_answer_is_fresh_for_the_time_that_its_query_says(clock: FakeClock) -> None:
    gateway = Gateway([tier("old", "new", "newest")], cache_ttl_seconds=100, clock=clock)
    await gateway.query("hi")
    clock.advance(50)
    await gateway.query("hi", cache="refresh", ttl_seconds=10)
    clock.advance(9)
    kept = await gateway.query("hi", ttl_seconds=1)
    clock.advance(1)
    assert (kept.content, kept.age_seconds) == ("new", 9)
    assert (await gateway.query("hi")).content == "newest"


async def test_a_refresh_that_fails_leaves_the_old_answer(clock: FakeClock) -> None:
    gateway = Gateway([tier("old", SERVER, SERVER)], clock=clock)
    await gateway.query("hi")
    clock.advance(5)
    with pytest.raises(NoTierAnswered):
        await gateway.query("hi", cache="refresh")
    again = await gateway.query("hi")
    assert (again.content, again.age_seconds, again.stale) == ("old", 5, False)


async def test_only_reading_makes_no_answer_younger(clock: FakeClock) -> None:
    a = tier("old", "new")
    gateway = Gateway([a], cache_ttl_seconds=100, clock=clock)
    await gateway.query("hi")
    clock.advance(100)
    assert (await gateway.query("hi", cache="read")).content == "new"
    stale = Gateway([tier("old", SERVER)], cache_ttl_seconds=100, clock=clock)
    await stale.query("hi")
    clock.advance(100)
    for age_seconds in (100, 150):
        answer = await stale.query("hi", cache="read")
        assert (answer.content, answer.stale, answer.age_seconds) == ("old", True, age_seconds)
        clock.advance(50)


async def test_a_private_answer_and_a_public_one_are_kept_apart() -> None:
    for private in (True, False):
        a = tier("one", "two")
        gateway = Gateway([a])
        await gateway.query("hi", private=private)
        other = await gateway.query("hi", private=not private)
        assert (other.content, other.cached) == ("two", False)


@pytest.mark.parametrize(
    ("options", "upstream_calls"),
    [
        ([QueryOptions()] * MANY, 1),
        ([QueryOptions(cache="read")] * MANY, 1),
        ([QueryOptions(cache="off")] * MANY, MANY),
        ([QueryOptions(cache="refresh")] * MANY, MANY),
        ([QueryOptions(max_tokens=number) for number in range(1, MANY + 1)], MANY),
        ([QueryOptions(timeout_seconds=number) for number in range(1, MANY + 1)], MANY),
        ([QueryOptions(private=number % 2 == 0) for number in range(MANY)], 2),
    ],
    ids=["on", "read", "off", "refresh", "another prompt", "another time limit", "private"],
)
async def test_identical_queries_at_once_share_one_upstream_call(
    options: Sequence[QueryOptions], upstream_calls: int
) -> None:
    provider = WaitingProvider(Delta("the same "))
    gateway = Gateway([ProviderTier("a", provider, backend=Backend.LOCAL)])
    asked = [asyncio.create_task(gateway.query("hi", **each)) for each in options]
    async with asyncio.timeout(HANG_SECONDS):
        await provider.is_waiting.wait()
        provider.go_on.set()
        answers = await asyncio.gather(*asked)
    assert provider.calls == provider.closed == upstream_calls
    assert {answer.content for answer in answers} == {"the same late"}
    assert len({answer.query_id for answer in answers}) == MANY


async def test_whoever_asked_first_may_cancel_while_others_wait_for_the_same() -> None:
    provider = WaitingProvider(Delta("the same "))
    gateway = Gateway([ProviderTier("a", provider)])
    first, second = (asyncio.create_task(gateway.query("hi")) for _ in range(2))
    async with asyncio.timeout(HANG_SECONDS):
        await provider.is_waiting.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert provider.closed == 0
        provider.go_on.set()
        assert (await second).content == "the same late"
    assert provider.calls == provider.closed == 1
    assert (await gateway.query("hi")).cached
