"""An item of the status bar."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


class StatusItem:
    """One item.

    Attributes:
        item: the whole of it; its text is what is shown, icons apart.
        button: what is pressed; its `aria-label` is what a screen reader says.
    """

    def __init__(self, page: Page, identifier: str) -> None:
        self.item = page.locator(f'[id="{identifier}"]')
        self.button = self.item.locator("a").first
        self._page = page

    def hover(self) -> Locator:
        """Rest the mouse on it; what appears."""
        self.item.hover()
        return self._page.locator(".workbench-hover:visible, .monaco-hover:visible").last
