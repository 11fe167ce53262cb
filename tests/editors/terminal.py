"""A person at a terminal: types into an editor, and reads its screen."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from editors.real_editor import HANG_SECONDS

ROWS, COLUMNS = 40, 120
REDRAW = b"\x0c"
"""Control-L: an editor writes only what has changed on its screen, but this draws all of it."""
REDRAW_SECONDS = 0.5
ESCAPE_SEQUENCES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>78])|[\x00\x0e\x0f]")
OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Makes standard input the terminal that a program is controlled by."""


class Terminal:
    """One editor on one terminal."""

    def __init__(self, process: Process, terminal: int) -> None:
        self.process = process
        self._written = bytearray()
        self._terminal = terminal
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(terminal, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # the editor has left
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._terminal)
        self._written += data
        self._changed.set()

    def type(self, keys: str) -> None:
        """Press these keys."""
        self._written.clear()
        os.write(self._terminal, keys.encode())

    @property
    def screen(self) -> str:
        """What was written since somebody last typed."""
        return ESCAPE_SEQUENCES.sub("", self._written.decode("utf-8", "replace"))

    async def shows(self, text: str) -> None:
        """Wait until the screen shows a text."""
        try:
            async with asyncio.timeout(HANG_SECONDS):
                while text not in self.screen:
                    self._changed.clear()
                    try:
                        async with asyncio.timeout(REDRAW_SECONDS):
                            await self._changed.wait()
                    except TimeoutError:
                        os.write(self._terminal, REDRAW)
        except TimeoutError:
            lines = [line.rstrip() for line in self.screen.splitlines() if not line.isspace()]
            raise AssertionError("\n".join((f"{text!r} was not shown; the screen is:", *lines))) from None


@asynccontextmanager
async def at_terminal(*command: str, environ: Mapping[str, str], folder: Path) -> AsyncIterator[Terminal]:
    """Run an editor at a terminal for the length of a block."""
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWN_TERMINAL, *command,
        stdin=its, stdout=its, stderr=its, env=environ, cwd=folder, start_new_session=True,
    )  # fmt: skip
    os.close(its)
    terminal = Terminal(process, ours)
    try:
        yield terminal
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(ours)
