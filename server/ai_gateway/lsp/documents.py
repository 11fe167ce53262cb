"""The documents that the client has open, as it has them: the same lines, and positions in its own units.

pygls 2.1 splits lines where LSP does not (form feeds, U+2028, …), so that an edit in a file that holds one goes to
another place than the editor meant, and it puts a position behind the last character of the file before that.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

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
    """One open document."""

    _split: tuple[str, tuple[str, ...]] = ("", ())

    @property
    @override
    def source(self) -> str:
        """Its text, as the client has it; of one that is not open, nothing: the disk is not ours to read."""
        return self._source or ""

    @property
    @override
    def lines(self) -> tuple[str, ...]:
        """Its lines, each with its end."""
        if self._split[0] is not self.source:
            self._split = self.source, lines_of(self.source)
        return self._split[1]

    @override
    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        start = self.offset_at_position(change.range.start)
        end = self.offset_at_position(change.range.end)
        self._source = self.source[:start] + change.text + self.source[end:]


class Documents(Workspace):
    """All of them, and the folders of the workspace."""

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
        document = self.get_text_document(uri)
        return document if isinstance(document, Document) and document.version is not None else None

    @override
    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """Take in a change; one of a document that was never opened is the client's mistake, and says nothing."""
        if self.open_document(text_doc.uri) is None:
            log.warning("a change of a document that is not open was ignored")
            return
        super().update_text_document(text_doc, change)

    @override
    def _create_text_document(
        self, doc_uri: str, source: str | None = None, version: int | None = None, language_id: str | None = None
    ) -> TextDocument:
        return Document(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )


def _end_of(lines: Sequence[str]) -> ServerTextPosition:
    if not lines or lines[-1].endswith(("\r", "\n")):
        return ServerTextPosition(len(lines), 0)
    return ServerTextPosition(len(lines) - 1, len(lines[-1]))
