"""The question about spending on a real terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from cli.command import HANG_SECONDS, environment
from support.conditions import until

ASKS = (sys.executable, str(Path(__file__).parents[1] / "support" / "asks_on_terminal.py"))
PROMPT = "y = this time, t = for today, n = no: "


class Terminal:
    """A command on a terminal, and all that the terminal shows."""

    def __init__(self, process: Process, descriptor: int) -> None:
        self.process = process
        self.shown = ""
        self._descriptor = descriptor

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    async def until(self, text: str) -> None:
        async with asyncio.timeout(HANG_SECONDS):
            while text not in self.shown:
                read = await asyncio.to_thread(self._read)
                assert read, f"the command left; it had shown: {self.shown}"
                self.shown += read

    async def ended(self) -> int:
        async with asyncio.timeout(HANG_SECONDS):
            while read := await asyncio.to_thread(self._read):
                self.shown += read
            return await self.process.wait()

    def _read(self) -> str:
        try:
            return os.read(self._descriptor, 4096).decode()
        except OSError:  # Linux says so when the last writer is gone
            return ""


@asynccontextmanager
async def asking(home: Path, *arguments: str, before: str = "") -> AsyncIterator[Terminal]:
    ours, theirs = pty.openpty()
    os.write(ours, before.encode())
    process = await asyncio.create_subprocess_exec(
        *ASKS,
        *(arguments or (str(HANG_SECONDS),)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(home),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(ours)


@pytest.mark.parametrize(
    ("typed", "outcome"),
    [
        ("y\n", "None not for today"),
        ("T \n", "None for today"),
        ("n\n", "spend_declined not for today"),
        ("\n", "spend_declined not for today"),
        ("yes, of course\n", "spend_declined not for today"),
        ("\x04", "spend_declined not for today"),
    ],
)
async def test_only_a_clear_yes_is_one(tmp_path: Path, typed: str, outcome: str) -> None:
    async with asking(tmp_path) as terminal:
        await terminal.until(PROMPT)
        terminal.type(typed)
        assert await terminal.ended() == 0
    assert "Ask OpenAI gpt-4o-mini? It costs about $0.002 per answer" in terminal.shown
    assert f"outcome: {outcome}" in terminal.shown


async def test_what_was_typed_before_the_question_is_no_reply_to_it(tmp_path: Path) -> None:
    async with asking(tmp_path, before="t\n") as terminal:
        await terminal.until(PROMPT)
        terminal.type("n\n")
        assert await terminal.ended() == 0
    assert "outcome: spend_declined" in terminal.shown


async def test_an_interrupt_ends_the_question_and_the_command_at_once(tmp_path: Path) -> None:
    async with asking(tmp_path) as terminal:
        await terminal.until(PROMPT)
        terminal.process.send_signal(signal.SIGINT)
        assert await terminal.ended() == 130
    assert "outcome" not in terminal.shown
    assert "Traceback" not in terminal.shown


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one choose the thread that takes a signal")
async def test_an_interrupt_that_another_thread_takes_ends_it_too(tmp_path: Path) -> None:
    async with asking(tmp_path) as terminal:
        await terminal.until(PROMPT)
        process = psutil.Process(terminal.process.pid)
        await until(lambda: len(process.threads()) > 1)
        reader = next(thread.id for thread in process.threads() if thread.id != process.pid)
        os.kill(reader, signal.SIGINT)
        assert await terminal.ended() == 130


async def test_a_question_that_nobody_answers_ends_with_the_time_of_the_query(tmp_path: Path) -> None:
    async with asking(tmp_path, "0.01") as terminal:
        assert await terminal.ended() == 0
    assert PROMPT in terminal.shown
    assert "outcome: spend_unanswered" in terminal.shown


async def test_a_command_in_the_background_has_nobody_to_ask(tmp_path: Path) -> None:
    async with asking(tmp_path, str(HANG_SECONDS), "background") as terminal:
        assert await terminal.ended() == 0
    assert PROMPT not in terminal.shown
    assert "outcome: spend_nobody_to_ask" in terminal.shown


@pytest.mark.parametrize("terminals", [(), ("stdin",), ("stderr",)])
async def test_without_a_terminal_for_both_there_is_nobody_to_ask(tmp_path: Path, terminals: Sequence[str]) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *ASKS,
        str(HANG_SECONDS),
        stdin=theirs if "stdin" in terminals else PIPE,
        stdout=PIPE,
        stderr=theirs if "stderr" in terminals else PIPE,
        env=environment(tmp_path),
    )
    os.close(theirs)
    async with asyncio.timeout(HANG_SECONDS):
        out, _ = await process.communicate()
    os.close(ours)
    assert out == b"outcome: spend_nobody_to_ask not for today\n"
