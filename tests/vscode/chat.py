"""VS Code's own chat."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from vscode.trying import SOON_MS, until_done


class Chat:
    """The chat view; it is there only with `Options(chat=True)`.

    Attributes:
        view: all of it.
    """

    def __init__(self, page: Page) -> None:
        self.view = page.locator(".interactive-session").first
        self._page = page
        self._input = self.view.locator(".interactive-input-part .monaco-editor").first

    def ask(self, prompt: str) -> Locator:
        """Send a prompt; the newest answer, which may be on its way."""
        asked = self.view.locator(".interactive-request", has_text=prompt.rsplit(maxsplit=1)[-1]).last

        def step() -> None:
            self._input.click(timeout=SOON_MS)
            self._page.keyboard.press("Control+A")
            self._page.keyboard.type(prompt)
            self._page.keyboard.press("Escape")
            self._page.keyboard.press("Enter")
            asked.wait_for(timeout=2 * SOON_MS)

        until_done(step, "sending a chat prompt")
        return self.view.locator(".chat-most-recent-response")

    def stop(self) -> None:
        """Stop the answer that is being written."""
        self.view.locator(".chat-execute-toolbar .codicon-stop-circle, .chat-execute-toolbar .codicon-stop").click()
