"""Someone who goes on typing in Vim or Neovim while an answer is on its way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from editors import test_neovim, test_vim
from editors.real_editor import HANG_SECONDS, installed
from editors.terminal import at_terminal

ESCAPE, OTHER_WINDOW = "\x1b", "\x17\x17"
REDRAW_TYPED = "\x0c"
MODELINE = "vim: set tabstop=77 :"


EDITORS = {
    "nvim": ("neovim", "init.lua", test_neovim.configuration(), "1\r"),
    "vim": ("vim-nox", "vimrc", test_vim.configuration(), "\r"),
}
"""Of each program: its package, what its settings are called, those of the guide, and the keys for the first choice."""


@pytest.mark.parametrize("program", EDITORS)
async def test_what_is_typed_stays_in_the_code_and_the_answer_sets_no_options(
    program: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    package, name, settings, first_choice = EDITORS[program]
    go_on = asyncio.Event()
    upstream.reply(f"It *subtracts*.\n\n{MODELINE}")
    upstream.fault(Fault.hold(go_on))
    init = project.with_name(name)
    init.write_text(settings, "utf-8")
    command = (installed(program, package), "-n", "-i", "NONE", "-u", str(init), "--cmd", "set modeline", "adding.py")
    async with at_terminal(*command, environ={**environ, "TERM": "vt100"}, folder=project) as editor:
        await editor.shows("adding.py")
        editor.type(":1,2AiActions\r")
        await editor.shows("Explain")
        editor.type(first_choice)
        await upstream.wait_for_calls(1)
        editor.type("O# first ")
        await editor.shows("first")
        go_on.set()
        await editor.shows("subtracts")
        editor.type(f"second{ESCAPE}:w\r{OTHER_WINDOW}:call writefile([&tabstop, expand('%:e')], 'options') | qall!\r")
        async with asyncio.timeout(HANG_SECONDS):
            await editor.process.wait()
    typed = (project / "adding.py").read_text("utf-8").replace(REDRAW_TYPED, "")
    assert typed.startswith("# first second\ndef add")
    tabstop, kind = (project / "options").read_text("utf-8").split()
    assert (kind, tabstop != "77") == ("md", True)
