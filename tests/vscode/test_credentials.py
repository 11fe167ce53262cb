"""Accounts and keys: signing in, entering keys, finding them where they do not belong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from vscode.asking import ask
from vscode.code_server import Options
from vscode.themes import Theme
from vscode.tools import Tools
from vscode.trying import until
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
GITHUB = Path(__file__).parent / "github"
KEY = "sk-proj-entered-by-hand"
SESSION = "gho_of_vscode"
STRAY = "sk-proj-left-in-settings"


@pytest.fixture(scope="module")
def builtin(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extensions that VS Code brings, with another sign-in to GitHub."""
    place = tmp_path_factory.mktemp("builtin")
    for extension in (tools.code_server.parents[2] / "lib/vscode/extensions").iterdir():
        if extension.name != "github-authentication":
            (place / extension.name).symlink_to(extension)
    shutil.copytree(GITHUB, place / "github-authentication")
    return place


@pytest.fixture(scope="module")
def options(upstreams: Upstreams, builtin: Path) -> Options:
    """Nobody is signed in, and there is no key. GitHub's web host is its own; its API is here."""
    known = {"GITHUB_COPILOT_API_URL", "OPENAI_BASE_URL", "OLLAMA_BASE_URL", "LOCAL_MODEL"}
    environ = {name: value for name, value in upstreams.environ.items() if name in known}
    settings = {"aiGateway.openai.apiKey": STRAY, "aiGateway.trace.server": "verbose"}
    return Options(environ=environ, settings=settings, builtin=builtin)


@pytest.fixture(scope="module")
def shared(workbench: Workbench, upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One window for all tests: what is entered in it stays."""
    upstreams.copilot.oauth_tokens.add(SESSION)
    upstreams.openai.api_key = KEY
    with workbench.window(tmp_path_factory.mktemp("project")) as window:
        yield window
        forget_what_vs_code_asks_github_itself(window)


def forget_what_vs_code_asks_github_itself(window: Window) -> None:
    """Once there is an account, VS Code looks whether it has Copilot."""
    for heard in (window.complaints, window.strangers):
        heard[:] = [each for each in heard if "api.github.com/copilot_internal/user" not in each]


def told(window: Window, text: str) -> None:
    expect(window.notification(text)).to_be_visible()
    window.command("Notifications: Clear All Notifications")


def test_a_key_in_settings_json_is_moved_to_where_secrets_are_kept(shared: Window, upstreams: Upstreams) -> None:
    found = shared.notification("settings.json holds API keys")
    expect(found).to_be_visible()
    shared.screenshot("migration")
    shared.press(found, "Move to Secret Storage")
    told(shared, "removed from settings.json")
    until(lambda: STRAY not in shared.server.settings_path.read_text("utf-8"), shared.page, "removing the key")
    expect(shared.status_item(STATUS).item).to_contain_text("OpenAI")
    shared.command("AI Gateway: Check All Providers")
    until(lambda: any(request.bearer == STRAY for request in upstreams.openai.requests), shared.page, "using the key")
    shared.command("Notifications: Clear All Notifications")


def test_a_key_is_entered_checked_and_used(shared: Window, upstreams: Upstreams) -> None:
    shared.command("AI Gateway: Enter an API Key…")
    expect(shared.quick_input.row("OpenAI")).to_contain_text("has a key")
    shared.screenshot("enter-a-key")
    shared.quick_input.pick("OpenAI")
    shared.quick_input.field.fill("AIza not a key")
    expect(shared.quick_input.box).to_contain_text("A key holds no spaces")
    shared.quick_input.field.fill("AIzaSomething")
    expect(shared.quick_input.box).to_contain_text("usually begin with sk-")
    shared.screenshot("enter-a-key-warning")
    assert shared.quick_input.field.get_attribute("type") == "password"
    shared.quick_input.answer(KEY)
    told(shared, "OpenAI answers, and accepts it")
    assert any(request.bearer == KEY for request in upstreams.openai.requests)


def test_a_key_that_is_refused_is_named_with_its_reason(shared: Window, upstreams: Upstreams) -> None:
    upstreams.openai.api_key = "sk-another"
    shared.command("AI Gateway: Enter an API Key…")
    shared.quick_input.pick("OpenAI")
    shared.quick_input.answer(KEY + "-wrong")
    told(shared, "OpenAI can't be used yet")
    upstreams.openai.api_key = KEY


def test_the_account_of_vs_code_is_used_after_one_question(shared: Window, upstreams: Upstreams) -> None:
    shared.command("AI Gateway: Sign In to GitHub Copilot")
    road = shared.quick_input.rows.filter(has_text="Use the GitHub account of VS Code")
    expect(road).to_be_visible()
    shared.screenshot("sign-in")
    road.click()
    expect(shared.dialog).to_contain_text("AI Gateway")
    shared.screenshot("sign-in-consent")
    shared.press(shared.dialog, "Allow")
    told(shared, "Signed in to GitHub as octocat")
    assert upstreams.copilot.exchanges == 1


def test_who_has_signed_out_is_not_signed_in_again_before_they_say_so(shared: Window, upstreams: Upstreams) -> None:
    shared.command("AI Gateway: Sign Out of GitHub Copilot")
    told(shared, "AI Gateway has no token of GitHub Copilot any more")
    shared.command("AI Gateway: Restart the Server")
    before = upstreams.copilot.calls
    expect(shared.status_item(STATUS).item).to_have_text("OpenAI (Copilot signed out)")
    ask(shared, "Who answers?")
    assert upstreams.copilot.calls == before
    shared.command("AI Gateway: Sign In to GitHub Copilot")
    shared.quick_input.rows.filter(has_text="Use the GitHub account of VS Code").click()
    told(shared, "Signed in to GitHub as octocat")


def test_the_session_is_handed_over_again_without_a_question_and_ends_with_that_of_vs_code(
    shared: Window, upstreams: Upstreams
) -> None:
    before = upstreams.copilot.exchanges
    shared.command("AI Gateway: Restart the Server")
    expect(shared.status_item(STATUS).item).to_have_text("Copilot")
    assert shared.dialog.count() == 0
    ask(shared, "Who answers?")
    assert upstreams.copilot.exchanges == before + 1
    shared.command("GitHub: End the Session")
    expect(shared.status_item(STATUS).item).to_contain_text("OpenAI")


def test_the_settings_have_groups_links_and_words(shared: Window) -> None:
    shared.command("AI Gateway: Open Settings")
    settings = shared.page.locator(".settings-editor")
    expect(settings.get_by_text("Who Answers", exact=True).first).to_be_visible()
    shared.screenshot("settings", Theme.LIGHT, Theme.DARK)
    settings.locator(".settings-header .monaco-editor").click()
    shared.page.keyboard.press("Control+a")
    shared.page.keyboard.type("aiGateway.openai.enabled")
    link = settings.get_by_role("link", name="Enter its key")
    link.click()
    expect(shared.quick_input.box).to_contain_text("API Key of OpenAI")
    shared.quick_input.dismiss()


def test_no_credential_is_in_the_log_or_in_settings_json(shared: Window) -> None:
    written = shared.server.output("AI Gateway") + shared.server.settings_path.read_text("utf-8")
    assert [secret for secret in (KEY, SESSION, STRAY) if secret in written] == []
    assert "→ ai/signIn" in written
    assert "→ ai/settings" in written
