"""Code proposed where somebody types, by the local model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from vscode.code_server import Options
from vscode.trying import SOON_MS, until_done
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
ENABLED = "aiGateway.completion.enabled"
ADD = "def add(a, b):\n    return\n\n\nprint(add(1, 2))\n"
FILLED = ADD.replace("return\n", "return a + b\n")
PATIENT = {"aiGateway.completion.firstTokenSeconds": 20, "aiGateway.completion.timeoutSeconds": 25}


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    """Only what costs nothing proposes, and it has the time that this machine needs."""
    settings = {ENABLED: True, "aiGateway.completion.dearest": "free", **PATIENT}
    return Options(environ=upstreams.environ, settings=settings)


@pytest.fixture(scope="module")
def shared(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests."""
    with workbench.window(tmp_path_factory.mktemp("project"), {"add.py": ADD}) as window:
        expect(window.status_item(STATUS).item).to_have_text("Copilot")
        yield window


def type_after_return(window: Window) -> None:
    window.editor.open("add.py")
    window.editor.go_to(2, 11)
    window.page.keyboard.type(" ")


def proposal(window: Window) -> Locator:
    """What is proposed in the line of the cursor."""
    return window.editor.showing("add.py").locator("[class*='ghost-text']").first


def test_what_the_local_model_proposes_is_shown_where_somebody_types_and_taken_with_tab(
    shared: Window, upstreams: Upstreams
) -> None:
    upstreams.ollama.reply("a + b")
    type_after_return(shared)

    def type_on() -> None:
        """Nobody waits for a model that has to be loaded first; it is there when one types on."""
        shared.page.keyboard.press("Backspace")
        shared.page.keyboard.type(" ")
        proposal(shared).wait_for(timeout=SOON_MS)

    until_done(type_on, "a proposal")
    shared.screenshot("inline-completion")
    assert "return a + b" in shared.editor.text("add.py")
    shared.page.keyboard.press("Tab")
    expect(proposal(shared)).to_have_count(0)
    shared.editor.save()
    assert (shared.folder / "add.py").read_text("utf-8") == FILLED
    asked = upstreams.ollama.requests[-1].fields
    assert "def add(a, b):" in str(asked)
    assert (upstreams.copilot.calls, upstreams.openai.calls) == (0, 0)


def test_nothing_is_proposed_once_it_is_switched_off(shared: Window, upstreams: Upstreams) -> None:
    shared.change_settings({ENABLED: None})
    upstreams.ollama.reply("a + b")
    calls = upstreams.ollama.calls
    shared.editor.open("add.py")
    shared.editor.replace("add.py", ADD)
    type_after_return(shared)
    shared.command("Trigger Inline Suggestion")
    shared.command("AI Gateway: Check All Providers")
    expect(shared.notification("Ollama can be reached")).to_be_visible()
    expect(proposal(shared)).to_have_count(0)
    assert upstreams.ollama.calls == calls
