"""What an action is done to: the lines of an open document, as they were when it was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ai_gateway.code_actions.excerpt import Excerpt, Problem
from ai_gateway.code_actions.kinds import KINDS, ActionKind, Product
from ai_gateway.code_actions.prompts import obstacle
from ai_gateway.code_actions.region import comment_region, region_of
from ai_gateway.failures import GatewayError, InvalidQuery
from ai_gateway.lsp.editing.jobs import Subject
from ai_gateway.lsp.editing.offers import product_of
from ai_gateway.lsp.folders import shown_path
from ai_gateway.messages.commands import ActionArguments, DiagnosticParam, RangeParam

if TYPE_CHECKING:
    from ai_gateway.lsp.documents import Document
    from ai_gateway.lsp.server import GatewayServer

SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}
"""As LSP numbers them."""


class NotHere(GatewayError):
    """The action can't be done to this place; says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place, and what is to be done there.

    Attributes:
        version: Of the document.
        root: The folder that paths in the excerpt are relative to; None: the document is in no folder.
    """

    kind: ActionKind
    uri: str
    version: int | None
    excerpt: Excerpt
    root: Path | None

    @property
    def subject(self) -> Subject:
        """What a job about it is about."""
        return Subject(self.kind, self.uri, self.excerpt.first_line, self.excerpt.last_line)

    @property
    def product(self) -> Product:
        """What comes of it."""
        return product_of(self.kind, self.excerpt.path, self.excerpt.language_id)

    @property
    def label(self) -> str:
        """What an edit of it is called."""
        return f"AI Gateway: {KINDS[self.kind].title}"

    @property
    def name(self) -> str:
        """What a page about it is called."""
        return f"{self.kind}-{self.excerpt.path.rpartition('/')[2]}"

    def is_unchanged(self, server: GatewayServer) -> bool:
        """Whether the document still is as it was."""
        document = server.documents.open_document(self.uri)
        return document is not None and (document.version, document.source) == (self.version, self.excerpt.text)


def target_of(server: GatewayServer, kind: ActionKind, given: ActionArguments) -> Target:
    """Find what an action is to be done to.

    Raises:
        InvalidQuery: There is no such document, or it has no such lines.
        NotHere: It has changed since the action was offered, or the action can't be done here.
    """
    return target_in(server, open_document(server, given.uri), kind, given)


def open_document(server: GatewayServer, uri: str) -> Document:
    """Give a document that the client has open.

    Raises:
        InvalidQuery: It has not.
    """
    document = server.documents.open_document(uri)
    if document is None:
        raise InvalidQuery("uri: this document is not open", field="uri")
    return document


def target_in(
    server: GatewayServer, document: Document, kind: ActionKind, given: ActionArguments, path: str | None = None
) -> Target:
    """Find it in a document, open or not. `path` is what a model is told that it is called, if not by its URI.

    Raises as `target_of` does.
    """
    if given.version is not None and document.version != given.version:
        raise NotHere("the document has changed since the action was offered; choose it again")
    lines = _lines(kind, document, given.range)
    if lines is None:
        raise NotHere("there is nothing here to work on; select some lines")
    shown, root = shown_path(server.workspace, document.uri)
    problems = tuple(_problem(each) for each in given.diagnostics)
    excerpt = Excerpt(document.source, document.language_id or "", path or shown, *lines, problems)
    if (reason := obstacle(kind, excerpt)) is not None:
        raise NotHere(reason)
    return Target(kind, document.uri, document.version, excerpt, root)


def _lines(kind: ActionKind, document: Document, selected: RangeParam) -> tuple[int, int] | None:
    """Give whole lines: an end at the beginning of a line leaves that line out."""
    first, last, count = selected.start.line, selected.end.line, len(document.lines)
    if last < first or first > count:  # behind the last end there is one more, which is empty
        raise InvalidQuery("range: the document has no such lines", field="range")
    if not count:
        return None
    if selected.end.character == 0 and last > first:
        last -= 1
    first, last = min(first, count - 1), min(last, count - 1)
    if kind is ActionKind.COMMENT:
        return comment_region(document.source, first, document.language_id or "")
    is_place = first == last and _is_place(kind, document, selected)
    return region_of(document.source, first, last, is_empty=is_place)


def _is_place(kind: ActionKind, document: Document, selected: RangeParam) -> bool:
    """Whether a selection in one line only says where the cursor is.

    That is one character in Helix. Whoever selects part of a line to have it changed means what it is part of; to have
    it explained, the line.
    """
    line = document.lines[min(selected.start.line, len(document.lines) - 1)].rstrip()
    units: Callable[[str], int] = document.position_codec.client_num_units
    start, end = selected.start.character, selected.end.character
    if selected.end.line > selected.start.line:
        end = units(line) + 1
    if end - start <= 1 or KINDS[kind].product is Product.READ:
        return end - start <= 1
    return start > units(line) - units(line.lstrip()) or end < units(line)


def _problem(given: DiagnosticParam) -> Problem:
    severity = SEVERITIES.get(given.severity or 0, "error")
    code = None if given.code is None else str(given.code)
    return Problem(given.message, given.range.start.line, given.range.end.line, severity, given.source, code)
