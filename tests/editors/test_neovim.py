"""What Neovim does otherwise than Vim."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI
from editors.test_vim_and_neovim import Run
from editors.vi import NEOVIM


@pytest.fixture
def run(environ: dict[str, str], project: Path) -> Run:
    return partial(NEOVIM.running, environ=environ, folder=project)


async def test_checkhealth_says_what_to_do_about_a_server_that_is_not_installed(run: Run) -> None:
    script = "checkhealth ai_gateway\ncall Tell(Text())"
    async with run(script, settings=NEOVIM.with_server("no-such-gateway")) as editor:
        report = await editor.told()
    assert "no-such-gateway is not to be found" in report
    assert "setup({ cmd = " in report
    assert "pip install" not in report


async def test_checkhealth_says_which_tiers_are_there(run: Run) -> None:
    async with run("checkhealth ai_gateway\ncall Tell(Text())") as editor:
        report = await editor.told()
    assert "ai-gateway 0." in report
    assert "cloud: openai is there" in report


async def test_the_server_starts_with_the_first_file(run: Run) -> None:
    async with run("call Tell(Wait('status', {-> Statusline()}))") as editor:
        assert await editor.told() == "AI openai"


async def test_the_settings_of_setup_reach_the_server_and_one_server_serves_two_projects(
    run: Run, upstream: FakeOpenAI, project: Path
) -> None:
    for name in ("first", "second"):
        (project / name / ".git").mkdir(parents=True)
        (project / name / "a.py").write_text("a = 1\n", "utf-8")
    settings = NEOVIM.settings.replace("setup({})", 'setup({ settings = { openai = { model = "gpt-4.1" } } })')
    script = """
    edit first/a.py
    call Wait('status', {-> Statusline()})
    edit second/a.py
    AiAsk why?
    call Tell(Shown('tokens'))
    call Wait('the end', {-> filereadable('../end')})
    """
    async with run(script, settings=settings) as editor:
        assert "openai (gpt-4.1" in await editor.told()
        assert len(editor.servers()) == 1
        (project.parent / "end").touch()
        assert await editor.exit_code() == 0
    assert editor.said == ""
    assert upstream.requests[-1].json["model"] == "gpt-4.1"


async def test_the_actions_around_the_cursor_are_those_for_a_range(run: Run) -> None:
    script = """
    2
    AiActions
    call Tell(Menu())
    lua Menu = nil
    1,2AiActions
    call Tell(Menu())
    """
    async with run(script) as editor:
        around = await editor.told()
        assert around == await editor.told()
        assert {"Explain", "Document", "Write tests", "Improve / simplify"} <= set(around)


async def test_a_question_about_a_selection_is_typed_and_its_answer_opens_beside_the_code(
    run: Run, upstream: FakeOpenAI
) -> None:
    upstream.reply("It *subtracts*.")
    script = """
    lua vim.ui.input = function(_, answer) answer("What is a bee?") end
    lua vim.fn.input = function() return "What is a bee?" end
    1,2AiActions
    call Pick('Ask about')
    call Wait('a window', {-> winnr('$') > 1})
    call Tell(Shown('openai'))
    normal q
    call Tell(winnr('$'))
    """
    async with run(script) as editor:
        assert (await editor.told()).startswith("It *subtracts*.\n\n---\n")
        assert await editor.told() == 1
    prompt = str(upstream.requests[-1].json["messages"])
    assert "What is a bee?" in prompt
    assert "return a - b" in prompt
