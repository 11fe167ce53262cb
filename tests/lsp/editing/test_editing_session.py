"""A whole session with edits, as editors begin it that are known by name: with their own capabilities."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.request import url2pathname

import pytest
import pytest_lsp
from cattrs import Converter
from lsprotocol import types
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

from ai_gateway.fakes import FakeOpenAI
from support.over_stdio import over_stdio
from support.rpc import HANG_SECONDS

URI = "file:///project/shop.py"
TEXT = "def price(item):\n    return item.price\n"
WHOLE = types.Range(types.Position(0, 0), types.Position(2, 0))
BETTER = "```python\ndef price(item):\n    return round(item.price)\n```"


def converter() -> Converter:
    made: Converter = default_converter()  # type: ignore[no-untyped-call]  # pygls leaves it untyped
    actions = types.Command | types.CodeAction  # lsprotocol takes an action that has a command for a command
    made.register_structure_hook(actions, lambda given, _: made.structure(given, types.CodeAction))
    return made


class Editor(LanguageClient):
    """A client that keeps the edits and the texts that it gets."""

    def __init__(self) -> None:
        super().__init__(converter_factory=converter)
        self.edits: asyncio.Queue[types.WorkspaceEdit] = asyncio.Queue()
        self.pages: asyncio.Queue[str] = asyncio.Queue()

    async def actions(self, *kinds: types.CodeActionKind) -> list[types.CodeAction]:
        context = types.CodeActionContext([], only=list(kinds) or None)
        params = types.CodeActionParams(types.TextDocumentIdentifier(URI), WHOLE, context)
        offered = await self.text_document_code_action_async(params)
        return [each for each in offered or () if isinstance(each, types.CodeAction)]

    async def run(self, action: types.CodeAction) -> object:
        command = action.command
        assert command is not None
        params = types.ExecuteCommandParams(command.command, command.arguments)
        return await self.workspace_execute_command_async(params)


def apply_edit(editor: Editor, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
    editor.edits.put_nowait(params.edit)
    return types.ApplyWorkspaceEditResult(applied=True)


def show_document(editor: Editor, params: types.ShowDocumentParams) -> types.ShowDocumentResult:
    editor.pages.put_nowait(url2pathname(params.uri.removeprefix("file://")))
    return types.ShowDocumentResult(success=True)


def show_message(editor: Editor, params: types.ShowMessageParams) -> None:
    editor.pages.put_nowait(params.message.removeprefix("AI Gateway: the text is in "))


def nothing(_editor: Editor, _params: object) -> None:
    """What this test does not look at."""


def new_editor() -> Editor:
    editor = Editor()
    own = {
        types.WORKSPACE_APPLY_EDIT: apply_edit,
        types.WINDOW_SHOW_DOCUMENT: show_document,
        types.WINDOW_SHOW_MESSAGE: show_message,
        types.CLIENT_REGISTER_CAPABILITY: nothing,
        "ai/status": nothing,
    }
    register_lsp_features(editor, {**DEFAULT_CLIENT_FEATURES, **own})
    return editor


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(api_key="key") as upstream:
        yield upstream


@pytest_lsp.fixture(config=over_stdio(new_editor))  # type: ignore[untyped-decorator]  # pytest-lsp leaves it untyped
async def client(lsp_client: Editor) -> AsyncIterator[None]:
    yield
    await lsp_client.shutdown_session()


@pytest.mark.parametrize("name", ["neovim@v0.11.0", "neovim@v0.6.1", "emacs@v29.1", "visual-studio-code@v1.65.2"])
async def test_from_the_selection_to_the_edit_and_the_explanation(
    name: str, client: Editor, upstream: FakeOpenAI
) -> None:
    settings = {"order": ["cloud"], "openai": {"base_url": upstream.base_url, "api_key": "key"}}
    capabilities = client_capabilities(name)
    client.set_configuration({})
    begun = await client.initialize_session(
        types.InitializeParams(capabilities=capabilities, initialization_options=settings)
    )
    assert isinstance(begun.capabilities.code_action_provider, types.CodeActionOptions)
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(URI, "python", 1, TEXT)))

    [_, improve] = await client.actions(types.CodeActionKind.RefactorRewrite)
    assert await client.code_action_resolve_async(improve) == improve
    upstream.reply(BETTER)
    assert await client.run(improve) == {"status": "started"}
    async with asyncio.timeout(HANG_SECONDS):
        edit = await client.edits.get()
    assert (edit.changes is None) == bool(edit.document_changes)

    upstream.reply("It gives the price.")
    [explain] = [action for action in await client.actions() if action.title == "Explain"]
    await client.run(explain)
    async with asyncio.timeout(HANG_SECONDS):
        page = await client.pages.get()
    assert "It gives the price." in text_of(Path(page))


def text_of(file: Path) -> str:
    return file.read_text("utf-8")
