"""One window of VS Code, and what a person does in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, FrameLocator, Locator, Page, Request

from vscode.chat import Chat
from vscode.code_server import CodeServer
from vscode.editor import Editor
from vscode.quick_input import COMMANDS, QuickInput
from vscode.refactor_preview import RefactorPreview
from vscode.status_item import StatusItem
from vscode.themes import Theme
from vscode.trying import POLL_MS, SOON_MS, until, until_done

SCREENSHOTS = Path(__file__).parent / "screenshots"
OWN_SCHEMES = {"data", "blob", "vscode-file", "chrome-extension"}
RESOURCES = ".vscode-resource.vscode-cdn.net"
"""Addresses that webviews have for files of the extension; a service worker answers them, no network."""
HARMLESS = (
    "/vsda/",
    "Timed out waiting for authentication provider",
    "Long running operations during shutdown",
    "extension request ERRORED",
)
"""What VS Code complains of whatever our extension does: a module that only Microsoft's builds have, no GitHub, its own
end, and a model that another extension lends and that refuses."""


class Window:
    """A page that shows the workbench.

    Attributes:
        page: Playwright's page, for what has no name here.
        server: the VS Code behind it.
        folder: what is open in it.
        quick_input: the palette, a question, or a list to pick from.
        editor: the text editor in front.
        refactor_preview: what is shown of an edit before it is made.
        chat: VS Code's own chat.
        dialog: the modal dialog.
        complaints: errors on the console.
        strangers: addresses outside this machine that were asked for.
    """

    def __init__(self, page: Page, server: CodeServer, folder: Path) -> None:
        self.page = page
        self.server = server
        self.folder = folder
        self.quick_input = QuickInput(page)
        self.editor = Editor(page, self.quick_input)
        self.refactor_preview = RefactorPreview(page)
        self.chat = Chat(page)
        self.dialog = page.locator(".monaco-dialog-box")
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", self._threw)
        page.context.on("request", self._requested)

    def load(self) -> None:
        """Show the folder; returns when the workbench is there, its extensions may be still to come."""
        self.page.goto(f"{self.server.url}/?folder={self.folder}")
        self.page.locator(".monaco-workbench .statusbar-item").first.wait_for()

    def command(self, title: str) -> None:
        """Run a command from the palette, by its whole title ("AI Gateway: Ask")."""
        self.quick_input.choose(COMMANDS, f">{title}", title)

    def status_item(self, identifier: str) -> StatusItem:
        """The item of the status bar with this id: `publisher.extension.item`."""
        return StatusItem(self.page, identifier)

    def notification(self, text: str) -> Locator:
        """The notification that says this."""
        return self.page.locator(".notifications-toasts .notification-list-item").filter(has_text=text).first

    def press(self, within: Locator, button: str) -> None:
        """Press a button of a notification or a dialog."""
        within.get_by_role("button", name=button, exact=True).click()

    def webview(self, title: str) -> FrameLocator:
        """What is inside the webview of this title (a view's name); it must be in sight, or come into it."""
        return until_done(lambda: self._webview(title), f"no webview {title!r}")

    def change_settings(self, changes: Mapping[str, object]) -> None:
        """Change the user's settings in the editor, where VS Code takes note at once; None removes one."""
        path = self.server.settings_path
        known = {**json.loads(path.read_text("utf-8")), **changes}
        wanted = {name: value for name, value in known.items() if value is not None}
        self.command("Preferences: Open User Settings (JSON)")
        self.editor.replace(path.name, json.dumps(wanted))
        self.command("View: Close Editor")

    def theme(self, theme: Theme) -> None:
        """Change the colours."""
        self.quick_input.choose(COMMANDS, ">Preferences: Color Theme", "Preferences: Color Theme")
        self.quick_input.field.fill(theme.label)
        self.quick_input.pick(theme.label)
        self.page.locator(f".monaco-workbench.{theme.css_class}").wait_for()
        until(lambda: self._saved(theme), self.page, "saving the theme")

    def screenshot(self, name: str, *themes: Theme) -> None:
        """Keep what the window looks like, in each of these themes (none: as it is)."""
        SCREENSHOTS.mkdir(exist_ok=True)
        for theme in themes:
            self.theme(theme)
            self.page.screenshot(path=SCREENSHOTS / f"{name}-{theme.slug}.png", animations="disabled")
        if not themes:
            self.page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")

    def assert_clean(self) -> None:
        """Nothing complained, and nothing asked for an address outside this machine."""
        assert not self.complaints, self.complaints
        assert not self.strangers, self.strangers

    def _saved(self, theme: Theme) -> bool:
        """The settings name no other theme; the default isn't named."""
        settings = self.server.settings_path.read_text("utf-8")
        return not any(f'"{other.setting}"' in settings for other in Theme if other is not theme)

    def _webview(self, title: str) -> FrameLocator:
        outer, inner = "iframe.webview.ready", f'iframe#active-frame[title="{title}"]'
        self.page.locator(f"{outer}:visible").first.wait_for(timeout=SOON_MS)
        for name in [frame.get_attribute("name") for frame in self.page.locator(outer).all()]:
            webview = self.page.frame_locator(f'{outer}[name="{name}"]')
            if webview.locator(inner).count():
                return webview.frame_locator(inner)
        self.page.wait_for_timeout(POLL_MS)
        raise Error(f"none of the webviews has the title {title!r}")

    def _heard(self, message: ConsoleMessage) -> None:
        where = str(message.location.get("url"))
        if message.type == "error" and not any(part in message.text + where for part in HARMLESS):
            self.complaints.append(f"{message.text} ({where})")

    def _threw(self, error: Error) -> None:
        """The workbench throws now and then, and goes on; what a page of the extension throws is the extension's."""
        if RESOURCES in (error.stack or ""):
            self.complaints.append(error.stack or str(error))

    def _requested(self, request: Request) -> None:
        address = urlsplit(request.url)
        host = address.hostname or ""
        if address.scheme not in OWN_SCHEMES and host != "127.0.0.1" and not host.endswith(RESOURCES):
            self.strangers.append(request.url)
