"""The box at the top of the window: the palette, a question, or a list to pick from."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from vscode.trying import SOON_MS, until_done

COMMANDS = "F1"
FILES = "Control+P"


class QuickInput:
    """The box, closed or open.

    Attributes:
        box: all of it.
        field: where one types.
        rows: what can be picked.
    """

    def __init__(self, page: Page) -> None:
        self.box = page.locator(".quick-input-widget")
        self.field = self.box.locator("input.input")
        self.rows = self.box.locator(".monaco-list-row")
        self._page = page

    def row(self, label: str) -> Locator:
        """The row of exactly this label; keys and groups that are named behind it don't count."""
        return self.box.locator(
            f'.monaco-list-row[aria-label="{label}"], .monaco-list-row[aria-label^="{label},"]'
        ).first

    def choose(self, key: str, query: str, label: str) -> None:
        """Open the box by a key, type, and take the row of this label."""

        def step() -> None:
            self._page.keyboard.press(key)
            self.field.fill("", timeout=SOON_MS)  # the same query again would find what it has found before
            self.field.fill(query, timeout=SOON_MS)
            self.row(label).click(timeout=SOON_MS)

        until_done(step, f"choosing {label!r}")

    def offered(self, query: str) -> list[str]:
        """The commands that the palette lists first for this."""

        def step() -> list[str]:
            self._page.keyboard.press(COMMANDS)
            self.field.fill(f">{query}", timeout=SOON_MS)
            expect(self.rows.first).to_contain_text(query.split(maxsplit=1)[0], timeout=SOON_MS, ignore_case=True)
            return [label for row in self.rows.all() if (label := row.get_attribute("aria-label"))]

        labels = until_done(step, f"looking for {query!r}")
        self.dismiss()
        return labels

    def pick(self, label: str) -> None:
        """Take a row of the list that is open."""
        self.row(label).click()

    def answer(self, text: str) -> None:
        """Answer the question that is open."""
        self.field.fill(text)
        self.field.press("Enter")

    def dismiss(self) -> None:
        """Close it as one who has changed their mind."""
        self._page.keyboard.press("Escape")
        expect(self.box).to_be_hidden()
