"""What the tests in a real VS Code share. A module that starts it in another way has a fixture `options` of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from vscode import trying
from vscode.code_server import Options
from vscode.packing import packed
from vscode.tools import Tools, install
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench, launched

HERE = Path(__file__).parent
HANG_SECONDS = 300
"""For a test with all that it needs, the packing of the extension too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(HANG_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what the window of a failed test looked like."""
    report = yield
    funcargs: Mapping[str, object] = getattr(item, "funcargs", {})
    for window in funcargs.values():
        if call.when == "call" and report.failed and isinstance(window, Window):
            with suppress(Error):  # a page that is gone can't be looked at, and the test has failed for that already
                window.screenshot(f"failed-{item.name}")
    return report


@pytest.fixture(scope="session")
def tools() -> Tools:
    return install()


@pytest.fixture(scope="session")
def browser(tools: Tools) -> Iterator[Browser]:
    expect.set_options(timeout=1000 * trying.HANG_SECONDS)
    with sync_playwright() as playwright, launched(playwright.chromium, tools) as browser:
        yield browser


@pytest.fixture(scope="session")
def vsix(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tools, tmp_path_factory.mktemp("vsix"))


@pytest.fixture(scope="module")
def upstreams() -> Iterator[Upstreams]:
    with Upstreams() as upstreams:
        yield upstreams


@pytest.fixture(autouse=True)
def healthy(upstreams: Upstreams) -> None:
    """No test meets the faults of another."""
    upstreams.heal()


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    return Options(environ=upstreams.environ)


@pytest.fixture(scope="module")
def extensions(vsix: Path) -> tuple[Path, ...]:
    """What is installed."""
    return (vsix,)


@pytest.fixture(scope="module")
def workbench(
    browser: Browser,
    tools: Tools,
    options: Options,
    extensions: tuple[Path, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Workbench]:
    """VS Code with the extension, one for all tests of a module."""
    with Workbench(browser, tools, tmp_path_factory.mktemp("vscode"), options, *extensions) as workbench:
        yield workbench


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder that is opened, empty."""
    project = tmp_path / "project"
    project.mkdir()
    return project


@pytest.fixture
def window(workbench: Workbench, project: Path) -> Iterator[Window]:
    """A new window on the project."""
    with workbench.window(project) as window:
        yield window
