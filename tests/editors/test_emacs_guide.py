"""The guide for Emacs, followed by a person at a terminal, and the file that it speaks of."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from editors.real_editor import HANG_SECONDS, gone, installed
from editors.terminal import at_terminal
from editors.test_emacs import LISP, guide

CONTROL_C, CONTROL_S, CONTROL_X = "\x03", "\x13", "\x18"
COMPILE = ("--eval", "(setq byte-compile-error-on-warn t)", "--funcall", "batch-byte-compile", "ai-gateway.el")
CHECK = ("--eval", """(progn (require 'checkdoc) (checkdoc-file "ai-gateway.el"))""")


@pytest.fixture
def set_up(environ: dict[str, str]) -> dict[str, str]:
    """What a new user puts there. That Emacs compiles itself meanwhile is nothing to be shown."""
    path = Path(environ["HOME"], ".emacs.d", "init.el")
    path.parent.mkdir(parents=True)
    path.write_text(guide("(ai-gateway-mode)"), "utf-8")
    path.with_name("early-init.el").write_text(
        "(setq native-comp-jit-compilation nil native-comp-deferred-compilation nil)"
    )
    return {**environ, "TERM": "vt100"}


async def test_a_new_user_asks_kills_an_answer_edits_saves_and_leaves(
    set_up: dict[str, str], project: Path, upstream: FakeOpenAI
) -> None:
    upstream.reply("Paris it is")
    command = (installed("emacs", "emacs-nox"), "-nw", "--no-splash", "adding.py")
    async with at_terminal(*command, environ=set_up, folder=project) as emacs:
        await emacs.shows("AI:ok")
        emacs.type(f"{CONTROL_C}aa")
        await emacs.shows("Ask: ")
        emacs.type("Which city?\r")
        await emacs.shows("openai (gpt-4o-mini)")
        (server,) = (child for child in psutil.Process(emacs.process.pid).children() if "--stdio" in child.cmdline())

        upstream.fault(Fault.stall(after=1))
        emacs.type(f"{CONTROL_C}aaCount on?\r")
        await upstream.wait_for_calls(2)
        await emacs.shows("gpt-4o-mini, ")
        emacs.type(f"{CONTROL_X}k\r")
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1

        upstream.reply("```python\ndef add(a, b):\n    return a + b\n```")
        emacs.type(f"{CONTROL_X}badding.py\r{CONTROL_C}ae")
        await emacs.shows("Do: ")
        emacs.type("Improve / simplify\r")
        await emacs.shows("+    return a + b")
        await emacs.shows("C-c C-c applies")
        emacs.type(f"{CONTROL_X}o{CONTROL_C}{CONTROL_C}")
        await emacs.shows("return a + b")
        emacs.type(CONTROL_X + CONTROL_S)
        await emacs.shows("Wrote ")
        assert "return a + b" in (project / "adding.py").read_text("utf-8")

        emacs.type(CONTROL_X + CONTROL_C)
        await emacs.process.wait()
        await gone(server)


@pytest.mark.parametrize("check", [COMPILE, CHECK], ids=["compiler", "checkdoc"])
async def test_the_file_gives_the_compiler_and_checkdoc_nothing_to_say(tmp_path: Path, check: tuple[str, ...]) -> None:
    shutil.copy(LISP / "ai-gateway.el", tmp_path)
    command = (installed("emacs", "emacs-nox"), "-Q", "--batch", *check)
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    assert (done.returncode, re.findall("ai-gateway.el:.*", done.stderr)) == (0, [])
