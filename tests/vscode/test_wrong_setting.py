"""A setting of VS Code that makes no sense: said once, and where people look."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from vscode.code_server import Options
from vscode.upstreams import Upstreams
from vscode.window import Window

STATUS = "ai-gateway.ai-gateway.aiGateway.status"


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    return Options(environ=upstreams.environ, settings={"aiGateway.local.firstTokenSeconds": -1})


def test_what_is_wrong_with_a_setting_is_said_once_and_stays_to_be_seen(window: Window) -> None:
    told = window.page.locator(".notifications-toasts .notification-toast")
    expect(told).to_contain_text("AI Gateway's settings need attention: local.first_token_seconds (the editor)")
    window.change_settings({"aiGateway.cache.enabled": False})
    expect(told).to_have_count(1)
    window.screenshot("wrong-setting")
    window.command("Notifications: Clear All Notifications")
    expect(window.status_item(STATUS).hover()).to_contain_text("local.first_token_seconds (the editor)")
    window.page.mouse.move(700, 300)
    window.command("AI Gateway: Show the Dashboard")
    expect(window.webview("Dashboard").locator(".problems")).to_contain_text("local.first_token_seconds (the editor)")
    window.screenshot("wrong-setting-dashboard")
    expect(told).to_have_count(0)
