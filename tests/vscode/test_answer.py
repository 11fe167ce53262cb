"""Asking: the question, the answer while it comes in, and what is done with it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import cast

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from ai_gateway.fakes.faults import Fault
from vscode.code_server import Options
from vscode.themes import Theme
from vscode.trying import until
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

ASK = "Control+Alt+G"
SHOP = """def total(items):
    result = 0
    for item in items:
        result += item.price
    return result


def receipt(items):
    return str(total(items))
"""
BETTER = """    return sum(item.price for item in items)"""
WITH_CODE = f"Shorter:\n\n```python\n{BETTER}\n```\n\nThat is all."


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    return Options(environ=upstreams.environ)


@pytest.fixture(scope="module")
def shared(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests."""
    with workbench.window(tmp_path_factory.mktemp("project"), {"shop.py": SHOP}) as window:
        yield window


@pytest.fixture
def view(shared: Window) -> AnswerView:
    """The view with no conversation, beside the shop's code as it was at first."""
    shared.editor.open("shop.py")
    if shared.editor.text("shop.py").strip() != SHOP.strip():
        shared.editor.replace("shop.py", SHOP)
    shared.command("AI Gateway: New Conversation")
    view = AnswerView(shared)
    expect(view.box).to_be_focused()
    return view


class AnswerView:
    """What a person sees of the view."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.page: Page = window.page
        self.frame: FrameLocator = window.webview("Answer")
        self.box = self.frame.get_by_role("textbox", name="Question")

    def ask(self, question: str) -> Locator:
        """Type a question and send it; gives the newest turn."""
        self.box.fill(question)
        self.box.press("Enter")
        return self.turn(question)

    def ask_about_lines(self, first: int, last: int, question: str) -> Locator:
        self.window.editor.open("shop.py")
        self.window.editor.select_lines(first, last)
        self.page.keyboard.press(ASK)
        expect(self.box).to_be_focused()
        return self.ask(question)

    def turn(self, question: str) -> Locator:
        return self.frame.get_by_role("article", name=question)

    def press(self, button: str) -> None:
        self.frame.get_by_role("button", name=button, exact=True).last.click()


def told(upstreams: Upstreams, name: str = "copilot") -> list[dict[str, str]]:
    """The messages of the last question that an upstream was asked."""
    upstream = {"copilot": upstreams.copilot, "openai": upstreams.openai, "ollama": upstreams.ollama}[name]
    asked = [request for request in upstream.requests if "messages" in request.fields]
    return cast("list[dict[str, str]]", asked[-1].fields["messages"])


async def happened(event: asyncio.Event) -> None:
    """Set it in the upstreams' own thread."""
    event.set()


def test_a_question_about_the_selection_is_asked_by_keyboard_and_answered_beside_the_code(
    view: AnswerView, upstreams: Upstreams
) -> None:
    upstreams.copilot.reply("It adds up the *prices*.")
    view.window.editor.open("shop.py")
    view.window.editor.select_lines(1, 5)
    view.page.keyboard.press(ASK)
    expect(view.box).to_be_focused()
    expect(view.frame.get_by_text("shop.py:1-5")).to_be_visible()
    view.page.keyboard.type("What does it do?")
    view.page.keyboard.press("Shift+Enter")
    view.page.keyboard.type("In short.")
    view.page.keyboard.press("Enter")
    turn = view.turn("What does it do? In short.")
    expect(turn).to_contain_text("It adds up the prices.")
    expect(turn.locator("em")).to_have_text("prices")
    expect(turn.get_by_role("heading", name="Answer by")).to_contain_text("Copilot")
    expect(turn.locator(".byline")).to_have_text(
        re.compile(r"^Copilot · gpt-4o · [\d.]+ m?s · [\d,]+ \+ [\d,]+ tokens \(\$[\d.]+\)$")
    )
    asked = told(upstreams)
    assert asked[0]["role"] == "system"
    assert "result += item.price" in asked[-1]["content"]
    assert "What does it do?\nIn short." in asked[-1]["content"]
    assert "def receipt" not in asked[-1]["content"].split("```")[1]


def test_a_follow_up_is_sent_with_what_was_said_before(view: AnswerView, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("The first answer.")
    expect(view.ask("A first question?")).to_contain_text("The first answer.")
    upstreams.copilot.reply("The second answer.")
    expect(view.ask("And then?")).to_contain_text("The second answer.")
    assert [message["content"] for message in told(upstreams)] == [
        "A first question?",
        "The first answer.",
        "And then?",
    ]


def test_code_is_taken_off_the_question_by_keyboard(view: AnswerView, upstreams: Upstreams) -> None:
    view.window.editor.open("shop.py")
    view.window.editor.select_lines(1, 2)
    view.page.keyboard.press(ASK)
    chip = view.frame.get_by_role("button", name="Remove code from the question: shop.py:1-2")
    expect(view.box).to_be_focused()
    view.page.keyboard.press("Backspace")
    expect(chip).to_be_focused()
    view.page.keyboard.press("Delete")
    expect(chip).to_have_count(0)
    expect(view.box).to_be_focused()
    upstreams.copilot.reply("Of nothing.")
    expect(view.ask("Of what?")).to_contain_text("Of nothing.")
    assert [message["content"] for message in told(upstreams)] == ["Of what?"]


def test_an_earlier_question_is_recalled_with_the_arrow_keys(view: AnswerView, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("Yes.")
    expect(view.ask("To be recalled?")).to_contain_text("Yes.")
    view.box.focus()
    view.page.keyboard.press("ArrowUp")
    expect(view.box).to_have_value("To be recalled?")
    view.page.keyboard.press("ArrowDown")
    expect(view.box).to_have_value("")


def test_escape_stops_the_answer_at_the_upstream_and_then_goes_back_to_the_code(
    view: AnswerView, upstreams: Upstreams
) -> None:
    before = upstreams.copilot.disconnects
    upstreams.copilot.reply("one two three four five six")
    upstreams.copilot.fault(Fault.stall(after=3))
    turn = view.ask("Count, please")
    expect(turn).to_contain_text("one two three")
    view.page.keyboard.press("Escape")
    expect(turn).to_contain_text("Stopped by you")
    upstreams.run(upstreams.copilot.wait_for(lambda: upstreams.copilot.disconnects > before))
    view.page.keyboard.press("Escape")
    expect(view.window.editor.showing("shop.py").locator("textarea, .native-edit-context").first).to_be_focused()


def test_text_of_a_tier_that_broke_off_is_taken_back_and_a_seam_says_so(view: AnswerView, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("These words are to be taken back again")
    seen = asyncio.Event()
    upstreams.copilot.fault(Fault.stall(after=4, until=seen) | Fault.cut(after=4))
    upstreams.openai.reply("The whole answer.")
    turn = view.ask("Who breaks off?")
    expect(turn.locator(".markdown")).to_have_text("These words are to")
    upstreams.run(happened(seen))
    expect(turn.locator(".markdown")).to_have_text("The whole answer.")
    seam = turn.get_by_text("Copilot broke off after")
    expect(seam).to_contain_text("Now answered by OpenAI")
    seam.click()
    expect(turn.locator(".taken-back")).to_have_text("These words are to")
    view.window.screenshot("answer-seam", *Theme)


def test_the_end_is_followed_until_the_person_scrolls_up(view: AnswerView, upstreams: Upstreams) -> None:
    more = asyncio.Event()
    upstreams.copilot.reply("\n\n".join(f"Paragraph {number}." for number in range(120)))
    upstreams.copilot.fault(Fault.stall(after=200, until=more))
    turn = view.ask("At length, please")
    expect(turn.get_by_text("Paragraph 98.")).to_be_in_viewport()
    turn.get_by_text("Paragraph 98.").hover()
    view.page.mouse.wheel(0, -1500)
    to_end = view.frame.get_by_role("button", name="Jump to the end")
    expect(to_end).to_be_visible()
    upstreams.run(happened(more))
    expect(turn).to_contain_text("Paragraph 119.")
    expect(turn.get_by_text("Paragraph 119.")).not_to_be_in_viewport()
    to_end.click()
    expect(turn.get_by_text("Paragraph 119.")).to_be_in_viewport()
    expect(to_end).to_be_hidden()


def test_code_is_copied_inserted_and_opened_as_a_new_file(view: AnswerView, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(WITH_CODE)
    view.window.editor.open("shop.py")
    view.window.editor.go_to(7)
    turn = view.ask("Shorter?")
    expect(turn).to_contain_text("That is all.")
    view.press("Copy")
    expect(turn.get_by_role("button", name="Copied")).to_be_visible()
    until(lambda: view.page.evaluate("navigator.clipboard.readText()") == BETTER, view.page, "the clipboard")
    view.press("Insert at the cursor")
    until(
        lambda: BETTER.strip() in view.window.editor.text("shop.py").split("def receipt")[0], view.page, "the insertion"
    )
    view.press("Open as a new file")
    expect(view.page.locator(".monaco-editor[data-uri^='untitled:']").first).to_contain_text("sum")
    view.window.command("View: Revert and Close Editor")
    view.window.command("View: Revert and Close Editor")


def test_code_takes_the_place_of_what_was_asked_about_once_the_preview_is_accepted(
    view: AnswerView, upstreams: Upstreams
) -> None:
    upstreams.copilot.reply(WITH_CODE)
    turn = view.ask_about_lines(2, 5, "Make it shorter")
    expect(turn).to_contain_text("That is all.")
    view.press("Apply… (with a preview)")
    expect(view.window.refactor_preview.rows.first).to_be_visible()
    view.window.screenshot("answer-apply")
    view.window.refactor_preview.accept()
    expected = f"def total(items):\n{BETTER}\n\n\ndef receipt(items):"
    until(lambda: expected in view.window.editor.text("shop.py"), view.page, "the replacement")
    view.window.editor.save()


def test_code_that_was_changed_since_is_not_replaced(view: AnswerView, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(WITH_CODE)
    turn = view.ask_about_lines(2, 5, "Make it shorter still")
    expect(turn).to_contain_text("That is all.")
    view.window.editor.open("shop.py")
    view.window.editor.replace("shop.py", SHOP.replace("result += item.price", "result += 2 * item.price"))
    view.press("Apply… (with a preview)")
    expect(view.frame.get_by_text("has changed since the question was asked")).to_be_visible()
    assert "2 * item.price" in view.window.editor.text("shop.py")


def test_a_private_conversation_reaches_only_the_local_model(view: AnswerView, upstreams: Upstreams) -> None:
    elsewhere = len(upstreams.copilot.requests) + len(upstreams.openai.requests)
    lock = view.frame.get_by_role("button", name="Ask only local models")
    lock.click()
    expect(lock).to_have_attribute("aria-pressed", "true")
    upstreams.ollama.reply("Between us.")
    turn = view.ask("A secret?")
    expect(turn).to_contain_text("Between us.")
    expect(turn.get_by_role("heading", name="Answer by")).to_contain_text("Local")
    assert len(upstreams.copilot.requests) + len(upstreams.openai.requests) == elsewhere
    view.window.screenshot("answer-private")
    lock.click()
    expect(lock).to_have_attribute("aria-pressed", "false")


def test_explain_needs_no_typing(view: AnswerView, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("It is a sum.")
    view.window.editor.open("shop.py")
    view.window.editor.select_lines(1, 5)
    view.window.command("AI Gateway: Explain")
    expect(view.turn("Explain shop.py:1-5")).to_contain_text("It is a sum.")
    assert "result += item.price" in told(upstreams)[-1]["content"]


def test_how_an_answer_came_about_can_be_read(view: AnswerView, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("Read on.")
    expect(view.ask("Why you?")).to_contain_text("Read on.")
    view.press("Explain")
    expect(view.page.locator(".tab.active")).to_contain_text("How this answer came about")
    view.press("What was sent")
    expect(view.page.locator(".tab.active")).to_contain_text("What was sent")
    view.window.command("View: Close All Editors")


def test_the_conversation_is_there_again_after_the_view_was_hidden(view: AnswerView, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("Still here.")
    expect(view.ask("Will you stay?")).to_contain_text("Still here.")
    view.box.fill("half a question")
    view.window.command("View: Toggle Secondary Side Bar Visibility")
    view.window.command("AI Gateway: Show the Answer")
    again = AnswerView(view.window)
    expect(again.turn("Will you stay?")).to_contain_text("Still here.")
    expect(again.box).to_have_value("half a question")
    expect(again.box).to_be_focused()


def test_if_nobody_can_answer_it_is_said_why_and_asking_again_helps(view: AnswerView, upstreams: Upstreams) -> None:
    for upstream in (upstreams.copilot, upstreams.openai, upstreams.ollama):
        upstream.fault(Fault.status(400), times=None)
    turn = view.ask("Is nobody there?")
    failure = turn.get_by_role("group", name="No answer")
    rows = failure.get_by_role("listitem")
    expect(rows).to_have_text([f"{name} refused the request" for name in ("Copilot", "OpenAI", "Ollama")])
    view.window.screenshot("answer-failure")
    upstreams.heal()
    upstreams.copilot.reply("Here I am.")
    view.press("Try again")
    expect(turn.locator(".markdown")).to_have_text("Here I am.")
    expect(turn).to_be_focused()


def test_who_was_passed_over_is_told_under_the_answer_by_name(view: AnswerView, upstreams: Upstreams) -> None:
    upstreams.copilot.fault(Fault.status(400))
    upstreams.openai.reply("I do.")
    turn = view.ask("Who answers instead?")
    expect(turn.get_by_role("heading", name="Answer by")).to_contain_text("OpenAI · gpt-4o-mini")
    expect(turn.locator(".byline")).to_have_text(
        re.compile(r"^OpenAI · gpt-4o-mini · [\d.]+ m?s · .* tokens.* · Copilot refused the request$")
    )


def test_what_nobody_can_reach_has_advice_below_each_name(view: AnswerView, upstreams: Upstreams) -> None:
    for upstream in (upstreams.copilot, upstreams.openai):
        upstream.fault(Fault.status(402), times=None)
    upstreams.ollama.fault(Fault.reset(), times=None)
    failure = view.ask("Is anybody left?").get_by_role("group", name="No answer")
    rows = failure.get_by_role("listitem")
    expect(rows.filter(has_text="Copilot")).to_contain_text("has no quota left")
    expect(rows.filter(has_text="OpenAI").locator(".hint")).to_have_count(1)
    view.window.screenshot("answer-failure-hints", *Theme)
    view.window.command("AI Gateway: Reset a Circuit…")
    view.window.quick_input.pick("All")


def test_a_conversation_that_is_too_long_for_everybody_is_begun_anew(view: AnswerView, upstreams: Upstreams) -> None:
    for upstream in (upstreams.copilot, upstreams.openai, upstreams.ollama):
        upstream.fault(Fault.status(413), times=None)
    failure = view.ask("At what length?").get_by_role("group", name="No answer")
    expect(failure).to_contain_text("Copilot can't read so long a prompt")
    expect(failure.get_by_text("Ask about less code")).to_have_count(1)
    view.window.screenshot("answer-too-long")
    failure.get_by_role("button", name="Start a New Conversation").click()
    expect(view.frame.get_by_role("article")).to_have_count(0)
