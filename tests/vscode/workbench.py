"""VS Code and a browser to look at it with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from playwright.sync_api import Browser, BrowserType, ViewportSize

from vscode.code_server import CodeServer, Options
from vscode.tools import Tools
from vscode.window import Window

SIZE: ViewportSize = {"width": 1400, "height": 900}
CHROMIUM_FLAGS = [
    "--no-sandbox",  # it runs as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def launched(chromium: BrowserType, tools: Tools) -> Browser:
    """Chromium that reaches nothing but this machine."""
    return chromium.launch(executable_path=tools.chromium, args=CHROMIUM_FLAGS)


class Workbench:
    """One VS Code with these extensions; a context manager.

    Attributes:
        server: its process.
    """

    def __init__(self, browser: Browser, tools: Tools, place: Path, options: Options, *vsix: Path) -> None:
        self.server = CodeServer(tools, place, options, *vsix)
        self._browser = browser

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.__exit__(kind, error, trace)

    @contextmanager
    def window(self, folder: Path, files: Mapping[str, str] | None = None) -> Iterator[Window]:
        """A window on a folder, after writing these files into it; nothing of earlier windows is remembered in it.

        At its end it is shown that nothing complained and nothing left this machine.
        """
        folder.mkdir(exist_ok=True)
        for name, text in (files or {}).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        context = self._browser.new_context(viewport=SIZE, permissions=["clipboard-read", "clipboard-write"])
        try:
            window = Window(context.new_page(), self.server, folder)
            window.load()
            yield window
            window.assert_clean()
        finally:
            context.close()
