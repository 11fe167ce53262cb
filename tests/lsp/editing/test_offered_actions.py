"""Code actions as they are offered: at once, where they make sense, and without asking anybody."""

from __future__ import annotations

from pathlib import Path

from ai_gateway.fakes import FakeOpenAI
from ai_gateway.lsp.editing.names import COMMANDS
from ai_gateway.lsp.editing.offers import MOST_NEAR
from support.buffers import capable, cursor, editing, lines
from support.rpc import Json, framed, running_server

URI = "file:///project/shop.py"
TEXT = "def price(item):\n    # round to cents\n    return item.price\n"
PROBLEM = {
    "range": {"start": {"line": 2, "character": 4}, "end": {"line": 2, "character": 10}},
    "message": "float arithmetic",
    "severity": 2,
    "source": "linter",
    "code": "F1",
    "data": {"their": "own"},
}
GENERAL = ["Explain", "Document", "Write tests", "Improve / simplify", "Ask about selection…"]


def titles(offered: list[Json]) -> list[str]:
    return [each["title"] for each in offered]


async def test_a_selection_is_offered_every_general_action_and_no_upstream_is_asked(
    address: str, settings: Json, upstream: FakeOpenAI
) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        offered = await editor.actions(URI, lines(0, 2))
        await editor.server.synchronized()
    assert titles(offered) == GENERAL
    assert upstream.requests == []
    by_title = {each["title"]: each for each in offered}
    assert by_title["Improve / simplify"]["kind"] == "refactor.rewrite"
    assert by_title["Improve / simplify"]["command"] == {
        "title": "Improve / simplify",
        "command": "aiGateway.improve",
        "arguments": [{"uri": URI, "range": lines(0, 2), "version": 1}],
    }
    assert not any("isPreferred" in each or "edit" in each or "data" in each or "tags" in each for each in offered)


async def test_a_problem_is_offered_a_fix_that_names_it(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        offered = await editor.actions(URI, cursor(2, 5), diagnostics=[PROBLEM], only=["quickfix"])
    [fix] = offered
    assert (fix["title"], fix["kind"], fix["diagnostics"]) == ("Fix this problem", "quickfix", [PROBLEM])
    [arguments] = fix["command"]["arguments"]
    assert arguments["diagnostics"] == [{name: value for name, value in PROBLEM.items() if name != "data"}]


async def test_a_comment_is_offered_to_be_done(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        assert "Do what the comment says" in titles(await editor.actions(URI, cursor(1, 8)))
        assert "Do what the comment says" not in titles(await editor.actions(URI, cursor(2, 8)))


async def test_what_is_offered_is_for_the_version_that_was_there_when_it_was_asked_for(
    address: str, settings: Json
) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        params = {"textDocument": {"uri": URI}, "range": lines(0, 2), "context": {"diagnostics": []}}
        asked = {"jsonrpc": "2.0", "id": "asked", "method": "textDocument/codeAction", "params": params}
        version = {"uri": URI, "version": 2}
        change = {"textDocument": version, "contentChanges": [{"range": cursor(0), "text": "import math\n"}]}
        changed = {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": change}
        editor.server.send_bytes(framed(asked) + framed(changed))
        offered = (await editor.server.reply_to("asked"))["result"]
    assert {each["command"]["arguments"][0]["version"] for each in offered} == {1}


async def test_code_without_line_ends_is_offered_all_but_what_takes_long_to_find(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, "# " + "x" * MOST_NEAR)
        offered = titles(await editor.actions(URI, cursor(0, 8)))
    assert "Explain" in offered
    assert "Do what the comment says" not in offered


async def test_an_editor_that_wants_only_some_kinds_gets_no_others(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)

        async def offered(*only: str) -> list[str]:
            return titles(await editor.actions(URI, lines(0, 2), only=list(only)))

        assert await offered("refactor") == await offered("refactor.rewrite") == ["Document", "Improve / simplify"]
        assert await offered("quickfix", "refactor.rewrite") == ["Document", "Improve / simplify"]
        assert await offered("") == GENERAL
        for other in ("refactor.extract", "refact", "source.organizeImports"):
            assert await offered(other) == []
        assert await offered() == []


async def test_an_editor_that_asks_by_itself_gets_only_what_the_person_points_at(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        assert await editor.actions(URI, cursor(2), triggerKind=2) == []
        assert titles(await editor.actions(URI, cursor(2), triggerKind=1)) == GENERAL
        assert titles(await editor.actions(URI, lines(2, 2), triggerKind=2)) == GENERAL
        by_itself = await editor.actions(URI, cursor(2), triggerKind=2, diagnostics=[PROBLEM])
        assert titles(by_itself) == ["Fix this problem"]


async def test_nothing_is_offered_for_blank_lines_or_a_document_that_is_not_open(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, "\n  \n\nx = 1\n")
        assert await editor.actions(URI, lines(0, 1)) == []
        assert await editor.actions("file:///project/other.py", lines(0, 1)) == []
        editor.close(URI)
        assert await editor.actions(URI, lines(3, 3)) == []


async def test_a_selection_beyond_the_end_is_no_error(address: str, settings: Json) -> None:
    async with editing(address, settings) as editor:
        editor.open(URI, TEXT)
        assert await editor.actions(URI, lines(100, 200)) == []
        assert await editor.actions(URI, cursor(100)) == []
        backwards = {"start": {"line": 2, "character": 0}, "end": {"line": 0, "character": 0}}
        assert await editor.actions(URI, backwards) == []


async def test_an_excluded_file_is_offered_actions_that_say_why_not(address: str, settings: Json) -> None:
    excluding = {**settings, "privacy": {"exclude": ["*.secret.py"]}}
    uri = "file:///project/keys.secret.py"
    async with editing(address, excluding) as editor:
        editor.open(uri, TEXT)
        offered = await editor.actions(uri, lines(0, 2))
    assert titles(offered) == GENERAL
    assert all("*.secret.py" in each["disabled"]["reason"] and "command" not in each for each in offered)


async def test_an_excluded_file_is_offered_nothing_where_the_editor_can_not_say_why(
    address: str, settings: Json
) -> None:
    excluding = {**settings, "privacy": {"exclude": ["*.secret.py"]}}
    uri = "file:///project/keys.secret.py"
    less = capable(without=("textDocument.codeAction.disabledSupport",))
    async with editing(address, excluding, capabilities=less) as editor:
        editor.open(uri, TEXT)
        assert await editor.actions(uri, lines(0, 2)) == []


async def test_an_editor_that_knows_only_commands_gets_commands(address: str, settings: Json) -> None:
    less = capable(without=("textDocument.codeAction",))
    async with editing(address, settings, capabilities=less) as editor:
        editor.open(URI, TEXT)
        offered = await editor.actions(URI, lines(0, 2))
    assert titles(offered) == GENERAL
    assert all(each.keys() == {"title", "command", "arguments"} for each in offered)


async def test_an_editor_that_knows_tags_is_told_that_a_model_writes(address: str, settings: Json) -> None:
    tags = capable()
    tags["textDocument"]["codeAction"]["tagSupport"] = {"valueSet": [1]}
    async with editing(address, settings, capabilities=tags) as editor:
        editor.open(URI, TEXT)
        assert all(each["tags"] == [1] for each in await editor.actions(URI, lines(0, 2)))


async def test_they_can_be_switched_off(address: str, settings: Json) -> None:
    async with editing(address, {**settings, "actions": {"enabled": False}}) as editor:
        editor.open(URI, TEXT)
        assert await editor.actions(URI, lines(0, 2)) == []


async def test_they_are_offered_before_the_gateway_is_open(tmp_path: Path) -> None:
    async with running_server(tmp_path) as server:
        await server.result("initialize", {"capabilities": capable()})  # and not `initialized`, which opens it
        document = {"uri": URI, "languageId": "python", "version": 7, "text": TEXT}
        server.notify("textDocument/didOpen", {"textDocument": document})
        params = {"textDocument": {"uri": URI}, "range": lines(0, 2), "context": {"diagnostics": []}}
        assert titles(await server.result("textDocument/codeAction", params)) == GENERAL


async def test_the_server_says_what_it_offers(tmp_path: Path) -> None:
    async with running_server(tmp_path) as server:
        rich = await server.initialize(capabilities=capable())
    async with running_server(tmp_path) as server:
        poor = await server.initialize()
    options = rich["capabilities"]["codeActionProvider"]
    assert options == {"codeActionKinds": ["quickfix", "refactor.rewrite"], "resolveProvider": True}
    assert poor["capabilities"]["codeActionProvider"] is True
    for offered in (rich, poor):
        assert set(offered["capabilities"]["executeCommandProvider"]["commands"]) == set(COMMANDS)
        assert offered["capabilities"]["workspace"]["workspaceFolders"]["supported"] is True
