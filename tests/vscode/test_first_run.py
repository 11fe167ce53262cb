"""What a person does first: the walkthrough, and an outage that needs no credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import FrameLocator, Locator, expect

from vscode.asking import ask
from vscode.themes import Theme
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
STEPS = ("How It Answers", "Find Copilot", "Add a Cloud Key", "Find Ollama", "Rehearse an Outage")
STORY_MS = 100_000


@pytest.fixture(scope="module")
def shared(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests, which go on from each other."""
    with workbench.window(tmp_path_factory.mktemp("project")) as window:
        expect(window.status_item(STATUS).item).to_have_text("Copilot")
        yield window


def walkthrough(window: Window) -> Locator:
    return window.page.locator(".gettingStartedContainer")


def banner(answer: FrameLocator) -> Locator:
    return answer.locator(".banner")


def test_the_walkthrough_leads_through_five_steps_with_pictures(shared: Window) -> None:
    shared.command("AI Gateway: Get Started")
    page = walkthrough(shared)
    for title in STEPS:
        expect(page.get_by_text(title, exact=True).first).to_be_visible()
    for done in ("Find Copilot", "Add a Cloud Key"):
        expect(page.get_by_role("checkbox", name=done)).to_be_checked()
    shared.screenshot("walkthrough", *Theme)
    page.get_by_text(STEPS[-1], exact=True).first.click()
    expect(page.get_by_role("button", name="Try the Simulated Outage")).to_be_visible()


def test_the_simulated_outage_is_told_from_all_well_to_all_well(shared: Window, upstreams: Upstreams) -> None:
    walkthrough(shared).get_by_role("button", name="Try the Simulated Outage").click()
    answer = shared.webview("Answer")
    expect(banner(answer)).to_contain_text("2 of 4", timeout=STORY_MS)
    expect(answer.locator(".turn").nth(1).locator(".seam").first).to_be_visible(timeout=STORY_MS)
    shared.screenshot("simulation", Theme.DARK, Theme.LIGHT)
    expect(banner(answer)).to_contain_text("That was the story", timeout=STORY_MS)
    expect(banner(answer)).to_contain_text("nothing leaves this machine")
    shared.screenshot("simulation-told", Theme.HIGH_CONTRAST, Theme.HIGH_CONTRAST_LIGHT)
    by = [heading.inner_text() for heading in answer.get_by_role("heading", name="Answer by").all()]
    answerers = ("Copilot", "OpenAI", "Ollama", "Copilot")
    assert [name in heading for name, heading in zip(answerers, by, strict=True)] == [True] * 4
    assert [*upstreams.copilot.requests, *upstreams.openai.requests] == []


def test_a_question_of_ones_own_ends_the_story(shared: Window) -> None:
    answer = shared.webview("Answer")
    banner(answer).get_by_role("button", name="Again").click()
    expect(banner(answer)).to_contain_text("1 of 4")
    answer.get_by_role("textbox").fill("And what if I ask?")
    expect(answer.locator(".turn .byline")).to_have_count(1)
    answer.get_by_role("textbox").press("Enter")
    expect(banner(answer)).to_contain_text(re.compile(r"machine\. Ask what you like"))
    expect(answer.get_by_role("article").last).to_have_accessible_name("And what if I ask?")


def test_a_fault_is_switched_on_in_the_banner_and_the_next_provider_answers(shared: Window) -> None:
    answer = shared.webview("Answer")
    switch = banner(answer).get_by_role("button", name="Copilot")
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()
    expect(shared.quick_input.row("It answers")).to_be_visible()
    shared.screenshot("simulation-faults")
    shared.quick_input.pick("It is down")
    expect(switch).to_have_attribute("aria-pressed", "false")
    ask(shared, "Who answers now?")
    expect(answer.locator(".turn").last.get_by_role("heading", name="Answer by")).to_contain_text("OpenAI")


def test_when_the_simulation_has_ended_the_real_providers_answer(shared: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("Real again.")
    shared.command("AI Gateway: End the Simulation")
    answer = shared.webview("Answer")
    expect(banner(answer)).to_be_hidden()
    expect(answer.locator(".turn")).to_have_count(0)
    ask(shared, "Who answers now?")
    expect(answer.locator(".turn").last).to_contain_text("Real again.")
    assert upstreams.copilot.requests
