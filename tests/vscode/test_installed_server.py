"""A server that was installed apart from the extension, and that a setting names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from vscode.code_server import Options
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
SETTING = "aiGateway.server.command"
INSTALLED = [sys.executable, "-m", "ai_gateway"]
OLD = """
import ai_gateway
ai_gateway.__version__ = "0.0.9"
from ai_gateway.cli import main
raise SystemExit(main())
"""
CAN_NOT_RUN = "The setting aiGateway.server.command can't be run."


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    return Options(environ=upstreams.environ, python=None)


@pytest.fixture
def open_with(workbench: Workbench, project: Path) -> Iterator[Callable[[list[str]], Window]]:
    """Opens a window of somebody who has set this command."""
    with ExitStack() as windows:

        def open_with(command: list[str]) -> Window:
            path = workbench.server.machine_settings_path
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({SETTING: command}), "utf-8")
            return windows.enter_context(workbench.window(project))

        yield open_with


def commands(window: Window) -> list[list[str]]:
    return [process.cmdline() for process in window.server.processes("--stdio")]


def test_the_command_of_the_setting_is_run_in_place_of_the_bundled_server(
    open_with: Callable[[list[str]], Window],
) -> None:
    window = open_with(INSTALLED)
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    assert commands(window) == [[*INSTALLED, "--stdio"]]
    expect(window.notification("")).to_have_count(0)


def test_another_version_than_the_extensions_is_told_and_runs_all_the_same(
    open_with: Callable[[list[str]], Window],
) -> None:
    window = open_with([sys.executable, "-c", OLD])
    expect(window.notification("is version 0.0.9, the extension is")).to_be_visible()
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")


@pytest.mark.parametrize(
    ("command", "reason"),
    [("ai-gateway", "ai-gateway is not an absolute path."), ("/nowhere/ai-gateway", "/nowhere/ai-gateway can't be")],
    ids=["not absolute", "not there"],
)
def test_a_command_that_can_not_be_run_is_told_and_its_setting_shown(
    open_with: Callable[[list[str]], Window], command: str, reason: str
) -> None:
    window = open_with([command])
    told = window.page.locator(".notifications-toasts .notification-toast").filter(has_text=CAN_NOT_RUN)
    expect(told).to_contain_text(reason)
    expect(window.status_item(STATUS).item).to_contain_text("wrong command")
    assert commands(window) == []
    window.press(told, "Open Settings")
    expect(window.page.locator(".settings-editor")).to_contain_text("Server: Command")


def test_the_diagnostics_say_why_a_command_can_not_be_run_without_its_arguments(
    open_with: Callable[[list[str]], Window],
) -> None:
    window = open_with(["/nowhere/ai-gateway", "--token=hidden"])
    expect(window.status_item(STATUS).item).to_contain_text("wrong command")
    window.command("AI Gateway: Collect Diagnostics")
    page = window.webview("Preview Diagnostics.md")
    expect(page.get_by_role("heading", level=1)).to_have_text("AI Gateway: the server can't be asked")
    body = page.locator("body")
    expect(body).to_contain_text("/nowhere/ai-gateway can't be started")
    started = page.get_by_role("row").filter(has_text="Started by")
    expect(started).to_contain_text(f"/nowhere/ai-gateway ({SETTING})")
    assert "hidden" not in body.inner_text()
    window.screenshot("diagnostics-without-server")
