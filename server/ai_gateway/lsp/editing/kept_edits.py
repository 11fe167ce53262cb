"""Edits that the editor did not take when they were written: they wait, and are offered among the code actions.

Kate takes an edit from a language server only for two seconds after a command (`m_accept_edit` in its
`lspclientpluginview.cpp`), and other clients take none; whoever shows code actions applies the edit that one carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ai_gateway.code_actions.kinds import KINDS

if TYPE_CHECKING:
    from ai_gateway.lsp.editing.edits import Edit
    from ai_gateway.lsp.editing.jobs import Subject
    from ai_gateway.lsp.editing.targets import Target
    from ai_gateway.lsp.server import GatewayServer

Json = Mapping[str, object]

MOST = 10
"""Edits that wait at once; each holds the document that it is for."""


class KeptEdits:
    """Those of one client: of each subject the newest, as long as it still fits; the last few."""

    def __init__(self, server: GatewayServer) -> None:
        self._server = server
        self._edits: dict[Subject, tuple[Target, Edit]] = {}

    def keep(self, target: Target, edit: Edit) -> None:
        """Let an edit wait."""
        self.leave_those_out_of_date()
        self._edits[target.subject] = target, edit
        while len(self._edits) > MOST:
            del self._edits[next(iter(self._edits))]

    def offers(self, uri: str, first_line: int, last_line: int) -> list[Json]:
        """Make a code action of each that is for these lines."""
        self.leave_those_out_of_date()
        return [
            {
                "title": f"Apply: {KINDS[target.kind].title}",
                "kind": KINDS[target.kind].lsp_kind,
                "edit": edit.workspace_edit,
            }
            for subject, (target, edit) in self._edits.items()
            if subject.uri == uri and subject.first_line <= last_line and first_line <= subject.last_line
        ]

    def leave_those_out_of_date(self) -> None:
        """Forget those whose document is closed, or another by now, and those of files that are there by now."""
        self._edits = {
            subject: (target, edit)
            for subject, (target, edit) in self._edits.items()
            if target.is_unchanged(self._server) and edit.has_room(self._server)
        }
