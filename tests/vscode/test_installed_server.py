"""A server that was installed apart from the extension, and that a setting names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from vscode.code_server import Options
from vscode.trying import until
from vscode.upstreams import Upstreams
from vscode.window import Window

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
    return Options(environ=upstreams.environ, settings={SETTING: INSTALLED}, python=None)


def commands(window: Window) -> list[list[str]]:
    return [process.cmdline() for process in window.server.processes("--stdio")]


def test_the_command_of_the_setting_is_run_in_place_of_the_bundled_server(window: Window) -> None:
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    assert commands(window) == [[*INSTALLED, "--stdio"]]
    expect(window.notification("")).to_have_count(0)


def test_another_version_than_the_extensions_is_told_and_runs_all_the_same(window: Window) -> None:
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    window.change_settings({SETTING: [sys.executable, "-c", OLD]})
    expect(window.notification("is version 0.0.9, the extension is")).to_be_visible()
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    window.change_settings({SETTING: INSTALLED})
    until(lambda: commands(window) == [[*INSTALLED, "--stdio"]], window.page, "the installed server")


@pytest.mark.parametrize(
    ("command", "reason"),
    [("ai-gateway", "ai-gateway is not an absolute path."), ("/nowhere/ai-gateway", "/nowhere/ai-gateway can't be")],
)
def test_a_command_that_can_not_be_run_is_told_and_its_setting_shown(window: Window, command: str, reason: str) -> None:
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    window.change_settings({SETTING: [command]})
    told = window.page.locator(".notifications-toasts .notification-toast").filter(has_text=CAN_NOT_RUN)
    expect(told).to_contain_text(reason)
    expect(window.status_item(STATUS).item).to_contain_text("wrong command")
    assert commands(window) == []
    window.press(told, "Open Settings")
    expect(window.page.get_by_text("Server: Command").first).to_be_visible()
    window.change_settings({SETTING: INSTALLED})
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    assert Path(commands(window)[0][0]) == Path(sys.executable)
