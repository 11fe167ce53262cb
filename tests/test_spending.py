"""What is spent today, over all windows, and the person's consent before more is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typing_extensions import override

from ai_gateway.model import Attempt, Backend, EmbeddingInput, Message, Outcome, PriceClass, Prompt, Usage
from ai_gateway.spending import (
    Consent,
    Consents,
    Ledger,
    NobodyToAsk,
    NoConsent,
    SpendRequest,
    estimate_usd,
)
from ai_gateway.spending.consents import QUIET_SECONDS
from ai_gateway.spending.words import question_of
from ai_gateway.store.base import Entry, StoreUnavailable
from ai_gateway.store.sqlite import SqliteStore
from support.fake_clock import FakeClock

HANG_SECONDS = 10.0
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"
HOUR = 3600.0


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if os.name != "posix":
        pytest.skip("the zone of a process can be set on POSIX only")
    with monkeypatch.context() as environment:
        environment.setenv("TZ", NEW_YORK)
        time.tzset()
        yield
    time.tzset()


async def booked(ledger: Ledger, cost_usd: float | None) -> None:
    """Book an answer, and write it down."""
    ledger.count(cost_usd)
    await ledger.save_soon()


def at(iso: str) -> FakeClock:
    """A clock that shows a time in UTC."""
    return FakeClock(time=datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp())


class Window(SqliteStore):
    """The store as one window has it: it can be away, and others get in between a reading and a writing."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        super().__init__(path, clock=clock)
        self.is_away = False
        self.written = asyncio.Event()
        self.meanwhile: Callable[[], object] = lambda: None

    @override
    async def get(self, space: str, name: str) -> Entry | None:
        if self.is_away:
            raise StoreUnavailable("the store is away")
        entry = await super().get(space, name)
        self.meanwhile()
        await asyncio.sleep(0)
        return entry

    @override
    async def put(
        self, space: str, name: str, value: bytes, *, expires_at: float, if_version: int | None = None
    ) -> int | None:
        version = await super().put(space, name, value, expires_at=expires_at, if_version=if_version)
        self.written.set()
        for _ in range(3):
            await asyncio.sleep(0)
        return version


OpenWindow = Callable[[FakeClock], Window]


@pytest.fixture
async def open_window(tmp_path: Path) -> AsyncIterator[OpenWindow]:
    opened: list[Window] = []

    def open_one(clock: FakeClock) -> Window:
        opened.append(Window(tmp_path / "store.db", clock))
        return opened[-1]

    yield open_one
    for window in opened:
        await window.aclose()


@pytest.fixture
def window(open_window: OpenWindow, clock: FakeClock) -> Window:
    return open_window(clock)


@pytest.fixture
def other_window(open_window: OpenWindow, clock: FakeClock) -> Window:
    return open_window(clock)


# What is spent


async def test_metered_answers_add_up_until_the_cap_is_reached(clock: FakeClock) -> None:
    ledger = Ledger(None, clock, cap_usd=0.5)
    await booked(ledger, 0.2)
    assert (ledger.spent_today_usd, ledger.left_usd, ledger.is_cap_reached) == (0.2, 0.3, False)
    await booked(ledger, 0.4)
    assert ledger.spent_today_usd == pytest.approx(0.6)
    assert (ledger.left_usd, ledger.is_cap_reached) == (0.0, True)


async def test_without_a_cap_nothing_is_ever_shut_out(clock: FakeClock) -> None:
    ledger = Ledger(None, clock)
    await booked(ledger, 1e6)
    assert (ledger.left_usd, ledger.is_cap_reached) == (None, False)


async def test_a_cap_of_nothing_is_reached_from_the_start(clock: FakeClock) -> None:
    assert Ledger(None, clock, cap_usd=0.0).is_cap_reached


@pytest.mark.parametrize("cost", [None, float("nan"), float("inf"), -1.0])
async def test_an_answer_whose_cost_nobody_knows_is_counted_apart(clock: FakeClock, cost: float | None) -> None:
    ledger = Ledger(None, clock, cap_usd=1.0)
    await booked(ledger, cost)
    assert (ledger.spent_today_usd, ledger.unpriced_answers) == (0.0, 1)


async def test_answers_that_cost_next_to_nothing_add_up_all_the_same(clock: FakeClock) -> None:
    ledger = Ledger(None, clock)
    for _ in range(10):
        await booked(ledger, 2e-7)
    assert 2e-6 <= ledger.spent_today_usd <= 1e-5


async def test_a_price_in_whole_millionths_is_not_rounded_up(clock: FakeClock) -> None:
    ledger = Ledger(None, clock)
    for cost in (0.000123, 0.07, 1.1):
        await booked(ledger, cost)
    assert ledger.spent_today_usd == pytest.approx(1.170123, abs=1e-9)


@pytest.mark.usefixtures("in_new_york")
async def test_a_new_account_begins_at_local_midnight(open_window: OpenWindow) -> None:
    clock = at("2026-06-02T03:59:00")  # one minute to midnight in New York
    ledger = Ledger(open_window(clock), clock, cap_usd=0.1)
    await booked(ledger, 0.1)
    ledger.allow_today("openai", "gpt-4o-mini")
    assert (ledger.is_cap_reached, ledger.renews_in_seconds) == (True, 60.0)
    clock.advance(59)
    assert ledger.is_allowed_today("openai", "gpt-4o-mini")
    clock.advance(1)
    assert (ledger.spent_today_usd, ledger.is_cap_reached) == (0.0, False)
    assert not ledger.is_allowed_today("openai", "gpt-4o-mini")
    await ledger.refresh()
    assert ledger.spent_today_usd == 0.0


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize(
    ("midnight", "hours"),
    [("2026-03-08T05:00:00", 23), ("2026-11-01T04:00:00", 25), ("2026-11-02T05:00:00", 24)],
)
async def test_days_on_which_the_clocks_change_are_one_day_each(
    open_window: OpenWindow, midnight: str, hours: int
) -> None:
    clock = at(midnight)
    ledger = Ledger(open_window(clock), clock)
    assert ledger.renews_in_seconds == hours * HOUR
    await booked(ledger, 0.25)
    clock.advance(hours * HOUR - 1)
    await booked(ledger, 0.25)
    await ledger.refresh()
    assert (ledger.spent_today_usd, ledger.renews_in_seconds) == (0.5, 1.0)
    clock.advance(1)
    assert ledger.spent_today_usd == 0.0


# Over all windows


async def test_what_one_window_spends_counts_in_the_others(
    window: Window, other_window: Window, clock: FakeClock
) -> None:
    one, other = (Ledger(store, clock, cap_usd=1.0) for store in (window, other_window))
    await booked(one, 0.75)
    await booked(one, None)
    await other.refresh()
    await booked(other, 0.25)
    await one.refresh()
    assert one.is_cap_reached
    assert other.is_cap_reached
    assert (one.unpriced_answers, other.unpriced_answers) == (1, 1)


async def test_windows_that_write_at_the_same_time_lose_nothing(
    window: Window, other_window: Window, clock: FakeClock
) -> None:
    windows = [Ledger(store, clock) for store in (window, window, other_window, other_window)]
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.gather(*(booked(ledger, 0.01) for ledger in windows for _ in range(25)))
        later = Ledger(window, clock)
        for ledger in (later, *windows):
            await ledger.refresh()
    assert [ledger.spent_today_usd for ledger in (later, *windows)] == [1.0] * 5


async def test_a_window_that_was_too_late_to_write_tries_again_at_once(
    window: Window, other_window: Window, clock: FakeClock
) -> None:
    async with asyncio.timeout(HANG_SECONDS):
        await asyncio.gather(booked(Ledger(window, clock), 0.25), booked(Ledger(other_window, clock), 0.5))
    later = Ledger(window, clock)
    await later.refresh()
    assert later.spent_today_usd == 0.75


async def test_an_answer_booked_while_another_is_being_written_counts_once(
    window: Window, other_window: Window, clock: FakeClock
) -> None:
    ledger, other = Ledger(window, clock), Ledger(other_window, clock)
    first = asyncio.create_task(booked(ledger, 0.5))
    async with asyncio.timeout(HANG_SECONDS):
        await window.written.wait()
        await booked(ledger, 0.25)
        await first
    await other.refresh()
    assert ledger.spent_today_usd == other.spent_today_usd == 0.75


async def test_what_others_have_spent_since_midnight_counts_though_this_window_slept(
    window: Window, other_window: Window, clock: FakeClock
) -> None:
    sleeping, awake = Ledger(window, clock), Ledger(other_window, clock)
    await booked(sleeping, 0.5)
    clock.advance(24 * HOUR)
    await booked(awake, 0.25)
    await sleeping.refresh()
    assert sleeping.spent_today_usd == 0.25


async def test_midnight_in_the_middle_of_a_write_leaves_yesterday_behind(window: Window, clock: FakeClock) -> None:
    ledger = Ledger(window, clock)

    def midnight() -> None:
        window.meanwhile = lambda: None
        clock.advance(24 * HOUR)
        assert ledger.spent_today_usd == 0.0

    window.meanwhile = midnight
    await booked(ledger, 0.5)
    assert ledger.spent_today_usd == 0.0
    await booked(ledger, 0.25)
    assert ledger.spent_today_usd == 0.25


async def test_a_window_that_opens_later_knows_what_was_spent_before(
    window: Window, other_window: Window, clock: FakeClock
) -> None:
    await booked(Ledger(window, clock), 0.5)
    later = Ledger(other_window, clock)
    await later.refresh()
    assert later.spent_today_usd == 0.5


async def test_while_the_store_is_away_a_window_counts_alone_and_writes_it_down_later(
    window: Window, other_window: Window, clock: FakeClock
) -> None:
    one, other = Ledger(window, clock), Ledger(other_window, clock)
    await booked(one, 0.25)
    window.is_away = True
    await booked(one, 0.5)
    one.allow_today("openai", "gpt-4o")
    assert one.spent_today_usd == 0.75
    assert one.is_allowed_today("openai", "gpt-4o")
    window.is_away = False
    await one.refresh()
    await one.refresh()
    await other.refresh()
    assert other.spent_today_usd == one.spent_today_usd == 0.75
    assert other.is_allowed_today("openai", "gpt-4o")


async def test_what_yesterday_could_not_be_written_is_no_part_of_today(window: Window, clock: FakeClock) -> None:
    ledger = Ledger(window, clock)
    window.is_away = True
    await booked(ledger, 0.5)
    window.is_away = False
    clock.advance(24 * HOUR)
    await booked(ledger, 0.25)
    await ledger.refresh()
    assert ledger.spent_today_usd == 0.25


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"micro_usd":-1,"unpriced_answers":0,"allowed":[]}',
        b'{"micro_usd":"1","unpriced_answers":0,"allowed":[]}',
        b'{"micro_usd":1,"unpriced_answers":0,"allowed":{}}',
        b'{"micro_usd":1,"unpriced_answers":0,"allowed":["x"]}',
        b'{"micro_usd":1%s,"unpriced_answers":0,"allowed":[]}' % (b"0" * 400),
    ],
)
async def test_an_entry_that_can_not_be_read_is_begun_anew(
    window: Window, other_window: Window, clock: FakeClock, value: bytes
) -> None:
    await booked(Ledger(window, clock), 0.5)
    [name] = await window.entries("spending")
    await window.put("spending", name, value, expires_at=clock.time() + HOUR)
    ledger, again = Ledger(window, clock), Ledger(other_window, clock)
    await booked(ledger, 0.25)
    await again.refresh()
    assert ledger.spent_today_usd == again.spent_today_usd == 0.25


# What a query will cost


def per_token(model: str | None, usage: Usage) -> float | None:
    return usage.input_tokens + 1000.0 * usage.output_tokens if model == "known" else None


@pytest.mark.parametrize(("max_tokens", "output_tokens"), [(None, 1000), (10, 10), (8192, 1000)])
def test_a_cost_is_guessed_of_the_prompts_length_and_a_long_answer(max_tokens: int | None, output_tokens: int) -> None:
    prompt = Prompt((Message("user", "x" * 40),), max_tokens=max_tokens)
    assert estimate_usd(per_token, "known", prompt) == 10 + 1000.0 * output_tokens


def test_vectors_are_charged_by_what_is_read_alone() -> None:
    assert estimate_usd(per_token, "known", EmbeddingInput(("x" * 40,))) == 10


def test_the_cost_of_a_model_without_a_price_is_not_guessed() -> None:
    assert estimate_usd(per_token, "unknown", Prompt((Message("user", "hello"),))) is None


# In words


@pytest.mark.usefixtures("in_new_york")
def test_the_question_says_why_what_it_costs_and_what_was_spent() -> None:
    now = at("2026-06-02T16:00:00").time()
    quota = Attempt("copilot", Backend.COPILOT, Outcome.SKIPPED, reason="quota", retry_after_seconds=2 * HOUR + 300)
    request = SpendRequest("openai", "gpt-4o-mini", PriceClass.METERED, quota, 0.00204, 0.41)
    assert question_of(request, now) == (
        "Copilot's quota is spent until 14:05. Ask OpenAI gpt-4o-mini instead? "
        "It costs about $0.002 per answer; $0.41 spent today."
    )


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize(
    ("reason", "seconds", "told"),
    [
        ("rate", 30.0, "Copilot wants no more requests."),
        ("auth", float("inf"), "Copilot refuses the credential."),
        ("quota", 48 * HOUR, "Copilot's quota is spent until 2026-06-04 12:00."),
        ("context_too_long", None, "The prompt is too long for Copilot."),
        ("something_new", None, "Copilot gives no answer."),
    ],
)
def test_a_wait_is_told_where_a_person_would_mind_it(reason: str, seconds: float | None, told: str) -> None:
    left = Attempt("copilot", Backend.COPILOT, Outcome.FAILED, reason=reason, retry_after_seconds=seconds)
    request = SpendRequest("openai", None, PriceClass.METERED, left)
    assert question_of(request, at("2026-06-02T16:00:00").time()).startswith(f"{told} Ask OpenAI instead? ")


def test_a_price_that_nobody_knows_is_told_as_such() -> None:
    told = question_of(SpendRequest("my-service", "m", PriceClass.METERED), 0.0)
    assert told == "Ask my-service m? Nobody knows what it costs; $0.00 spent today."


def test_what_a_plan_includes_has_no_price() -> None:
    told = question_of(SpendRequest("copilot", "gpt-4o", PriceClass.INCLUDED), 0.0)
    assert told == "Ask Copilot gpt-4o? It draws on your plan."


# Consent

MINI = SpendRequest("openai", "gpt-4o-mini", PriceClass.METERED)
OPUS = SpendRequest("anthropic", "claude-opus", PriceClass.METERED)
PLAN = SpendRequest("copilot", "gpt-4o", PriceClass.INCLUDED)


class Person:
    """Is asked, and says something when the test wants it."""

    def __init__(self, says: Consent | None = None) -> None:
        self.says = says
        self.asked: list[SpendRequest] = []
        self.withdrawn = 0
        self.changed = asyncio.Event()
        self._reply: asyncio.Future[Consent] = asyncio.get_running_loop().create_future()

    async def __call__(self, request: SpendRequest) -> Consent:
        self.asked.append(request)
        self._tell()
        if self.says is not None:
            return self.says
        try:
            return await asyncio.shield(self._reply)
        except asyncio.CancelledError:
            self.withdrawn += 1
            self._tell()
            raise

    def reply(self, consent: Consent) -> None:
        self._reply.set_result(consent)

    def _tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(HANG_SECONDS):
            while not condition():
                await self.changed.wait()


async def obtain(consents: Consents, request: SpendRequest = MINI, within: float = HANG_SECONDS) -> NoConsent | None:
    async with asyncio.timeout(2 * HANG_SECONDS):
        return await consents.obtain(request, within_seconds=within)


async def test_a_yes_for_this_time_is_for_this_time_only(clock: FakeClock) -> None:
    person = Person(Consent.ONCE)
    consents = Consents(Ledger(None, clock), clock, asker=person)
    assert [await obtain(consents), await obtain(consents)] == [None, None]
    assert person.asked == [MINI, MINI]


async def test_a_yes_for_today_is_for_that_model_in_every_window_until_midnight(
    window: Window, other_window: Window, clock: FakeClock
) -> None:
    here, elsewhere = Person(Consent.TODAY), Person(Consent.NO)
    first = Consents(Ledger(window, clock), clock, asker=here)
    second = Consents(Ledger(other_window, clock), clock, asker=elsewhere)
    assert [await obtain(first), await obtain(first), await obtain(second)] == [None, None, None]
    assert (here.asked, elsewhere.asked) == ([MINI], [])
    assert await obtain(second, OPUS) is NoConsent.DECLINED
    clock.advance(24 * HOUR)
    assert await obtain(second) is NoConsent.DECLINED


async def test_a_no_is_not_asked_again_for_a_minute_nor_for_anything_as_dear(clock: FakeClock) -> None:
    person = Person(Consent.NO)
    consents = Consents(Ledger(None, clock), clock, asker=person)
    assert await obtain(consents, MINI) is NoConsent.DECLINED
    assert await obtain(consents, OPUS) is NoConsent.DECLINED
    assert person.asked == [MINI]
    person.says = Consent.ONCE
    assert await obtain(consents, PLAN) is None
    clock.advance(QUIET_SECONDS)
    assert await obtain(consents, OPUS) is None


async def test_a_no_to_what_a_plan_includes_is_a_no_to_what_costs_more(clock: FakeClock) -> None:
    person = Person(Consent.NO)
    consents = Consents(Ledger(None, clock), clock, asker=person)
    assert [await obtain(consents, PLAN), await obtain(consents, MINI)] == [NoConsent.DECLINED] * 2
    assert person.asked == [PLAN]


async def test_queries_that_need_the_same_consent_share_one_question(clock: FakeClock) -> None:
    person = Person()
    consents = Consents(Ledger(None, clock), clock, asker=person)
    queries = [asyncio.create_task(obtain(consents)) for _ in range(5)]
    await person.until(lambda: person.asked)
    person.reply(Consent.ONCE)
    assert await asyncio.gather(*queries) == [None] * 5
    assert person.asked == [MINI]


async def test_a_cancelled_query_leaves_the_question_to_the_others(clock: FakeClock) -> None:
    person = Person()
    consents = Consents(Ledger(None, clock), clock, asker=person)
    leaving, staying = (asyncio.create_task(obtain(consents)) for _ in range(2))
    await person.until(lambda: person.asked)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    person.reply(Consent.ONCE)
    assert await staying is None
    assert (len(person.asked), person.withdrawn) == (1, 0)


async def test_a_question_that_nobody_waits_for_is_taken_back_and_may_be_asked_again(clock: FakeClock) -> None:
    person = Person()
    consents = Consents(Ledger(None, clock), clock, asker=person)
    for number in (1, 2):
        query = asyncio.create_task(obtain(consents))
        await person.until(lambda: len(person.asked) == number)  # noqa: B023 - called in this turn only
        query.cancel()
        await person.until(lambda: person.withdrawn == number)  # noqa: B023
    await asyncio.gather(query, return_exceptions=True)


async def test_an_unanswered_question_ends_with_the_time_of_its_query(clock: FakeClock) -> None:
    person = Person()
    consents = Consents(Ledger(None, clock), clock, asker=person)
    assert await obtain(consents, within=0.01) is NoConsent.UNANSWERED
    await person.until(lambda: person.withdrawn)
    assert await obtain(consents) is NoConsent.UNANSWERED
    assert await obtain(consents, OPUS) is NoConsent.UNANSWERED
    assert person.asked == [MINI]


async def test_a_query_with_more_time_goes_on_waiting(clock: FakeClock) -> None:
    person = Person()
    consents = Consents(Ledger(None, clock), clock, asker=person)
    patient = asyncio.create_task(obtain(consents))
    await person.until(lambda: person.asked)
    assert await obtain(consents, within=0.01) is NoConsent.UNANSWERED
    person.reply(Consent.ONCE)
    assert await patient is None
    assert (len(person.asked), person.withdrawn) == (1, 0)
    assert await obtain(consents, OPUS) is None


async def test_a_query_that_comes_as_a_question_is_taken_back_asks_anew(clock: FakeClock) -> None:
    person = Person()
    consents = Consents(Ledger(None, clock), clock, asker=person)
    first = asyncio.create_task(obtain(consents))
    await person.until(lambda: person.asked)
    first.cancel()
    second = asyncio.create_task(obtain(consents))
    await person.until(lambda: len(person.asked) == 2)
    person.reply(Consent.ONCE)
    assert await second is None
    assert first.cancelled()


async def test_without_anybody_to_ask_there_is_no_consent_and_a_hint_says_how_to_give_it(clock: FakeClock) -> None:
    refusal = await obtain(Consents(Ledger(None, clock), clock))
    assert refusal is NoConsent.NOBODY_TO_ASK
    assert "openai costs more" in refusal.hint_for("openai")
    assert "spending.rule" in refusal.hint_for("openai")


@pytest.mark.parametrize("error", [NobodyToAsk("no terminal"), RuntimeError("hello-prompt"), asyncio.CancelledError()])
async def test_a_question_that_fails_is_no_consent_and_no_fault_of_the_query(
    clock: FakeClock, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_request: SpendRequest) -> Consent:
        raise error

    assert await obtain(Consents(Ledger(None, clock), clock, asker=fail)) is NoConsent.NOBODY_TO_ASK
    assert "hello-prompt" not in caplog.text
