"""Tests that run inside the extension host: a bundle of mocha, started by VS Code's own smoke test driver."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser

from vscode.code_server import CodeServer, Options
from vscode.tools import Tools
from vscode.trying import until
from vscode.workbench import SIZE

HANG_SECONDS = 180
REPORT = "EXTENSION_TEST_REPORT"
"""The variable that names the file into which the bundle writes what became of each test."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one test: why it failed, or None."""

    title: str
    failure: str | None


def run_bundle(
    browser: Browser, tools: Tools, place: Path, options: Options, *, folder: Path, extension: Path, bundle: Path
) -> list[Ended]:
    """Run a bundle in a VS Code of its own, with an extension that lies in a folder, not installed.

    Raises:
        AssertionError: the bundle could not be run, or took too long; with what was printed.
    """
    report = place / "report.json"
    with_report = replace(options, driver=True, environ={**options.environ, REPORT: str(report)})
    printed: list[str] = []
    codes: list[int] = []
    with CodeServer(tools, place, with_report) as server:
        context = browser.new_context(viewport=SIZE)
        page = context.new_page()
        page.expose_function("codeAutomationLog", lambda kind, words: printed.append(f"{kind}: {words}"))
        page.expose_function("codeAutomationExit", lambda code, _logs: codes.append(code))
        page.goto(f"{server.url}/?folder={folder}&payload={quote(_payload(server, extension, bundle))}")
        until(lambda: bool(codes), page, "the end of the tests", seconds=HANG_SECONDS)
        context.close()
    assert report.exists(), "\n".join(["the bundle wrote no report", *printed])
    return [Ended(**entry) for entry in json.loads(report.read_text("utf-8"))]


def _payload(server: CodeServer, extension: Path, bundle: Path) -> str:
    place = f"vscode-remote://{server.url.removeprefix('http://')}"
    return json.dumps([["extensionDevelopmentPath", f"{place}{extension}"], ["extensionTestsPath", f"{place}{bundle}"]])
