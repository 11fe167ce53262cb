"""A server that ends too often to be started again by itself."""

from __future__ import annotations

from vscode.server_process import servers
from vscode.trying import until
from vscode.window import Window

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
CRASHES_SECONDS = 60
GIVEN_UP = "ended again and again"


def crash(window: Window) -> None:
    """Kill the server each time that it comes back, until the extension gives it up and says so."""
    item = window.status_item(STATUS).item
    killed: set[int] = set()

    def is_given_up() -> bool:
        for process in servers(window):
            if process.pid not in killed:
                killed.add(process.pid)
                process.kill()
        return "crashed" in item.inner_text()

    until(is_given_up, window.page, "the extension to give the server up", seconds=CRASHES_SECONDS)
    window.notification(GIVEN_UP).wait_for()
    window.complaints = [text for text in window.complaints if GIVEN_UP not in text]  # VS Code logs what it shows
