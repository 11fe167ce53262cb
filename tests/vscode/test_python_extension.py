"""The interpreter that the Python extension has for a workspace runs the server, and another one when it changes."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from vscode.code_server import BARE_PYTHON, Options
from vscode.packing import packed_beside
from vscode.server_process import the_server
from vscode.tools import Tools
from vscode.upstreams import Upstreams
from vscode.window import Window

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
TOO_OLD = '{"version": "3.9.1", "reason": "old", "values": ["3.11"]}'
EXTENSION = Path(__file__).parent / "python_extension"


@pytest.fixture(scope="module")
def options(upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Options:
    """There is no Python but what the Python extension names: a good one, then one that is too old, then the first."""
    too_old = tmp_path_factory.mktemp("old") / "python3.9"
    too_old.write_text(f"#!/bin/sh\necho '{TOO_OLD}'\nexit 78\n", "utf-8")
    too_old.chmod(0o755)
    interpreters = json.dumps([str(BARE_PYTHON), str(too_old), str(BARE_PYTHON)])
    return Options(environ={**upstreams.environ, "INTERPRETERS": interpreters}, python=None)


@pytest.fixture(scope="module")
def extensions(vsix: Path, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return vsix, packed_beside(tools, EXTENSION, tmp_path_factory.mktemp("python-extension"))


def test_the_server_runs_on_the_interpreter_of_the_python_extension_and_follows_its_choice(window: Window) -> None:
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    server = the_server(window)
    assert Path(server.exe()) == BARE_PYTHON.resolve()

    window.command("Python: Select Interpreter")

    expect(window.status_item(STATUS).item).to_contain_text("no Python")
    needed = window.notification("AI Gateway needs Python 3.11 or newer")
    expect(needed).to_contain_text("Python 3.9.1: 3.11 or newer is needed")
    psutil.wait_procs([server])
    assert not server.is_running()

    window.press(needed, "Select Interpreter")

    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    assert Path(the_server(window).exe()) == BARE_PYTHON.resolve()
    window.complaints = [text for text in window.complaints if "AI Gateway needs Python" not in text]
