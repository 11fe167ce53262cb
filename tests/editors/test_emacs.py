"""Emacs and ai-gateway.el with the real server, as a person uses them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI, Fault
from editors.real_editor import RealEditor, gone, installed, running

HERE = Path(__file__).parent
Session = Callable[[str], AbstractAsyncContextManager[RealEditor]]
ENDED_WELL = {"status": "exit", "code": 0}

LISP = HERE.parents[1] / "server" / "editors" / "emacs"


def guide(words: str) -> str:
    """The part of the guide's configuration that holds these words."""
    text = (HERE.parents[1] / "docs" / "editors" / "emacs.md").read_text("utf-8")
    (found,) = [block for block in re.findall(r"```elisp\n(.*?)```", text, re.DOTALL) if words in block]
    return str(found)


@asynccontextmanager
async def emacs(form: str, environ: dict[str, str], project: Path) -> AsyncIterator[RealEditor]:
    """Run Emacs with ai-gateway.el, and let it evaluate a form."""
    program = installed("emacs", "emacs-nox")
    loaded = ("--directory", str(LISP), "--load", "ai-gateway", "--load", str(HERE / "emacs_session.el"))
    command = (program, "-Q", "--batch", *loaded, "--eval", form)
    async with running(*command, environ=environ, folder=project) as editor:
        yield editor


@pytest.fixture
def session(environ: dict[str, str], project: Path) -> Session:
    return lambda form: emacs(form, environ, project)


async def test_a_session_from_the_first_start_to_the_end(session: Session, upstream: FakeOpenAI) -> None:
    rest = asyncio.Event()
    upstream.reply("Paris it is")
    upstream.fault(Fault.stall(after=1, until=rest))
    async with session("(session)") as editor:
        assert await editor.told() == ""
        assert await editor.told() == " AI:starting"
        assert (await editor.told()).startswith("AI Gateway is ok\n\nopenai · ready")
        assert await editor.told() == "# Which city?\n\nParis"
        assert (await editor.told()).startswith(": gpt-4o-mini, ")
        rest.set()
        answer, byline = (await editor.told()).split("\n---\n")
        assert answer == "# Which city?\n\nParis it is\n"
        assert byline.startswith("openai (gpt-4o-mini) · ")
        assert byline.endswith(" tokens\n")
        assert "openai" in await editor.told()
        assert await editor.told() == ENDED_WELL
        assert await editor.exit_code() == 0


async def test_health_says_at_once_that_it_is_looked_for_and_calls_no_tier_ready_that_can_not_be_reached(
    environ: dict[str, str], project: Path
) -> None:
    async with emacs("(health)", {**environ, "OPENAI_BASE_URL": "http://127.0.0.1:1"}, project) as editor:
        assert await editor.told() == "looking …"
        assert "openai · can't be reached · " in await editor.told()


@pytest.mark.parametrize("how", ["cancel", "kill-answer"])
async def test_a_question_that_is_cancelled_or_whose_buffer_is_killed_ends_upstream_and_the_next_is_answered(
    session: Session, upstream: FakeOpenAI, project: Path, how: str
) -> None:
    upstream.reply("one two three")
    upstream.fault(Fault.stall(after=1))
    async with session(f"({how})") as editor:
        left = await editor.told()
        assert left == "killed" or left.endswith("---\nthe request was cancelled\n")
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1
        (project / "go-on").touch()
        assert "one two three\n" in await editor.told()
        assert await editor.told() == ENDED_WELL


async def test_half_an_answer_is_taken_back_and_a_reset_asks_the_provider_again(
    session: Session, upstream: FakeOpenAI
) -> None:
    upstream.reply("Paris it is")
    upstream.fault(Fault.cut(after=1))
    upstream.fault(Fault.rate_limited(retry_after=3600))
    async with session("(unanswered)") as editor:
        refusal = await editor.told()
        assert "Paris" not in refusal
        assert "\nno tier answered: openai " in refusal
        assert "; " not in refusal
        assert await editor.told() == " AI:down"
        assert await editor.told() == "AI Gateway has reset: openai"
        assert "Paris it is\n" in await editor.told()
        assert await editor.told() == ENDED_WELL


async def test_a_server_that_is_lost_in_mid_answer_is_told_of_and_the_next_question_starts_another(
    session: Session, upstream: FakeOpenAI
) -> None:
    upstream.reply("one two three")
    upstream.fault(Fault.stall(after=1))
    async with session("(lose-server)") as editor:
        assert "the server has ended" in await editor.told()
        assert "one two three\n" in await editor.told()
        assert await editor.told() == ENDED_WELL


@pytest.mark.parametrize("way", ["wait-for-death", "leave"])
async def test_no_server_is_left_when_emacs_is_killed_or_leaves_in_mid_answer(
    session: Session, upstream: FakeOpenAI, way: str
) -> None:
    upstream.reply("one two three")
    upstream.fault(Fault.stall(after=1))
    async with session(f"({way})") as editor:
        await upstream.wait_for_calls(1)
        (server,) = editor.servers()
        await editor.told()
        if way == "wait-for-death":
            editor.kill()
        await editor.exit_code()
        await gone(server)
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1


async def test_a_question_about_the_region_takes_the_region_along_and_nothing_else(
    session: Session, upstream: FakeOpenAI
) -> None:
    async with session("(ask-about-region)") as editor:
        assert upstream.greeting in await editor.told()
        assert await editor.told() == ENDED_WELL
    asked = str(upstream.requests[-1].json["messages"])
    assert "What is wrong?" in asked
    assert "return a - b" in asked
    assert "print(" not in asked


async def test_a_region_of_a_file_that_is_kept_out_is_left_out_and_the_person_is_told(
    session: Session, upstream: FakeOpenAI, project: Path
) -> None:
    (project / ".aiexclude").write_text("adding.py\n", "utf-8")
    async with session("(ask-about-region)") as editor:
        answer = await editor.told()
    assert "left out: " in answer
    assert "adding.py" in answer
    assert "return a - b" not in str(upstream.requests[-1].json["messages"])


@pytest.mark.parametrize(("settings", "keys"), [("nil", '"C-c C-c"'), ("(:actions (:confirm :false))", "nil")])
async def test_a_code_action_changes_the_buffer_when_the_person_agrees_or_need_not_be_asked(
    session: Session, upstream: FakeOpenAI, settings: str, keys: str
) -> None:
    rest = asyncio.Event()
    upstream.reply("```text\nshort\n```")
    upstream.fault(Fault.stall(after=1, until=rest))
    form = f"""(setq ai-gateway-settings '{settings})
               (act-with-gateway "Improve / simplify" "quite\nlong\n" 1 12 {keys})"""
    async with session(f"(progn {form})") as editor:
        assert "[Improve / simplify: cloud: gpt-4o-mini answers" in await editor.told()
        rest.set()
        assert await editor.told() == "short\n"
        assert await editor.told() == ENDED_WELL


async def test_an_explanation_opens_as_a_document(session: Session, upstream: FakeOpenAI) -> None:
    upstream.reply("It sets x.")
    async with session("(explain-with-gateway)") as editor:
        assert (await editor.told()).startswith("It sets x.\n")
        assert await editor.told() == ENDED_WELL


async def test_an_action_that_is_cancelled_ends_upstream(session: Session, upstream: FakeOpenAI) -> None:
    upstream.fault(Fault.stall(after=1))
    async with session("(cancel-action)") as editor:
        assert await editor.told() == "cancelled"
        await upstream.wait_until_idle()
        assert upstream.disconnects == 1
        assert await editor.told() == ENDED_WELL


async def test_eglot_alone_queries_and_edits_and_all_is_cleaned_up_before_the_reply_to_shutdown(
    session: Session, upstream: FakeOpenAI, project: Path
) -> None:
    upstream.reply("Paris it is")
    (project / "guide.el").write_text(guide("eglot-server-programs"), "utf-8")
    async with session('(use-eglot "quite\nlong\n")') as editor:
        assert await editor.told() == "Paris it is"
        upstream.reply("```text\nshort\n```")
        await editor.told()
        assert await editor.told() == "short\n"
        assert await editor.told() == "explained"
        upstream.fault(Fault.stall(after=1))
        (project / "go-on").touch()
        assert await editor.told() == "asked"
        await upstream.wait_for_calls(4)
        (server,) = editor.servers()
        (project / "go-on").touch()
        assert await editor.told() == "shut down"
        assert upstream.open_streams == 0
        await gone(server)
