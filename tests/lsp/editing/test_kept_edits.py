"""Editors that take no edit from a server when it comes: Kate and others like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.lsp.editing.kept_edits import MOST
from support.buffers import capable, editing, lines
from support.rpc import Json

URI = "file:///project/shop.py"
TEXT = "def price(item):\n    return item.price\n"
BETTER = "def price(item):\n    return item.net + item.tax\n"
ELSEWHERE = "\n\nx = 1\n"


def within(line: int, start: int, end: int) -> Json:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


async def test_an_edit_that_the_editor_refuses_waits_as_a_code_action_that_carries_it(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply(f"```python\n{BETTER}```")
    async with editing(address, settings) as editor:
        editor.replies["workspace/applyEdit"] = {"applied": False}
        editor.open(URI, TEXT + ELSEWHERE)
        await editor.choose("Improve / simplify", URI, lines(0, 1))
        assert "item.net" in await editor.page()
        told = await editor.message()
        assert "It waits for you among the code actions of these lines." in told["message"]
        first, *others = await editor.actions(URI, lines(1, 1))
        assert (first["title"], "edit" in first) == ("Apply: Improve / simplify", True)
        assert not any("edit" in each for each in others)
        [change] = first["edit"]["documentChanges"]
        assert change["textDocument"] == {"uri": URI, "version": 1}
        assert [each["newText"] for each in change["edits"]] == ["    return item.net + item.tax"]
        editor.retype(URI, BETTER + ELSEWHERE)
        assert not any("edit" in each for each in await editor.actions(URI, lines(1, 1)))


async def test_an_edit_that_the_person_discards_waits_too_and_nothing_is_said_of_it(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply(f"```python\n{BETTER}```")
    async with editing(address, settings) as editor:
        editor.replies["workspace/applyEdit"] = {"error": {"code": -32800, "message": "discarded"}}
        editor.open(URI, TEXT + ELSEWHERE)
        await editor.choose("Improve / simplify", URI, lines(0, 1))
        token = (await editor.request("window/workDoneProgress/create"))["token"]
        await editor.server.progress(token, "end")
        messages = await editor.server.synchronized()
        assert not [each for each in messages if each.get("method") == "window/showMessage"]
        assert editor.shown == []
        first, *_ = await editor.actions(URI, lines(1, 1))
        assert (first["title"], "edit" in first) == ("Apply: Improve / simplify", True)


async def test_a_new_file_that_the_person_discards_waits_too_as_long_as_there_is_none(
    tmp_path: Path, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    uri, tests = (tmp_path / "shop.py").as_uri(), tmp_path / "test_shop.py"
    upstream.reply("```python\ndef test_price() -> None:\n    assert True\n```")
    async with editing(address, settings) as editor:
        editor.replies["workspace/applyEdit"] = {"error": {"code": -32800, "message": "discarded"}}
        editor.open(uri, TEXT + ELSEWHERE)
        await editor.choose("Write tests", uri, lines(0, 1))
        token = (await editor.request("window/workDoneProgress/create"))["token"]
        await editor.server.progress(token, "end")
        first, *_ = await editor.actions(uri, lines(1, 1))
        tests.write_text("assert False\n")
        later = await editor.actions(uri, lines(1, 1))
    assert (first["title"], first["kind"]) == ("Apply: Write tests", "")
    create, fill = first["edit"]["documentChanges"]
    assert (create["kind"], create["uri"], create["options"]["overwrite"]) == ("create", tests.as_uri(), False)
    assert [each["newText"] for each in fill["edits"]] == ["def test_price() -> None:\n    assert True\n"]
    assert not any("edit" in each for each in later)
    assert editor.shown == []


async def test_a_client_that_takes_no_edits_and_opens_no_documents_gets_both_where_it_looks(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply(f"```python\n{BETTER}```")
    kate = capable(
        without=(
            "workspace.applyEdit",
            "workspace.workspaceEdit",
            "window.showDocument",
            "textDocument.codeAction.resolveSupport",
        )
    )
    async with editing(address, {**settings, "actions": {"show": "message"}}, capabilities=kate) as editor:
        editor.open(URI, TEXT + ELSEWHERE)
        await editor.choose("Improve / simplify", URI, lines(0, 1))
        assert "return item.net + item.tax" in (await editor.message())["message"]
        [waiting] = [each for each in await editor.actions(URI, lines(0, 0)) if "edit" in each]
        assert waiting["edit"]["changes"][URI][0]["newText"] == "    return item.net + item.tax"
        assert not [each for each in await editor.actions(URI, lines(4, 4)) if "edit" in each]
        editor.close(URI)
        editor.open(URI, TEXT)
        assert not [each for each in await editor.actions(URI, lines(0, 0)) if "edit" in each]


async def test_only_the_last_few_wait(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    async with editing(address, settings) as editor:
        editor.replies["workspace/applyEdit"] = {"applied": False}
        editor.open(URI, "".join(f"x{at} = {at}\n" for at in range(MOST + 2)))
        for at in range(MOST + 2):
            upstream.reply(f"```python\nx{at} = 0 + {at}\n```")
            await editor.command("aiGateway.improve", {"uri": URI, "range": lines(at, at)})
            await editor.page()
        waiting = [each for each in await editor.actions(URI, lines(0, MOST + 1)) if "edit" in each]
    starts = [each["edit"]["documentChanges"][0]["edits"][0]["range"]["start"]["line"] for each in waiting]
    assert starts == list(range(2, MOST + 2))


async def test_an_editor_can_be_known_to_open_documents_though_it_does_not_say_so(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply("It looks the price up.")
    helix = capable(without=("window.showDocument",))
    async with editing(address, {**settings, "actions": {"show": "document"}}, capabilities=helix) as editor:
        editor.open(URI, TEXT)
        await editor.choose("Explain", URI, lines(0, 1))
        assert "It looks the price up." in await editor.page()


@pytest.mark.parametrize(
    ("asked", "region"),
    [
        (("Explain", within(1, 4, 5)), "lines 1 to 2"),
        (("Explain", within(1, 11, 15)), "lines 2 to 2"),
        (("Improve / simplify", within(1, 11, 15)), "lines 1 to 2"),
        (("Explain", {"start": {"line": 1, "character": 21}, "end": {"line": 2, "character": 0}}), "lines 1 to 2"),
        (("Improve / simplify", within(1, 4, 21)), "lines 2 to 2"),
        (("Improve / simplify", lines(1, 1)), "lines 2 to 2"),
    ],
    ids=["a cursor of one character", "a word", "a word to change", "the line's end", "all in it", "the line"],
)
async def test_a_selection_within_a_line_means_what_is_around_it(
    address: str, settings: Json, upstream: FakeOpenAI, asked: tuple[str, Json], region: str
) -> None:
    action, selected = asked
    upstream.reply("It looks the price up.")
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT + ELSEWHERE)
        await editor.choose(action, URI, selected)
        await editor.page()
    assert f"The region, {region}:" in str(upstream.requests[-1].json)


async def test_what_runs_can_be_stopped_by_a_code_action(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.hang())
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        await editor.choose("Explain", URI, lines(0, 1))
        await upstream.wait_for_calls(1)
        [stop] = [each for each in await editor.actions(URI, lines(1, 1)) if each["title"].startswith("Stop")]
        assert await editor.command(stop["command"]["command"]) == {"status": "ok", "stopped": 1}
        await upstream.wait_for(lambda: upstream.disconnects == 1)
        assert not [each for each in await editor.actions(URI, lines(1, 1)) if each["title"].startswith("Stop")]
