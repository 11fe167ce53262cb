"""The server's code actions: from the lightbulb, the context menu and the palette, with VS Code's own preview."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from ai_gateway.fakes import Fault
from support.repositories import repo_with_topic
from vscode.editor import REFACTOR
from vscode.trying import until
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

SHOP = """def total(items):
    result = 0
    for item in items:
        result += item.price
    return result


# add one and two
print(total([]))
"""
SHORTER = "def total(items):\n    return sum(item.price for item in items)"
DOCUMENTED = SHOP.split("\n\n\n", maxsplit=1)[0].replace("(items):", '(items):\n    """Add up the prices."""')
PRICES = '{\n  "apple": 1,\n  "pear": 2,\n}\n'
PEARS = "def pears():\n    return 2\n"
GENERAL = ("Explain", "Document", "Write tests", "Improve / simplify", "Ask about selection…")
CHANGED = "The document has changed meanwhile."


def fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}\n```"


@pytest.fixture(scope="module")
def shared(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests."""
    files = {
        "shop.py": SHOP,
        "pears.py": PEARS,
        "prices.json": PRICES,
        "keys.py": "KEY = 1\n",
        ".aiexclude": "keys.py\n",
    }
    with workbench.window(tmp_path_factory.mktemp("project"), files) as window:
        yield window


@pytest.fixture
def shop(shared: Window) -> Window:
    """The shop as it was at first, alone, with nothing selected; no test saves anything."""
    while shared.page.locator(".tab.dirty").count():
        shared.command("View: Revert and Close Editor")
    shared.command("View: Close All Editors")
    shared.command("Notifications: Clear All Notifications")
    shared.editor.open("shop.py")
    until(lambda: shared.editor.text("shop.py").strip() == SHOP.strip(), shared.page, "the shop as it was")
    return shared


def select_total(window: Window) -> None:
    window.editor.select_lines(1, 5)


def becomes(window: Window, text: str, name: str = "shop.py") -> None:
    until(lambda: window.editor.text(name).strip() == text.strip(), window.page, f"{name} to become {text!r}")


def told(window: Window) -> Locator:
    """What is said in notifications."""
    return window.page.locator(".notifications-toasts .notification-toast")


async def happened(event: asyncio.Event) -> None:
    """Set it in the upstreams' own thread."""
    event.set()


def test_an_improvement_is_previewed_accepted_and_undone_in_one_step(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced(SHORTER))
    select_total(shop)
    rows = shop.editor.code_actions()
    for title in GENERAL:
        expect(rows.filter(has_text=title)).to_have_count(1)
    shop.screenshot("code-actions")
    rows.filter(has_text="Improve / simplify").click()
    expect(shop.refactor_preview.rows.filter(has_text="return sum(item.price").first).to_be_visible()
    shop.screenshot("code-action-preview")
    becomes(shop, SHOP)
    shop.refactor_preview.accept()
    becomes(shop, SHOP.replace(SHOP.split("\n\n\n", maxsplit=1)[0], SHORTER))
    shop.editor.showing("shop.py").locator(".view-line").first.click()
    shop.page.keyboard.press("Control+Z")
    becomes(shop, SHOP)


def test_an_edit_that_is_discarded_changes_nothing_and_bothers_nobody(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced(SHORTER))
    select_total(shop)
    shop.editor.code_action("Improve / simplify", key=REFACTOR)
    expect(shop.refactor_preview.rows.first).to_be_visible()
    shop.refactor_preview.discard()
    expect(shop.refactor_preview.rows).to_have_count(0)
    expect(shop.page.get_by_text("AI Gateway: the edit was not applied")).to_be_visible()
    expect(told(shop)).to_have_count(0)
    expect(shop.page.locator(".tab")).to_have_count(1)
    becomes(shop, SHOP)


def test_an_edit_that_was_discarded_waits_among_the_code_actions(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced(SHORTER))
    select_total(shop)
    shop.editor.code_action("Improve / simplify")
    shop.refactor_preview.discard()
    expect(shop.refactor_preview.rows).to_have_count(0)
    calls = upstreams.copilot.calls
    select_total(shop)
    shop.editor.code_action("Apply: Improve / simplify")
    shop.refactor_preview.accept()
    until(lambda: "return sum(" in shop.editor.text("shop.py"), shop.page, "the edit")
    assert upstreams.copilot.calls == calls


def test_the_context_menu_documents_what_is_around_the_cursor(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced(DOCUMENTED))
    shop.editor.go_to(2, 6)
    shop.editor.showing("shop.py").get_by_text("result").first.click(button="right")
    shop.page.get_by_role("menuitem", name="AI Gateway").click()
    shop.page.get_by_role("menuitem", name="Document", exact=True).hover()
    shop.screenshot("code-action-menu")
    shop.page.keyboard.press("Enter")
    shop.refactor_preview.accept()
    until(lambda: '"""Add up the prices."""' in shop.editor.text("shop.py"), shop.page, "the documentation")


def test_a_problem_is_fixed_and_the_model_is_told_of_it(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced(PRICES.replace("2,", "2").strip(), "json"))
    shop.editor.open("prices.json")
    expect(shop.editor.showing("prices.json").locator(".squiggly-error")).to_be_visible()
    shop.editor.select_lines(1, 4)
    shop.editor.code_action("Fix this problem")
    shop.refactor_preview.accept()
    becomes(shop, PRICES.replace("2,", "2"), "prices.json")
    assert "Trailing comma" in str(upstreams.copilot.requests[-1].json)


def test_a_problem_is_fixed_from_the_palette_too(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced(PRICES.replace("2,", "2").strip(), "json"))
    shop.editor.open("prices.json")
    expect(shop.editor.showing("prices.json").locator(".squiggly-error")).to_be_visible()
    shop.editor.select_lines(1, 4)
    shop.command("AI Gateway: Fix This Problem")
    shop.refactor_preview.accept()
    becomes(shop, PRICES.replace("2,", "2"), "prices.json")
    assert "Trailing comma" in str(upstreams.copilot.requests[-1].json)


def test_tests_become_a_new_file_that_is_opened(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced("from shop import total\n\n\ndef test_total():\n    assert total([]) == 0"))
    select_total(shop)
    shop.editor.code_action("Write tests")
    expect(shop.refactor_preview.rows.filter(has_text="test_shop.py").first).to_be_visible()
    shop.refactor_preview.accept()
    shop.editor.showing("test_shop.py").wait_for()
    until(lambda: "assert total([]) == 0" in shop.editor.text("test_shop.py"), shop.page, "the tests")


def test_tests_that_were_discarded_wait_among_the_code_actions(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced("from pears import pears\n\n\ndef test_pears():\n    assert pears() == 2"))
    shop.editor.open("pears.py")
    shop.editor.select_lines(1, 2)
    shop.editor.code_action("Write tests")
    shop.refactor_preview.discard()
    expect(shop.refactor_preview.rows).to_have_count(0)
    tests = shop.folder / "test_pears.py"
    assert not tests.exists()
    shop.editor.select_lines(1, 2)
    shop.editor.code_action("Apply: Write tests")
    shop.refactor_preview.accept()
    until(tests.exists, shop.page, "the file")
    shop.editor.open("test_pears.py")
    until(lambda: "assert pears() == 2" in shop.editor.text("test_pears.py"), shop.page, "the tests")


def test_what_a_comment_says_is_done_below_it(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(fenced("three = 1 + 2"))
    shop.editor.go_to(8, 5)
    shop.editor.code_action("Do what the comment says", key=REFACTOR)
    shop.refactor_preview.accept()
    becomes(shop, SHOP.replace("# add one and two\n", "# add one and two\nthree = 1 + 2\n"))


def test_explain_and_ask_open_the_answer_view(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply("It adds up the prices.")
    select_total(shop)
    shop.editor.code_action("Explain")
    answer = shop.webview("Answer")
    expect(answer.get_by_role("article", name="Explain shop.py:1-5")).to_contain_text("It adds up the prices.")
    shop.editor.open("shop.py")
    select_total(shop)
    shop.editor.code_action("Ask about selection…")
    expect(answer.get_by_role("textbox", name="Question")).to_be_focused()
    expect(answer.get_by_role("button", name="Remove code from the question: shop.py:1-5")).to_be_visible()
    assert [*shop.folder.glob("*.md")] == []


def test_a_document_that_was_changed_meanwhile_is_left_alone_and_the_answer_is_shown(
    shop: Window, upstreams: Upstreams
) -> None:
    typed = asyncio.Event()
    upstreams.copilot.fault(Fault.hold(typed))
    upstreams.copilot.reply(fenced(SHORTER))
    select_total(shop)
    calls = upstreams.copilot.calls
    shop.editor.code_action("Improve / simplify")
    upstreams.run(upstreams.copilot.wait_for(lambda: upstreams.copilot.calls > calls))
    shop.editor.go_to(7)
    shop.page.keyboard.type("typed = 1")
    becomes(shop, SHOP.replace("\n\n\n#", "\n\ntyped = 1\n#"))
    upstreams.run(happened(typed))
    expect(told(shop).filter(has_text=CHANGED)).to_have_count(1)
    expect(shop.page.locator(".tab.active")).to_contain_text("improve-shop.py")
    shop.command("View: Close Editor")
    becomes(shop, SHOP.replace("\n\n\n#", "\n\ntyped = 1\n#"))


def test_what_is_written_is_cancelled_where_its_progress_is_shown(shop: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.fault(Fault.stall(after=1))
    before = upstreams.copilot.disconnects
    select_total(shop)
    shop.editor.code_action("Improve / simplify")
    progress = shop.page.locator(".statusbar-item").filter(has_text="AI Gateway: Improve / simplify")
    expect(progress).to_contain_text("copilot: gpt-4o answers")
    progress.click()
    shop.screenshot("code-action-progress")
    shop.page.locator(".notifications-center").get_by_role("button", name="Cancel", exact=True).click()
    upstreams.run(upstreams.copilot.wait_for(lambda: upstreams.copilot.disconnects > before))
    expect(progress).to_have_count(0)
    expect(told(shop)).to_have_count(0)
    becomes(shop, SHOP)


def test_in_a_file_that_is_kept_out_nothing_is_done_and_it_is_said_why(shop: Window, upstreams: Upstreams) -> None:
    before = upstreams.copilot.calls
    shop.editor.open("keys.py")
    shop.editor.select_lines(1, 1)
    rows = shop.editor.code_actions(REFACTOR)
    expect(rows.first).to_be_visible()
    shop.screenshot("code-actions-kept-out")
    for title in ("Document", "Improve / simplify"):
        expect(rows.filter(has_text=title).and_(shop.page.locator(":not(.option-disabled)"))).to_have_count(0)
    shop.page.keyboard.press("Escape")
    shop.command("AI Gateway: Improve")
    expect(told(shop)).to_contain_text("keys.py")
    shop.screenshot("code-action-kept-out")
    assert upstreams.copilot.calls == before


def test_drafts_open_as_documents(workbench: Workbench, upstreams: Upstreams, tmp_path: Path) -> None:
    repo = repo_with_topic(tmp_path / "repo")
    repo.stage("staged.py", "3\n")
    with workbench.window(repo.top) as window:
        upstreams.copilot.reply("Stage three\n\nIt was missing.")
        window.command("AI Gateway: Draft a Commit Message")
        message = window.page.locator(".editor-instance .view-lines").filter(has_text="Stage three")
        expect(message).to_contain_text("Assisted-by:")
        window.screenshot("draft-commit-message")
        assert "staged.py" in str(upstreams.copilot.requests[-1].json)
        upstreams.copilot.reply("Go on\n\nThat is all.")
        window.command("AI Gateway: Draft a Pull Request")
        request = window.page.locator(".editor-instance .view-lines").filter(has_text="Go on")
        expect(request).to_contain_text("That is all.")
        window.screenshot("draft-pull-request")
