"""What the client can do, as far as edits, documents and questions depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

from lsprotocol import types


@dataclass(frozen=True, slots=True)
class Abilities:
    """One client's, as it said in `initialize` (LSP 3.18, "Client Capabilities")."""

    takes_actions: bool
    """Code actions as such; an older client knows commands only."""
    resolves_edits: bool
    """It asks for the edit of a code action when the person chooses it."""
    shows_disabled: bool
    knows_tags: bool
    """Such as the one that says that a model will write."""
    applies_edits: bool
    changes_documents: bool
    """It takes edits that name the version of the document that they are for."""
    confirms_edits: bool
    creates_files: bool
    """Only edits that name versions can, so it takes those for it, also where it says nothing of them, as Neovim."""
    shows_documents: bool
    shows_progress: bool
    takes_input: bool
    """It asks the person for a text by `ai/editor/input`, which is ours."""
    lends_models: bool
    """It asks its editor's own models by `ai/editor/chat`, which is ours as well."""

    @classmethod
    def of(cls, client: types.ClientCapabilities) -> Self:
        """Read them."""
        edits = "workspace.workspace_edit"
        actions = "text_document.code_action"
        resolved = _at(client, f"{actions}.resolve_support.properties") or ()
        operations = _at(client, f"{edits}.resource_operations") or ()
        return cls(
            takes_actions=_at(client, f"{actions}.code_action_literal_support") is not None,
            resolves_edits=bool(_at(client, f"{actions}.data_support")) and "edit" in resolved,
            shows_disabled=bool(_at(client, f"{actions}.disabled_support")),
            knows_tags=_at(client, f"{actions}.tag_support") is not None,
            applies_edits=bool(_at(client, "workspace.apply_edit")),
            changes_documents=bool(_at(client, f"{edits}.document_changes")),
            confirms_edits=_at(client, f"{edits}.change_annotation_support") is not None,
            creates_files=types.ResourceOperationKind.Create in operations,
            shows_documents=bool(_at(client, "window.show_document.support")),
            shows_progress=bool(_at(client, "window.work_done_progress")),
            takes_input=_says(client.experimental, "input"),
            lends_models=_says(client.experimental, "chat"),
        )


def _at(client: types.ClientCapabilities, path: str) -> Any:
    """Give what lies at the end of a path of fields; None: it is not there."""
    return reduce(lambda value, name: getattr(value, name, None), path.split("."), client)  # type: ignore[arg-type,return-value]  # any field


def _says(experimental: object, ability: str) -> bool:
    """Say whether it has one of those that are ours."""
    ours = experimental.get("aiGateway") if isinstance(experimental, Mapping) else None
    return isinstance(ours, Mapping) and ours.get(ability) is True
