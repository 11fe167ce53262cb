"""The server that came with the extension: it runs on a bare Python, and comes back when it crashes."""

from __future__ import annotations

from pathlib import Path

import psutil
from playwright.sync_api import expect

from vscode.server_process import servers, the_server
from vscode.trying import HANG_SECONDS
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
GIVEN_UP = "ended again and again"
CRASHES_TO_GIVE_UP = 5


def shows_who_would_answer(window: Window) -> None:
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")


def test_runs_the_bundled_server_on_a_python_without_packages_and_leaves_its_folder_as_it_was(window: Window) -> None:
    shows_who_would_answer(window)

    launcher = next(Path(part) for part in the_server(window).cmdline() if part.endswith("launch.py"))

    assert (launcher.parent / "pure/ai_gateway").is_dir()
    assert not [*launcher.parent.rglob("__pycache__")]
    assert [*Path(window.server.home.parent, "data").rglob("pycache/**/ai_gateway/*.pyc")]


def test_brings_a_killed_server_back_at_once_and_tells_nobody(window: Window) -> None:
    shows_who_would_answer(window)
    killed = the_server(window)

    killed.kill()

    the_server(window, other_than=killed.pid)
    shows_who_would_answer(window)
    expect(window.notification("")).to_have_count(0)


def test_restarts_the_server_by_command_and_never_runs_two(window: Window) -> None:
    shows_who_would_answer(window)
    before = the_server(window)

    window.command("AI Gateway: Restart the Server")
    window.command("AI Gateway: Restart the Server")

    the_server(window, other_than=before.pid)
    shows_who_would_answer(window)
    assert len(servers(window)) == 1
    expect(window.notification("")).to_have_count(0)


def test_gives_up_on_a_server_that_crashes_again_and_again_until_somebody_restarts_it(window: Window) -> None:
    shows_who_would_answer(window)
    before: int | None = None
    for _ in range(CRASHES_TO_GIVE_UP):
        crashing = the_server(window, other_than=before)
        before = crashing.pid
        crashing.kill()

    given_up = window.notification(GIVEN_UP)
    expect(given_up).to_be_visible()
    expect(window.page.locator(".notification-list-item-message").filter(has_text=GIVEN_UP)).to_have_count(1)
    assert not servers(window)
    window.press(window.page.locator(".notifications-toasts .notification-toast").first, "Restart")

    the_server(window)
    shows_who_would_answer(window)
    window.complaints = [text for text in window.complaints if GIVEN_UP not in text]  # VS Code logs what it shows


def test_ends_the_server_with_the_window(workbench: Workbench, project: Path) -> None:
    with workbench.window(project) as window:
        shows_who_would_answer(window)
        process = the_server(window)

    _, left = psutil.wait_procs([process], HANG_SECONDS)
    assert not left
