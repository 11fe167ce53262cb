"""An edit goes to the right place in the right characters, whatever the units, the line ends and the letters are."""

from __future__ import annotations

import pytest

from ai_gateway.fakes import FakeOpenAI
from support.buffers import UNITS, cursor, editing, lines
from support.rpc import Json

URI = "file:///project/emoji.py"


@pytest.mark.parametrize("encoding", UNITS)
async def test_emoji_before_and_in_the_region_do_not_move_the_edit(
    encoding: str, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    text = "greeting = '😀😀'  # 👋\ndef greet():\n    return '😀 naïve' + greeting  # 👩‍👩‍👧"  # without a last newline
    upstream.reply("```python\ndef greet():\n    return '😀 better' + greeting\n```")
    async with editing(address, settings, encoding=encoding) as editor:
        editor.open(URI, text)
        end = UNITS[encoding](text.split("\n")[2])
        selected = {"start": {"line": 1, "character": 3}, "end": {"line": 2, "character": end}}
        await editor.choose("Improve / simplify", URI, selected)
        asked = await editor.request("workspace/applyEdit")
    [edit] = asked["edit"]["documentChanges"][0]["edits"]
    assert edit["range"]["end"] == {"line": 2, "character": end}
    head = text.rpartition("\n")[0]
    assert editor.buffers[URI].text == f"{head}\n    return '😀 better' + greeting"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
async def test_an_edit_has_the_line_ends_of_its_document(
    end: str, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    text = end.join(["a = 1", "def one():", "\treturn 1", "", "b = 2", ""])
    upstream.reply("```python\r\ndef one():\r\n    value = 1\r\n    return value\r\n```")
    async with editing(address, settings) as editor:
        editor.open(URI, text)
        await editor.choose("Improve / simplify", URI, lines(1, 2))
        await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == end.join(
        ["a = 1", "def one():", "\tvalue = 1", "\treturn value", "", "b = 2", ""]
    )


async def test_characters_that_end_lines_elsewhere_end_none_here(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    text = "a = '\x0c \u2028 \x85'\ndef one():\n    return 1\n"
    upstream.reply("```python\ndef one():\n    return 2\n```")
    async with editing(address, settings) as editor:
        editor.open(URI, text)
        await editor.choose("Improve / simplify", URI, lines(1, 2))
        await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == text.replace("return 1", "return 2")


async def test_a_selection_that_ends_before_a_line_begins_leaves_that_line_alone(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply("```python\na = 10\n```")
    async with editing(address, settings) as editor:
        editor.open(URI, "a = 1\nb = 2\n")
        await editor.choose("Improve / simplify", URI, lines(0, 0))
        await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == "a = 10\nb = 2\n"


async def test_behind_the_last_line_is_still_in_the_document(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply("```python\na = 10\n```")
    async with editing(address, settings) as editor:
        editor.open(URI, "a = 1\n")
        await editor.choose("Improve / simplify", URI, cursor(1))
        await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == "a = 10\n"


async def test_an_empty_document_is_no_place_to_work(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, "")
        assert await editor.actions(URI, cursor(0)) == []
        params = {"command": "aiGateway.improve", "arguments": [{"uri": URI, "range": cursor(0)}]}
        error = (await editor.server.request("workspace/executeCommand", params))["error"]
    assert "nothing here to work on" in error["message"]
