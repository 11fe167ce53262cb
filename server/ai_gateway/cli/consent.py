"""The person's consent to spending, asked for on the terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress

from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.printing import printable
from ai_gateway.spending import Consent, NobodyToAsk, SpendRequest
from ai_gateway.spending.words import CHOICES, question_of

LINE_BYTES = 4096
KEYS = {"y": Consent.ONCE, "t": Consent.TODAY, "n": Consent.NO}


async def ask_on_terminal(request: SpendRequest) -> Consent:
    """Ask on standard error, and read the reply from standard input; all but a clear yes is a no.

    What was typed before the question could be read is no reply to it.

    Raises:
        NobodyToAsk: One of the two is no terminal, or the terminal is another program's at the moment.
    """
    if not _has_person():
        raise NobodyToAsk("standard input and standard error are not both a terminal that this command may use")
    keys = ", ".join(f"{key} = {CHOICES[consent].lower()}" for key, consent in KEYS.items())
    _forget_typed()
    print(f"{printable(question_of(request, SYSTEM_CLOCK.time()))}\n{keys}: ", end="", file=sys.stderr, flush=True)
    reply = None
    try:
        reply = await _line()
    finally:
        if not reply:
            print(file=sys.stderr, flush=True)
    return KEYS.get(reply.strip().lower(), Consent.NO)


def _has_person() -> bool:
    """Say whether somebody sits there: a command in the background would be stopped for reading."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    try:
        return os.name != "posix" or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:  # it is not the terminal of this session, so nobody is stopped for reading from it
        return True


def _forget_typed() -> None:
    if os.name == "posix":
        import termios  # noqa: PLC0415 - there is none on Windows

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


async def _line() -> str:
    """Read a line without holding up the event loop, or the end of the process: nothing can end a read that waits."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def take(data: bytes) -> None:
        if not line.done():
            line.set_result(data.decode("utf-8", "replace"))

    def read() -> None:
        data = b""
        with suppress(OSError):  # the terminal has gone
            data = os.read(sys.stdin.fileno(), LINE_BYTES)
        with suppress(RuntimeError):  # the event loop has gone: nobody waits any more
            loop.call_soon_threadsafe(take, data)

    threading.Thread(target=read, daemon=True).start()
    return await line
