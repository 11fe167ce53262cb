"""Work that goes on after its reply: seen, cancelled, superseded, and ended with the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ai_gateway.failures import NoTierAnswered
from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.lsp.editing.jobs import in_words
from support.buffers import HOLD, Editor, capable, editing, editor_of, lines
from support.rpc import Json, running_server

URI = "file:///project/shop.py"
OTHER = "file:///project/other.py"
TEXT = "def price(item):\n    return item.price\n\n\ndef vat(item):\n    return item.vat\n"
IMPROVE, EXPLAIN = "aiGateway.improve", "aiGateway.explain"
ERROR = 1


@pytest.fixture
async def editor(address: str, settings: Json) -> AsyncIterator[Editor]:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        yield editor


def at(first: int, last: int, uri: str = URI) -> Json:
    return {"uri": uri, "range": lines(first, last)}


async def begun(editor: Editor) -> Any:
    """The token of the progress that begins next."""
    return (await editor.request("window/workDoneProgress/create"))["token"]


async def test_progress_names_the_backend_and_the_seconds_and_ends_with_who_answered(
    editor: Editor, upstream: FakeOpenAI
) -> None:
    may_end = asyncio.Event()
    upstream.fault(Fault.stall(after=2, until=may_end))
    await editor.command(EXPLAIN, at(0, 1))
    token = await begun(editor)
    begin = await editor.server.progress(token, "begin")
    assert (begin["title"], begin["cancellable"]) == ("AI Gateway: Explain", True)
    reports = [await editor.server.progress(token, "report")]
    while not reports[-1]["message"].startswith("cloud: gpt-4o-mini answers · "):
        reports.append(await editor.server.progress(token, "report"))
    while reports[-1]["message"].endswith("· 0 s"):
        reports.append(await editor.server.progress(token, "report"))
    may_end.set()
    end = await editor.server.progress(token, "end")
    assert end["message"].startswith("openai (gpt-4o-mini) · ")
    assert len(reports) < 10
    await editor.page()


async def test_an_editor_without_progress_is_sent_none(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.reply("an answer")
    less = capable(without=("window.workDoneProgress",))
    async with editing(address, settings, capabilities=less) as editor:
        editor.open(URI, TEXT)
        await editor.command(EXPLAIN, at(0, 1))
        await editor.page()
        messages = await editor.server.synchronized()
    assert not [method for method, _ in editor.asked if method == "window/workDoneProgress/create"]
    assert not [each for each in messages if each.get("method") == "$/progress"]


@pytest.mark.parametrize("reply", [HOLD, {"error": {"code": -32603, "message": "no"}}])
async def test_an_editor_that_makes_no_progress_bar_gets_its_answer_all_the_same(
    reply: Any, editor: Editor, upstream: FakeOpenAI
) -> None:
    upstream.reply("an answer")
    editor.replies["window/workDoneProgress/create"] = reply
    await editor.command(EXPLAIN, at(0, 1))
    assert "an answer" in await editor.page()
    messages = await editor.server.synchronized()
    assert not [each for each in messages if each.get("method") == "$/progress"]


async def test_the_person_cancels_where_the_progress_is_shown(editor: Editor, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.stall(after=1))
    await editor.command(IMPROVE, at(0, 1))
    token = await begun(editor)
    await editor.server.progress(token, "begin")
    await upstream.wait_for_calls(1)
    editor.server.notify("window/workDoneProgress/cancel", {"token": token})
    assert (await editor.server.progress(token, "end"))["message"] == "cancelled"
    await upstream.wait_until_idle()
    assert upstream.disconnects == 1
    messages = await editor.server.synchronized()
    assert not [each for each in messages if each.get("method") == "window/showMessage"]
    assert editor.buffers[URI].text == TEXT


async def test_a_newer_one_of_the_same_kind_on_the_same_lines_takes_the_place_of_the_older(
    editor: Editor, upstream: FakeOpenAI
) -> None:
    upstream.fault(Fault.hang())
    upstream.reply("```python\n    return round(item.price)\n```")
    await editor.command(IMPROVE, at(0, 1))
    older = await begun(editor)
    await upstream.wait_for_calls(1)
    await editor.command(IMPROVE, at(1, 1))
    assert (await editor.server.progress(older, "end"))["message"] == "cancelled"
    await editor.request("workspace/applyEdit")
    assert upstream.calls == 2
    assert editor.buffers[URI].text == TEXT.replace("item.price", "round(item.price)")


async def test_other_kinds_other_lines_and_other_documents_go_on_side_by_side(
    editor: Editor, upstream: FakeOpenAI
) -> None:
    may_answer = asyncio.Event()
    upstream.fault(Fault.hold(may_answer), times=4)
    upstream.reply("an answer")
    editor.open(OTHER, TEXT)
    await editor.command(EXPLAIN, at(0, 1))
    await editor.command("aiGateway.ask", {**at(0, 1), "question": "Why?"})
    await editor.command(EXPLAIN, at(4, 5))
    await editor.command(EXPLAIN, {"uri": OTHER, "range": lines(4, 5)})
    may_answer.set()
    for _ in range(4):
        assert "an answer" in await editor.page()


async def test_closing_the_document_cancels_what_is_about_it_alone(editor: Editor, upstream: FakeOpenAI) -> None:
    may_answer = asyncio.Event()
    upstream.fault(Fault.hold(may_answer), times=2)
    upstream.reply("an answer")
    editor.open(OTHER, TEXT)
    await editor.command(EXPLAIN, at(0, 1))
    token = await begun(editor)
    await editor.server.progress(token, "begin")
    await editor.command(EXPLAIN, at(0, 1, OTHER))
    await upstream.wait_for_calls(2)
    editor.close(URI)
    assert (await editor.server.progress(token, "end"))["message"] == "cancelled"
    may_answer.set()
    assert "an answer" in await editor.page()


async def test_stop_cancels_all_and_says_how_many(editor: Editor, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.hang(), times=2)
    await editor.command(EXPLAIN, at(0, 1))
    await editor.command(EXPLAIN, at(4, 5))
    await upstream.wait_for_calls(2)
    assert await editor.command("aiGateway.stop") == {"status": "ok", "stopped": 2}
    assert (await editor.message())["message"] == "AI Gateway: stopped 2"
    await upstream.wait_until_idle()
    assert await editor.command("aiGateway.stop") == {"status": "ok", "stopped": 0}


async def test_shutdown_ends_the_work_before_its_reply(editor: Editor, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.stall(after=1))
    await editor.command(EXPLAIN, at(0, 1))
    token = await begun(editor)
    await editor.server.progress(token, "begin")
    await upstream.wait_for_calls(1)
    assert await editor.server.result("shutdown") is None
    said = [each for each in editor.server.messages if each.get("method") == "$/progress"]
    assert said[-1]["params"] == {"token": token, "value": {"kind": "end", "message": "cancelled"}}
    await upstream.wait_until_idle()


async def test_shutdown_takes_back_an_edit_that_waits_for_the_editor(editor: Editor, upstream: FakeOpenAI) -> None:
    upstream.reply("```python\n    return round(item.price)\n```")
    editor.replies["workspace/applyEdit"] = HOLD
    await editor.command(IMPROVE, at(1, 1))
    await editor.request("workspace/applyEdit")
    assert await editor.server.result("shutdown") is None
    assert await editor.server.notification("$/cancelRequest")


async def test_an_upstream_that_is_down_is_told_of_once_with_what_to_do(editor: Editor, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.status(401), times=None)
    await editor.command(EXPLAIN, at(0, 1))
    token = await begun(editor)
    message = await editor.message()
    assert message["type"] == ERROR
    assert "refused the credential; set a valid one" in message["message"]
    assert (await editor.server.progress(token, "end"))["message"] == "failed"
    messages = await editor.server.synchronized()
    assert not [each for each in messages if each.get("method") == "window/showMessage"]
    assert not editor.shown


async def test_what_is_excluded_is_not_sent_and_said_once(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    async with editing(address, {**settings, "privacy": {"exclude": ["shop.py"]}}) as editor:
        editor.open(URI, TEXT)
        await editor.command(EXPLAIN, at(0, 1))
        message = await editor.message()
        await editor.server.synchronized()
    assert "shop.py" in message["message"]
    assert upstream.requests == []


async def test_private_files_reach_no_cloud(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    async with editing(address, {**settings, "privacy": {"private_paths": ["*.py"]}}) as editor:
        editor.open(URI, TEXT)
        await editor.command(EXPLAIN, at(0, 1))
        assert "private" in (await editor.message())["message"]
    assert upstream.requests == []


async def test_the_same_question_of_the_same_text_is_answered_from_the_cache(
    editor: Editor, upstream: FakeOpenAI
) -> None:
    upstream.reply("an answer")
    await editor.command(EXPLAIN, at(0, 1))
    await editor.page()
    await editor.command(EXPLAIN, at(0, 1))
    assert "from the cache" in await editor.page()
    assert upstream.calls == 1


async def test_an_edit_that_is_asked_for_again_is_written_anew(editor: Editor, upstream: FakeOpenAI) -> None:
    upstream.reply("no block at all")
    await editor.command(IMPROVE, at(1, 1))
    assert "Not applied" in await editor.page()
    upstream.reply("```python\n    return round(item.price)\n```")
    await editor.command(IMPROVE, at(1, 1))
    assert "round" in str(await editor.request("workspace/applyEdit"))


async def test_a_session_with_edits_refusals_and_cancels_logs_nothing(
    tmp_path: Path, cloud: dict[str, str], upstream: FakeOpenAI
) -> None:
    upstream.reply("```python\n    return round(item.price)\n```")
    async with running_server(tmp_path, environ=cloud) as server, editor_of(server) as editor:
        editor.open(URI, TEXT)
        await editor.command(IMPROVE, at(1, 1))
        await editor.request("workspace/applyEdit")
        upstream.reply("no")
        await editor.command(IMPROVE, at(1, 1))
        await editor.page()
        upstream.fault(Fault.hang())
        await editor.command(EXPLAIN, at(0, 1))
        await upstream.wait_for_calls(3)
        await server.result("shutdown")
        server.notify("exit")
        assert await server.exit_code() == 0
    assert server.log == ""


def test_what_the_person_is_told_of_a_failure_ends_with_what_to_do() -> None:
    failure = NoTierAnswered("nobody answered", attempts=(), retry_after_seconds=None, hint="sign in")
    assert in_words(failure) == "nobody answered; sign in"


def test_nothing_leaks_of_a_failure_that_nobody_expected(caplog: pytest.LogCaptureFixture) -> None:
    told = in_words(RuntimeError("a secret"))
    assert told.startswith("internal error; ")
    assert "secret" not in told + caplog.text
    assert told.removeprefix("internal error; ") in caplog.text
