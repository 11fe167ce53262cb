"""The server's command line in VS Code's terminals, where nothing but the extension is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from ai_gateway import __version__
from vscode.code_server import Options
from vscode.trying import until
from vscode.upstreams import Upstreams
from vscode.window import Window

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
SHELL = {
    "terminal.integrated.profiles.linux": {"sh": {"path": "/bin/sh"}},
    "terminal.integrated.defaultProfile.linux": "sh",
}


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    return Options(environ=upstreams.environ, settings=SHELL)


def said_in_a_new_terminal(window: Window, project: Path, command: str) -> str:
    """What a command prints that is typed there."""
    said, ended = project / "said.txt", project / "ended.txt"
    ended.unlink(missing_ok=True)
    window.command("Terminal: Create New Terminal")
    expect(window.page.locator(".terminal-wrapper.active .xterm-helper-textarea")).to_be_focused()
    window.page.keyboard.type(f"{command} > {said.name} 2>&1; echo > {ended.name}\n")
    until(ended.exists, window.page, f"the end of {command}")
    return said.read_text("utf-8")


def test_the_command_line_is_known_without_being_installed_until_that_is_switched_off(
    window: Window, project: Path
) -> None:
    def version() -> str:
        return said_in_a_new_terminal(window, project, "ai-gateway --version")

    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    until(lambda: version() == f"ai-gateway {__version__}\n", window.page, "knowing the command")
    window.change_settings({"aiGateway.terminal.enabled": False})
    until(lambda: "not found" in version(), window.page, "knowing it no more")
