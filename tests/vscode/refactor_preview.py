"""The panel in which VS Code shows an edit before it is made."""

from __future__ import annotations

from functools import partial

from playwright.sync_api import Page, expect

from vscode.trying import SOON_MS, until_done


class RefactorPreview:
    """The panel.

    Attributes:
        rows: the files and changes in it.
    """

    def __init__(self, page: Page) -> None:
        self._panel = page.locator("#refactorPreview")
        self.rows = self._panel.locator(".monaco-list-row")

    def accept(self) -> None:
        """Tick every change, and make the edit. A file's tick reaches its changes late, and so may cross one."""
        expect(self.rows.first).to_be_visible()
        for box in self.rows.locator(".edit-checkbox").all():
            until_done(partial(box.set_checked, True, timeout=SOON_MS), "a change could not be ticked")
        self._panel.get_by_role("button", name="Apply").click()

    def discard(self) -> None:
        """Make none."""
        self._panel.get_by_role("button", name="Discard").click()
