"""A machine without a Python: the extension says so once, and what to do."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from vscode.code_server import BARE_PYTHON, Options
from vscode.server_process import servers, the_server
from vscode.upstreams import Upstreams
from vscode.window import Window

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
NEEDED = "AI Gateway needs Python 3.11 or newer"


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    return Options(environ=upstreams.environ, python=None)


def test_says_once_that_a_python_is_missing_and_runs_when_one_is_set(window: Window) -> None:
    missing = window.page.locator(".notifications-toasts .notification-toast").filter(has_text=NEEDED)
    expect(missing).to_have_count(1)
    for button in ("Install Python", "Select Interpreter", "Show Log"):
        expect(missing.get_by_role("button", name=button, exact=True)).to_be_visible()
    assert not servers(window)

    window.press(missing, "Select Interpreter")
    window.page.get_by_role("textbox", name="aiGateway.server.python").fill(str(BARE_PYTHON))

    the_server(window)
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    expect(missing).to_have_count(0)
