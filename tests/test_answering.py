"""How one query is answered, as its asker sees it and as its trace tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path

import pytest

from ai_gateway.failures import FailureKind, FileExcluded, InvalidQuery, NoTierAnswered, QueryRefused
from ai_gateway.fakes import Fault, RecordedRequest, ToolCall
from ai_gateway.gateway import Gateway
from ai_gateway.model import Answer, Delta, Outcome, Tool
from ai_gateway.options import QueryOptions, query_of
from ai_gateway.recorder import TRACES
from ai_gateway.routing import Action, Exclusion
from ai_gateway.trace import CacheVerdict, QueryOutcome, Trace, replay
from support.chains import HANG_SECONDS
from support.fake_clock import FakeClock
from support.person import Asker, Person

HOUR = 3600.0
SECRET = "ghp_" + "0a1B2c3D4e5F6g7H8i9J" + "k0L1m2N3o4P5q6R7"


async def explained(window: Gateway, query_id: str | None = None) -> Trace:
    trace = await window.explain(query_id)
    assert trace is not None
    return trace


def skips(trace: Trace) -> list[tuple[str, str | None]]:
    """Who was skipped, and why."""
    return [
        (step.attempt.provider, step.attempt.reason)
        for step in trace.steps
        if step.attempt is not None and step.attempt.outcome is Outcome.SKIPPED
    ]


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def unanswered(window: Gateway, prompt: str = "hi", **options: object) -> NoTierAnswered:
    with pytest.raises(NoTierAnswered) as raised:
        await window.query(prompt, **options)  # type: ignore[arg-type]  # tests name them
    return raised.value


# Private queries


@pytest.mark.parametrize(
    ("settings", "options", "why"),
    [
        ({}, QueryOptions(private=True), "the query says so"),
        ({"private": True}, QueryOptions(), "the setting privacy.private says so"),
        (
            {"private_paths": ["*.env"]},
            QueryOptions(paths=["/srv/app/main.py", "file:///srv/app/prod.env"]),
            "it quotes a file that privacy.private_paths names",
        ),
    ],
    ids=["by query", "by setting", "by path"],
)
async def test_a_private_query_reaches_local_tiers_only_and_its_trace_says_why_it_was_private(
    person: Person, settings: Mapping[str, object], options: QueryOptions, why: str
) -> None:
    window = await person.window(privacy=settings)
    answer = await window.query("hi", **options)
    assert (answer.provider, person.called()) == ("home", (0, 0, 1))
    trace = await explained(window)
    assert trace.asked.private == why
    assert skips(trace) == [("plan", Exclusion.PRIVATE), ("dear", Exclusion.PRIVATE)]


async def test_a_query_that_quotes_other_files_is_not_private(person: Person) -> None:
    window = await person.window(privacy={"private_paths": ["*.env"]})
    assert (await window.query("hi", paths=["/srv/app/main.py"])).provider == "plan"
    assert (await explained(window)).asked.private is None


async def test_a_file_is_private_by_whatever_name(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "customers").mkdir()
    (tmp_path / "innocent").symlink_to("customers/plan.md")
    monkeypatch.chdir(tmp_path / "customers")
    window = await person.window(privacy={"private_paths": ["customers/"]})
    for name in ("plan.md", "../innocent"):
        assert (await window.query("hi", paths=[name])).provider == "home", name


async def test_texts_of_a_private_file_are_embedded_at_home_or_not_at_all(person: Person) -> None:
    window = await person.window(privacy={"private_paths": ["*.env"]})
    with pytest.raises(NoTierAnswered, match="private"):
        await window.embed("A=1", paths=["/srv/app/prod.env"])
    assert [upstream.requests for upstream in (person.plan, person.dear)] == [[], []]


async def test_an_answer_about_a_private_file_is_not_given_to_a_query_that_is_not(person: Person) -> None:
    window = await person.window(privacy={"private_paths": ["*.env"]})
    await window.query("hi", paths=["a.env"])
    assert not (await window.query("hi")).cached
    assert (await window.query("hi", private=True)).cached


async def test_a_query_that_quotes_many_files_lets_others_work_meanwhile(person: Person, tmp_path: Path) -> None:
    (tmp_path / ".aiexclude").write_text("*.key\n")
    window = await person.window()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.timeout(30):
        working = asyncio.create_task(others())
        paths = [str(tmp_path / f"{number}.py") for number in range(5000)]
        with pytest.raises(FileExcluded):
            await window.query("hi", paths=[*paths, str(tmp_path / "my.key")])
        working.cancel()
    assert turns >= 10


# What the cache had


async def test_the_trace_says_what_the_cache_had(person: Person, clock: FakeClock) -> None:
    window = await person.window()
    verdicts: list[CacheVerdict] = []

    async def ask(**options: object) -> Answer:
        answer = await window.query("hi", **options)  # type: ignore[arg-type]  # tests name them
        trace = await explained(window, answer.query_id)
        verdicts.append(trace.cache)
        return answer

    await ask(cache="off")
    await ask()
    clock.advance(5)
    assert (await ask()).age_seconds == 5
    assert (await explained(window)).steps == ()
    person.die(person.plan, person.dear, person.home)
    clock.advance(HOUR)
    stale = await ask()
    assert (stale.stale, stale.content, stale.cost_usd) == (True, "from plan", 0.0)
    assert [attempt.outcome for attempt in stale.attempts] == [Outcome.FAILED] * 3
    assert verdicts == [CacheVerdict.OFF, CacheVerdict.MISS, CacheVerdict.HIT, CacheVerdict.STALE]
    trace = await explained(window)
    assert trace.outcome is QueryOutcome.ANSWERED
    assert trace.given is not None
    assert (trace.given.provider, trace.given.age_seconds) == ("plan", HOUR + 5)


# Queries that share an answer


async def two_asking(window: Gateway) -> tuple[Asker, Asker]:
    """Two who ask the same, and have seen its first words."""
    first = Asker(window, query_of("hi"))
    await first.has_text.wait()
    second = Asker(window, query_of("hi"))
    await second.has_text.wait()
    return first, second


async def test_the_same_asked_twice_at_once_is_one_call_and_two_queries(person: Person) -> None:
    window = person.priced(await person.window(order=["dear"]))
    go_on = asyncio.Event()
    person.dear.fault(Fault.stall(after=1, until=go_on))
    async with asyncio.timeout(HANG_SECONDS):
        first, second = await two_asking(window)
        go_on.set()
        one, other = await first.task, await second.task
    assert (first.text, second.text) == ("from dear", "from dear")
    assert person.dear.calls == 1
    assert one.query_id != other.query_id
    assert (one.cost_usd, other.cost_usd) == (1.0, 0.0)
    traces = [await explained(window, answer.query_id) for answer in (one, other)]
    assert [(trace.cache, trace.joined, len(trace.steps)) for trace in traces] == [
        (CacheVerdict.MISS, None, 1),
        (CacheVerdict.JOINED, one.query_id, 0),
    ]
    figures = window.metrics()
    assert (figures.total_requests, figures.joined, figures.cost_usd) == (2, 1, 1.0)
    found = await window.health()
    assert found.spent_today_usd == 1.0


@pytest.mark.parametrize(
    "options",
    [
        QueryOptions(timeout_seconds=5),
        QueryOptions(ttl_seconds=5),
        QueryOptions(cache="off"),
        QueryOptions(private=True),
    ],
    ids=lambda options: next(iter(options)),
)
async def test_queries_with_other_terms_do_not_share_an_answer(person: Person, options: QueryOptions) -> None:
    window = await person.window(order=["home"])
    go_on = asyncio.Event()
    person.home.fault(Fault.hold(go_on), times=2)
    async with asyncio.timeout(HANG_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(window.query("hi"))
        group.create_task(window.query("hi", **options))
        await person.home.wait_for_calls(2)
        go_on.set()
    assert window.metrics().joined == 0


async def test_whoever_asked_first_may_leave_and_the_other_still_gets_the_answer(person: Person) -> None:
    window = await person.window()
    go_on = asyncio.Event()
    person.plan.fault(Fault.stall(after=1, until=go_on))
    async with asyncio.timeout(HANG_SECONDS):
        first, second = await two_asking(window)
        await first.leave()
        cancelled = await explained(window)
        go_on.set()
        answer = await second.task
    assert (answer.content, person.plan.calls, person.plan.disconnects) == ("from plan", 1, 0)
    assert cancelled.outcome is QueryOutcome.CANCELLED
    assert window.metrics().cancelled == 1
    assert (await window.query("hi")).cached


async def test_one_of_those_who_stay_can_see_where_the_query_went_and_what_it_cost(person: Person) -> None:
    window = person.priced(await person.window(order=["dear"]))
    go_on = asyncio.Event()
    person.dear.fault(Fault.stall(after=1, until=go_on))
    async with asyncio.timeout(HANG_SECONDS):
        asking = [*await two_asking(window), Asker(window, query_of("hi"))]
        await asking[2].has_text.wait()
        await asking[0].leave()
        go_on.set()
        answers = [await each.task for each in asking[1:]]
    traces = [await explained(window, answer.query_id) for answer in answers]
    assert [len(trace.steps) for trace in traces] == [1, 0]
    assert [(trace.cache, trace.joined is None) for trace in traces] == [
        (CacheVerdict.MISS, True),
        (CacheVerdict.JOINED, False),
    ]
    assert [answer.cost_usd for answer in answers] == [1.0, 0.0]


async def test_when_the_last_who_waits_has_left_the_upstream_is_let_go(person: Person) -> None:
    window = await person.window()
    person.plan.fault(Fault.stall(after=1))
    async with asyncio.timeout(HANG_SECONDS):
        for asker in await two_asking(window):
            await asker.leave()
        await person.plan.wait_until_idle()
    assert person.plan.disconnects == 1
    assert window.tiers[0].breaker.consecutive_failures == 0
    assert not (await window.query("hi")).cached


async def test_a_failure_reaches_everybody_who_waited_and_each_can_explain_it(person: Person) -> None:
    window = await person.window(order=["plan"])
    go_on = asyncio.Event()
    person.plan.fault(Fault.hold(go_on) | Fault.overloaded())
    async with asyncio.timeout(HANG_SECONDS):
        first = asyncio.create_task(window.query("hi"))
        await person.plan.wait_for_calls(1)
        second = asyncio.create_task(window.query("hi"))
        await turns()
        assert window.metrics().joined == 1
        go_on.set()
        errors = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(error) for error in errors] == [NoTierAnswered, NoTierAnswered]
    assert person.plan.calls == 1
    joined = await explained(window)
    assert (joined.outcome, joined.cache, joined.hint is not None) == (QueryOutcome.FAILED, CacheVerdict.JOINED, True)


# The emergency tier, and old answers


async def test_the_emergency_tier_is_asked_only_when_nobody_else_can_answer(person: Person) -> None:
    window = await person.window(order=["home", "plan", "dear"], emergency="home")
    assert (await window.query("one")).provider == "plan"
    person.die(person.plan)
    assert (await window.query("two")).provider == "dear"
    assert person.home.calls == 0
    person.die(person.dear)
    answer = await window.query("three")
    assert answer.provider == "home"
    assert [attempt.provider for attempt in answer.attempts] == ["plan", "dear", "plan", "home"]


async def test_an_old_answer_comes_before_the_emergency_tier(person: Person, clock: FakeClock) -> None:
    window = await person.window(emergency="home")
    await window.query("hi")
    person.die(person.plan, person.dear)
    clock.advance(2 * HOUR)
    answer = await window.query("hi")
    assert (answer.content, answer.stale) == ("from plan", True)
    assert (await window.query("another")).provider == "home"
    assert (await window.query("hi", cache="refresh")).provider == "home"
    assert person.home.calls == 2


async def test_a_query_that_names_the_emergency_tier_asks_it_though_there_is_an_old_answer(
    person: Person, clock: FakeClock
) -> None:
    window = await person.window(emergency="home")
    await window.query("hi", provider="home")
    clock.advance(2 * HOUR)
    person.home.reply("new")
    answer = await window.query("hi", provider="home")
    assert (answer.content, answer.stale) == ("new", False)


async def test_where_only_the_emergency_tier_may_be_asked_it_renews_an_old_answer(
    person: Person, clock: FakeClock
) -> None:
    window = await person.window(emergency="home")
    await window.query("hi", private=True)
    clock.advance(2 * HOUR)
    person.home.reply("new")
    answer = await window.query("hi", private=True)
    assert (answer.content, answer.stale) == ("new", False)


async def test_tools_that_are_no_json_are_refused_and_leave_the_probe_to_others(person: Person) -> None:
    window = await person.window(privacy={"mask_secrets": True})
    breaker = window.tiers[0].breaker
    breaker.trip(open_seconds=0)
    with pytest.raises(InvalidQuery, match="only what JSON can"):
        await window.query("hi", tools=[Tool("look", "looks", {"type": object()})], cache="off")
    assert not breaker.has_probe_out


# Who answered last


async def test_when_nobody_answers_it_is_said_who_answered_last(person: Person, clock: FakeClock) -> None:
    window = await person.window()
    await window.query("one")
    clock.advance(120)
    await window.query("one")
    person.die(person.plan, person.dear, person.home)
    error = await unanswered(window, "two")
    assert error.last_answer is not None
    assert (error.last_answer.provider, error.last_answer.model) == ("plan", "plan-model")
    assert error.last_answer.age_seconds == pytest.approx(120)
    assert "plan (plan-model) answered last, 2 min ago" in error.hint
    trace = await explained(window)
    assert trace.hint == error.hint


async def test_who_answered_last_in_another_window_is_known_too(person: Person, clock: FakeClock) -> None:
    before = await person.window()
    await before.query("one")
    await before.aclose()
    clock.advance(90)
    person.die(person.plan, person.dear, person.home)
    error = await unanswered(await person.window())
    assert error.last_answer is not None
    assert error.last_answer.provider == "plan"
    assert error.last_answer.age_seconds == pytest.approx(90)


async def test_where_nobody_ever_answered_nothing_is_said_of_it(person: Person) -> None:
    person.die(person.plan, person.dear, person.home)
    error = await unanswered(await person.window())
    assert error.last_answer is None
    assert "answered last" not in error.hint


@pytest.mark.parametrize("junk", [b"no JSON", b"[]", b"{}", b'{"given": 5}', b'{"given": {}}', b"\xff"])
async def test_a_trace_that_cannot_be_read_hides_no_error(person: Person, clock: FakeClock, junk: bytes) -> None:
    window = await person.window()
    assert window.store is not None
    await window.store.put(TRACES, "of-another-version", junk, expires_at=clock.time() + HOUR)
    person.die(person.plan, person.dear, person.home)
    assert (await unanswered(window)).last_answer is None
    assert await window.explain("of-another-version") is None


# Secrets that stay at home


def placeholder_in(request: RecordedRequest) -> str:
    text = json.dumps(request.body)
    start = text.index("SECRET_")
    return text[start : start + 19]


def echo(request: RecordedRequest) -> str:
    return f"use {placeholder_in(request)} there"


async def test_a_masked_secret_is_back_in_the_answer_that_streams(person: Person) -> None:
    window = await person.window(privacy={"mask_secrets": True})
    person.plan.reply(echo)
    async with aclosing(window.stream(query_of(f"my token is {SECRET}"))) as stream:
        events = [event async for event in stream]
    assert SECRET not in json.dumps(person.plan.requests[0].body)
    assert "".join(event.text for event in events if isinstance(event, Delta)) == f"use {SECRET} there"
    assert isinstance(events[-1], Answer)
    assert events[-1].content == f"use {SECRET} there"
    assert (await explained(window)).masked == 1


async def test_a_masked_secret_is_back_in_the_arguments_of_tool_calls(person: Person) -> None:
    window = await person.window(privacy={"mask_secrets": True})
    prompt = f"my token is {SECRET}"
    await window.query(prompt)
    person.plan.reply(tool_calls=[ToolCall("login", {"token": placeholder_in(person.plan.requests[0])})])
    answer = await window.query(prompt, tools=[{"name": "login"}])
    assert json.loads(answer.tool_calls[0].arguments) == {"token": SECRET}


async def test_the_local_tier_sees_the_plain_text(person: Person) -> None:
    window = await person.window(privacy={"mask_secrets": True})
    await window.query(f"my token is {SECRET}", private=True)
    assert SECRET in json.dumps(person.home.requests[0].body)
    assert (await explained(window)).masked == 0


async def test_a_masked_answer_is_not_kept(person: Person) -> None:
    window = await person.window(privacy={"mask_secrets": True}, cache={"persistent": True})
    for _ in range(2):
        assert not (await window.query(f"my token is {SECRET}")).cached
    await window.query("no secret")
    assert (await window.query("no secret")).cached
    await window.query(f"my token is {SECRET}", private=True)
    assert (await window.query(f"my token is {SECRET}", private=True)).cached


async def test_a_secret_that_was_masked_for_one_tier_and_shown_to_the_local_one_is_not_kept(person: Person) -> None:
    window = await person.window(privacy={"mask_secrets": True}, cache={"persistent": True})
    person.die(person.plan, person.dear)
    assert (await window.query(f"my token is {SECRET}")).provider == "home"
    assert SECRET in json.dumps(person.home.requests[0].body)
    assert (await explained(window)).masked == 1
    assert not (await window.query(f"my token is {SECRET}")).cached


# Traces


async def test_every_query_leaves_a_trace_of_how_it_ended(person: Person) -> None:
    window = await person.window()
    ended: list[tuple[QueryOutcome, str | None]] = []

    async def note(query_id: str | None = None) -> None:
        trace = await explained(window, query_id)
        ended.append((trace.outcome, trace.hint))

    await note((await window.query("answered")).query_id)
    person.plan.fault(Fault.status(400, {"error": {"code": "content_filter", "message": "no"}}))
    with pytest.raises(QueryRefused) as refused:
        await window.query("refused")
    assert refused.value.kind is FailureKind.CONTENT_FILTER
    await note()
    with pytest.raises(InvalidQuery) as invalid:
        await window.query("invalid", provider="nobody")
    await note()
    person.plan.fault(Fault.hang())
    asking = asyncio.create_task(window.query("cancelled"))
    await asyncio.wait_for(person.plan.wait_for_calls(3), HANG_SECONDS)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await note()
    assert (await explained(window)).steps[0].attempt is not None
    person.die(person.plan, person.dear, person.home)
    error = await unanswered(window, "failed")
    await note()
    assert ended == [
        (QueryOutcome.ANSWERED, None),
        (QueryOutcome.REFUSED, refused.value.hint),
        (QueryOutcome.REFUSED, str(invalid.value)),
        (QueryOutcome.CANCELLED, None),
        (QueryOutcome.FAILED, error.hint),
    ]


async def test_a_trace_decides_again_as_it_did_and_tells_each_try(person: Person) -> None:
    window = await person.window()
    person.plan.fault(Fault.status(500), times=None)
    person.dear.fault(Fault.cut(after=1))
    await window.query("hi")
    trace = await explained(window)
    assert [step.decision.action for step in trace.steps] == [Action.ASK] * 3
    assert [len(step.tries) for step in trace.steps] == [2, 1, 0]
    first, second = trace.steps[0].tries
    assert (first.retried_after_ms is not None, second.retried_after_ms) == (True, None)
    assert trace.steps[1].first_token_ms is not None
    assert all(made.is_same for made in replay(trace.steps))


async def test_another_window_explains_a_query_and_knows_no_word_of_it(person: Person, home: Path) -> None:
    before = await person.window()
    person.die(person.plan)
    answer = await before.query("a word nobody else has: xylograph", system="and pyrography")
    ours = await explained(before)
    await before.aclose()
    other = await person.window()
    assert await explained(other, answer.query_id) == ours
    assert await explained(other) == ours
    assert await other.explain("nobody's") is None
    written = b"".join(file.read_bytes() for file in (home / ".local" / "state" / "ai-gateway").iterdir())
    assert answer.query_id.encode() in written
    assert b"xylograph" not in written
    assert b"pyrography" not in written
    assert b"from dear" not in written


# Answers that outlive the process

KEPT = {"persistent": True}


async def test_answers_may_outlive_the_window(person: Person, clock: FakeClock) -> None:
    before = await person.window(cache=KEPT)
    await before.query("hi")
    await before.aclose()
    clock.advance(60)
    answer = await (await person.window(cache=KEPT)).query("hi")
    assert (answer.content, answer.cached, answer.age_seconds, person.plan.calls) == ("from plan", True, 60, 1)


async def test_an_old_answer_of_another_window_is_better_than_none(person: Person, clock: FakeClock) -> None:
    before = await person.window(cache=KEPT)
    await before.query("hi")
    await before.aclose()
    clock.advance(2 * HOUR)
    person.die(person.plan, person.dear, person.home)
    answer = await (await person.window(cache=KEPT)).query("hi")
    assert (answer.content, answer.stale, answer.age_seconds) == ("from plan", True, 2 * HOUR)


@pytest.mark.parametrize(
    ("prompt", "options", "kept"),
    [
        ("hi", QueryOptions(private=True), KEPT),
        (f"my token is {SECRET}", QueryOptions(), KEPT),
        ("hi", QueryOptions(), {}),
    ],
    ids=["private", "masked", "not wanted"],
)
async def test_answers_that_must_not_outlive_the_window_do_not(
    person: Person, home: Path, prompt: str, options: QueryOptions, kept: Mapping[str, object]
) -> None:
    person.plan.reply("a word nobody else has: xylograph")
    person.home.reply("a word nobody else has: xylograph")
    before = await person.window(cache=kept, privacy={"mask_secrets": True})
    await before.query(prompt, **options)
    await before.aclose()
    after = await person.window(cache=kept, privacy={"mask_secrets": True})
    assert not (await after.query(prompt, **options)).cached
    written = b"".join(file.read_bytes() for file in (home / ".local" / "state" / "ai-gateway").iterdir())
    assert b"xylograph" not in written


async def test_a_command_wipes_what_was_kept_also_where_nothing_is_any_more(person: Person) -> None:
    before = await person.window(cache=KEPT)
    await before.query("hi")
    await before.aclose()
    wiping = await person.window()
    assert await wiping.forget_answers() == 1
    assert not (await (await person.window(cache=KEPT)).query("hi")).cached


# The store


async def test_without_a_store_everything_else_works_and_nothing_is_written(person: Person, home: Path) -> None:
    window = await person.window(store={"enabled": False}, cache=KEPT, spending={"daily_cap_usd": 5})
    answer = await window.query("hi")
    assert (await window.query("hi")).cached
    assert (await explained(window, answer.query_id)).outcome is QueryOutcome.ANSWERED
    assert await window.explain("nobody's") is None
    assert window.store_problems == ()
    assert await window.forget_answers() == 1
    await window.aclose()
    assert not (home / ".local").exists()


async def test_a_damaged_store_is_set_aside_and_said(person: Person, home: Path) -> None:
    folder = home / ".local" / "state" / "ai-gateway"
    folder.mkdir(parents=True)
    (folder / "gateway.db").write_bytes(b"SQLite format 3\0" + b"no database" * 1000)
    window = await person.window(cache=KEPT)
    assert (await window.query("hi")).content == "from plan"
    assert (await window.query("hi")).cached
    [problem] = window.store_problems
    assert "gateway.db" in problem
    assert (await explained(window)).cache is CacheVerdict.HIT


async def test_a_store_that_cannot_be_written_is_said_and_everything_else_works(person: Person, home: Path) -> None:
    (home / ".local").write_text("a file where a folder should be")
    window = await person.window(cache=KEPT, spending={"rule": "ask", "daily_cap_usd": 5})
    answer = await window.query("hi")
    assert answer.content == "from plan"
    assert (await window.query("hi")).cached
    person.die(person.plan)
    assert (await window.query("another")).provider == "home"
    assert len(window.store_problems) == 1
    assert (await explained(window, answer.query_id)).outcome is QueryOutcome.ANSWERED
    await window.aclose()
