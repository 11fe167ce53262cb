"""Models both ways: those that the editor lends, and the chain as a model and as a participant of its chat."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, expect

from ai_gateway.fakes import Fault
from vscode.code_server import Options
from vscode.packing import packed_beside
from vscode.themes import Theme
from vscode.tools import Tools
from vscode.trying import until
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

HERE = Path(__file__).parent
STATUS = "ai-gateway.ai-gateway.aiGateway.status"


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    return Options(environ=upstreams.environ, chat=True, settings={"aiGateway.editor.vendor": "lender"})


@pytest.fixture(scope="module")
def lender(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extension that lends a model, and asks the models that others offer."""
    return packed_beside(tools, HERE / "lender", tmp_path_factory.mktemp("lender"))


@pytest.fixture(scope="module")
def workbench(browser: Browser, tools: Tools, options: Options, vsix: Path, lender: Path) -> Iterator[Workbench]:
    with TemporaryDirectory() as place, Workbench(browser, tools, Path(place), options, vsix, lender) as workbench:
        yield workbench


@pytest.fixture
def window(workbench: Workbench, project: Path) -> Iterator[Window]:
    with workbench.window(project) as window:
        expect(window.status_item(STATUS).button).to_have_attribute("aria-label", re.compile("Copilot in VS Code"))
        yield window


def told(project: Path, **wanted: object) -> None:
    """Tell the lender what to do."""
    (project / "lender.json").write_text(json.dumps(wanted), "utf-8")


def seen(project: Path) -> list[dict[str, object]]:
    """What the lender saw."""
    path = project / "lender.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def test_the_participant_is_answered_by_the_model_that_the_editor_lends(window: Window, project: Path) -> None:
    answer = window.chat.ask("@gateway What is a breaker?")
    expect(answer).to_contain_text("Lent answer.")
    expect(answer).to_contain_text("Copilot in VS Code · lent-family · ")
    expect(window.status_item(STATUS).hover()).to_contain_text("lent\u2011family")  # which breaks no line
    assert any("What is a breaker?" in str(each.get("asked")) for each in seen(project))


@pytest.mark.parametrize("error", ["NoPermissions", "Blocked", "ChatQuotaExceeded", "ChatRateLimited", "NotFound"])
def test_a_refusal_of_the_editor_leads_to_the_next_tier(
    window: Window, project: Path, upstreams: Upstreams, error: str
) -> None:
    upstreams.copilot.reply("Copilot itself answers.")
    told(project, fail=error)
    answer = window.chat.ask(f"@gateway What is a {error}?")
    expect(answer).to_contain_text("Copilot itself answers.")


def test_stopping_the_chat_cancels_the_model_that_was_lent(window: Window, project: Path) -> None:
    told(project, hang=True)
    answer = window.chat.ask("@gateway Go on for ever")
    expect(answer).to_contain_text("Lent answer.")
    window.chat.stop()
    until(lambda: {"cancelled": True} in seen(project), window.page, "the cancel")


def test_where_a_tier_broke_off_the_chat_shows_a_seam_and_then_a_whole_answer(
    window: Window, project: Path, upstreams: Upstreams
) -> None:
    told(project, fail="NotFound")
    upstreams.copilot.reply("Half of it is not enough.")
    upstreams.copilot.fault(Fault.cut(after=2), times=None)
    upstreams.openai.reply("All of it is here.")
    answer = window.chat.ask("@gateway Tell me all of it")
    expect(answer.get_by_text("Copilot · gpt-4o broke off: what stands above does not count")).to_be_visible()
    expect(answer).to_contain_text("All of it is here.")
    window.screenshot("chat-seam", *Theme)


def test_private_questions_reach_local_models_only(window: Window, project: Path, upstreams: Upstreams) -> None:
    upstreams.ollama.reply("This stays here.")
    asked_before = upstreams.copilot.calls, upstreams.openai.calls
    answer = window.chat.ask("@gateway /private Who am I?")
    expect(answer).to_contain_text("This stays here.")
    assert (upstreams.copilot.calls, upstreams.openai.calls) == asked_before
    assert not any("asked" in each for each in seen(project))
    expect(window.chat.ask("@gateway What is a breaker?")).to_contain_text("Lent answer.")
    (openly,) = [str(each["asked"]) for each in seen(project) if "asked" in each]
    assert "What is a breaker?" in openly
    assert [private for private in ("Who am I?", "This stays here.") if private in openly] == []


def test_what_was_private_by_the_setting_stays_so_once_that_is_off(
    window: Window, project: Path, upstreams: Upstreams
) -> None:
    window.command("AI Gateway: Switch Private Mode")
    expect(window.status_item(STATUS).item).to_have_text("Local only: Ollama")
    upstreams.ollama.reply("This stays here, too.")
    expect(window.chat.ask("@gateway Who was I?")).to_contain_text("This stays here, too.")
    window.command("AI Gateway: Switch Private Mode")
    expect(window.status_item(STATUS).item).to_have_text("Copilot in VS Code")
    expect(window.chat.ask("@gateway What is a breaker?")).to_contain_text("Lent answer.")
    (openly,) = [str(each["asked"]) for each in seen(project) if "asked" in each]
    assert "What is a breaker?" in openly
    assert [private for private in ("Who was I?", "This stays here, too.") if private in openly] == []


def test_health_and_explanations_are_told_in_the_chat(window: Window) -> None:
    window.chat.ask("@gateway What is a breaker?")
    health = window.chat.ask("@gateway /health ")
    expect(health.get_by_role("row").nth(1)).to_have_text(re.compile(r"Copilot in VS Code\s*lent-family\s*ready"))
    expect(health.get_by_role("row").nth(2)).to_have_text(re.compile(r"Copilot\s*gpt-4o\s*ready"))
    window.screenshot("chat-health")
    expect(window.chat.ask("@gateway /explain ")).to_contain_text("What happened")
    window.screenshot("chat-explain")


def test_other_extensions_can_ask_the_chain_which_does_not_ask_back(
    window: Window, project: Path, upstreams: Upstreams
) -> None:
    upstreams.copilot.reply("A switch that opens by itself.")
    window.command("Lender: Ask the Chain")
    until(lambda: len([each for each in seen(project) if "answer" in each]) == 2, window.page, "two answers")
    whole = [each for each in seen(project) if each.get("id") == "failover-whole"]
    assert {each.get("answer") for each in seen(project)} == {"A switch that opens by itself."}
    assert whole[0]["pieces"] == 1
    assert not any("asked" in each for each in seen(project)), "the chain asked the model of who had asked it"
