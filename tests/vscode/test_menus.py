"""The commands where VS Code has a place for them: in the bars of its views, and not where they make no sense."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from support.repositories import repo_with_topic
from vscode.themes import Theme
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"


def test_a_commit_message_is_drafted_from_the_bar_of_source_control(
    workbench: Workbench, upstreams: Upstreams, tmp_path: Path
) -> None:
    repo = repo_with_topic(tmp_path / "repo")
    repo.stage("staged.py", "3\n")
    upstreams.copilot.reply("Stage three\n\nIt was missing.")
    with workbench.window(repo.top) as window:
        window.page.get_by_role("tab", name="Source Control").click()
        view = window.page.locator(".scm-view").first
        expect(view).to_contain_text("staged.py")
        view.hover()
        window.screenshot("menu-source-control")
        window.page.get_by_role("button", name="Draft a Commit Message").first.click()
        message = window.page.locator(".editor-instance .view-lines").filter(has_text="Stage three")
        expect(message).to_contain_text("Assisted-by:")
        assert "staged.py" in str(upstreams.copilot.requests[-1].json)


def test_the_views_have_their_commands_in_their_bars(window: Window) -> None:
    window.command("AI Gateway: Show the Answer")
    window.page.get_by_role("button", name="Show the Dashboard").click()
    expect(window.webview("Dashboard").get_by_role("heading", name="Copilot would answer now")).to_be_visible()
    bar = window.page.get_by_role("toolbar", name="AI Gateway: Dashboard actions")
    for title in ("Ask…", "Show the Log", "Open Settings"):
        expect(bar.get_by_role("button", name=title)).to_be_visible()
    window.screenshot("menu-views", *Theme)
    bar.get_by_role("button", name="Show the Log").click()
    expect(window.page.get_by_role("tab", name="Output")).to_have_attribute("aria-selected", "true")


def test_what_is_about_code_is_not_offered_without_an_editor(window: Window) -> None:
    expect(window.status_item(STATUS).item).to_have_text("Copilot")
    offered = window.quick_input.offered("AI Gateway: ")
    assert any(label.startswith("AI Gateway: Rehearse an Outage") for label in offered)
    assert not any(label.startswith(("AI Gateway: Improve", "AI Gateway: Document")) for label in offered)
