"""Edits as the client takes them (LSP 3.17, `WorkspaceEdit`), and how they get there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os.path import lexists
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.lsp.editing.abilities import Abilities
from ai_gateway.lsp.protocol import ClientError
from ai_gateway.lsp.rpc_errors import Code

if TYPE_CHECKING:
    from ai_gateway.code_actions.replacement import Replacement
    from ai_gateway.lsp.documents import Document
    from ai_gateway.lsp.editing.targets import Target
    from ai_gateway.lsp.server import GatewayServer
    from ai_gateway.messages.results import RangeResult

Json = Mapping[str, object]

ANNOTATION = "ai-gateway"
BEGINNING = {"line": 0, "character": 0}


@dataclass(frozen=True, slots=True)
class Note:
    """What the editor shows beside an edit: what it is, who wrote it, and whether to ask before it is applied."""

    label: str
    description: str
    confirm: bool


@dataclass(frozen=True, slots=True)
class Edit:
    """A `WorkspaceEdit` of one document, or one that makes a file.

    Attributes:
        creates: The file; None: it changes the document that it was asked for.
    """

    workspace_edit: Json
    creates: Path | None = None

    def has_room(self, server: GatewayServer) -> bool:
        """Whether there is no such file yet, on disk or in the editor."""
        place = self.creates
        return place is None or not (lexists(place) or server.documents.open_document(place.as_uri()) is not None)


def replacing(server: GatewayServer, target: Target, replacement: Replacement, note: Note) -> Edit:
    """Make the edit that replaces lines of a document, from the first column to the last, in the client's units."""
    document = server.documents.open_document(target.uri)
    assert document is not None  # noqa: S101 - it was looked at a moment ago
    place = place_of(document, replacement.first_line, replacement.last_line)
    edit = {"range": place, "newText": replacement.text}
    abilities = Abilities.of(server.client_capabilities)
    if not abilities.changes_documents:
        return Edit({"changes": {target.uri: [edit]}})
    annotated, annotations = _annotation(abilities, note)
    versioned = {"uri": target.uri, "version": target.version}
    change = {"textDocument": versioned, "edits": [{**edit, **annotated}]}
    return Edit({"documentChanges": [change], **annotations})


def place_of(document: Document, first_line: int, last_line: int) -> RangeResult:
    """Give the range of whole lines of a document, without the end of the last one, in the client's units."""
    last = document.lines[last_line].rstrip("\r\n")
    return {
        "start": {"line": first_line, "character": 0},
        "end": {"line": last_line, "character": document.position_codec.client_num_units(last)},
    }


def creating(server: GatewayServer, place: Path, text: str, note: Note) -> Edit:
    """Make the edit that creates a file, for a client that creates files; one that is there already fails it."""
    uri = place.as_uri()
    annotated, annotations = _annotation(Abilities.of(server.client_capabilities), note)
    options = {"overwrite": False, "ignoreIfExists": False}
    create = {"kind": "create", "uri": uri, "options": options, **annotated}
    edit = {"range": {"start": BEGINNING, "end": BEGINNING}, "newText": text, **annotated}
    fill = {"textDocument": {"uri": uri, "version": None}, "edits": [edit]}
    return Edit({"documentChanges": [create, fill], **annotations}, creates=place)


class Discarded(Exception):
    """The person has seen an edit, and does not want it now."""


async def apply(server: GatewayServer, label: str, edit: Edit) -> str | None:
    """Have the client apply an edit; say why it did not, or None.

    Raises:
        Discarded: The client says that the person has cancelled it.
    """
    if not Abilities.of(server.client_capabilities).applies_edits:
        return "This editor takes no edits from a language server."
    wanted = {"label": label, "edit": edit.workspace_edit}
    try:
        done = await server.protocol.send_request_async(types.WORKSPACE_APPLY_EDIT, wanted)
    except ClientError as error:
        if isinstance(error.told, Mapping) and error.told.get("code") == Code.CANCELLED:
            raise Discarded from error
        return "The editor could not apply the edit."
    if done.applied:
        return None
    why = f": {done.failure_reason.rstrip('.')}" if done.failure_reason else ""
    return f"The editor did not apply the edit{why}."


def _annotation(abilities: Abilities, note: Note) -> tuple[Json, Json]:
    """Give what stands in each edit, and what stands beside them all."""
    if not abilities.confirms_edits:
        return {}, {}
    annotation = {"label": note.label, "needsConfirmation": note.confirm, "description": note.description}
    return {"annotationId": ANNOTATION}, {"changeAnnotations": {ANNOTATION: annotation}}
