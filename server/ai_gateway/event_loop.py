"""The event loop of a program."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Coroutine
from typing import TypeVar

Result = TypeVar("Result")

READ_BYTES = 4096


def run(main: Coroutine[object, object, Result]) -> Result:
    """Run a program to its end as `asyncio.run` does, and let every signal wake the event loop.

    Python handles signals in the main thread, between two of its instructions, and asyncio wakes that thread only for
    handlers of its own. Another signal that comes just before the loop waits, or that the system gives to another
    thread, would be noticed when something else happens: an interrupt in a quiet program never. See
    `signal.set_wakeup_fd`.
    """
    return asyncio.run(main if os.name != "posix" else _woken_by_signals(main))  # the loop of Windows does so by itself


async def _woken_by_signals(main: Coroutine[object, object, Result]) -> Result:
    loop = asyncio.get_running_loop()
    heard, rung = socket.socketpair()
    with heard, rung:
        heard.setblocking(False)
        rung.setblocking(False)
        loop.add_reader(heard, heard.recv, READ_BYTES)
        before = signal.set_wakeup_fd(rung.fileno(), warn_on_full_buffer=False)
        try:
            return await main
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(heard)
