"""What a question is about, where that is no file: cells of notebooks, output, other versions of a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import cast

import pytest
from playwright.sync_api import FrameLocator, Locator, expect

from support.repositories import new_repo
from vscode.trying import SOON_MS, until_done
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

ASK = "Control+Alt+G"
SHOP = """def total(items):
    return sum(item.price for item in items)


print(total([]))
"""
LOADED = "prices = load()"
SUMMED = "total = 0\nfor price in prices:\n    total += price\nprint(total)"
SHORTER = "total = sum(prices)\nprint(total)"


def notebook(heading: str, *cells: str) -> str:
    first: dict[str, object] = {"cell_type": "markdown", "metadata": {}, "source": heading}
    empty: dict[str, object] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    made = [first, *({**empty, "source": cell} for cell in cells)]
    language = {"language_info": {"name": "python"}}
    return json.dumps({"cells": made, "metadata": language, "nbformat": 4, "nbformat_minor": 2})


FILES = {
    "shop.py": SHOP,
    "analysis.ipynb": notebook("# Prices", LOADED, SUMMED),
    "secret.ipynb": notebook("# Keys", "KEY = 1"),
    ".aiexclude": "secret.ipynb\n",
}


@pytest.fixture(scope="module")
def shared(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests, on a repository where the shop was another once."""
    folder = tmp_path_factory.mktemp("project")
    new_repo(folder).commit("A shop", **{"shop.py": SHOP.replace("sum", "max")})
    with workbench.window(folder, FILES) as window:
        yield window


@pytest.fixture
def asking(shared: Window) -> Iterator[Asking]:
    """The view with no conversation, and nothing else open."""
    shared.command("View: Close All Editors")
    shared.command("AI Gateway: New Conversation")
    yield Asking(shared)
    while shared.page.locator(".tab.dirty").count():
        shared.command("View: Revert and Close Editor")


class Asking:
    """What a person sees and does."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.frame: FrameLocator = window.webview("Answer")
        self.box = self.frame.get_by_role("textbox", name="Question")
        self.cells = window.page.locator(".notebookOverlay:visible .cell.code .monaco-editor")

    def open_notebook(self, name: str) -> None:
        self.window.quick_input.choose("Control+P", name, name)
        expect(self.cells.first).to_be_visible()

    def select_in_cell(self, word: str) -> None:
        """Edit the cell that has this word, and select all of it."""
        self.cells.filter(has_text=word).locator(".view-line").first.click()
        self.window.page.keyboard.press("Control+A")

    def choose_cell(self, key: str, shown: str) -> None:
        """Go to a cell of the notebook, without editing it."""

        def step() -> None:
            self.window.page.keyboard.press("Escape")
            self.window.page.keyboard.press(key)
            self.window.page.locator(".statusbar-item", has_text=shown).wait_for(timeout=SOON_MS)

        until_done(step, f"going to {shown}")

    def ask(self, question: str) -> Locator:
        self.box.fill(question)
        self.box.press("Enter")
        return self.frame.get_by_role("article", name=question)

    def ask_by_key(self, question: str, about: str | re.Pattern[str]) -> Locator:
        self.window.page.keyboard.press(ASK)
        expect(self.box).to_be_focused()
        expect(self.frame.get_by_text(about, exact=True)).to_be_visible()
        return self.ask(question)


def messages(upstreams: Upstreams) -> list[dict[str, str]]:
    """What Copilot was sent last."""
    asked = [request for request in upstreams.copilot.requests if "messages" in request.fields]
    return cast("list[dict[str, str]]", asked[-1].fields["messages"])


def told(upstreams: Upstreams) -> str:
    """The last thing that Copilot was asked."""
    return messages(upstreams)[-1]["content"]


def fenced(code: str) -> str:
    return f"Shorter:\n\n```python\n{code}\n```"


def test_selected_code_of_a_cell_goes_along_and_the_answer_takes_its_place(
    asking: Asking, upstreams: Upstreams
) -> None:
    upstreams.copilot.reply(fenced(SHORTER))
    asking.open_notebook("analysis.ipynb")
    asking.select_in_cell("print")
    turn = asking.ask_by_key("Shorter?", about="analysis.ipynb cell 3:1-4")
    expect(turn).to_contain_text("total = sum(prices)")
    asking.window.screenshot("context-cell")
    assert "File: analysis.ipynb cell 3\nLanguage: python" in told(upstreams)
    assert SUMMED in told(upstreams)
    assert LOADED not in told(upstreams)
    turn.get_by_role("button", name="Apply").click()
    asking.window.screenshot("context-preview")
    asking.window.refactor_preview.accept()
    expect(asking.cells.last.locator(".view-line")).to_have_count(2)


def test_a_cell_that_is_not_edited_goes_along_whole(asking: Asking, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("It is a heading.")
    asking.open_notebook("analysis.ipynb")
    asking.choose_cell("Control+Home", "Cell 1 of 3")
    heading = asking.ask_by_key("What is it?", about="analysis.ipynb cell 1:1")
    expect(heading).to_contain_text("It is a heading.")
    assert "Language: markdown" in told(upstreams)
    assert "# Prices" in told(upstreams)
    asking.window.command("View: Close All Editors")
    upstreams.copilot.reply("It adds up.")
    asking.open_notebook("analysis.ipynb")
    asking.choose_cell("Control+End", "Cell 3 of 3")
    turn = asking.ask_by_key("What does it do?", about="analysis.ipynb cell 3:1-4")
    expect(turn).to_contain_text("It adds up.")
    assert SUMMED in told(upstreams)
    asking.window.command("View: Close All Editors")
    asking.open_notebook("analysis.ipynb")
    asking.choose_cell("Control+Home", "Cell 1 of 3")
    turn.get_by_role("button", name="analysis.ipynb cell 3:1-4").click()
    expect(asking.window.page.locator(".statusbar-item", has_text="Cell 3 of 3")).to_be_visible()
    asking.window.screenshot("context-shown-cell")


def test_a_notebook_that_is_kept_out_of_prompts_says_so_of_its_cells(asking: Asking, upstreams: Upstreams) -> None:
    calls = upstreams.copilot.calls
    asking.open_notebook("secret.ipynb")
    asking.select_in_cell("KEY")
    turn = asking.ask_by_key("What is it?", about="secret.ipynb cell 2:1")
    expect(turn).to_contain_text("secret.ipynb cell 2 is kept out of every prompt")
    asking.window.screenshot("context-kept-out")
    assert upstreams.copilot.calls == calls


def test_actions_that_are_for_files_say_so_in_a_cell(asking: Asking) -> None:
    asking.open_notebook("analysis.ipynb")
    asking.select_in_cell("load")
    asking.window.command("AI Gateway: Improve")
    asking.window.notification("This is for files only.").wait_for()
    asking.window.command("Notifications: Clear All Notifications")


def test_selected_output_goes_along_and_nothing_can_be_put_into_it(asking: Asking, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced("x = 1"))
    asking.window.command("AI Gateway: Show the Log")
    asking.window.page.locator(".panel .monaco-editor .view-line").first.click()
    asking.window.page.keyboard.press("Control+A")
    turn = asking.ask_by_key("What went wrong?", about=re.compile(r"AI Gateway\.log \(output\):1-\d+"))
    expect(turn).to_contain_text("x = 1")
    assert "[info] Python 3." in told(upstreams)
    expect(turn.get_by_role("button", name="Insert at the cursor")).to_be_visible()
    expect(turn.get_by_role("button", name="Apply")).to_have_count(0)
    asking.window.screenshot("context-output-answer")


def test_another_version_of_a_file_is_asked_about_as_it_stands_there(asking: Asking, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced("max()"))
    asking.window.editor.open("shop.py")
    asking.window.command("Git: Open File (HEAD)")
    asking.window.page.locator(".tab.active", has_text="HEAD").wait_for()
    asking.window.editor.select_lines(1, 2)
    turn = asking.ask_by_key("What did it do?", about="shop.py (git):1-2")
    expect(turn).to_contain_text("max()")
    assert "return max(" in told(upstreams)
    expect(turn.get_by_role("button", name="Apply")).to_have_count(0)
    asking.window.screenshot("context-head")


def test_the_code_is_shown_where_it_is_by_now(asking: Asking, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("It adds up.")
    asking.window.editor.open("shop.py")
    asking.window.editor.select_lines(1, 2)
    turn = asking.ask_by_key("What does it do?", about="shop.py:1-2")
    expect(turn).to_contain_text("It adds up.")
    asking.window.editor.open("shop.py")
    asking.window.editor.replace("shop.py", f"import prices\n\n\n{SHOP}")
    turn.get_by_role("button", name="shop.py:1-2").click()
    selected = asking.window.page.locator(".statusbar-item").filter(has_text="Ln 5, Col 45 (")
    expect(selected).to_be_visible()


def test_what_has_no_text_is_said_to_have_none(asking: Asking) -> None:
    asking.window.command("Preferences: Open Settings (UI)")
    asking.window.page.keyboard.press(ASK)
    expect(asking.frame.get_by_text("No code goes along with the question")).to_be_visible()
    asking.window.screenshot("context-none")


def test_of_a_long_conversation_the_oldest_turns_are_not_sent_and_the_view_says_so(
    asking: Asking, upstreams: Upstreams
) -> None:
    for question in ("A first question?", "A second question?"):
        upstreams.copilot.reply("x" * 60_000)
        expect(asking.ask(question).get_by_role("button", name="Ask again")).to_be_visible()
    upstreams.copilot.reply("A third answer.")
    turn = asking.ask("A third question?")
    expect(turn).to_contain_text("its oldest question and answer were not sent along")
    asking.window.screenshot("context-long")
    contents = [message["content"] for message in messages(upstreams)]
    assert contents == ["A second question?", "x" * 60_000, "A third question?"]
