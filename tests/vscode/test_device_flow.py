"""Signing in to GitHub Copilot with a code, where VS Code has no account that could be used."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from vscode.code_server import Options
from vscode.trying import until
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
BY_CODE = re.compile("Enter a code on GitHub's page")
FOR_ANOTHER = re.compile("for a browser on another machine")


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    """Nobody is signed in."""
    return Options(environ={name: value for name, value in upstreams.environ.items() if name != "GITHUB_COPILOT_TOKEN"})


@pytest.fixture(scope="module")
def shared(workbench: Workbench, upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests."""
    upstreams.copilot.device_flow.interval_seconds = 1
    with workbench.window(tmp_path_factory.mktemp("project")) as window:
        expect(window.status_item(STATUS).item).to_contain_text("OpenAI")
        yield window


def begin(window: Window) -> None:
    window.command("AI Gateway: Sign In to GitHub Copilot")
    window.quick_input.rows.filter(has_text=BY_CODE).click()
    expect(window.quick_input.box).to_contain_text("ABCD-1234")


def polls(window: Window, upstreams: Upstreams, number: int) -> None:
    until(lambda: upstreams.copilot.device_flow.polls >= number, window.page, f"{number} polls")


def test_who_leaves_the_code_has_given_up(shared: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.device_flow.script = ["authorization_pending"] * 100
    begin(shared)
    polls(shared, upstreams, 1)
    shared.quick_input.dismiss()
    expect(shared.status_item(STATUS).item).to_contain_text("OpenAI")
    asked = upstreams.copilot.device_flow.polls
    shared.command("AI Gateway: Check All Providers")
    expect(shared.status_item(STATUS).item).to_contain_text("OpenAI")
    assert upstreams.copilot.device_flow.polls <= asked + 1


def test_a_sign_in_that_is_refused_in_the_browser_is_told_once(shared: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.device_flow.script = ["authorization_pending", "access_denied"]
    begin(shared)
    shared.quick_input.rows.filter(has_text=FOR_ANOTHER).click()
    refused = shared.page.locator(".notifications-toasts .notification-list-item").filter(has_text="was refused")
    expect(refused).to_have_count(1)
    shared.command("Notifications: Clear All Notifications")


def test_the_code_is_shown_copied_and_waited_for(shared: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.device_flow.script = ["authorization_pending"] * 3
    begin(shared)
    shared.screenshot("sign-in-code")
    shared.quick_input.rows.filter(has_text=FOR_ANOTHER).click()
    assert shared.page.evaluate("navigator.clipboard.readText()") == "ABCD-1234"
    waiting = shared.notification("Waiting until ABCD-1234 is entered")
    expect(waiting).to_be_visible()
    expect(shared.notification("signed in to Copilot")).to_be_visible()
    expect(waiting).to_have_count(0)
    expect(shared.status_item(STATUS).item).to_have_text("Copilot")
    shared.command("Notifications: Clear All Notifications")


def test_a_sign_out_forgets_it(shared: Window) -> None:
    shared.command("AI Gateway: Sign Out of GitHub Copilot")
    expect(shared.notification("no token of GitHub Copilot any more")).to_be_visible()
    expect(shared.status_item(STATUS).item).to_contain_text("OpenAI")
