"""What somebody sees whose server ends while it is answering."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from ai_gateway.fakes import Fault
from vscode.server_process import the_server
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
SHOP = "def total(items):\n    return sum(item.price for item in items)\n"
PROGRESS = "AI Gateway: Improve / simplify"


@pytest.fixture(scope="module")
def shared(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests."""
    with workbench.window(tmp_path_factory.mktemp("project"), {"shop.py": SHOP}) as window:
        yield window


@pytest.fixture(autouse=True)
def runs(shared: Window) -> None:
    expect(shared.status_item(STATUS).item).to_have_text("Copilot")


def test_a_question_fails_at_once_with_a_clear_message_and_is_answered_when_it_is_asked_again(
    shared: Window, upstreams: Upstreams
) -> None:
    upstreams.copilot.reply("one two three four five six")
    upstreams.copilot.fault(Fault.stall(after=3))
    shared.command("AI Gateway: Ask…")
    answer = shared.webview("Answer")
    question = answer.get_by_role("textbox", name="Question")
    question.fill("Count, please")
    question.press("Enter")
    turn = answer.get_by_role("article", name="Count, please")
    expect(turn).to_contain_text("one two three")
    the_server(shared).kill()
    failure = turn.get_by_role("group", name="No answer")
    expect(failure).to_contain_text("The AI Gateway server ended before it answered. Ask again.")
    shared.screenshot("answer-server-ended")
    answer.get_by_role("button", name="Try again", exact=True).last.click()
    expect(turn.locator(".markdown")).to_have_text("one two three four five six")
    expect(failure).to_have_count(0)
    expect(shared.notification("")).to_have_count(0)


def test_an_action_ends_with_its_progress_and_works_when_it_is_chosen_again(
    shared: Window, upstreams: Upstreams
) -> None:
    upstreams.copilot.fault(Fault.stall(after=1))
    shared.editor.open("shop.py")
    shared.editor.select_lines(1, 2)
    shared.editor.code_action("Improve / simplify")
    progress = shared.page.locator(".statusbar-item").filter(has_text=PROGRESS)
    expect(progress).to_contain_text("answers")
    killed = the_server(shared)
    killed.kill()
    expect(progress).to_have_count(0)
    the_server(shared, other_than=killed.pid)
    expect(shared.status_item(STATUS).item).to_have_text("Copilot")
    upstreams.copilot.reply("```python\ndef total(items):\n    return sum(each.price for each in items)\n```")
    shared.editor.code_action("Improve / simplify")
    shared.refactor_preview.accept()
    expect(shared.editor.showing("shop.py")).to_contain_text("each.price")
