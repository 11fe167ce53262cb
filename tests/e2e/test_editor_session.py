"""A whole editor session with the real server: initialize → query → stream → cancel → reset → shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient

from ai_gateway.fakes import FakeOpenAI, Fault
from support.over_stdio import over_stdio
from support.rpc import HANG_SECONDS


class Editor(LanguageClient):
    """An editor that knows our messages; the stock client refuses progress of any kind but LSP's own."""

    def __init__(self) -> None:
        super().__init__(converter_factory=default_converter)
        self.streamed: list[Any] = []
        self.statuses: list[Any] = []
        self._changed = asyncio.Event()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, condition: Any) -> None:
        """Wait until what has arrived fits."""
        async with asyncio.timeout(HANG_SECONDS):
            while not condition():
                await self._changed.wait()
                self._changed.clear()

    async def ask(self, method: str, *, msg_id: str | None = None, **params: object) -> Any:
        protocol: Any = self.protocol
        async with asyncio.timeout(HANG_SECONDS):
            return await protocol.send_request_async(method, params, msg_id=msg_id)


def take_progress(ls: Editor, params: types.ProgressParams) -> None:
    ls.streamed.append(params.value)
    ls.changed()


def take_status(ls: Editor, params: Any) -> None:
    ls.statuses.append(params)
    ls.changed()


def new_editor() -> Editor:
    editor = Editor()
    editor.feature(types.PROGRESS)(take_progress)
    editor.feature("ai/status")(take_status)
    return editor


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(api_key="key") as upstream:
        yield upstream


@pytest_lsp.fixture(config=over_stdio(new_editor))  # type: ignore[untyped-decorator]  # pytest-lsp leaves it untyped
async def client(lsp_client: Editor) -> AsyncIterator[None]:
    yield
    await lsp_client.shutdown_session()


@pytest.fixture
async def editor(client: Editor, upstream: FakeOpenAI) -> Editor:
    params = types.InitializeParams(
        capabilities=types.ClientCapabilities(),
        initialization_options={"order": ["cloud"], "openai": {"base_url": upstream.base_url, "api_key": "key"}},
    )
    initialized = await client.initialize_session(params)
    assert initialized.server_info is not None
    assert initialized.server_info.name == "ai-gateway"
    return client


async def test_a_session_from_initialize_to_shutdown(editor: Editor, upstream: FakeOpenAI) -> None:
    await editor.until(lambda: editor.statuses)
    assert editor.statuses[0].status == "ok"

    upstream.reply("Paris it is")
    answer = await editor.ask("ai/query", prompt="Which city?")
    assert (answer.response, answer.provider, answer.state, answer.cached) == ("Paris it is", "openai", "closed", False)

    upstream.reply("a streamed answer")
    answer = await editor.ask("ai/query", prompt="Another?", partialResultToken="stream")
    assert editor.streamed[0]["kind"] == "started"
    assert "".join(value["text"] for value in editor.streamed[1:]) == answer.response == "a streamed answer"

    upstream.fault(Fault.stall(after=1))
    editor.streamed.clear()
    asking = editor.ask("ai/query", msg_id="long", prompt="A long one?", partialResultToken="long")
    running = asyncio.ensure_future(asking)
    await editor.until(lambda: any(value["kind"] == "delta" for value in editor.streamed))
    editor.cancel_request(types.CancelParams(id="long"))
    with pytest.raises(JsonRpcException, match="cancelled") as cancelled:
        await running
    assert cancelled.value.code == types.LSPErrorCodes.RequestCancelled
    await upstream.wait_until_idle()
    assert upstream.disconnects == 1

    upstream.fault(Fault.rate_limited(retry_after=3600))
    with pytest.raises(JsonRpcException) as unanswered:
        await editor.ask("ai/query", prompt="And now?")
    assert unanswered.value.code == -32050
    await editor.until(lambda: editor.statuses[-1].circuit_state == "open")

    reset = await editor.ask("ai/reset")
    assert (reset.status, reset.state, reset.reset) == ("ok", "closed", ["openai"])
    await editor.until(lambda: editor.statuses[-1].circuit_state == "closed")
    assert (await editor.ask("ai/health")).status == "ok"
    assert (await editor.ask("ai/metrics")).total_requests == 4


async def test_documents_follow_the_editor(editor: Editor) -> None:
    uri = "file:///notes.md"
    document = types.TextDocumentItem(uri, "markdown", 1, "one\n")
    editor.text_document_did_open(types.DidOpenTextDocumentParams(document))
    change = types.TextDocumentContentChangeWholeDocument("two\n")
    version = types.VersionedTextDocumentIdentifier(version=2, uri=uri)
    editor.text_document_did_change(types.DidChangeTextDocumentParams(version, [change]))
    editor.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
    assert (await editor.ask("ai/metrics")).total_requests == 0
