"""Someone who goes on typing in Vim or Neovim while an answer is on its way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from editors.real_editor import HANG_SECONDS
from editors.terminal import at_terminal
from editors.vi import Vi

ESCAPE, OTHER_WINDOW = "\x1b", "\x17\x17"
REDRAW_TYPED = "\x0c"
MODELINE = "vim: set tabstop=77 :"


@pytest.fixture
def command(vi: Vi, project: Path) -> tuple[str, ...]:
    """Starts it with the settings of its guide, and with a file open."""
    init = project.with_name(f"init.{vi.language}")
    init.write_text(vi.settings, "utf-8")
    return vi.installed(), "-n", "-i", "NONE", "-u", str(init), "--cmd", "set modeline", "adding.py"


async def test_an_error_is_on_the_page_without_a_key_to_be_pressed(
    command: tuple[str, ...], upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.fault(Fault.status(401), times=None)
    async with at_terminal(*command, environ={**environ, "TERM": "vt100"}, folder=project) as editor:
        await editor.shows("adding.py")
        editor.type(":AiAsk why?\r")
        await editor.shows("set a valid one")
        await editor.shows("nobody answered; see the page")
        assert "Press ENTER" not in editor.screen


async def test_what_is_typed_stays_in_the_code_and_the_answer_sets_no_options(
    vi: Vi, command: tuple[str, ...], upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    go_on = asyncio.Event()
    upstream.reply(f"It *subtracts*.\n\n{MODELINE}")
    upstream.fault(Fault.hold(go_on))
    async with at_terminal(*command, environ={**environ, "TERM": "vt100"}, folder=project) as editor:
        await editor.shows("adding.py")
        editor.type(":1,2AiActions\r")
        await editor.shows("Explain")
        editor.type(vi.first_choice)
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
