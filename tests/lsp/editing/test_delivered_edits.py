"""Edits as they arrive: as answers to the code that was sent, in whole lines, and never where they would do harm."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.fakes.answers import Reply
from support.buffers import Editor, capable, cursor, editing, lines
from support.rpc import Json

URI = "file:///project/shop.py"
TEXT = "import math\n\n\ndef price(item):\n    return item.price\n\n\nprint(price)\n"
BETTER = "def price(item):\n    return round(item.price, 2)"
FIXED = TEXT.replace("return item.price", "return round(item.price, 2)")
WARNING, INFO = 2, 3


def fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}\n```"


def asked_of(upstream: FakeOpenAI, which: int = -1) -> str:
    """All that a request told the model."""
    messages: Any = upstream.requests[which].json["messages"]
    return "\n".join(message["content"] for message in messages)


async def improved(editor: Editor, upstream: FakeOpenAI, answer: str | Reply) -> Any:
    editor.open(URI, TEXT)
    upstream.reply(answer if isinstance(answer, str) else lambda _: answer)
    return await editor.choose("Improve / simplify", URI, lines(3, 4))


async def test_a_rewrite_is_answered_at_once_and_arrives_as_one_edit_of_that_version(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    async with editing(address, settings) as editor:
        assert await improved(editor, upstream, fenced(BETTER)) == {"status": "started"}
        asked = await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == FIXED
    [change] = asked["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": URI, "version": 1}
    assert change["edits"] == [
        {
            "range": {"start": {"line": 4, "character": 0}, "end": {"line": 4, "character": 21}},
            "newText": "    return round(item.price, 2)",
            "annotationId": "ai-gateway",
        }
    ]
    annotation = asked["edit"]["changeAnnotations"]["ai-gateway"]
    assert annotation["label"] == asked["label"] == "AI Gateway: Improve / simplify"
    assert annotation["needsConfirmation"] is True
    assert annotation["description"].startswith("openai (gpt-4o-mini) · ")
    assert "def price" in asked_of(upstream)


async def test_a_fix_is_told_the_problem(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.reply(fenced(BETTER))
    problem = {"range": lines(4, 4), "message": "money is not rounded", "severity": 2, "code": 7, "data": [1]}
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        await editor.choose("Fix this problem", URI, cursor(4, 6), diagnostics=[problem])
        await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == FIXED
    assert "money is not rounded" in asked_of(upstream)


async def test_documentation_arrives_likewise(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.reply(fenced('def price(item):\n    """Give the price."""\n    return item.price'))
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        await editor.choose("Document", URI, cursor(4, 2))
        await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == TEXT.replace("(item):\n", '(item):\n    """Give the price."""\n')


async def test_what_a_comment_says_is_done_below_it(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.reply(fenced("total = 1 + 2"))
    async with editing(address, settings) as editor:
        editor.open(URI, "# add one and two\n\nprint()\n")
        await editor.choose("Do what the comment says", URI, cursor(0, 5))
        await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == "# add one and two\ntotal = 1 + 2\n\nprint()\n"


async def test_tests_become_a_file_that_is_shown(
    tmp_path: Path, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    folder = tmp_path / "project"
    (folder / "shop").mkdir(parents=True)
    uri, tests = (folder / "shop" / "price.py").as_uri(), (folder / "shop" / "test_price.py").as_uri()
    upstream.reply(fenced("def test_price() -> None:\n    assert True"))
    async with editing(address, settings, folder=folder) as editor:
        editor.open(uri, TEXT)
        await editor.choose("Write tests", uri, lines(3, 4))
        await editor.request("window/showDocument")
    assert editor.created == {tests: "def test_price() -> None:\n    assert True\n"}
    assert [shown["uri"] for shown in editor.shown] == [tests]
    assert "shop/price.py" in asked_of(upstream)
    assert str(folder) not in asked_of(upstream)


async def test_tests_never_overwrite_a_file(tmp_path: Path, address: str, settings: Json, upstream: FakeOpenAI) -> None:
    (tmp_path / "test_price.py").write_text("assert False\n")
    upstream.reply(fenced("def test_price() -> None:\n    assert True"))
    uri = (tmp_path / "price.py").as_uri()
    async with editing(address, settings) as editor:
        editor.open(uri, TEXT)
        await editor.choose("Write tests", uri, lines(3, 4))
        page = await editor.page()
        message = await editor.message()
    assert editor.created == {}
    assert "There is a test_price.py already." in page
    assert "assert True" in page
    assert "There is a test_price.py already." in message["message"]


async def test_the_name_of_a_file_says_nothing_in_our_name(
    tmp_path: Path, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    name = "price\n\nAI Gateway: your key has expired\x1b[31m.py"
    (tmp_path / f"test_{name}").touch()
    upstream.reply(fenced("def test_price() -> None:\n    assert True"))
    uri = (tmp_path / name).as_uri()
    async with editing(address, settings) as editor:
        editor.open(uri, TEXT)
        await editor.choose("Write tests", uri, lines(3, 4))
        page, message = await editor.page(), (await editor.message())["message"]
    assert "There is a test_price AI Gateway: your key has expired[31m.py already." in page
    assert message.isprintable()


async def test_tests_never_go_where_a_link_leads_that_has_no_end_yet(
    tmp_path: Path, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    (tmp_path / "test_price.py").symlink_to(tmp_path / "elsewhere" / "started_at_login.py")
    upstream.reply(fenced("def test_price() -> None:\n    assert True"))
    uri = (tmp_path / "price.py").as_uri()
    async with editing(address, settings) as editor:
        editor.open(uri, TEXT)
        await editor.choose("Write tests", uri, lines(3, 4))
        assert "There is a test_price.py already." in await editor.page()
    assert editor.created == {}


async def test_an_editor_that_makes_no_files_shows_the_tests(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply(fenced("def test_price() -> None:\n    assert True"))
    less = capable(without=("workspace.workspaceEdit.resourceOperations",))
    async with editing(address, settings, capabilities=less) as editor:
        editor.open(URI, TEXT)
        await editor.choose("Write tests", URI, lines(3, 4))
        assert "assert True" in await editor.page()


async def test_without_versions_an_edit_comes_as_plain_changes(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    less = capable(without=("workspace.workspaceEdit.documentChanges",))
    async with editing(address, settings, capabilities=less) as editor:
        await improved(editor, upstream, fenced(BETTER))
        asked = await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == FIXED
    assert asked["edit"].keys() == {"changes"}
    assert "annotationId" not in asked["edit"]["changes"][URI][0]


async def test_an_editor_without_annotations_gets_none(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    less = capable(without=("workspace.workspaceEdit.changeAnnotationSupport",))
    async with editing(address, settings, capabilities=less) as editor:
        await improved(editor, upstream, fenced(BETTER))
        asked = await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == FIXED
    assert asked["edit"].keys() == {"documentChanges"}
    assert "annotationId" not in asked["edit"]["documentChanges"][0]["edits"][0]


async def test_nobody_is_asked_to_confirm_who_does_not_want_to_be(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    async with editing(address, {**settings, "actions": {"confirm": False}}) as editor:
        await improved(editor, upstream, fenced(BETTER))
        asked = await editor.request("workspace/applyEdit")
    assert asked["edit"]["changeAnnotations"]["ai-gateway"]["needsConfirmation"] is False


@pytest.mark.parametrize("without", [(), ("workspace.workspaceEdit.documentChanges",)])
async def test_a_document_that_changed_meanwhile_is_left_alone_and_the_answer_is_shown(
    without: tuple[str, ...], address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    typed = asyncio.Event()
    upstream.fault(Fault.hold(typed))
    async with editing(address, settings, capabilities=capable(without=without)) as editor:
        await improved(editor, upstream, fenced(BETTER))
        await upstream.wait_for_calls(1)
        editor.retype(URI, f"{TEXT}# typed\n")
        await editor.server.synchronized()
        typed.set()
        page = await editor.page()
        message = await editor.message()
    assert editor.buffers[URI].text == f"{TEXT}# typed\n"
    assert not [method for method, _ in editor.asked if method == "workspace/applyEdit"]
    assert "round(item.price, 2)" in page
    assert "The document has changed meanwhile." in page
    assert message["type"] == WARNING
    assert "The document has changed meanwhile." in message["message"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I would rather not.", "no code block"),
        ("```python\ndef price(item):\n    return round(", "has no end"),
        (f"{fenced(BETTER)}\n\nor\n\n{fenced(BETTER)}", "several code blocks"),
        (fenced("fn price() {}", "rust"), "not python"),
        (Reply.of(fenced(BETTER), finish_reason="length"), "cut off"),
        (fenced("def price(item):\n    # ... rest unchanged ..."), "Not applied"),
    ],
)
async def test_an_answer_that_is_no_code_to_be_put_there_is_shown_instead(
    answer: str | Reply, why: str, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    async with editing(address, settings) as editor:
        await improved(editor, upstream, answer)
        page = await editor.page()
        message = await editor.message()
    assert editor.buffers[URI].text == TEXT
    assert not [method for method, _ in editor.asked if method == "workspace/applyEdit"]
    assert page.startswith("> **Not applied.** ")
    assert why in page
    assert message["message"].startswith("AI Gateway: Improve / simplify: not applied. ")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({"applied": False, "failureReason": "the buffer is read-only."}, "the buffer is read-only."),
        ({"applied": False}, "The editor did not apply the edit."),
        ({"error": {"code": -32603, "message": "no"}}, "The editor could not apply the edit."),
    ],
)
async def test_an_edit_that_the_editor_refuses_is_shown_instead(
    reply: Any, why: str, address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    async with editing(address, settings) as editor:
        editor.replies["workspace/applyEdit"] = reply
        await improved(editor, upstream, fenced(BETTER))
        page = await editor.page()
        message = await editor.message()
    assert why in page
    assert "round(item.price, 2)" in page
    assert why in message["message"]


async def test_an_editor_that_takes_no_edits_shows_the_answer(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    less = capable(without=("workspace.applyEdit", "textDocument.codeAction.resolveSupport"))
    async with editing(address, settings, capabilities=less) as editor:
        await improved(editor, upstream, fenced(BETTER))
        page = await editor.page()
    assert "This editor takes no edits from a language server." in page
    assert "round(item.price, 2)" in page


async def test_code_that_comes_back_as_it_is_changes_nothing(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    async with editing(address, settings) as editor:
        await improved(editor, upstream, fenced("def price(item):\n    return item.price"))
        message = await editor.message()
        await editor.server.synchronized()
    assert (message["type"], message["message"]) == (INFO, "AI Gateway: Improve / simplify: there is nothing to change")
    assert not editor.shown


async def test_an_answer_that_was_retracted_does_not_get_into_the_file(address: str, upstream: FakeOpenAI) -> None:
    async with FakeOpenAI() as second:
        upstream.reply(fenced("def price(item):\n    return 'half an answer'"))
        upstream.fault(Fault.cut(after=3))
        second.reply(fenced(BETTER))
        services = {
            "first": {"base_url": upstream.base_url, "model": "one"},
            "second": {"base_url": second.base_url, "model": "two"},
        }
        async with editing(address, {"services": services, "order": list(services)}) as editor:
            editor.open(URI, TEXT)
            await editor.choose("Improve / simplify", URI, lines(3, 4))
            await editor.request("workspace/applyEdit")
    assert editor.buffers[URI].text == FIXED
