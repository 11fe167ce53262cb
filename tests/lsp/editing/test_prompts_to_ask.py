"""`ai/prompt`: what an action would ask, for a client that asks by itself and shows the answer where it likes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ai_gateway.code_actions.kinds import ActionKind
from ai_gateway.fakes import FakeOpenAI
from ai_gateway.messages.results import PromptResult
from ai_gateway.messages.schema import adapter_of
from support.buffers import Editor, cursor, editing, lines
from support.rpc import Json

URI = "file:///project/shop.py"
TEXT = "import math\n\n\ndef price(item):\n    return item.price  # 💶\n\n\nprint(price)\n"
PROBLEM = {"range": lines(4, 4), "message": "money is not rounded"}


async def prompt(editor: Editor, kind: str, **params: object) -> Any:
    found = await editor.server.result("ai/prompt", {"kind": kind, "uri": URI, **params})
    adapter_of(PromptResult).validate_python(found)
    return found


async def refusal(editor: Editor, **params: object) -> Any:
    return (await editor.server.request("ai/prompt", {"kind": "explain", "uri": URI, **params}))["error"]


async def test_what_a_cursor_stands_in_can_be_asked_about_and_the_answer_is_of_that_prompt(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        found = await prompt(editor, "explain", range=cursor(4, 6), version=1)
        assert upstream.requests == []
        await editor.server.result("ai/query", {"messages": found["messages"], "paths": found["paths"]})
    assert (found["title"], found["language_id"], found["paths"]) == ("Explain price in shop.py", "python", [URI])
    assert found["range"] == {"start": {"line": 3, "character": 0}, "end": {"line": 4, "character": 27}}
    assert [message["role"] for message in found["messages"]] == ["system", "user"]
    assert "The region, lines 4 to 5" in found["messages"][1]["content"]
    assert upstream.requests[-1].json["messages"] == found["messages"]


async def test_it_is_word_for_word_what_the_command_asks(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        for kind, more in (("explain", {}), ("ask", {"question": " Why? "}), ("fix", {"diagnostics": [PROBLEM]})):
            found = await prompt(editor, kind, range=lines(3, 4), **more)
            calls = upstream.calls
            await editor.command(f"aiGateway.{kind}", {"uri": URI, "range": lines(3, 4), **more})
            await upstream.wait_for_calls(calls + 1)
            assert upstream.requests[-1].json["messages"] == found["messages"]


@pytest.mark.parametrize("kind", [kind for kind in ActionKind if kind is not ActionKind.COMMENT])
async def test_without_a_range_it_is_about_the_whole_document(kind: ActionKind, address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        found = await prompt(editor, kind, diagnostics=[PROBLEM], question="Why?")
    assert found["title"].endswith("shop.py")
    assert found["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 7, "character": 12}}


async def test_columns_are_in_the_units_of_the_client(address: str, settings: Json) -> None:
    async with editing(address, settings, encoding="utf-8") as editor:
        editor.open(URI, TEXT)
        found = await prompt(editor, "explain", range=cursor(4))
    assert found["range"]["end"] == {"line": 4, "character": 29}


async def test_where_the_action_could_not_be_done_there_is_no_prompt(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        failures = [
            await refusal(editor, kind="comment", range=cursor(4)),
            await refusal(editor, kind="fix", range=cursor(4)),
            await refusal(editor, version=7),
            await refusal(editor, range=cursor(1)),
        ]
        editor.retype(URI, "x = 1\n" * 20_000)
        failures.append(await refusal(editor))
    assert [failure["code"] for failure in failures] == [-32803] * 5
    assert failures[1]["message"] == "No problem is reported here."
    assert "select at most" in failures[4]["message"]


async def test_a_text_that_is_not_open_is_asked_about_as_it_is_given(
    tmp_path: Path, address: str, settings: Json
) -> None:
    notebook = (tmp_path / "analysis.ipynb").as_uri()
    cell = {"text": TEXT, "language_id": "python", "path": "analysis.ipynb cell 3"}
    async with editing(address, settings, folder=tmp_path) as editor:
        found = await prompt(editor, "explain", uri=notebook, document=cell, range=cursor(4, 6))
        shown = await prompt(editor, "explain", uri="git:/project/shop.py?%7B%7D", document={"text": TEXT})
        editor.open(URI, TEXT)
        open_here = await prompt(editor, "explain", range=cursor(4, 6))
    assert (found["title"], found["paths"]) == ("Explain price in analysis.ipynb cell 3", [notebook])
    assert found["messages"][1]["content"] == open_here["messages"][1]["content"].replace(
        "File: shop.py", "File: analysis.ipynb cell 3"
    )
    assert found["range"] == open_here["range"]
    assert (shown["title"], shown["range"]["end"]["line"]) == ("Explain shop.py", 7)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"kind": "ask"}, "question"),
        ({"kind": "ask", "question": "  "}, "question"),
        ({"kind": "ask", "question": "?" * 10_000}, "question"),
        ({"kind": "write"}, "kind"),
        ({"uri": "file:///closed.py"}, "uri"),
        ({"range": lines(70, 80)}, "range"),
        ({"place": 1}, "place"),
        ({"document": {"text": TEXT, "uri": URI}}, "document.uri"),
        ({"document": {"text": TEXT}, "uri": "file://[x/shop.py"}, "uri"),
        ({"document": {"text": ""}, "range": lines(3, 4)}, "range"),
    ],
)
async def test_wrong_params_are_refused_by_name(params: Json, field: str, address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        failure = await refusal(editor, **params)
    assert (failure["code"], failure["data"]) == (-32602, {"field": field})


async def test_a_file_that_is_kept_out_of_prompts_has_none_and_a_private_one_stays_private(
    tmp_path: Path, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    kept_out, private = (tmp_path / "secret.py").as_uri(), (tmp_path / "private.py").as_uri()
    privacy = {"privacy": {"exclude": ["secret.*"], "private_paths": ["private.*"]}}
    async with editing(address, {**settings, **privacy}, folder=tmp_path) as editor:
        for uri in (kept_out, private):
            editor.open(uri, TEXT)
        refused = [await refusal(editor, uri=kept_out), await refusal(editor, uri=kept_out, document={"text": TEXT})]
        found = await prompt(editor, "explain", uri=private)
        answered = await editor.server.request("ai/query", {"messages": found["messages"], "paths": found["paths"]})
    assert [failure["code"] for failure in refused] == [-32602] * 2
    for failure in refused:
        assert failure["message"].startswith("secret.py is kept out of every prompt: ")
    assert [attempt["reason"] for attempt in answered["error"]["data"]["attempts"]] == ["private"]
    assert upstream.requests == []
