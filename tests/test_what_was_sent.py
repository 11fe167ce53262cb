"""What a person can see of what was sent: as each tier saw it, for the last queries, in this process alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from ai_gateway.explaining.page import page_of
from ai_gateway.explaining.what_was_sent import note_of, sent_page_of
from ai_gateway.failures import FileExcluded, InvalidQuery
from ai_gateway.fakes import Fault
from ai_gateway.gateway import Gateway
from ai_gateway.model import Backend, EmbeddingInput, Infill, Message, Prompt, Tool, ToolCall
from ai_gateway.options import query_of
from ai_gateway.recorder import TRACES
from ai_gateway.sent import MOST_BYTES, MOST_BYTES_OF_ONE, MOST_QUERIES, Sent, SentByQuery, SentLog, SentText, texts_of
from ai_gateway.trace import QueryOutcome, Trace
from support.chains import HANG_SECONDS
from support.fake_clock import FakeClock
from support.person import Asker, Person, a_person
from support.repositories import new_repo

KEY = "ghp_" + "0a1B2c3D4e5F6g7H8i9J" + "k0L1m2N3o4P5q6R7"


@pytest.fixture
async def person() -> AsyncIterator[Person]:
    async with a_person(FakeClock()) as person:
        yield person


async def trace_of(window: Gateway, query_id: str | None = None) -> Trace:
    trace = await window.explain(query_id)
    assert trace is not None
    return trace


async def sent_by(window: Gateway, query_id: str | None = None) -> SentByQuery:
    sent = window.sent((await trace_of(window, query_id)).query_id)
    assert sent is not None
    return sent


# Refusing


async def test_a_query_that_quotes_a_file_that_is_kept_out_is_refused_and_reaches_nobody(
    person: Person, tmp_path: Path
) -> None:
    (tmp_path / ".aiexclude").write_text("*.key\n")
    window = await person.window()
    with pytest.raises(FileExcluded, match=r"my\.key is kept out of every prompt: line 1 of .*aiexclude") as raised:
        await window.query("what is in it?", paths=[str(tmp_path / "main.py"), str(tmp_path / "my.key")])
    assert raised.value.field == "paths"
    with pytest.raises(FileExcluded):
        await window.embed("A=1", paths=[str(tmp_path / "my.key")])
    assert person.called() == (0, 0, 0)
    assert (await window.query("and this?", paths=[str(tmp_path / "main.py")])).provider == "plan"


async def test_an_answer_in_the_cache_is_refused_as_well_once_its_file_is_kept_out(
    person: Person, tmp_path: Path
) -> None:
    window = await person.window()
    path = str(tmp_path / "my.key")
    assert not (await window.query("hi", paths=[path])).cached
    assert (await window.query("hi", paths=[path])).cached
    (tmp_path / ".aiexclude").write_text("*.key\n")
    with pytest.raises(InvalidQuery):
        await window.query("hi", paths=[path])


async def test_settings_name_files_and_let_out_what_git_ignores_and_a_wrong_pattern_is_told(
    person: Person, tmp_path: Path
) -> None:
    new_repo(tmp_path)
    (tmp_path / ".git" / "HEAD").touch()
    (tmp_path / ".gitignore").write_text("*.log\n")
    window = await person.window(privacy={"exclude": ["*.pem", "[a"], "use_gitignore": False})
    assert window.problems == ("privacy.exclude: no pattern as in a .gitignore: '[a'",)
    assert window.excluded(str(tmp_path / "a.log")) is None
    assert window.excluded("my.pem") == "privacy.exclude ('*.pem') says so"
    await window.reconfigure(person.loaded())
    assert window.excluded("my.pem") is None
    assert window.excluded(str(tmp_path / "a.log")) is not None


async def test_a_gateway_made_by_hand_keeps_files_out_too(tmp_path: Path) -> None:
    (tmp_path / ".aiexclude").touch()
    async with Gateway() as gateway:
        assert gateway.excluded(str(tmp_path / "main.py")) is not None
        with pytest.raises(FileExcluded):
            await gateway.query("hi", paths=[str(tmp_path / "main.py")])


async def test_no_name_of_a_file_and_no_text_is_in_the_trace_the_store_or_the_page(
    person: Person, tmp_path: Path
) -> None:
    (tmp_path / ".aiexclude").write_text("innermost.*\n")
    window = await person.window()
    await window.query("a-very-private-prompt", paths=[str(tmp_path / "outermost.py")])
    asked = await trace_of(window)
    with pytest.raises(InvalidQuery):
        await window.query("a-very-private-prompt", paths=[str(tmp_path / "innermost.key")])
    refused = await trace_of(window)
    assert (asked.asked.files, refused.outcome) == (1, QueryOutcome.REFUSED)
    assert refused.hint is not None
    assert "kept out of every prompt" in refused.hint
    assert window.store is not None
    other = await person.window()
    await window.aclose()
    written = await other.store.entries(TRACES) if other.store is not None else {}
    assert len(written) == 2
    texts = [
        repr(asked),
        repr(refused),
        page_of(asked),
        page_of(refused),
        *(e.value.decode() for e in written.values()),
    ]
    for text in texts:
        assert "most." not in text
        assert "aiexclude" not in text
        assert "private-prompt" not in text
    assert {json.loads(entry.value)["asked"]["files"] for entry in written.values()} == {1}


# What was sent


async def test_each_tier_that_was_asked_is_told_with_what_it_saw(person: Person, tmp_path: Path) -> None:
    person.plan.fault(Fault.status(503), times=None)
    window = await person.window(privacy={"mask_secrets": True})
    path = str(tmp_path / "main.py")
    prompt = [{"role": "system", "content": "be brief"}, {"role": "user", "content": f"what is {KEY}?"}]
    await window.query(prompt, paths=[path])
    sent = await sent_by(window)
    assert sent.files == (path,)
    assert [(tier.provider, tier.backend, tier.model) for tier in sent.tiers] == [
        ("plan", Backend.CLOUD, "plan-model"),
        ("dear", Backend.CLOUD, "dear-model"),
    ]
    for tier, upstream in zip(sent.tiers, (person.plan, person.dear), strict=True):
        assert tier.address == upstream.base_url
        seen = upstream.requests[-1].json["messages"]
        assert [{"role": text.role, "content": text.content} for text in tier.texts] == seen
        assert KEY not in tier.texts[1].content
    page = sent_page_of(await trace_of(window), sent)
    assert "## To dear (dear-model), on this machine" in page
    assert "system:\n\n```text\nbe brief\n```" in page
    assert KEY not in page


async def test_a_local_tier_is_told_with_the_secret_that_it_saw(person: Person) -> None:
    window = await person.window(privacy={"mask_secrets": True})
    await window.query(f"what is {KEY}?", private=True)
    [tier] = (await sent_by(window)).tiers
    assert (tier.provider, tier.texts[0].content) == ("home", f"what is {KEY}?")


async def test_the_text_is_kept_and_no_copy_of_it(person: Person) -> None:
    window = await person.window()
    prompt = "a question of this test"
    await window.query(prompt)
    [tier] = (await sent_by(window)).tiers
    assert tier.texts[0].content is prompt


async def test_of_an_answer_from_the_cache_it_is_told_that_nothing_was_sent(person: Person) -> None:
    window = await person.window()
    await window.query("hi")
    assert (await window.query("hi")).cached
    trace = await trace_of(window)
    assert note_of(trace, window.sent(trace.query_id)) == "nothing was sent: the answer came from the cache"


async def test_of_a_query_that_joined_another_it_is_told_which_and_who_stays_has_what_was_sent(person: Person) -> None:
    window = await person.window()
    go_on = asyncio.Event()
    person.plan.fault(Fault.stall(after=1, until=go_on))
    async with asyncio.timeout(HANG_SECONDS):
        asking = [Asker(window, query_of("hello")) for _ in range(3)]
        for each in asking:
            await each.has_text.wait()
        await asking[0].leave()
        go_on.set()
        answers = [await each.task for each in asking[1:]]
    traces = [await trace_of(window, answer.query_id) for answer in answers]
    [stayed] = [trace for trace in traces if trace.joined is None]
    [joined] = [trace for trace in traces if trace.joined is not None]
    note = note_of(joined, window.sent(joined.query_id))
    assert note == f"query {joined.joined} was asking the same already, and sent it"
    sent = await sent_by(window, stayed.query_id)
    assert note_of(stayed, sent) is None
    assert [text.content for tier in sent.tiers for text in tier.texts] == ["hello"]


async def test_another_window_does_not_know_what_was_sent(person: Person) -> None:
    one, other = await person.window(), await person.window()
    answer = await one.query("hi")
    await one.aclose()
    trace = await trace_of(other, answer.query_id)
    assert other.sent(trace.query_id) is None
    assert "in memory only" in (note_of(trace, None) or "")
    assert "# What was sent\n\nWhat was sent is not known here: each process keeps" in sent_page_of(trace, None)


async def test_after_many_queries_the_first_are_forgotten(person: Person) -> None:
    window = await person.window()
    ids = [(await window.query(f"question {number}")).query_id for number in range(MOST_QUERIES + 2)]
    known = [window.sent(query_id) is not None for query_id in ids]
    assert known == [False, False, *[True] * MOST_QUERIES]


def a_sent(*texts: str, tools: Sequence[str] = ()) -> Sent:
    return Sent("plan", Backend.CLOUD, "m", None, tuple(SentText("user", text) for text in texts), tuple(tools))


def test_all_of_it_stays_within_bounds() -> None:
    log = SentLog()
    for number in range(40):
        log.add(str(number), ["file"] * 10_000, [a_sent(*["x" * 1000] * 1000), a_sent("é" * 200_000), a_sent("a")])
    kept = [entry for number in range(40) if (entry := log.of(str(number))) is not None]
    assert 0 < sum(entry.size_bytes for entry in kept) <= MOST_BYTES
    assert log.of("39") is kept[-1]
    assert kept[-1].size_bytes <= MOST_BYTES_OF_ONE


def test_of_what_is_too_long_the_beginning_is_kept_and_the_rest_is_counted() -> None:
    log = SentLog()
    text = "x" * (2 * MOST_BYTES_OF_ONE)
    log.add("1", [], [a_sent("short", text, "more")])
    entry = log.of("1")
    assert entry is not None
    [sent] = entry.tiers
    assert [kept.content for kept in sent.texts] == ["short", text[: len(sent.texts[1].content)]]
    assert len(sent.texts[1].content) > 10_000
    assert sum(len(kept.content) for kept in sent.texts) + sent.omitted_characters == len("short" + text + "more")


def test_all_texts_of_a_prompt_are_told() -> None:
    call = ToolCall("1", "look", '{"path": "a"}')
    prompt = Prompt((Message("user", "hi"), Message("assistant", "", (call,)), Message("tool", "found", (), "1")))
    assert [(text.role, text.content) for text in texts_of(prompt)] == [
        ("user", "hi"),
        ("assistant", 'look({"path": "a"})'),
        ("tool", "found"),
    ]
    assert [text.role for text in texts_of(EmbeddingInput(("a", "b")))] == ["input", "input"]
    assert [(text.role, text.content) for text in texts_of(Infill("a", "b"))] == [("prefix", "a"), ("suffix", "b")]


async def test_the_page_names_tools_and_fences_what_would_break_out(person: Person) -> None:
    window = await person.window()
    tool = Tool("look", "looks", {"type": "object"})
    await window.query("```\n# not a heading\n```", tools=[tool], paths=["a|b.py"])
    trace = await trace_of(window)
    page = sent_page_of(trace, window.sent(trace.query_id))
    assert "````text\n```\n# not a heading\n```\n````" in page
    assert "With the descriptions of these tools: look." in page
    assert r"Files quoted: a\|b.py." in page
    assert "1 file was quoted in it" in page_of(trace)
