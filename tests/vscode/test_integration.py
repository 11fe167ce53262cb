"""The tests that run inside the extension host, `vscode-extension/test/integration/`."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser

from vscode.code_server import Options
from vscode.in_extension_host import run_bundle
from vscode.packing import EXTENSION, npm
from vscode.tools import Tools


@pytest.fixture
def unpacked(vsix: Path, tmp_path: Path) -> Path:
    """The folder of the packed extension."""
    with ZipFile(vsix) as packed:
        packed.extractall(tmp_path)
    return tmp_path / "extension"


def test_the_extension_passes_its_own_tests_inside_the_extension_host(
    browser: Browser, tools: Tools, options: Options, project: Path, unpacked: Path
) -> None:
    npm("run", "--silent", "build:test", tools=tools)
    ended = run_bundle(
        browser,
        tools,
        unpacked.parent / "vscode",
        options,
        folder=project,
        extension=unpacked,
        bundle=EXTENSION / "dist/test/index.js",
    )
    failures = [f"{test.title}\n{test.failure}" for test in ended if test.failure]
    assert not failures, "\n\n".join(failures)
    assert ended, "no test was run"
