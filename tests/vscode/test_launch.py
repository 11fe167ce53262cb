"""The extension as it is installed: there, quiet, and with everything that it offers."""

from __future__ import annotations

from playwright.sync_api import expect

from vscode.window import Window

STATUS = "ai-gateway.ai-gateway.aiGateway.status"


def test_says_in_the_status_bar_who_would_answer_and_bothers_nobody(window: Window) -> None:
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    expect(window.notification("")).to_have_count(0)
    expect(window.dialog).to_have_count(0)


def test_offers_its_commands_in_the_palette(window: Window) -> None:
    expect(window.status_item(STATUS).item).to_be_visible()
    for title in ("Ask", "Explain", "Show the Dashboard"):
        assert any(
            label.startswith(f"AI Gateway: {title}") for label in window.quick_input.offered(f"AI Gateway: {title}")
        )


def test_starts_after_vs_code_has_started_so_that_it_holds_nobody_up(window: Window) -> None:
    expect(window.status_item(STATUS).item).to_contain_text("Copilot")
    window.command("Developer: Show Running Extensions")
    extension = window.page.locator(".runtime-extensions-editor .extension").filter(has_text="AI Gateway")
    extension.locator(".activation-time").hover()
    expect(window.page.locator(".monaco-hover").filter(has_text="after start-up finished")).to_be_visible()
