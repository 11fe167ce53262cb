"""What is to be read opens as a document of its own, which says who wrote it."""

from __future__ import annotations

import os
import resource
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from ai_gateway.fakes import FakeOpenAI
from support.buffers import HOLD, capable, editing, editing_alone, editor_of, lines
from support.rpc import Json, running_server

URI = "file:///project/shop.py"
TEXT = "def price(item):\n    return item.price\n"
ANSWER = "It gives the **price**."
EXPLAIN = "aiGateway.explain"
TOLD = "AI Gateway: the text is in "
SELECTED = {"uri": URI, "range": lines(0, 1)}


async def test_an_explanation_opens_as_a_markdown_file_that_ends_with_who_gave_it(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply(ANSWER)
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        assert await editor.choose("Explain", URI, lines(0, 1)) == {"status": "started"}
        await editor.request("window/showDocument")
    [shown] = editor.shown
    assert shown["external"] is False
    assert shown["text"].startswith(f"{ANSWER}\n\n---\n\n*openai (gpt-4o-mini) · ")
    assert shown["text"].endswith("*\n")
    path = shown["path"]
    assert (path.suffix, path.name.startswith("explain-shop.py-")) == (".md", True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_control_characters_of_an_answer_are_left_out(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.reply("It \x1b]0;owned\x07gives\tthe price.\r\nAll of it.")
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        await editor.command(EXPLAIN, SELECTED)
        assert (await editor.page()).startswith("It ]0;ownedgives\tthe price.\nAll of it.\n")


async def test_an_answer_that_was_cut_short_says_so(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.reply(ANSWER, finish_reason="length")
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        await editor.command(EXPLAIN, SELECTED)
        assert (await editor.page()).startswith("> The answer ended early (length).\n\n")


@pytest.mark.parametrize("refused", [False, True])
async def test_an_editor_that_shows_no_documents_is_told_where_the_file_is(
    refused: bool, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply(ANSWER)
    less = capable() if refused else capable(without=("window.showDocument",))
    async with editing(address, settings, capabilities=less) as editor:
        editor.replies["window/showDocument"] = {"success": False}
        editor.open(URI, TEXT)
        await editor.command(EXPLAIN, SELECTED)
        message = (await editor.message())["message"]
    assert message.startswith(TOLD)
    assert ANSWER in text_of(Path(message.removeprefix(TOLD)))


async def test_files_of_yesterday_are_removed_and_those_of_today_are_kept(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply(ANSWER)
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        pages = []
        for _ in range(3):
            await editor.command(EXPLAIN, SELECTED)
            await editor.request("window/showDocument")
            pages.append(editor.shown.pop()["path"])
            if len(pages) == 1:
                day_before = time.time() - 2 * 24 * 3600
                os.utime(pages[0], (day_before, day_before))
    assert [page.exists() for page in pages] == [False, True, True]


async def test_they_never_lie_within_the_workspace(
    tmp_path: Path, cloud: dict[str, str], upstream: FakeOpenAI, tmp_path_factory: pytest.TempPathFactory
) -> None:
    upstream.reply(ANSWER)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    async with editing_alone(tmp_path, {**cloud, "TMPDIR": str(elsewhere)}, folder=tmp_path) as editor:
        editor.open(URI, TEXT)
        await editor.command(EXPLAIN, SELECTED)
        await editor.request("window/showDocument")
    path = editor.shown[0]["path"]
    assert not path.is_relative_to(tmp_path)
    assert path.is_relative_to(elsewhere)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_disk_that_takes_no_files_is_told_of_with_the_answer_which_is_paid_for(
    tmp_path: Path, cloud: dict[str, str], upstream: FakeOpenAI
) -> None:
    upstream.reply(ANSWER + " It does." * 10_000)
    environ = {**cloud, "TMPDIR": str(tmp_path)}
    async with running_server(tmp_path, environ=environ) as server, editor_of(server) as editor:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (65_536, resource.RLIM_INFINITY))
        editor.open(URI, TEXT)
        await editor.command(EXPLAIN, SELECTED)
        message = (await editor.message())["message"]
    assert "there is no file for the answer" in message
    assert ANSWER in message


class TestAQuestion:
    async def test_given_with_a_selection_is_asked_about_it(
        self, address: str, settings: Json, upstream: FakeOpenAI
    ) -> None:
        upstream.reply(ANSWER)
        async with editing(address, settings) as editor:
            editor.open(URI, TEXT)
            await editor.command("aiGateway.ask", {**SELECTED, "question": "Is it rounded?"})
            assert ANSWER in await editor.page()
        asked = said(upstream)
        assert "Is it rounded?" in asked
        assert "return item.price" in asked

    @pytest.mark.parametrize("argument", ["Which city?", {"question": "Which city?"}])
    async def test_alone_is_asked_as_it_is(
        self, argument: object, address: str, settings: Json, upstream: FakeOpenAI
    ) -> None:
        upstream.reply("Paris")
        async with editing(address, settings) as editor:
            await editor.command("aiGateway.ask", argument)
            assert (await editor.page()).startswith("Paris\n")
        assert said(upstream) == "Which city?"

    async def test_is_asked_of_the_person_by_an_editor_that_can(
        self, address: str, settings: Json, upstream: FakeOpenAI
    ) -> None:
        able = capable(experimental={"aiGateway": {"input": True}})
        async with editing(address, settings, capabilities=able) as editor:
            editor.replies["ai/editor/input"] = {"text": " Is it rounded? "}
            editor.open(URI, TEXT)
            await editor.choose("Ask about selection…", URI, lines(0, 1))
            asked = await editor.request("ai/editor/input")
            await editor.page()
        assert asked == {"title": "Ask AI Gateway", "placeholder": "What do you want to know?"}
        assert "Is it rounded?" in said(upstream)

    async def test_is_chosen_from_a_few_by_any_other(self, address: str, settings: Json, upstream: FakeOpenAI) -> None:
        async with editing(address, settings) as editor:
            editor.replies["window/showMessageRequest"] = lambda params: params["actions"][1]
            editor.open(URI, TEXT)
            await editor.choose("Ask about selection…", URI, lines(0, 1))
            asked = await editor.request("window/showMessageRequest")
            await editor.page()
        assert len(asked["actions"]) == 4
        assert asked["actions"][1]["title"] in said(upstream)

    @pytest.mark.parametrize("reply", [None, {"text": None}, {"text": "  "}, {}, "text"])
    async def test_that_the_person_does_not_have_after_all_asks_nobody(
        self, reply: Any, address: str, settings: Json, upstream: FakeOpenAI
    ) -> None:
        able = capable(experimental={"aiGateway": {"input": True}})
        async with editing(address, settings, capabilities=able) as editor:
            editor.replies["ai/editor/input"] = reply
            await editor.command("aiGateway.ask")
            await editor.request("ai/editor/input")
            messages = await editor.server.synchronized()
        assert upstream.requests == []
        assert not [each for each in messages if each.get("method") == "window/showMessage"]

    async def test_that_is_as_long_as_a_book_is_refused(
        self, address: str, settings: Json, upstream: FakeOpenAI
    ) -> None:
        able = capable(experimental={"aiGateway": {"input": True}})
        async with editing(address, settings, capabilities=able) as editor:
            editor.replies["ai/editor/input"] = {"text": "why " * 10_000}
            await editor.command("aiGateway.ask")
            assert "longer than 8,000 characters" in (await editor.message())["message"]
        assert upstream.requests == []

    async def test_that_can_not_be_asked_for_says_what_to_do(self, address: str, settings: Json) -> None:
        async with editing(address, settings) as editor:
            editor.replies["window/showMessageRequest"] = {"error": {"code": -32601, "message": "no"}}
            await editor.command("aiGateway.ask")
            message = await editor.message()
        assert "give the command a question" in message["message"]

    async def test_that_nobody_answers_yet_is_taken_back_by_stop(self, address: str, settings: Json) -> None:
        async with editing(address, settings) as editor:
            editor.replies["window/showMessageRequest"] = HOLD
            await editor.command("aiGateway.ask")
            await editor.request("window/showMessageRequest")
            assert await editor.command("aiGateway.stop") == {"status": "ok", "stopped": 1}
            await editor.server.notification("$/cancelRequest")


def said(upstream: FakeOpenAI) -> str:
    """All that the last request told the model."""
    messages: Any = upstream.requests[-1].json["messages"]
    return "\n".join(message["content"] for message in messages)


def text_of(file: Path) -> str:
    return file.read_text("utf-8")
