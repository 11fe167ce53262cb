"""The Python extension takes seconds to start: in a window without Python code it is left alone, where it can be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from vscode.code_server import BARE_PYTHON, Options
from vscode.packing import packed_beside
from vscode.server_process import the_server
from vscode.tools import Tools
from vscode.upstreams import Upstreams
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
EXTENSION = Path(__file__).parent / "python_extension"


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter that the Python extension would name; what it was run for stands beside it."""
    path = tmp_path_factory.mktemp("chosen") / "python3"
    path.write_text(f'#!/bin/sh\n: > {path.with_name("ran")}\nexec {BARE_PYTHON} "$@"\n', "utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def options(upstreams: Upstreams, chosen: Path) -> Options:
    return Options(environ={**upstreams.environ, "INTERPRETERS": json.dumps([str(chosen)])})


@pytest.fixture(scope="module")
def extensions(vsix: Path, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return vsix, packed_beside(tools, EXTENSION, tmp_path_factory.mktemp("python-extension"))


def test_its_interpreter_runs_the_server_where_there_is_python_code_and_it_is_not_started_elsewhere(
    workbench: Workbench, tmp_path: Path, chosen: Path
) -> None:
    with workbench.window(tmp_path / "notes", {"notes.txt": "milk"}) as window:
        expect(window.status_item(STATUS).item).to_have_text("Copilot")
        the_server(window)
    assert not chosen.with_name("ran").exists()

    with workbench.window(tmp_path / "shop", {"shop.py": "total = 0"}) as window:
        expect(window.status_item(STATUS).item).to_have_text("Copilot")
    assert chosen.with_name("ran").exists()
