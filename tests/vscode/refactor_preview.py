"""The panel in which VS Code shows an edit before it is made."""

from __future__ import annotations

from playwright.sync_api import Page, expect


class RefactorPreview:
    """The panel.

    Attributes:
        rows: the files and changes in it.
    """

    def __init__(self, page: Page) -> None:
        self._panel = page.locator("#refactorPreview")
        self.rows = self._panel.locator(".monaco-list-row")

    def accept(self) -> None:
        """Tick every change, and make the edit."""
        expect(self.rows.first).to_be_visible()
        for box in self.rows.locator(".edit-checkbox").all():
            box.set_checked(True)
        self._panel.get_by_role("button", name="Apply").click()

    def discard(self) -> None:
        """Make none."""
        self._panel.get_by_role("button", name="Discard").click()
