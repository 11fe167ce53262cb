"""Documents are kept as the editor has them, and nothing is kept of what is said about them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.workspace import Workspace

from ai_gateway.config import load_settings
from ai_gateway.lsp.documents import Documents
from ai_gateway.lsp.server import GatewayServer

URI = "file:///a.py"


class Sent:
    """An outbox that keeps what is sent."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.bodies: list[object] = []

    def send(self, body: bytes) -> None:
        self.bodies.append(json.loads(body))

    async def drained(self) -> None:
        return

    async def aclose(self) -> None:
        return


@pytest.fixture
async def server() -> GatewayServer:
    server = GatewayServer(
        Sent(),
        lambda editor, workspaces: load_settings(environ={}, editor=editor, workspaces=workspaces),
        on_exit=lambda: None,
        on_client=lambda _: None,
    )
    say(server, "initialize", {"capabilities": {}, "processId": None}, id=1)
    return server


def say(server: GatewayServer, method: str, params: object, **more: object) -> None:
    server.protocol.receive(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode())


def change(text: str) -> dict[str, object]:
    where = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
    return {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"range": where, "text": text}]}


async def test_documents_are_opened_changed_and_closed(server: GatewayServer) -> None:
    document = {"uri": URI, "languageId": "python", "version": 1, "text": "x = 1\n"}
    say(server, "textDocument/didOpen", {"textDocument": document})
    say(server, "textDocument/didChange", change("y"))
    assert server.workspace.get_text_document(URI).source == "y = 1\n"
    say(server, "textDocument/didClose", {"textDocument": {"uri": URI}})
    assert URI not in server.workspace.text_documents


async def test_nothing_is_kept_of_a_notification_that_was_dealt_with(server: GatewayServer) -> None:
    document = {"uri": URI, "languageId": "python", "version": 1, "text": "x = 1\n"}
    say(server, "textDocument/didOpen", {"textDocument": document})
    for _ in range(10):
        say(server, "textDocument/didChange", change("z"))
    await asyncio.sleep(0)
    assert not server.protocol._request_futures


ENDS = ("\r\n", "\n", "\r")
UNITS: dict[str, Callable[[str], int]] = {
    "utf-8": lambda text: len(text.encode()),
    "utf-16": lambda text: len(text.encode("utf-16-le")) // 2,
    "utf-32": len,
}
PIECES = st.sampled_from([*ENDS, "a", "é", "😀", "\t", "\f", "\v", "\x1c", "\x85", "\u2028", "xyz"])
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def positions(text: str, encoding: str) -> list[tuple[int, types.Position]]:
    """Every place of a text where an editor may put its cursor: as an offset, and as LSP says it."""
    found, line, units, offset = [(0, types.Position(0, 0))], 0, 0, 0
    while offset < len(text):
        end = next((end for end in ENDS if text.startswith(end, offset)), "")
        offset += len(end) or 1
        line, units = (line + 1, 0) if end else (line, units + UNITS[encoding](text[offset - 1]))
        found.append((offset, types.Position(line, units)))
    return found


def documents(text: str, encoding: str = "utf-16") -> Documents:
    kept = Documents.of(Workspace(None, position_encoding=types.PositionEncodingKind(encoding)))
    kept.put_text_document(types.TextDocumentItem(URI, "plaintext", 1, text))
    return kept


@given(text=TEXTS, new=TEXTS, encoding=st.sampled_from(sorted(UNITS)), data=st.data())
def test_an_edit_goes_where_the_editor_made_it(text: str, new: str, encoding: str, data: st.DataObject) -> None:
    places = positions(text, encoding)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(places) - 1)] * 2)))
    (start, start_position), (end, end_position) = places[first], places[last]
    kept = documents(text, encoding)
    change = types.TextDocumentContentChangePartial(types.Range(start_position, end_position), new)
    kept.update_text_document(types.VersionedTextDocumentIdentifier(2, URI), change)
    document = kept.open_document(URI)
    assert document is not None
    assert (document.source, document.version) == (text[:start] + new + text[end:], 2)


@given(text=TEXTS, encoding=st.sampled_from(sorted(UNITS)))
def test_a_position_is_the_same_to_the_editor_and_here(text: str, encoding: str) -> None:
    document = documents(text, encoding).get_text_document(URI)
    for offset, position in positions(text, encoding):
        assert document.offset_at_position(position) == offset
        here = document.position_from_client_units(position)
        told = document.position_to_client_units(here)
        assert (told.line, told.character) == (position.line, position.character)


@pytest.mark.parametrize(
    ("line", "character", "offset"), [(0, 99, 1), (1, 99, 5), (2, 0, 6), (9, 0, 6), (9, 9, 6)], ids=str
)
def test_a_position_behind_the_end_is_the_end(line: int, character: int, offset: int) -> None:
    document = documents("a\ncd😀\n").get_text_document(URI)
    assert document.offset_at_position(types.Position(line, character)) == offset


async def test_a_change_of_a_document_that_is_not_open_is_no_incident(
    server: GatewayServer, caplog: pytest.LogCaptureFixture
) -> None:
    say(server, "textDocument/didChange", change("y"))
    assert URI not in server.workspace.text_documents
    assert "incident" not in caplog.text
    assert "not open" in caplog.text


async def test_the_disk_is_not_read_for_a_document_that_is_not_open(server: GatewayServer) -> None:
    here = "file://" + __file__
    assert server.workspace.get_text_document(here).source == ""


FIRST, SECOND = "file:///caf%E8.py", "file:///caf%E9.py"
"""Two names as a file system without UTF-8 has them."""


def opened(server: GatewayServer, *uris: str) -> None:
    for uri in uris:
        document = {"uri": uri, "languageId": "python", "version": 1, "text": f"# {uri}\n"}
        say(server, "textDocument/didOpen", {"textDocument": document})


async def test_names_that_are_no_utf_8_belong_to_documents_of_their_own(server: GatewayServer) -> None:
    opened(server, FIRST, SECOND)
    for uri in (FIRST, SECOND):
        document = server.documents.open_document(uri)
        assert document is not None
        assert (document.uri, document.source) == (uri, f"# {uri}\n")
    say(server, "textDocument/didClose", {"textDocument": {"uri": SECOND}})
    assert server.documents.open_document(FIRST) is not None


async def test_however_a_name_is_escaped_it_is_the_same_document(server: GatewayServer) -> None:
    opened(server, "file:///c%3A/a%20b.py")
    assert server.documents.open_document("file:///c:/a b.py") is not None


@pytest.mark.parametrize("method", ["textDocument/didChange", "textDocument/didOpen"])
async def test_a_document_of_which_a_change_could_not_be_read_counts_as_closed(
    method: str, server: GatewayServer
) -> None:
    opened(server, FIRST, URI)
    say(server, method, {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"range": {}, "text": "x"}]})
    say(server, "textDocument/didChange", change("y"))
    assert server.documents.open_document(URI) is None
    assert server.documents.open_document(FIRST) is not None
    opened(server, URI)
    assert server.documents.open_document(URI) is not None


async def test_a_message_that_could_not_be_read_may_have_been_a_change_of_any_document(server: GatewayServer) -> None:
    opened(server, FIRST, URI)
    server.protocol.receive(b'{"jsonrpc":"2.0","method":"textDocument/didChange","params":"caf\xe9"}')
    assert [server.documents.open_document(uri) for uri in (FIRST, URI)] == [None, None]


async def test_what_is_no_change_and_could_not_be_read_closes_nothing(server: GatewayServer) -> None:
    opened(server, URI)
    say(server, "workspace/didChangeConfiguration", [1, 2])
    say(server, "textDocument/didSave", {})
    assert server.documents.open_document(URI) is not None


@pytest.mark.parametrize("uri", ["file://[x/a.py", "http://[::/a.py"])
async def test_a_document_whose_uri_is_none_stays_closed_and_is_no_incident(
    server: GatewayServer, caplog: pytest.LogCaptureFixture, uri: str
) -> None:
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "x = 1\n"}
    say(server, "textDocument/didOpen", {"textDocument": document})
    say(server, "textDocument/didChange", change("y") | {"textDocument": {"uri": uri, "version": 2}})
    assert server.documents.open_document(uri) is None
    assert "incident" not in caplog.text
    assert "URI is none" in caplog.text
