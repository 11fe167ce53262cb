"""The text editor in front."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from vscode.quick_input import FILES, QuickInput
from vscode.trying import SOON_MS, until_done

NOWHERE = (700, 4)
"""Where the mouse hovers over nothing: a hover takes keys for itself."""
QUICK_FIX = "Control+."
REFACTOR = "Control+Shift+R"


class Editor:
    """What is done with the keyboard in the text editor, and what it shows."""

    def __init__(self, page: Page, quick_input: QuickInput) -> None:
        self._page = page
        self._quick_input = quick_input

    def open(self, name: str) -> Locator:
        """Open a file of the folder by its name."""
        self._quick_input.choose(FILES, name, name)
        editor = self.showing(name)
        editor.wait_for()
        return editor

    def showing(self, name: str) -> Locator:
        """The editor of the file whose address ends so."""
        return self._page.locator(f'.monaco-editor[data-uri$="{name}"]').first

    def go_to(self, line: int, column: int = 1) -> None:
        """Put the cursor there; both count from 1."""

        def step() -> None:
            self._page.keyboard.press("Control+G")
            self._quick_input.field.fill(f":{line}:{column}", timeout=SOON_MS)
            self._quick_input.field.press("Enter", timeout=SOON_MS)
            position = self._page.locator(".statusbar-item").filter(has_text=f"Ln {line}, Col {column}")
            position.wait_for(timeout=SOON_MS)

        until_done(step, f"going to line {line}")

    def select_lines(self, first: int, last: int) -> None:
        """Select whole lines."""
        self.go_to(first)
        for _ in range(first, last + 1):
            self._page.keyboard.press("Shift+ArrowDown")
        expect(self._page.locator(".statusbar-item").filter(has_text="selected")).to_be_visible()

    def text(self, name: str) -> str:
        """The lines of the file that are in view, as they are shown."""
        editor = self.showing(name)
        lines = editor.locator(".view-lines .view-line")
        shown = lines.evaluate_all(
            "lines => lines.map(line => [parseInt(line.style.top), line.textContent.replaceAll('\\u00a0', ' ')])"
        )
        return "\n".join(text for _, text in sorted(shown))

    def replace(self, name: str, text: str) -> None:
        """Paste this over all that an open file holds, and save it."""
        self.showing(name).wait_for()
        self._page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self._page.keyboard.press("Control+A")
        self._page.keyboard.press("Control+V")
        expect(self._page.locator(".tab.active.dirty")).to_have_count(1)
        self.save()

    def save(self) -> None:
        """Write the file in front; returns when it is written."""
        self._page.keyboard.press("Control+S")
        expect(self._page.locator(".tab.active.dirty")).to_have_count(0)

    def code_actions(self, key: str = QUICK_FIX) -> Locator:
        """Open the menu of what can be done here; its rows, headings among them."""
        menu = self._page.locator(".action-widget:has(.monaco-list-row)").first

        def step() -> None:
            self._page.mouse.move(*NOWHERE)
            self._page.keyboard.press(key)
            menu.wait_for(timeout=SOON_MS)

        until_done(step, "opening the menu of code actions")
        return menu.locator(".monaco-list-row")

    def code_action(self, title: str, key: str = QUICK_FIX) -> None:
        """Do one of them."""
        self.code_actions(key).filter(has_text=title).first.click()
