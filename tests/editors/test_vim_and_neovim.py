"""What Vim and Neovim do alike: the guide of each, followed in the real editor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOllama, FakeOpenAI, Fault
from editors.real_editor import RealEditor, gone
from editors.vi import VIM, Vi

SOURCE = "def add(a, b):\n    return a - b\n\n\nprint(add(2, 3))\n"
MENDED = "Here it is:\n\n```python\ndef add(a, b):\n    return a + b  # 😀\n```\n"
NOBODY = "http://127.0.0.1:1"

Run = Callable[..., AbstractAsyncContextManager[RealEditor]]


@pytest.fixture
def run(vi: Vi, environ: dict[str, str], project: Path) -> Run:
    return partial(vi.running, environ=environ, folder=project)


SESSION = r"""
AiHealth
call Tell(Shown('openai'))
call Tell(Statusline())
close

1,2AiAsk Why is it wrong?
call Shown('one two')
call Tell('streaming')
call Tell(Statusline())
call Tell(Shown('gpt-4o-mini'))
normal q

AiExplain
call Tell(Shown('What happened'))
close

AiAsk again
call Shown('one two')
call feedkeys("\<C-c>", 'xt')
call Tell(Shown('stopped'))
call Tell(Statusline())

AiReset
call Tell(Told('reset [^\n]*'))
"""


async def test_a_session_from_the_first_status_to_the_end(run: Run, upstream: FakeOpenAI) -> None:
    go_on = asyncio.Event()
    upstream.reply("one two three", finish_reason="stop")
    upstream.fault(Fault.stall(after=2, until=go_on))
    upstream.fault(Fault.stall(after=2))
    async with run(SESSION) as editor:
        assert "**cloud** openai (gpt-4o-mini): ready" in await editor.told()
        assert await editor.told() == "AI openai"
        assert await editor.told() == "streaming"
        (server,) = editor.servers()
        assert await editor.told() == "AI openai …"
        go_on.set()
        answer, byline = (await editor.told()).split("\n---\n")
        assert answer == "# Why is it wrong?\n\none two three\n"
        assert byline.startswith("*openai (gpt-4o-mini) · ")
        assert byline.endswith(" tokens*")
        assert "openai" in await editor.told()
        assert await editor.told() == "# again\n\none two\n\n---\n*stopped*"
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1
        assert await editor.told() == "AI openai"
        assert await editor.told() == "reset openai"
        assert await editor.exit_code() == 0, editor.said
        await gone(server)
    assert "rror" not in editor.said
    prompt = str(upstream.requests[-2].json["messages"])
    assert "adding.py" in prompt
    assert "return a - b" in prompt
    assert "print" not in prompt
    assert "Why is it wrong?" in prompt


async def test_an_editor_that_is_killed_in_the_middle_of_an_answer_leaves_no_server_behind(
    run: Run, upstream: FakeOpenAI
) -> None:
    upstream.fault(Fault.stall(after=1))
    async with run("AiAsk why?\ncall Shown('Hello')\ncall Tell('streaming')\ncall Wait('the end', {-> 0})") as editor:
        await editor.told()
        (server,) = editor.servers()
        editor.kill()
        await gone(server)
        await upstream.wait_until_idle()
    assert upstream.disconnects == 1


async def test_a_window_that_is_closed_while_an_answer_comes_stops_it(run: Run, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.stall(after=1))
    script = "AiAsk why?\ncall Shown('Hello')\nclose\ncall Tell('closed')\ncall WaitFor('end')"
    async with run(script) as editor:
        assert await editor.told() == "closed"
        await upstream.wait_until_idle()
    assert upstream.disconnects == 1


async def test_what_a_tier_said_before_it_broke_off_disappears_and_the_page_says_why_another_answered(
    vi: Vi, upstream: FakeOpenAI, environ: dict[str, str], project: Path
) -> None:
    upstream.reply("half of an ans wer")
    upstream.fault(Fault.cut(after=2, reset=True), times=None)
    async with FakeOllama(models=["llama3"]) as local:
        local.reply("all of it")
        both = {**environ, "OLLAMA_BASE_URL": local.base_url, "AI_GATEWAY_ORDER": "cloud,local"}
        async with vi.running("AiAsk why?\ncall Tell(Shown('(llama3'))", environ=both, folder=project) as editor:
            page = await editor.told()
    assert page.startswith("# why?\n\nall of it\n\n---\n*ollama (llama3")
    assert " · openai " in page


async def test_an_error_stands_whole_on_the_page_and_the_message_is_short(run: Run, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.status(401), times=None)
    script = r"""
    AiAsk why?
    call Tell(Shown('set a valid one'))
    call Tell(Told('AI Gateway:[^\n]*'))
    call Tell(execute('messages'))
    """
    async with run(script) as editor:
        page = await editor.told()
        assert page.startswith("# why?\n\n---\n*No answer*\n\nno tier answered: openai ")
        assert len(page.splitlines()) > 6
        assert await editor.told() == "AI Gateway: nobody answered; see the page"
        assert "set a valid one" not in await editor.told()


async def test_health_says_at_once_that_it_is_looked_for(run: Run) -> None:
    async with run("AiHealth\ncall Tell(Text())\ncall Tell(Shown('openai'))") as editor:
        assert await editor.told() == "looking …"
        assert "looking" not in await editor.told()


async def test_a_tier_that_can_not_be_reached_is_not_called_ready(
    vi: Vi, environ: dict[str, str], project: Path
) -> None:
    nobody = {**environ, "OPENAI_BASE_URL": NOBODY}
    async with vi.running("AiHealth\ncall Tell(Shown('openai'))", environ=nobody, folder=project) as editor:
        assert "(gpt-4o-mini): can't be reached" in await editor.told()


async def test_pages_are_called_what_they_are_about_in_words_that_harm_nothing(run: Run) -> None:
    script = r"""
    AiAsk is `rm` | "%{x}" /a/b	of  [[this]] what we want, and not anything else?
    call Shown('tokens')
    call Tell(expand('%:t'))
    AiAsk 蜂とは
    call Shown('tokens')
    call Tell(expand('%:t'))
    AiAsk 蜂とは
    call Tell(expand('%:t') =~ '^AI: 蜂とは \d\+$')
    AiHealth
    call Tell(expand('%:t'))
    """
    async with run(script) as editor:
        assert await editor.told() == "AI: is rm x a b of this what we want and not…"
        assert await editor.told() == "AI: 蜂とは"
        assert await editor.told() == 1
        assert await editor.told() == "AI: health"


async def test_an_answer_says_which_file_was_left_out_of_its_question(
    run: Run, upstream: FakeOpenAI, project: Path
) -> None:
    (project / ".aiexclude").write_text("adding.py\n", "utf-8")
    async with run("1,2AiAsk why?\ncall Tell(Shown('tokens'))") as editor:
        assert "\n*left out: adding.py (" in await editor.told()
    assert "return a - b" not in str(upstream.requests[-1].json["messages"])


async def test_a_code_action_edits_the_buffer_and_one_undo_takes_it_back(
    run: Run, upstream: FakeOpenAI, project: Path
) -> None:
    upstream.reply(MENDED)
    script = r"""
    1,2AiActions
    call Tell(Menu())
    call Pick('Improve')
    call Shown('a + b')
    call Tell(Text())
    silent undo
    call Tell(Text())
    silent redo
    silent write
    """
    async with run(script) as editor:
        assert {"Explain", "Document", "Write tests", "Improve / simplify"} <= set(await editor.told())
        mended = SOURCE.replace("a - b", "a + b  # 😀")
        assert await editor.told() == mended.removesuffix("\n")
        assert await editor.told() == SOURCE.removesuffix("\n")
        assert await editor.exit_code() == 0
    assert (project / "adding.py").read_text("utf-8") == mended


async def test_an_edit_comes_too_late_for_a_buffer_that_has_changed_and_opens_beside_it(
    run: Run, upstream: FakeOpenAI, project: Path
) -> None:
    go_on = asyncio.Event()
    upstream.reply(MENDED)
    upstream.fault(Fault.hold(go_on))
    script = r"""
    1,2AiActions
    call Pick('Improve')
    call WaitFor('called')
    call setline(1, 'def add(x, y):')
    call Tell(Text())
    call Wait('another window', {-> winnr('$') > 1})
    call Tell(Shown('a + b'))
    normal q
    call Tell(Text())
    """
    async with run(script) as editor:
        await upstream.wait_for_calls(1)
        (project.parent / "called").touch()
        changed = await editor.told()
        go_on.set()
        assert "Not applied" in await editor.told()
        assert await editor.told() == changed


async def test_an_action_that_was_offered_for_another_text_is_refused_and_nobody_is_asked(
    run: Run, upstream: FakeOpenAI
) -> None:
    script = r"""
    1,2AiActions
    call Menu()
    call setline(1, 'def add(x, y):')
    call Pick('Improve')
    call Tell(Told('the document has changed[^\n]*'))
    """
    async with run(script) as editor:
        assert "since the action was offered" in await editor.told()
    assert upstream.calls == 0


async def test_an_explanation_opens_beside_the_code(run: Run, upstream: FakeOpenAI) -> None:
    upstream.reply("It *subtracts*.")
    script = (
        "1,2AiActions\ncall Pick('Explain')\ncall Wait('a window', {-> winnr('$') > 1})\ncall Tell(Shown('openai'))"
    )
    async with run(script) as editor:
        assert (await editor.told()).startswith("It *subtracts*.\n\n---")


async def test_tests_become_a_file_of_their_own(run: Run, upstream: FakeOpenAI) -> None:
    upstream.reply("```python\ndef test_add():\n    assert add(1, 2) == 3\n```\n")
    script = """
    1,2AiActions
    call Pick('Write tests')
    call Wait('another buffer', {-> expand('%:t') == 'test_adding.py'})
    call Tell(Text())
    """
    async with run(script) as editor:
        assert "def test_add():" in await editor.told()


async def test_an_action_that_is_stopped_changes_nothing(run: Run, upstream: FakeOpenAI, project: Path) -> None:
    upstream.fault(Fault.hang())
    script = r"""
    1,2AiActions
    call Pick('Improve')
    call Wait('progress', {-> Statusline() =~ '…'})
    call Tell('working')
    call WaitFor('called')
    AiStop
    call Wait('the end of it', {-> Statusline() !~ '…'})
    call WaitFor('stopped')
    call Tell(Text())
    """
    async with run(script) as editor:
        assert await editor.told() == "working"
        await upstream.wait_for_calls(1)
        (project.parent / "called").touch()
        await upstream.wait_until_idle()
        (project.parent / "stopped").touch()
        assert await editor.told() == SOURCE.removesuffix("\n")
    assert upstream.disconnects == 1


async def test_a_server_that_is_not_installed_is_told_with_what_to_do(vi: Vi, run: Run) -> None:
    script = "AiAsk why?\ncall Tell(Shown('No answer'))"
    async with run(script, settings=vi.with_server("no-such-gateway")) as editor:
        page = await editor.told()
    assert "pip install" not in page
    assert ("g:ai_gateway_command" if vi is VIM else ":checkhealth ai_gateway") in page
