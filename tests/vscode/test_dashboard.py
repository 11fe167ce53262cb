"""The dashboard: providers, circuits, figures and the last queries, as they happen."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import FrameLocator, Locator, expect

from ai_gateway.fakes import Fault
from vscode.asking import ask
from vscode.crashing import crash
from vscode.themes import Theme
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
WAIT_SECONDS = 1800


@pytest.fixture(scope="module")
def shared(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests, with the dashboard in sight."""
    with workbench.window(tmp_path_factory.mktemp("project")) as window:
        expect(window.status_item(STATUS).item).to_have_text("Copilot")
        window.command("AI Gateway: Show the Dashboard")
        yield window


@pytest.fixture
def dashboard(shared: Window) -> FrameLocator:
    return shared.webview("Dashboard")


def card(dashboard: FrameLocator, provider: str) -> Locator:
    return dashboard.locator(f'.card[data-provider="{provider}"]')


def figure(dashboard: FrameLocator, title: str) -> Locator:
    return dashboard.get_by_role("region", name=title, exact=True)


def test_before_anything_was_asked_it_says_who_would_answer(dashboard: FrameLocator) -> None:
    expect(dashboard.get_by_role("heading", name="Copilot would answer now")).to_be_visible()
    expect(card(dashboard, "copilot")).to_contain_text("ready")
    expect(card(dashboard, "anthropic")).to_have_count(0)
    expect(figure(dashboard, "Last queries")).to_contain_text("Nothing was asked yet.")
    expect(figure(dashboard, "Use by day")).to_contain_text("Nothing in the last 30 days.")


def test_queries_come_into_it_by_themselves_with_who_was_passed_over(
    shared: Window, dashboard: FrameLocator, upstreams: Upstreams
) -> None:
    ask(shared, "Who answers?")
    rows = dashboard.locator(".row")
    expect(rows).to_have_count(1)
    upstreams.copilot.fault(Fault.rate_limited(WAIT_SECONDS), times=None)
    ask(shared, "And now?")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("OpenAI")
    expect(rows.first.locator(".chip.failed")).to_contain_text("Copilot")
    expect(card(dashboard, "copilot")).to_contain_text(re.compile(r"limited until \d\d:\d\d"))
    expect(card(dashboard, "openai")).to_contain_text("would answer now")
    expect(
        figure(dashboard, "Circuits").get_by_label(re.compile("Copilot open .wants no more requests"))
    ).to_have_count(1)
    expect(
        figure(dashboard, "Time to answer").get_by_label(re.compile("OpenAI, whole answer: half within"))
    ).to_have_count(1)
    expect(figure(dashboard, "From the cache")).to_contain_text("0 %")


def test_its_pictures_can_be_walked_through_by_the_keyboard(shared: Window, dashboard: FrameLocator) -> None:
    use = figure(dashboard, "Use by day")
    use.locator('.mark[tabindex="0"]').focus()
    expect(dashboard.get_by_role("tooltip", include_hidden=True)).to_contain_text("Copilot")
    use.get_by_role("button", name="Table").focus()
    shared.page.keyboard.press("Enter")
    expect(use.get_by_role("columnheader", name="OpenAI")).to_be_visible()
    expect(use.get_by_role("button", name="Table")).to_be_focused()
    shared.page.keyboard.press("Shift+Tab")
    shared.page.keyboard.press("Enter")
    expect(use.get_by_role("table")).to_have_count(0)


def test_a_query_opens_to_its_attempts_and_its_decision_trace(shared: Window, dashboard: FrameLocator) -> None:
    row = dashboard.locator(".row").first
    row.click()
    expect(row).to_have_attribute("aria-expanded", "true")
    legs = dashboard.locator(".leg")
    expect(legs.filter(has_text="wanted no more requests for now")).to_have_count(1)
    expect(legs.last).to_contain_text(re.compile("OpenAI.*answered"))
    dashboard.get_by_role("button", name="Open the Decision Trace").click()
    tab = shared.page.get_by_role("tab", name=re.compile("Trace "))
    expect(tab).to_be_visible()
    page = shared.webview(re.sub(r"^(Preview .*\.md).*", r"\1", tab.get_attribute("aria-label") or ""))
    expect(page.get_by_role("heading", name="Who could have answered")).to_be_visible()
    shared.command("View: Close Editor")


def test_it_looks_right_in_every_theme_wide_and_narrow(
    shared: Window, dashboard: FrameLocator, upstreams: Upstreams
) -> None:
    ask(shared, "A third one, please.")
    upstreams.openai.fault(Fault.status(500), times=None)
    ask(shared, "A fourth one, please.")
    expect(dashboard.locator(".row")).to_have_count(4)
    shared.screenshot("dashboard", *Theme)
    shared.command("View: Toggle Maximized Panel")
    shared.screenshot("dashboard-whole", *Theme)
    shared.command("View: Toggle Maximized Panel")


def test_a_circuit_is_reset_from_its_card(dashboard: FrameLocator, upstreams: Upstreams) -> None:
    upstreams.heal()
    card(dashboard, "copilot").get_by_role("button", name="Reset").click()
    expect(card(dashboard, "copilot")).to_contain_text("ready")


def test_once_the_server_has_crashed_it_says_so_and_offers_to_restart_it(
    shared: Window, dashboard: FrameLocator
) -> None:
    crash(shared)
    expect(dashboard.get_by_role("heading", name="The server crashed")).to_be_visible()
    expect(dashboard.locator(".card")).to_have_count(0)
    shared.screenshot("dashboard-crashed")
    dashboard.get_by_role("button", name="Restart the Server").click()
    expect(dashboard.get_by_role("heading", name="Copilot would answer now")).to_be_visible()
    expect(dashboard.locator(".row")).to_have_count(4)
    shared.command("Notifications: Clear All Notifications")
