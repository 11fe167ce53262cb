"""The tests that run inside the extension host, `vscode-extension/test/integration/`."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from vscode.code_server import Options
from vscode.in_extension_host import run_bundle
from vscode.packing import EXTENSION, npm
from vscode.tools import Tools


def test_the_extension_passes_its_own_tests_inside_the_extension_host(
    browser: Browser, tools: Tools, options: Options, project: Path, tmp_path: Path
) -> None:
    npm("run", "--silent", "build:test", tools=tools)
    ended = run_bundle(
        browser,
        tools,
        tmp_path / "vscode",
        options,
        folder=project,
        extension=EXTENSION,
        bundle=EXTENSION / "dist/test/index.js",
    )
    failures = [f"{test.title}\n{test.failure}" for test in ended if test.failure]
    assert not failures, "\n\n".join(failures)
    assert ended, "no test was run"
