"""`ai-gateway ask --path` and `--show-sent`: what may be quoted, and what was sent."""

from __future__ import annotations

from pathlib import Path

from cli.command import run, run_on_terminal
from cli.conftest import World


async def test_a_question_that_quotes_a_file_that_is_kept_out_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / ".aiexclude").write_text("*.key\n")
    path = str(tmp_path / "my.key")
    asked = await run("ask", "--path", path, "hello", environ=world.environ)
    assert (asked.code, asked.out) == (2, "")
    assert asked.err.startswith(f"ai-gateway: {path} is kept out of every prompt: line 1 of {tmp_path / '.aiexclude'}")
    assert world.copilot.requests == []
    asked = await run("ask", "--path", str(tmp_path / "main.py"), "hello", environ=world.environ)
    assert asked.code == 0


async def test_what_was_sent_is_shown_on_standard_error(world: World, tmp_path: Path) -> None:
    path = str(tmp_path / "main.py")
    asked = await run("ask", "--show-sent", "-q", "--path", path, "hello", "there", environ=world.environ)
    assert (asked.code, asked.out) == (0, "Hello from Copilot\n")
    assert "# What was sent" in asked.err
    assert f"Files quoted: {path}." in asked.err
    assert "## To copilot (gpt-4o), on this machine\n\nuser:\n\n```text\nhello there\n```" in asked.err
    explained = await run("ask", "--explain", "--path", path, "hello", "there", environ=world.environ)
    assert "1 file was quoted in it" in explained.err
    assert "hello there" not in explained.err
    assert path not in explained.err


async def test_no_text_of_others_does_anything_to_a_terminal(world: World) -> None:
    world.copilot.reply("Hello \x1b]0;owned\x07\x9b2Jagain")
    await run("ask", "-q", "hello", environ=world.environ)
    for flags in ((), ("--json",), ("-q",)):
        shown = (await run_on_terminal("ask", "--show-sent", *flags, "say \x1b]0;mine\x07", environ=world.environ)).out
        assert "]0;owned" in shown, flags
        assert "say ]0;mine" in shown, flags
        assert not any(each in shown for each in ("\x1b]", "\x07", "\x9b")), flags


async def test_in_a_pipe_an_answer_and_what_was_sent_stay_as_they_are(world: World) -> None:
    world.copilot.reply("Hello \x1b[31magain")
    asked = await run("ask", "--show-sent", "say \x1b[1mit", environ=world.environ)
    assert asked.out == "Hello \x1b[31magain\n"
    assert "```text\nsay \x1b[1mit\n```" in asked.err


async def test_an_error_names_a_file_and_nothing_that_a_terminal_would_do(world: World, tmp_path: Path) -> None:
    (tmp_path / ".aiexclude").write_text("*.key\n")
    asked = await run("ask", "--path", str(tmp_path / "\x1b[2J.key"), "hello", environ=world.environ)
    assert (asked.code, "[2J.key is kept out" in asked.err, "\x1b" in asked.err) == (2, True, False)
