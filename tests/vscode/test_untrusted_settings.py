"""A workspace that nobody trusts: its settings can only make questions more private."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from vscode.asking import ask
from vscode.code_server import Options
from vscode.upstreams import Upstreams
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
THEIRS = {
    "aiGateway.openai.baseUrl": "http://127.0.0.1:9/v1",
    "aiGateway.server.command": ["/bin/false"],
    "aiGateway.local.model": "theirs",
    "aiGateway.privacy.private": True,
}


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    never_asked = {"security.workspace.trust.startupPrompt": "never"}
    return Options(environ=upstreams.environ, asks_for_trust=True, settings=never_asked)


def test_only_what_makes_questions_more_private_is_taken_from_it(
    workbench: Workbench, upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory
) -> None:
    upstreams.ollama.reply("From this machine.")
    theirs = {".vscode/settings.json": json.dumps(THEIRS)}
    with workbench.window(tmp_path_factory.mktemp("theirs"), theirs) as window:
        expect(window.page.locator(".statusbar")).to_contain_text("Restricted Mode")
        expect(window.status_item(STATUS).item).to_contain_text("Ollama")
        window.screenshot("untrusted")
        ask(window, "Who answers?")
        expect(window.webview("Answer").locator(".turn").last).to_contain_text("From this machine.")
    assert [*upstreams.copilot.requests, *upstreams.openai.requests] == []
    models = {request.fields["model"] for request in upstreams.ollama.requests if "model" in request.fields}
    assert models == {"llama3.2"}
