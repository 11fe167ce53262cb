"""The status bar: who would answer now, why nobody else, and what can be done about it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from ai_gateway.fakes import Fault
from vscode.asking import ask
from vscode.crashing import crash
from vscode.themes import Theme
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
WAIT_SECONDS = 1800
LIMITED = re.compile(r"OpenAI \(Copilot limited until \d\d:\d\d\)")
DRILL_MS = 60_000


@pytest.fixture(scope="module")
def shared(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests."""
    with workbench.window(tmp_path_factory.mktemp("project")) as window:
        yield window


@pytest.fixture(autouse=True)
def all_is_well(shared: Window) -> None:
    """Every test begins with closed circuits."""
    expect(shared.status_item(STATUS).item).to_have_text("Copilot")


def limit_copilot(window: Window, upstreams: Upstreams) -> None:
    """Ask something while Copilot wants no more requests."""
    upstreams.copilot.fault(Fault.rate_limited(WAIT_SECONDS), times=None)
    ask(window, "Who answers?")
    expect(window.status_item(STATUS).item).to_have_text(LIMITED)


def test_it_names_who_would_answer_also_for_a_screen_reader(shared: Window) -> None:
    status = shared.status_item(STATUS)
    expect(status.button).to_have_attribute("aria-label", re.compile("AI Gateway: Copilot would answer"))
    expect(status.item.locator(".codicon-check")).to_be_visible()


def test_a_failover_is_seen_with_its_reason_and_its_end_and_a_link_in_the_hover_resets_it(
    shared: Window, upstreams: Upstreams
) -> None:
    limit_copilot(shared, upstreams)
    hover = shared.status_item(STATUS).hover()
    expect(hover).to_contain_text("OpenAI would answer now")
    expect(hover.get_by_role("row").filter(has_text="limited until")).to_contain_text(
        " · wants no more requests for now · Reset"
    )
    for link in ("Explain the last answer", "Private mode", "Dashboard", "Settings"):
        expect(hover.get_by_text(link, exact=True)).to_be_visible()
    shared.screenshot("status-hover")
    upstreams.copilot.clear()
    hover.get_by_text("Reset", exact=True).click()
    expect(shared.status_item(STATUS).item).to_have_text("Copilot")


def test_the_hover_is_legible_in_every_theme(shared: Window, upstreams: Upstreams) -> None:
    limit_copilot(shared, upstreams)
    for theme in (Theme.DARK, Theme.HIGH_CONTRAST, Theme.LIGHT):
        shared.theme(theme)
        expect(shared.status_item(STATUS).hover()).to_contain_text("OpenAI would answer now")
        shared.screenshot(f"status-hover-{theme.slug}")
        shared.page.mouse.move(700, 300)
    shared.command("AI Gateway: Reset a Circuit…")
    shared.quick_input.pick("Copilot")


def test_a_click_offers_what_can_be_done_the_trouble_first(shared: Window, upstreams: Upstreams) -> None:
    limit_copilot(shared, upstreams)
    shared.status_item(STATUS).button.click()
    expect(shared.quick_input.rows.first).to_contain_text("Reset Copilot")
    shared.screenshot("status-menu")
    upstreams.copilot.clear()
    shared.quick_input.rows.first.click()
    expect(shared.status_item(STATUS).item).to_have_text("Copilot")


def test_private_mode_is_seen_and_ended(shared: Window) -> None:
    shared.command("AI Gateway: Switch Private Mode")
    expect(shared.status_item(STATUS).item).to_have_text("Local only: Ollama")
    expect(shared.status_item(STATUS).item.locator(".codicon-lock")).to_be_visible()
    shared.command("AI Gateway: Switch Private Mode")
    expect(shared.status_item(STATUS).item).to_have_text("Copilot")


def test_a_provider_is_kept_out_by_hand_until_it_is_let_go(shared: Window) -> None:
    shared.command("AI Gateway: Keep a Provider Open or Closed…")
    shared.quick_input.pick("Copilot")
    shared.quick_input.pick("Keep Copilot out")
    shared.quick_input.pick("For an hour")
    expect(shared.status_item(STATUS).item).to_have_text(re.compile(r"OpenAI \(Copilot kept out until \d\d:\d\d\)"))
    shared.command("AI Gateway: Keep a Provider Open or Closed…")
    shared.quick_input.pick("Copilot")
    shared.quick_input.pick("Let Copilot go by itself")
    expect(shared.status_item(STATUS).item).to_have_text("Copilot")


def test_all_providers_are_checked_and_the_result_is_one_notification(shared: Window) -> None:
    shared.command("AI Gateway: Check All Providers")
    told = shared.notification("Copilot can be reached")
    expect(told).to_contain_text("OpenAI can be reached")
    expect(told).to_contain_text("Ollama can be reached")
    shared.command("Notifications: Clear All Notifications")


def test_the_last_answer_is_explained_on_a_page(shared: Window) -> None:
    ask(shared, "Who answers now?")
    shared.command("AI Gateway: Explain the Last Answer")
    page = shared.webview("Preview The last answer.md")
    expect(page.get_by_role("heading", name="copilot (gpt-4o) answered")).to_be_visible()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    shared.command("View: Close Editor")


def test_a_rehearsed_outage_is_seen_and_ends_with_a_report(shared: Window, upstreams: Upstreams) -> None:
    asked = upstreams.copilot.calls
    shared.command("AI Gateway: Rehearse an Outage of a Provider…")
    shared.quick_input.pick("Copilot")
    shared.quick_input.pick("It is overloaded")
    expect(shared.notification("Rehearsing an outage of Copilot")).to_be_visible()
    expect(shared.status_item(STATUS).item).to_contain_text("OpenAI (Copilot down")
    expect(shared.page.get_by_role("tab", name="Rehearsed outage")).to_be_visible(timeout=DRILL_MS)
    page = shared.webview("Preview Rehearsed outage.md")
    expect(page.get_by_role("heading", name="A rehearsed outage of Copilot")).to_be_visible()
    expect(page.get_by_role("heading", name="Questions")).to_be_visible()
    shared.screenshot("drill-report")
    assert upstreams.copilot.calls <= asked + 1  # the question afterwards
    shared.command("View: Close Editor")


def test_after_crashes_nothing_is_said_that_was_true_before_and_a_link_restarts_it(shared: Window) -> None:
    item = shared.status_item(STATUS).item
    crash(shared)
    expect(item).to_have_text("AI Gateway: crashed")
    expect(item).to_have_class(re.compile("error-kind"))
    hover = shared.status_item(STATUS).hover()
    shared.screenshot("status-crashed")
    expect(hover).not_to_contain_text("Copilot")
    hover.get_by_text("Restart", exact=True).click()
    expect(item).to_have_text("Copilot")
    shared.command("Notifications: Clear All Notifications")
