"""The guide for Vim, followed in the real editor."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOllama, FakeOpenAI, Fault
from editors.real_editor import HANG_SECONDS, RealEditor, gone, installed, running

GUIDE = (Path(__file__).parents[2] / "docs/editors/vim.md").read_text("utf-8")
PRELUDE = Path(__file__).with_name("vim.vim")
SOURCE = "def add(a, b):\n    return a - b\n\n\nprint(add(2, 3))\n"
MENDED = "Here it is:\n\n```python\ndef add(a, b):\n    return a + b  # 😀\n```\n"


@pytest.fixture
def vim() -> str:
    vim = installed("vim", "vim-nox")
    told = subprocess.run([vim, "--version"], check=True, capture_output=True, timeout=HANG_SECONDS).stdout.decode()
    if "+channel" not in told or "Vi IMproved 8" in told:
        pytest.skip("this Vim is older than 9.0, or can't talk to a server; on Debian: apt install vim-nox")
    return vim


def configuration() -> str:
    """What a new user puts into `vimrc`."""
    (shown, *_) = re.findall(r"```vim\n(.*?)```", GUIDE, re.DOTALL)
    return str(shown)


@asynccontextmanager
async def running_vim(
    vim: str, script: str, *, environ: Mapping[str, str], folder: Path, first: str = ""
) -> AsyncIterator[RealEditor]:
    """Vim with a file open, as the guide sets it up; it ends with the script."""
    vimrc, script_file = folder.with_name("vimrc"), folder.with_name("script.vim")
    vimrc.write_text(first + configuration(), "utf-8")
    script_file.write_text(f"{script}\nqall!\n", "utf-8")
    command = (
        vim,
        "-es",
        "-N",
        "-i",
        "NONE",
        "-u",
        str(vimrc),
        "-S",
        str(PRELUDE),
        "-S",
        str(script_file),
        "adding.py",
    )
    async with running(*command, environ=environ, folder=folder) as editor:
        yield editor


SESSION = r"""
AiHealth
call Tell(Shown('openai'))
call Tell(ai_gateway#Statusline())
close

1,2AiAsk Why is it wrong?
call Shown('one two')
call Tell('streaming')
call Tell(ai_gateway#Statusline())
call Tell(Shown('cloud: '))
normal q

AiExplain
call Tell(Shown('What happened'))
close

AiAsk again
call Shown('one two')
call feedkeys("\<C-c>", 'xt')
call Tell(Shown('stopped'))
call Tell(ai_gateway#Statusline())

AiReset
call Tell(Told('reset .*'))
"""


async def test_a_session_from_the_first_status_to_the_end(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    go_on = asyncio.Event()
    upstream.reply("one two three")
    upstream.fault(Fault.stall(after=2, until=go_on))
    upstream.fault(Fault.stall(after=2))
    async with running_vim(vim, SESSION, environ=environ, folder=project) as editor:
        assert "**cloud** openai (gpt-4o-mini): ready" in await editor.told()
        assert await editor.told() == "AI openai"
        assert await editor.told() == "streaming"
        (server,) = editor.servers()
        assert await editor.told() == "AI openai …"
        go_on.set()
        answer = await editor.told()
        assert answer.startswith("# Why is it wrong?\n\none two three\n\n---\n*cloud: gpt-4o-mini")
        assert "openai" in await editor.told()
        assert await editor.told() == "# again\n\none two\n\n---\n*stopped*"
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1
        assert await editor.told() == "AI openai"
        assert await editor.told() == "reset openai"
        assert await editor.exit_code() == 0, editor.said
        await gone(server)
    prompt = str(upstream.requests[-2].json["messages"])
    assert "return a - b" in prompt
    assert "print" not in prompt
    assert "Why is it wrong?" in prompt


async def test_a_vim_that_is_killed_in_the_middle_of_an_answer_leaves_no_server_behind(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.fault(Fault.stall(after=1))
    script = "AiAsk why?\ncall Shown('Hello')\ncall Tell('streaming')\ncall Wait('the end', {-> 0})"
    async with running_vim(vim, script, environ=environ, folder=project) as editor:
        await editor.told()
        (server,) = editor.servers()
        editor.kill()
        await gone(server)
        await upstream.wait_until_idle()
    assert upstream.disconnects == 1


async def test_what_a_tier_said_before_it_broke_off_disappears(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.reply("half of an ans wer")
    upstream.fault(Fault.cut(after=2, reset=True), times=None)
    async with FakeOllama(models=["llama3"]) as local:
        local.reply("all of it")
        both = {**environ, "OLLAMA_BASE_URL": local.base_url, "AI_GATEWAY_ORDER": "cloud,local"}
        script = "AiAsk why?\ncall Tell(Shown('local: '))"
        async with running_vim(vim, script, environ=both, folder=project) as editor:
            assert (await editor.told()).startswith("# why?\n\nall of it\n\n---\n*local: llama3")


async def test_an_error_is_told_with_what_to_do(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.fault(Fault.status(401), times=None)
    script = "AiAsk why?\ncall Tell(Shown('No answer'))\ncall Tell(Told('set a valid one'))"
    async with running_vim(vim, script, environ=environ, folder=project) as editor:
        assert "set a valid one" in await editor.told()
        assert await editor.told() == "set a valid one"


async def test_a_tier_that_can_not_be_reached_is_not_called_ready(
    vim: str, environ: dict[str, str], project: Path
) -> None:
    nobody = {**environ, "OPENAI_BASE_URL": "http://127.0.0.1:1"}
    async with running_vim(vim, "AiHealth\ncall Tell(Shown('openai'))", environ=nobody, folder=project) as editor:
        assert "(gpt-4o-mini): can't be reached" in await editor.told()


async def test_it_is_told_why_a_file_that_is_kept_out_has_no_actions_and_no_part_in_a_question(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    (project / ".aiexclude").write_text("adding.py\n", "utf-8")
    script = r"""
    AiHealth
    call Shown('openai')
    close
    1,2AiActions
    call Tell(Told('[^\n]*aiexclude[^\n]*'))
    1,2AiAsk why?
    call Tell(Shown('cloud: '))
    """
    async with running_vim(vim, script, environ=environ, folder=project) as editor:
        assert ".aiexclude" in await editor.told()
        assert "left out: adding.py (" in await editor.told()
    assert "return a - b" not in str(upstream.requests[-1].json["messages"])


async def test_a_server_that_ends_at_once_is_told(vim: str, environ: dict[str, str], project: Path) -> None:
    first = "let g:ai_gateway_command = ['false']\n"
    script = "AiHealth\ncall Tell(Told('the server has ended[^\\n]*'))"
    async with running_vim(vim, script, environ=environ, folder=project, first=first) as editor:
        assert (await editor.told()).startswith("the server has ended")


async def test_a_server_that_is_not_installed_is_told_with_what_to_do(
    vim: str, environ: dict[str, str], project: Path
) -> None:
    first = "let g:ai_gateway_command = ['no-such-gateway']\n"
    script = "AiHealth\ncall Tell(Told('no-such-gateway is not to be found'))\ncall Tell(Told('pip install .*'))"
    async with running_vim(vim, script, environ=environ, folder=project, first=first) as editor:
        assert await editor.told() == "no-such-gateway is not to be found"
        assert await editor.told() == "pip install ai-gateway-lsp"


IMPROVE = r"""
1,2AiActions
call Pick('Improve')
call Shown('a + b')
call Tell(Text())
undo
call Tell(Text())
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_a_code_action_edits_the_buffer_and_one_undo_takes_it_back(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path, end: str
) -> None:
    (project / "adding.py").write_bytes(SOURCE.replace("\n", end).encode())
    upstream.reply(MENDED)
    script = f"{IMPROVE}redo\nwrite\ncall Tell('written')"
    async with running_vim(vim, script, environ=environ, folder=project) as editor:
        assert {"Explain", "Document", "Write tests", "Improve / simplify"} <= set(await editor.told())
        mended = SOURCE.replace("a - b", "a + b  # 😀")
        assert await editor.told() == mended.removesuffix("\n")
        assert await editor.told() == SOURCE.removesuffix("\n")
        assert await editor.told() == "written"
    assert (project / "adding.py").read_bytes() == mended.replace("\n", end).encode()


async def test_an_edit_comes_too_late_for_a_buffer_that_has_changed_and_opens_beside_it(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    go_on = asyncio.Event()
    upstream.reply(MENDED)
    upstream.fault(Fault.hold(go_on))
    script = r"""
    1,2AiActions
    call Pick('Improve')
    call setline(1, 'def add(x, y):')
    call Tell(Text())
    call Wait('another window', {-> winnr('$') > 1})
    call Tell(Shown('a + b'))
    close
    call Tell(Text())
    """
    async with running_vim(vim, script, environ=environ, folder=project) as editor:
        await editor.told()
        changed = await editor.told()
        await upstream.wait_for_calls(1)
        go_on.set()
        assert "Not applied" in await editor.told()
        assert await editor.told() == changed


async def test_an_explanation_opens_beside_the_code(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.reply("It *subtracts*.")
    script = (
        "1,2AiActions\ncall Pick('Explain')\ncall Wait('a window', {-> winnr('$') > 1})\ncall Tell(Shown('openai'))"
    )
    async with running_vim(vim, script, environ=environ, folder=project) as editor:
        await editor.told()
        assert (await editor.told()).startswith("It *subtracts*.\n\n---")


async def test_tests_become_a_file_of_their_own(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.reply("```python\ndef test_add():\n    assert add(1, 2) == 3\n```\n")
    script = """
    1,2AiActions
    call Pick('Write tests')
    call Wait('another buffer', {-> bufname('%') !~ '^adding.py'})
    call Tell([expand('%:t'), Text()])
    """
    async with running_vim(vim, script, environ=environ, folder=project) as editor:
        await editor.told()
        assert await editor.told() == ["test_adding.py", "def test_add():\n    assert add(1, 2) == 3\n"]


async def test_an_action_that_is_stopped_changes_nothing(
    vim: str, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.fault(Fault.hang())
    script = r"""
    1,2AiActions
    call Pick('Improve')
    call Wait('progress', {-> ai_gateway#Statusline() =~ '…'})
    call Tell('working')
    call Wait('the call', {-> filereadable('../called')})
    AiStop
    call Wait('the end of it', {-> ai_gateway#Statusline() !~ '…'})
    call Tell(Text())
    """
    async with running_vim(vim, script, environ=environ, folder=project) as editor:
        await editor.told()
        assert await editor.told() == "working"
        await upstream.wait_for_calls(1)
        (project.parent / "called").touch()
        assert await editor.told() == SOURCE.removesuffix("\n")
        await upstream.wait_until_idle()
    assert upstream.disconnects == 1
