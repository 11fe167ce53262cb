"""What is not as it should be is refused, with the name of the field, and nobody is asked or bothered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from support.buffers import Editor, editing, lines
from support.rpc import Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

URI = "file:///project/shop.py"
TEXT = "def price(item):\n    return item.price\n"
SELECTED = {"uri": URI, "range": lines(0, 1)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(address: str) -> AsyncIterator[Editor]:
    async with editing(address, {"order": ["copilot"]}) as editor:
        editor.open(URI, TEXT)
        yield editor


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("aiGateway.explain", [], "uri"),
        ("aiGateway.explain", ["text"], "arguments"),
        ("aiGateway.explain", [SELECTED, SELECTED], "arguments"),
        ("aiGateway.explain", [{"uri": URI}], "range"),
        ("aiGateway.explain", [{**SELECTED, "uri": 1}], "uri"),
        ("aiGateway.explain", [{**SELECTED, "range": {"start": {"line": 0, "character": 0}}}], "range.end"),
        ("aiGateway.explain", [{**SELECTED, "version": "1"}], "version"),
        ("aiGateway.explain", [{**SELECTED, "lines": 1}], "lines"),
        ("aiGateway.explain", [{**SELECTED, "uri": "file:///closed.py"}], "uri"),
        ("aiGateway.explain", [{**SELECTED, "range": lines(100, 200)}], "range"),
        ("aiGateway.fix", [{**SELECTED, "diagnostics": [{}]}], "diagnostics.0.range"),
        ("aiGateway.ask", [{"uri": URI}], "range"),
        ("aiGateway.ask", [{"range": lines(0, 1)}], "uri"),
        ("aiGateway.ask", [1], "arguments"),
        ("aiGateway.ask", ["why" * 10_000], "question"),
        ("aiGateway.health", [{"probe": 1}], "probe"),
        ("aiGateway.reset", ["nobody"], "provider"),
        ("aiGateway.explainLast", [{"query_id": "unknown"}], "query_id"),
        ("aiGateway.signIn", [{"provider": "openai"}], "provider"),
        ("aiGateway.draftPullRequest", [{"use_llm": "no"}], "use_llm"),
        ("aiGateway.draftCommitMessage", [{"base": "main"}], "base"),
        ("aiGateway.stop", [{"now": True}], "now"),
        ("aiGateway.dance", [], "command"),
    ],
)
async def test_wrong_arguments_are_refused_with_the_name_of_the_field(
    name: object, arguments: list[object], field: str, editor: Editor
) -> None:
    params = {"command": name, "arguments": arguments}
    error = (await editor.server.request("workspace/executeCommand", params))["error"]
    messages = await editor.server.synchronized()
    assert (error["code"], error["data"]) == (-32602, {"field": field})
    assert not [each for each in messages if each.get("method") == "window/showMessage"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "range"),
        ({"range": {"start": {"line": 0, "character": 0}}}, "range.end"),
        ({"range": lines(0, 0)}, "textDocument"),
        ({"range": lines(0, 0), "textDocument": {"uri": 1}}, "textDocument.uri"),
        ({"range": {**lines(0, 0), "end": {"line": -1, "character": 0}}}, "range.end"),
        ({"range": {**lines(0, 0), "start": {"line": "0", "character": 0}}}, "range.start"),
        ({"range": lines(0, 0), "context": 1}, "context"),
    ],
)
async def test_what_lsp_does_not_define_is_refused_with_the_name_of_the_field(
    params: Json, field: str, editor: Editor
) -> None:
    error = (await editor.server.request("textDocument/codeAction", params))["error"]
    assert (error["code"], error["message"]) == (-32602, f"params.{field}: not as LSP defines it")


@pytest.mark.parametrize("data", [{}, {"kind": "dance"}, {"kind": "improve", "uri": URI}, 1, "improve", [1]])
async def test_data_that_is_not_the_servers_own_is_refused(data: Any, editor: Editor) -> None:
    error = (await editor.server.request("codeAction/resolve", {"title": "Improve", "data": data}))["error"]
    assert error["code"] == -32602
