"""The guide for Neovim, followed in the real editor."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOllama, FakeOpenAI, Fault
from editors.real_editor import RealEditor, gone, installed, running

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/editors/neovim.md").read_text("utf-8")
PRELUDE = Path(__file__).with_name("neovim.lua")
SOURCE = "def add(a, b):\n    return a - b\n\n\nprint(add(2, 3))\n"
MENDED = "Here it is:\n\n```python\ndef add(a, b):\n    return a + b  # 😀\n```\n"


@pytest.fixture
def nvim() -> str:
    return installed("nvim", "neovim")


def configuration() -> str:
    """What a new user puts into `init.lua`."""
    (shown, *_) = re.findall(r"```lua\n(.*?)```", GUIDE, re.DOTALL)
    return str(shown)


@asynccontextmanager
async def neovim(
    nvim: str, script: str, *, environ: Mapping[str, str], folder: Path, init: str = ""
) -> AsyncIterator[RealEditor]:
    """Neovim with a file open, as the guide sets it up, or in another way; it ends with the script."""
    init_file, script_file = folder.with_name("init.lua"), folder.with_name("script.lua")
    init_file.write_text(init or configuration(), "utf-8")
    script_file.write_text(script, "utf-8")
    scripts = [f"+luafile {PRELUDE}", f"+luafile {script_file}", "+qall!"]
    command = (nvim, "--headless", "-u", str(init_file), "adding.py", *scripts)
    async with running(*command, environ=environ, folder=folder) as editor:
        yield editor


SESSION = """
local ai = require("ai_gateway")
Wait("status", ai.status)
Tell(ai.statusline())

vim.cmd("AiHealth")
Tell(Shown("openai"))
vim.cmd("close")

vim.cmd("1,2AiAsk Why is it wrong?")
Shown("one two")
Tell("streaming")
Tell(ai.statusline())
Shown("three")
Tell(Shown("cloud: "))
vim.cmd("normal q")

vim.cmd("AiExplain")
Tell(Shown("What happened"))
vim.cmd("close")

vim.cmd("AiAsk again")
Shown("one two")
vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes("<C-c>", true, false, true), "xt", false)
Tell(Shown("stopped"))
Tell(ai.statusline())
Tell(Told)
"""


async def test_a_session_from_the_first_status_to_the_end(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    go_on = asyncio.Event()
    upstream.reply("one two three", finish_reason="stop")
    upstream.fault(Fault.stall(after=2, until=go_on))
    upstream.fault(Fault.stall(after=2))
    async with neovim(nvim, SESSION, environ=environ, folder=project) as editor:
        assert await editor.told() == "AI openai"
        assert "**cloud** openai (gpt-4o-mini): ready" in await editor.told()
        assert await editor.told() == "streaming"
        (server,) = editor.servers()
        assert await editor.told() == "AI openai …"
        go_on.set()
        answer = await editor.told()
        assert answer.startswith("# Why is it wrong?\n\none two three\n\n---\n*cloud: gpt-4o-mini")
        assert "openai" in await editor.told()
        stopped = await editor.told()
        assert stopped == "# again\n\none two\n\n---\n*stopped*"
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1
        assert await editor.told() == "AI openai"
        assert await editor.told() == []
        assert await editor.exit_code() == 0
        await gone(server)
    assert editor.said == ""
    prompt = str(upstream.requests[-2].json["messages"])
    assert "adding.py" in prompt
    assert "return a - b" in prompt
    assert "print" not in prompt
    assert "Why is it wrong?" in prompt


async def test_a_neovim_that_is_killed_in_the_middle_of_an_answer_leaves_no_server_behind(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.fault(Fault.stall(after=1))
    script = 'vim.cmd("AiAsk why?") Shown("Hello") Tell("streaming") Wait("the end", function() end)'
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        await editor.told()
        (server,) = editor.servers()
        editor.kill()
        await gone(server)
        await upstream.wait_until_idle()
    assert upstream.disconnects == 1


async def test_a_window_that_is_closed_while_an_answer_comes_stops_it(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.fault(Fault.stall(after=1))
    script = (
        'vim.cmd("AiAsk why?") Shown("Hello") vim.cmd("close") Tell("closed") Wait("q", function() return Quit end)'
    )
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        assert await editor.told() == "closed"
        await upstream.wait_until_idle()
    assert upstream.disconnects == 1


async def test_what_a_tier_said_before_it_broke_off_disappears(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.reply("half of an ans wer")
    upstream.fault(Fault.cut(after=2, reset=True), times=None)
    async with FakeOllama(models=["llama3"]) as local:
        local.reply("all of it")
        both = {**environ, "OLLAMA_BASE_URL": local.base_url, "AI_GATEWAY_ORDER": "cloud,local"}
        script = 'vim.cmd("AiAsk why?") Tell(Shown("local: "))'
        async with neovim(nvim, script, environ=both, folder=project) as editor:
            assert (await editor.told()).startswith("# why?\n\nall of it\n\n---\n*local: llama3")
            assert await editor.exit_code() == 0
    assert editor.said == ""


async def test_an_error_is_told_with_what_to_do(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.fault(Fault.status(401), times=None)
    script = 'vim.cmd("AiAsk why?") local page = Shown("No answer") Tell(Told) Tell(page)'
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        (complaint,) = await editor.told()
        page = await editor.told()
    assert complaint.startswith("AI Gateway: ")
    assert "set a valid one" in complaint
    assert "set a valid one" in page


async def test_a_tier_that_can_not_be_reached_is_not_called_ready(
    nvim: str, environ: dict[str, str], project: Path
) -> None:
    nobody = {**environ, "OPENAI_BASE_URL": "http://127.0.0.1:1"}
    script = 'vim.cmd("AiHealth") Tell(Shown("openai"))'
    async with neovim(nvim, script, environ=nobody, folder=project) as editor:
        assert "(gpt-4o-mini): can't be reached" in await editor.told()


async def test_an_answer_says_which_file_was_left_out_of_its_question(
    nvim: str, environ: dict[str, str], project: Path
) -> None:
    (project / ".aiexclude").write_text("adding.py\n", "utf-8")
    script = 'vim.cmd("1,2AiAsk why?") Tell(Shown("cloud: "))'
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        assert "left out: adding.py (" in await editor.told()


async def test_a_server_that_is_not_installed_is_told_with_what_to_do(
    nvim: str, environ: dict[str, str], project: Path
) -> None:
    init = configuration().replace("setup({})", 'setup({ cmd = { "no-such-gateway" } })')
    script = (
        'vim.cmd("AiAsk why?") Shown("could not be started") Tell(Told) vim.cmd("checkhealth ai_gateway") Tell(Text())'
    )
    async with neovim(nvim, script, environ=environ, folder=project, init=init) as editor:
        assert ":checkhealth ai_gateway" in (await editor.told())[-1]
        assert "pip install ai-gateway-lsp" in await editor.told()


async def test_checkhealth_says_which_tiers_are_there(nvim: str, environ: dict[str, str], project: Path) -> None:
    script = 'vim.cmd("checkhealth ai_gateway") Tell(Text())'
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        report = await editor.told()
    assert "ai-gateway 0." in report
    assert "cloud: openai is there" in report


async def test_the_settings_of_setup_reach_the_server_and_one_server_serves_two_projects(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    for name in ("first", "second"):
        (project / name / ".git").mkdir(parents=True)
        (project / name / "a.py").write_text("a = 1\n", "utf-8")
    init = configuration().replace("setup({})", 'setup({ settings = { openai = { model = "gpt-4.1" } } })')
    script = """
    vim.cmd("edit first/a.py")
    Wait("status", require("ai_gateway").status)
    vim.cmd("edit second/a.py")
    vim.cmd("AiAsk why?")
    Tell(Shown("cloud: "))
    vim.cmd("AiReset")
    Wait("word of the reset", function() return Told[1] end)
    Tell(Told[1])
    """
    async with neovim(nvim, script, environ=environ, folder=project, init=init) as editor:
        assert "gpt-4.1" in await editor.told()
        assert len(editor.servers()) == 1
        assert await editor.told() == "AI Gateway: reset openai"
        assert await editor.exit_code() == 0
    assert editor.said == ""
    assert upstream.requests[-1].json["model"] == "gpt-4.1"


async def test_a_code_action_edits_the_buffer_and_one_undo_takes_it_back(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.reply(MENDED)
    script = """
    Choices = { "Improve" }
    vim.cmd("1,2AiActions")
    Shown("a + b")
    Tell(Text())
    vim.cmd("silent undo")
    Tell(Text())
    vim.cmd("silent redo | silent write")
    """
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        mended = SOURCE.replace("a - b", "a + b  # 😀")
        assert await editor.told() == mended.removesuffix("\n")
        assert await editor.told() == SOURCE.removesuffix("\n")
        assert await editor.exit_code() == 0
    assert (project / "adding.py").read_text("utf-8") == mended


async def test_the_actions_around_the_cursor_are_those_for_a_range(
    nvim: str, environ: dict[str, str], project: Path
) -> None:
    script = """
    Wait("status", require("ai_gateway").status)
    vim.cmd("2")
    vim.cmd("AiActions")
    Wait("the end", function() return Menus == 1 end)
    vim.cmd("1,2AiActions")
    Wait("the end", function() return Menus == 2 end)
    """
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        around = await editor.told()
        assert around == await editor.told()
        assert {"Explain", "Document", "Write tests", "Improve / simplify"} <= set(around["offered"])


async def test_an_edit_comes_too_late_for_a_buffer_that_has_changed_and_opens_beside_it(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    go_on = asyncio.Event()
    upstream.reply(MENDED)
    upstream.fault(Fault.hold(go_on))
    script = """
    Choices = { "Improve" }
    vim.cmd("1,2AiActions")
    Wait("the call", function() return vim.fn.filereadable("../called") == 1 end)
    vim.fn.setline(1, "def add(x, y):")
    Tell(Text())
    Wait("a window", function() return vim.fn.winnr("$") > 1 end)
    Tell(Shown("a + b"))
    vim.cmd("normal q")
    Tell(Text())
    """
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        await upstream.wait_for_calls(1)
        (project.parent / "called").touch()
        changed = await editor.told()
        go_on.set()
        assert "Not applied" in await editor.told()
        assert await editor.told() == changed


async def test_a_question_about_a_selection_is_typed_and_its_answer_opens_beside_the_code(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.reply("It *subtracts*.")
    script = """
    vim.ui.input = function(_, answer) answer("What is a bee?") end
    vim.fn.input = function() return "What is a bee?" end
    Choices = { "Ask about" }
    vim.cmd("1,2AiActions")
    Wait("a window", function() return vim.fn.winnr("$") > 1 end)
    Tell(Shown("openai"))
    vim.cmd("normal q")
    Tell(vim.fn.winnr("$"))
    """
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        assert (await editor.told()).startswith("It *subtracts*.\n\n---\n")
        assert await editor.told() == 1
    prompt = str(upstream.requests[-1].json["messages"])
    assert "What is a bee?" in prompt
    assert "return a - b" in prompt


async def test_tests_become_a_file_of_their_own(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.reply("```python\ndef test_add():\n    assert add(1, 2) == 3\n```\n")
    script = """
    Choices = { "Write tests" }
    vim.cmd("1,2AiActions")
    Wait("a window", function() return vim.fn.expand("%:t") == "test_adding.py" end)
    Tell(Text())
    """
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        assert "def test_add():" in await editor.told()


async def test_an_action_that_is_stopped_changes_nothing(
    nvim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.fault(Fault.hang())
    script = """
    Choices = { "Improve" }
    vim.cmd("1,2AiActions")
    Wait("the call", function() return vim.fn.filereadable("../called") == 1 end)
    local ai = require("ai_gateway")
    Tell(Wait("progress", function() return ai.statusline():match("^AI openai … .+ · %d+ s$") end))
    vim.cmd("AiStop")
    Wait("its end", function() return ai.statusline() == "AI openai" end)
    Wait("the stop", function() return vim.fn.filereadable("../stopped") == 1 end)
    Tell(Text())
    """
    async with neovim(nvim, script, environ=environ, folder=project) as editor:
        await upstream.wait_for_calls(1)
        (project.parent / "called").touch()
        assert "AI openai … " in await editor.told()
        await upstream.wait_until_idle()
        (project.parent / "stopped").touch()
        assert await editor.told() == SOURCE.removesuffix("\n")
    assert upstream.disconnects == 1
