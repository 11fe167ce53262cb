"""The documents that the client has open, as it has them: the same lines, and positions in its own units.

pygls 2.1 splits lines where LSP does not (form feeds, U+2028, …), so that an edit in a file that holds one goes to
another place than the editor meant, and it puts a position behind the last character of the file before that.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import PositionCodec, ServerTextPosition, TextDocument, Workspace
from typing_extensions import override

from ai_gateway.lines import lines_of

log = logging.getLogger(__name__)


class Positions(PositionCodec):
    """Converts between the client's units and code points."""

    @override
    def position_from_client_units(self, lines: Sequence[str], position: types.Position) -> ServerTextPosition:
        """Give a position in code points; one behind the end of a line, or of the document, is that end."""
        if position.line >= len(lines):
            return _end_of(lines)
        line = lines[position.line].rstrip("\r\n")
        if line.isascii():
            return ServerTextPosition(position.line, min(position.character, len(line)))
        units = 0
        for index, character in enumerate(line):
            if units >= position.character:
                return ServerTextPosition(position.line, index)
            units += self.impl.code_units_for_char(character)
        return ServerTextPosition(position.line, len(line))


class Document(TextDocument):
    """One open document, kept in lines: a change touches those that it is about, however many there are."""

    def __init__(
        self, uri: str, source: str | None, version: int | None, language_id: str | None, codec: PositionCodec
    ) -> None:
        super().__init__(uri, source, version, language_id, position_codec=codec)
        self._lines: tuple[str, ...] | None = lines_of(source or "")
        """None: they are to be made of the source."""

    @property
    @override
    def source(self) -> str:
        """Its text, as the client has it; of one that is not open, nothing: the disk is not ours to read."""
        if self._source is None:
            self._source = "".join(self._lines or ())
        return self._source

    @property
    @override
    def lines(self) -> tuple[str, ...]:
        """Its lines, each with its end."""
        if self._lines is None:
            self._lines = lines_of(self.source)
        return self._lines

    @override
    def _apply_full_change(self, change: types.TextDocumentContentChangeEvent) -> None:
        self._source, self._lines = change.text, None

    @override
    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        lines, edges = self.lines, self.range_from_client_units(change.range)
        start, end = sorted((edges.start, edges.end))
        # with their neighbours, as `\r` and `\n` may become one end, or two
        first, last = max(0, start.line - 1), end.line + 2
        before = "".join(lines[first : start.line + 1])[: _length(lines[first : start.line]) + start.character]
        after = "".join(lines[end.line : last])[end.character :]
        self._lines = (*lines[:first], *lines_of(before + change.text + after), *lines[last:])
        self._source = None


class Documents(Workspace):
    """All of them, and the folders of the workspace.

    pygls takes any two names that differ only in bytes that are no UTF-8 for one document, so that an edit of the first
    would go into the second.
    """

    @classmethod
    def of(cls, workspace: Workspace) -> Documents:
        """Take the place of pygls's own."""
        folders = list(workspace.folders.values())
        return cls(workspace.root_uri, types.TextDocumentSyncKind.Incremental, folders, workspace.position_encoding)

    def __init__(
        self,
        root_uri: str | None,
        sync_kind: types.TextDocumentSyncKind,
        workspace_folders: Sequence[types.WorkspaceFolder] | None,
        position_encoding: types.PositionEncodingKind | str | None,
    ) -> None:
        super().__init__(root_uri, sync_kind, workspace_folders, position_encoding)
        self._position_codec = Positions(position_encoding)

    def open_document(self, uri: str) -> Document | None:
        """Give a document; None: it is not open."""
        document = self._text_documents.get(_key(uri))
        return document if isinstance(document, Document) else None

    def lose(self, uri: object = None) -> None:
        """Take a document, or all of them, for closed: a change got lost, so the editor has another text."""
        lost = [key for key in self._text_documents if not isinstance(uri, str) or key == _key(uri)]
        for key in lost:
            del self._text_documents[key]
        if lost:
            log.warning("a change could not be read; until they are reopened, %d documents are left alone", len(lost))

    @override
    def get_text_document(self, doc_uri: str) -> TextDocument:
        """Give a document; one that is not open is empty, and has no version."""
        return self._text_documents.get(_key(doc_uri)) or self._create_text_document(doc_uri)

    @override
    def put_text_document(self, text_document: types.TextDocumentItem, notebook_uri: str | None = None) -> None:
        """Take in a document that is opened; one that has no URI, but something like it, stays closed."""
        try:
            document = self._create_text_document(
                text_document.uri, text_document.text, text_document.version, text_document.language_id
            )
        except ValueError:  # of `urlsplit`, for a host like `[x`
            log.warning("a document whose URI is none was ignored")
            return
        self._text_documents[_key(text_document.uri)] = document

    @override
    def remove_text_document(self, doc_uri: str) -> None:
        """Forget a document that is closed."""
        self._text_documents.pop(_key(doc_uri), None)

    @override
    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """Take in a change; one of a document that was never opened is the client's mistake, and says nothing."""
        document = self.open_document(text_doc.uri)
        if document is None:
            log.warning("a change of a document that is not open was ignored")
            return
        document.apply_change(change)
        document.version = text_doc.version

    @override
    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> TextDocument:
        return Document(doc_uri, source, version, language_id, self._position_codec)


def _key(uri: str) -> str:
    """Spell a URI in one way, however the client escapes it."""
    return unquote(uri, errors="surrogateescape")


def _end_of(lines: Sequence[str]) -> ServerTextPosition:
    if not lines or lines[-1].endswith(("\r", "\n")):
        return ServerTextPosition(len(lines), 0)
    return ServerTextPosition(len(lines) - 1, len(lines[-1]))


def _length(lines: Sequence[str]) -> int:
    return sum(map(len, lines))
