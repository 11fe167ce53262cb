"""A Python extension that is installed while a window waits for a Python is asked at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from vscode.code_server import BARE_PYTHON, Options
from vscode.packing import packed_beside
from vscode.server_process import servers, the_server
from vscode.tools import Tools
from vscode.upstreams import Upstreams
from vscode.window import Window

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
EXTENSION = Path(__file__).parent / "python_extension"


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    environ = {**upstreams.environ, "INTERPRETERS": json.dumps([str(BARE_PYTHON), "/nowhere/python3"])}
    return Options(environ=environ, python=None)


def test_the_server_starts_once_the_python_extension_is_there_and_follows_its_choice(
    window: Window, tools: Tools, tmp_path: Path
) -> None:
    expect(window.status_item(STATUS).item).to_contain_text("no Python")
    assert not servers(window)

    window.server.install(packed_beside(tools, EXTENSION, tmp_path))

    the_server(window)
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    window.command("Python: Select Interpreter")
    expect(window.status_item(STATUS).item).to_contain_text("no Python")
    assert not servers(window)
