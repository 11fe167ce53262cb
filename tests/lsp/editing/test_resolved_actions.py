"""Edits as the answer to `codeAction/resolve`, for those who want them so, or can have them no other way."""

from __future__ import annotations

import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from support.buffers import Editor, capable, editing, lines
from support.rpc import Json

URI = "file:///project/shop.py"
TEXT = "def price(item):\n    return item.price\n"
BETTER = "```python\ndef price(item):\n    return round(item.price)\n```"
RESOLVE = {"actions": {"delivery": "resolve"}}


async def chosen(editor: Editor, title: str = "Improve / simplify") -> Json:
    [action] = [each for each in await editor.actions(URI, lines(0, 1)) if each["title"] == title]
    return action


async def test_the_edit_comes_with_the_action(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.reply(BETTER)
    async with editing(address, {**settings, **RESOLVE}) as editor:
        editor.open(URI, TEXT)
        action = await chosen(editor)
        resolved = await editor.server.result("codeAction/resolve", action)
        await editor.server.synchronized()
    assert "command" not in action
    assert {name: value for name, value in resolved.items() if name != "edit"} == action
    [change] = resolved["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": URI, "version": 1}
    assert change["edits"][0]["newText"] == "    return round(item.price)"
    assert not [method for method, _ in editor.asked if method == "workspace/applyEdit"]


async def test_an_editor_that_takes_edits_only_so_gets_them_so(address: str, settings: Json) -> None:
    less = capable(without=("workspace.applyEdit",))
    async with editing(address, settings, capabilities=less) as editor:
        editor.open(URI, TEXT)
        assert "data" in await chosen(editor)
        assert "command" in await chosen(editor, "Explain")


@pytest.mark.parametrize("missing", ["dataSupport", "resolveSupport"])
async def test_an_editor_that_can_not_resolve_gets_commands(missing: str, address: str, settings: Json) -> None:
    less = capable(without=(f"textDocument.codeAction.{missing}",))
    async with editing(address, {**settings, **RESOLVE}, capabilities=less) as editor:
        editor.open(URI, TEXT)
        assert "command" in await chosen(editor)


async def test_an_action_with_a_command_is_resolved_to_itself_and_nobody_is_asked(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        action = await chosen(editor)
        assert await editor.server.result("codeAction/resolve", action) == action
    assert upstream.requests == []


async def test_an_answer_that_can_not_be_used_is_an_error_and_is_shown(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    upstream.reply("I would rather not.")
    async with editing(address, {**settings, **RESOLVE}) as editor:
        editor.open(URI, TEXT)
        reply = await editor.server.request("codeAction/resolve", await chosen(editor))
        page = await editor.page()
    assert (reply["error"]["code"], "no code block" in reply["error"]["message"]) == (-32803, True)
    assert "I would rather not." in page


async def test_code_that_comes_back_as_it_is_has_no_edit(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.reply(f"```python\n{TEXT}```")
    async with editing(address, {**settings, **RESOLVE}) as editor:
        editor.open(URI, TEXT)
        action = await chosen(editor)
        assert await editor.server.result("codeAction/resolve", action) == action
        assert "nothing to change" in (await editor.message())["message"]


async def test_a_cancelled_one_leaves_the_upstream(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.stall(after=1))
    async with editing(address, {**settings, **RESOLVE}) as editor:
        editor.open(URI, TEXT)
        resolving = editor.server.ask("codeAction/resolve", await chosen(editor))
        await upstream.wait_for_calls(1)
        editor.server.notify("$/cancelRequest", {"id": resolving})
        assert (await editor.server.reply_to(resolving))["error"]["code"] == -32800
        await upstream.wait_until_idle()
    assert upstream.disconnects == 1


async def test_closing_the_document_cancels_it_too(address: str, settings: Json, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.hang())
    async with editing(address, {**settings, **RESOLVE}) as editor:
        editor.open(URI, TEXT)
        resolving = editor.server.ask("codeAction/resolve", await chosen(editor))
        await upstream.wait_for_calls(1)
        editor.close(URI)
        assert (await editor.server.reply_to(resolving))["error"]["code"] == -32800


async def test_one_whose_document_has_changed_since_is_refused_before_anybody_is_asked(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    async with editing(address, {**settings, **RESOLVE}) as editor:
        editor.open(URI, TEXT)
        action = await chosen(editor)
        editor.retype(URI, f"# new\n{TEXT}")
        error = (await editor.server.request("codeAction/resolve", action))["error"]
    assert "has changed since the action was offered" in error["message"]
    assert upstream.requests == []
