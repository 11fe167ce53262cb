"""What the Python extension has chosen in a folder that nobody trusts may lie in that folder: it is not run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from vscode.code_server import BARE_PYTHON, Options
from vscode.packing import packed_beside
from vscode.server_process import the_server
from vscode.tools import Tools
from vscode.trying import until
from vscode.upstreams import Upstreams
from vscode.window import Window

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
EXTENSION = Path(__file__).parent / "python_extension"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("theirs")


@pytest.fixture
def project(project: Path) -> Path:
    """A folder in which the Python extension runs."""
    (project / "shop.py").touch()
    return project


@pytest.fixture(scope="module")
def options(upstreams: Upstreams, place: Path) -> Options:
    theirs = place / "python3"
    theirs.write_text(f'#!/bin/sh\n: > {place / "ran"}\nexec {BARE_PYTHON} "$@"\n', "utf-8")
    theirs.chmod(0o755)
    environ = {**upstreams.environ, "INTERPRETERS": json.dumps([str(theirs)])}
    never_asked = {"security.workspace.trust.startupPrompt": "never"}
    return Options(environ=environ, asks_for_trust=True, settings=never_asked)


@pytest.fixture(scope="module")
def extensions(vsix: Path, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return vsix, packed_beside(tools, EXTENSION, tmp_path_factory.mktemp("python-extension"))


def test_its_interpreter_is_run_only_once_the_folder_is_trusted(window: Window, place: Path) -> None:
    expect(window.page.locator(".statusbar")).to_contain_text("Restricted Mode")
    expect(window.status_item(STATUS).item).to_have_text("Copilot")
    before = the_server(window)
    window.command("AI Gateway: Restart the Server")
    the_server(window, other_than=before.pid)
    expect(window.status_item(STATUS).item).to_have_text("Copilot")
    assert not (place / "ran").exists()

    window.command("Workspaces: Manage Workspace Trust")
    window.page.get_by_role("button", name="Trust", exact=True).click()

    until((place / "ran").exists, window.page, "what the Python extension chose to be asked")
    expect(window.status_item(STATUS).item).to_have_text("Copilot")
    window.complaints = [text for text in window.complaints if "is already registered" not in text]  # of VS Code's own
