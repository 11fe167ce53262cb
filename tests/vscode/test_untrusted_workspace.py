"""A folder that nobody trusts: it says nothing about what is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from vscode.code_server import Options
from vscode.server_process import the_server
from vscode.upstreams import Upstreams
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    never_asked = {"security.workspace.trust.startupPrompt": "never"}
    return Options(environ=upstreams.environ, asks_for_trust=True, settings=never_asked)


def test_runs_only_what_the_person_has_whatever_the_folder_says(workbench: Workbench, project: Path) -> None:
    ran = project / "ran"
    trap = project / "python3"
    trap.write_text(f"#!/bin/sh\n: > {ran}\n", "utf-8")
    trap.chmod(0o755)
    settings = {
        "aiGateway.server.python": str(trap),
        "aiGateway.server.command": [str(trap)],
        "aiGateway.order": ["local"],
    }

    with workbench.window(project, {".vscode/settings.json": json.dumps(settings)}) as window:
        expect(window.page.locator(".statusbar")).to_contain_text("Restricted Mode")
        expect(window.status_item(STATUS).item).to_contain_text("Copilot")

        assert str(trap) not in the_server(window).cmdline()
    assert not ran.exists()
