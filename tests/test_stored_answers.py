from __future__ import annotations

import json
import logging
import math
from collections.abc import AsyncGenerator
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ai_gateway.caching.stored import MAX_SKEW_SECONDS, SPACE, STALE_SECONDS, StoredAnswers
from ai_gateway.model import Answer, Attempt, Backend, BreakerState, FinishReason, Outcome, ToolCall, Usage
from ai_gateway.store.base import Store, StoreUnavailable
from ai_gateway.store.sqlite import SqliteStore
from support.fake_clock import FakeClock
from support.memory_store import MemoryStore

KEY = bytes(range(16))
NAME = KEY.hex()
OTHER_KEY = bytes(16)
ANSWER = Answer(
    content='Grüße, "世界" \U0001f600\n',
    backend=Backend.CLOUD,
    provider="openai",
    model="gpt",
    state=BreakerState.HALF_OPEN,
    finish_reason=FinishReason.TOOL_CALLS,
    usage=Usage(12, 3, cached_input_tokens=4, cache_write_tokens=5, estimated=True),
    query_id="q",
    elapsed_ms=12.5,
    attempts=(),
    tool_calls=(ToolCall("1", "look", '{"at": "x"}', signature="sealed"), ToolCall("2", "go", "{}")),
    cost_usd=0.25,
)
FIELDS = {field.name for field in fields(Answer)} - {"attempts", "vectors", "cached", "stale", "age_seconds"}
FIELDS |= {"format", "stored_at", "expires_at"}
BARE = replace(ANSWER, model=None, cost_usd=None, tool_calls=(), finish_reason=FinishReason.STOP)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(time=1_000_000.0)


@pytest.fixture
def memory(clock: FakeClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture(params=["memory", "sqlite"])
async def store(
    request: pytest.FixtureRequest, clock: FakeClock, memory: MemoryStore, tmp_path: Path
) -> AsyncGenerator[Store, None]:
    if request.param == "memory":
        yield memory
    else:
        sqlite = SqliteStore(tmp_path / "state" / "store.db", clock=clock)
        yield sqlite
        await sqlite.aclose()


@pytest.fixture
def answers(store: Store, clock: FakeClock) -> StoredAnswers:
    return StoredAnswers(store, clock, max_bytes=10_000)


async def keep(answers: StoredAnswers, clock: FakeClock, answer: Answer = BARE, key: bytes = KEY) -> None:
    await answers.put(key, answer, stored_at=clock.time(), expires_at=clock.time() + 60)


async def content_in(answers: StoredAnswers, key: bytes = KEY) -> str | None:
    kept = await answers.get(key)
    return None if kept is None else kept.answer.content


async def test_an_unknown_key_has_no_answer(answers: StoredAnswers) -> None:
    assert await answers.get(KEY) is None


@pytest.mark.parametrize("answer", [ANSWER, BARE], ids=["full", "bare"])
async def test_an_answer_comes_back_as_it_was_given(answers: StoredAnswers, clock: FakeClock, answer: Answer) -> None:
    attempt = Attempt("openai", Backend.CLOUD, Outcome.ANSWERED)
    await keep(answers, clock, replace(answer, attempts=(attempt,)))
    clock.advance(12)
    kept = await answers.get(KEY)
    assert kept is not None
    assert (kept.answer, kept.age_seconds, kept.stale) == (answer, 12, False)
    assert await answers.get(OTHER_KEY) is None


@given(st.text(), st.text())
@example("\ud800", "\x00")
async def test_any_text_comes_back_as_it_was(content: str, arguments: str) -> None:
    clock = FakeClock()
    answers = StoredAnswers(MemoryStore(clock), clock, max_bytes=10_000)
    answer = replace(BARE, content=f"{content}.", tool_calls=(ToolCall("1", "look", arguments),))
    await keep(answers, clock, answer)
    kept = await answers.get(KEY)
    assert kept is not None
    assert kept.answer == answer


async def test_what_was_given_in_one_process_is_there_in_the_next(clock: FakeClock, tmp_path: Path) -> None:
    for _ in range(2):
        store = SqliteStore(tmp_path / "store.db", clock=clock)
        answers = StoredAnswers(store, clock, max_bytes=10_000)
        found = await content_in(answers)
        await keep(answers, clock)
        await store.aclose()
    assert found == BARE.content


async def test_past_its_time_an_answer_is_stale_and_at_last_it_is_gone(
    answers: StoredAnswers, clock: FakeClock
) -> None:
    await keep(answers, clock)
    seen = []
    for seconds in (59, 1, STALE_SECONDS - 1):
        clock.advance(seconds)
        kept = await answers.get(KEY)
        assert kept is not None
        seen.append((kept.age_seconds, kept.stale))
    assert seen == [(59, False), (60, True), (59 + STALE_SECONDS, True)]
    clock.advance(1)
    assert await answers.get(KEY) is None


async def test_an_answer_from_a_clock_that_was_ahead_is_stale(answers: StoredAnswers, clock: FakeClock) -> None:
    seen = []
    for ahead in (MAX_SKEW_SECONDS, MAX_SKEW_SECONDS + 1):
        await answers.put(KEY, BARE, stored_at=clock.time() + ahead, expires_at=clock.time() + ahead + 3600)
        kept = await answers.get(KEY)
        assert kept is not None
        seen.append((kept.age_seconds, kept.stale))
    assert seen == [(0, False), (0, True)]


async def test_a_new_answer_takes_the_place_of_the_old(answers: StoredAnswers, clock: FakeClock) -> None:
    await keep(answers, clock, replace(BARE, content="old"))
    clock.advance(100)
    await keep(answers, clock, replace(BARE, content="new"))
    kept = await answers.get(KEY)
    assert kept is not None
    assert (kept.answer.content, kept.age_seconds, kept.stale) == ("new", 0, False)


@pytest.mark.parametrize(
    "answer",
    [
        replace(BARE, finish_reason=FinishReason.LENGTH),
        replace(BARE, finish_reason=FinishReason.CONTENT_FILTER),
        replace(BARE, finish_reason=FinishReason.REFUSAL),
        replace(BARE, content=" \n"),
        replace(BARE, content="x" * 10_000),
    ],
    ids=["truncated", "filtered", "refused", "blank", "too long"],
)
async def test_an_answer_that_is_not_worth_it_is_not_kept_and_leaves_the_one_before(
    answers: StoredAnswers, clock: FakeClock, answer: Answer
) -> None:
    await keep(answers, clock, replace(BARE, content="whole"))
    await keep(answers, clock, answer)
    assert await content_in(answers) == "whole"


async def test_clearing_forgets_all_answers_and_nothing_else(
    answers: StoredAnswers, store: Store, clock: FakeClock
) -> None:
    await keep(answers, clock)
    await keep(answers, clock, key=OTHER_KEY)
    await store.put("breakers", "openai", b"open", expires_at=clock.time() + 60)
    assert await answers.clear() == 2
    assert (await answers.get(KEY), await answers.get(OTHER_KEY)) == (None, None)
    assert await store.get("breakers", "openai") is not None
    assert await answers.clear() == 0


async def test_the_oldest_answers_go_when_there_is_no_more_room(
    answers: StoredAnswers, store: Store, clock: FakeClock
) -> None:
    keys = [bytes([number] * 16) for number in range(50)]
    for key in keys:
        await keep(answers, clock, replace(BARE, content="x" * 1000), key)
        assert sum(len(entry.value) for entry in (await store.entries(SPACE)).values()) <= 12_000
    kept = [await content_in(answers, key) is not None for key in keys]
    assert kept == sorted(kept)
    assert 5 < sum(kept) < 12


async def test_room_is_made_at_the_first_answer_and_then_not_at_every_one(
    memory: MemoryStore, clock: FakeClock
) -> None:
    answers = StoredAnswers(memory, clock, max_bytes=100_000)
    for number in range(64):
        await keep(answers, clock, replace(BARE, content="x" * 600), bytes([number] * 16))
        assert memory.trimmed[:1] == [100_000]
    assert 2 < len(memory.trimmed) < 16


async def damaged(store: Store, **changes: object) -> None:
    entry = await store.get(SPACE, NAME)
    assert entry is not None
    whole = {**json.loads(entry.value), **changes}
    value = {name: field for name, field in whole.items() if field is not ...}
    await store.put(SPACE, NAME, json.dumps(value).encode(), expires_at=2e9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", 2),
        ("format", None),
        *((name, ...) for name in sorted(FIELDS)),
        ("content", 5),
        ("backend", "moon"),
        ("backend", None),
        ("provider", None),
        ("model", 5),
        ("state", "ajar"),
        ("finish_reason", "boredom"),
        ("usage", {}),
        ("usage", {**asdict(BARE.usage), "input_tokens": "1"}),
        ("usage", [1, 1]),
        ("tool_calls", None),
        ("tool_calls", ["look"]),
        ("tool_calls", [{"id": "1"}]),
        ("tool_calls", [{"id": "1", "name": "look", "arguments": {}, "signature": None}]),
        ("cost_usd", "much"),
        ("elapsed_ms", None),
        ("stored_at", "today"),
        ("expires_at", None),
        ("expires_at", math.inf),
        ("stored_at", -math.inf),
        ("stored_at", math.nan),
        ("elapsed_ms", 10**400),
    ],
)
async def test_what_cannot_be_read_is_dropped(
    answers: StoredAnswers, store: Store, clock: FakeClock, name: str, value: object
) -> None:
    await keep(answers, clock)
    await damaged(store)
    assert await content_in(answers) == BARE.content
    await damaged(store, **{name: value})
    assert await answers.get(KEY) is None
    assert await store.entries(SPACE) == {}


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", b"{", b"[]", b"null", b'"x"', b"[" * 100_000])
async def test_what_is_no_answer_at_all_is_dropped(answers: StoredAnswers, store: Store, value: bytes) -> None:
    await store.put(SPACE, NAME, value, expires_at=2e9)
    assert await answers.get(KEY) is None
    assert await store.entries(SPACE) == {}


async def test_while_the_store_is_away_nothing_is_kept_or_found_and_the_log_says_so_once(
    memory: MemoryStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    answers = StoredAnswers(memory, clock, max_bytes=10_000)
    await keep(answers, clock)
    for problem in ("the disk is full", "the disk is gone"):
        memory.problem = problem
        for _ in range(3):
            assert await answers.get(KEY) is None
            await keep(answers, clock, key=OTHER_KEY)
        memory.problem = None
        assert await content_in(answers) == BARE.content
        assert await answers.get(OTHER_KEY) is None
    told = [(record.levelno, record.getMessage().rpartition(": ")[2]) for record in caplog.records]
    assert told == [(logging.WARNING, "the disk is full"), (logging.WARNING, "the disk is gone")]


async def test_whoever_wants_answers_forgotten_hears_if_they_cannot_be(memory: MemoryStore, clock: FakeClock) -> None:
    answers = StoredAnswers(memory, clock, max_bytes=10_000)
    await keep(answers, clock)
    memory.problem = "the disk is gone"
    with pytest.raises(StoreUnavailable, match="the disk is gone"):
        await answers.clear()


async def test_nothing_is_kept_but_the_answer(answers: StoredAnswers, store: Store, clock: FakeClock) -> None:
    await keep(answers, clock, ANSWER)
    [(name, entry)] = (await store.entries(SPACE)).items()
    assert name == NAME
    assert set(json.loads(entry.value)) == FIELDS
