from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TypedDict

import pytest
from typing_extensions import Unpack

from ai_gateway.cache import CHARACTERS_PER_ENTRY, AnswerCache, key_of
from ai_gateway.model import (
    Answer,
    Backend,
    BreakerState,
    CacheMode,
    FinishReason,
    Message,
    Prompt,
    Query,
    Tool,
    ToolCall,
    Usage,
)
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
def clock() -> FakeClock:
    return FakeClock()


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
]


def test_whatever_shapes_the_answer_shapes_the_key() -> None:
    keys = [key_of(shaped) for shaped in SHAPED]
    assert len(set(keys)) == len(SHAPED)


def test_the_same_query_has_the_same_key() -> None:
    assert [key_of(shaped) for shaped in SHAPED] == [key_of(replace(shaped)) for shaped in SHAPED]


def test_time_limits_and_the_use_of_the_cache_leave_the_key_alone() -> None:
    for other in (
        replace(PLAIN, timeout_seconds=3),
        replace(PLAIN, ttl_seconds=3),
        replace(PLAIN, cache=CacheMode.REFRESH),
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
