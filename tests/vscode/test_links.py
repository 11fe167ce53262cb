"""Answers as they are shown: links are followed only to where they may lead, and what is shown already stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Locator, expect

from ai_gateway.fakes.faults import Fault
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

SHOP = "".join(f"line_{number} = {number}\n" for number in range(1, 31))
LINKS = """See [twelve](shop.py:12), [a column](shop.py:7:3), [some lines](src/cart.py#L3-L5), [a folder](src).

Not [a command](command:workbench.action.toggleSidebarVisibility), [a script](javascript:alert(1)),
[outside](../secret.py), [far away]({secret}), [nothing](missing.py:3) or Map<string:number>.
"""
LIST = """Do this:

1. First, run

   ```sh
   make all
   ```

2. Second, look at *each*:
   - one
   - two
3. Third

| name | price |
| :--- | ----: |
| tea  |  1.50 |
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project; a file lies beside it that no link may open."""
    folder = tmp_path_factory.mktemp("links") / "project"
    (folder / "src").mkdir(parents=True)
    (folder.parent / "secret.py").write_text("secret = 1\n")
    (folder / "src" / "cart.py").write_text(SHOP)
    return folder


@pytest.fixture(scope="module")
def shared(workbench: Workbench, folder: Path) -> Iterator[Window]:
    """One window for all tests."""
    with workbench.window(folder, {"shop.py": SHOP}) as window:
        yield window


@pytest.fixture
def view(shared: Window) -> FrameLocator:
    """The answer view with no conversation."""
    shared.command("AI Gateway: New Conversation")
    view = shared.webview("Answer")
    expect(view.get_by_role("textbox", name="Question")).to_be_focused()
    return view


@pytest.fixture
def links(view: FrameLocator, upstreams: Upstreams, folder: Path) -> Locator:
    """An answer full of links."""
    upstreams.copilot.reply(LINKS.replace("{secret}", str(folder.parent / "secret.py")))
    answer = asked(view, "Where?")
    expect(answer).to_contain_text("Map<string:number>")
    return answer


def asked(view: FrameLocator, question: str) -> Locator:
    box = view.get_by_role("textbox", name="Question")
    box.fill(question)
    box.press("Enter")
    return view.get_by_role("article", name=question).locator(".markdown")


@pytest.mark.parametrize(
    ("link", "name", "place"),
    [
        ("twelve", "shop.py", "Ln 12, Col 1"),
        ("a column", "shop.py", "Ln 7, Col 3"),
        ("some lines", "src/cart.py", "Ln 5, Col 11 (32 selected)"),
    ],
)
def test_a_link_opens_a_file_of_the_project_at_its_lines(
    links: Locator, shared: Window, link: str, name: str, place: str
) -> None:
    links.get_by_role("link", name=link).click()
    expect(shared.editor.showing(name)).to_be_visible()
    expect(shared.page.locator(".statusbar-item").filter(has_text=place)).to_be_visible()
    shared.command("View: Close All Editors")


def test_a_link_to_a_folder_shows_it(links: Locator, shared: Window) -> None:
    links.get_by_role("link", name="a folder").click()
    expect(shared.page.locator(".explorer-folders-view .focused").filter(has_text="src")).to_be_visible()


def test_a_link_that_leads_elsewhere_is_not_followed_and_it_is_said_why(
    links: Locator, shared: Window, view: FrameLocator
) -> None:
    notice = view.get_by_role("status").filter(has=view.get_by_role("button", name="Dismiss"))
    side_bar = shared.page.locator("#workbench\\.parts\\.sidebar")
    expect(side_bar).to_be_visible()
    for link, said in {
        "a command": "command:workbench.action.toggleSidebarVisibility",
        "outside": "There is no ../secret.py in this workspace.",
        "a script": "javascript:alert(1)",
        "far away": "secret.py in this workspace.",
        "nothing": "There is no missing.py in this workspace.",
    }.items():
        links.get_by_role("link", name=link).click()
        expect(notice).to_contain_text(said)
    expect(side_bar).to_be_visible()
    expect(shared.page.locator(".tab")).to_have_count(0)
    expect(links.locator("a")).to_have_count(9)
    shared.screenshot("answer-links")


def test_what_is_shown_of_a_list_stays_while_more_of_it_comes(view: FrameLocator, upstreams: Upstreams) -> None:
    more = asyncio.Event()
    begun, *_ = LIST.partition(" at *each*")
    upstreams.copilot.reply(chunks=[begun, LIST.removeprefix(begun)])
    upstreams.copilot.fault(Fault.stall(after=1, until=more))
    answer = asked(view, "How?")
    expect(answer.locator("li")).to_have_count(2)
    shell = answer.get_by_role("group", name="Code in sh")
    expect(shell).to_contain_text("make all")
    shell.evaluate("element => { element.isTheSame = true; }")
    upstreams.run(happened(more))
    expect(answer.get_by_role("cell", name="1.50")).to_have_css("text-align", "right")
    assert shell.evaluate("element => element.isTheSame") is True
    expect(answer.locator("ol > li")).to_have_count(3)
    expect(answer.locator("ol > li > ul > li")).to_have_text(["one", "two"])
    expect(shell.get_by_role("button", name="Copy")).to_be_attached()


async def happened(event: asyncio.Event) -> None:
    """Set it in the upstreams' own thread."""
    event.set()
