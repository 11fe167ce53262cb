"""The page for whoever looks for a fault."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from vscode.code_server import BARE_PYTHON, Options
from vscode.server_process import the_server
from vscode.upstreams import Upstreams
from vscode.window import Window

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
KEY = "sk-fake"


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    assert upstreams.environ["OPENAI_API_KEY"] == KEY
    return Options(environ=upstreams.environ, settings={"aiGateway.breaker.failureThreshold": 7})


def test_tells_what_runs_where_how_each_provider_is_and_no_secret(window: Window) -> None:
    expect(window.status_item(STATUS).item).to_have_text("Copilot")
    window.command("AI Gateway: Collect Diagnostics")
    page = window.webview("Preview Diagnostics.md")
    body = page.locator("body")
    expect(page.get_by_role("heading", level=1)).to_contain_text("AI Gateway 0.1.0")
    expect(page.get_by_role("row").filter(has_text="openai").filter(has_text="✓ there")).to_have_count(1)
    setting = page.get_by_role("row").filter(has_text="breaker.failure_threshold")
    expect(setting).to_contain_text("the editor")
    expect(body).to_contain_text("set (not shown)")
    told = {
        "Server": f"on Python {BARE_PYTHON.name.removeprefix('python')}",
        "Started by": "(PATH)",
        "Process": str(the_server(window).pid),
        "Extension host": "on linux-",
        "Workspace": "trusted",
    }
    for what, words in told.items():
        expect(page.get_by_role("row", name=re.compile(f"^{what} "))).to_contain_text(words)
    assert KEY not in body.inner_text()
    window.screenshot("diagnostics")
