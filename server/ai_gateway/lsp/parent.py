"""Watching the process that started this one, for clients whose end does not close standard input."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

LOOK_EVERY_SECONDS = 0.5


def watch_parent(pid: int, on_gone: Callable[[], None]) -> threading.Thread:
    """Call `on_gone` when the process ends, in a thread that ends then, too.

    A process that can't be seen, as from within a container, or that is younger than this one, and so not the one
    that started it, is not watched.
    """
    thread = threading.Thread(target=_watch, args=(pid, on_gone), name="parent watch", daemon=True)
    thread.start()
    return thread


def _watch(pid: int, on_gone: Callable[[], None]) -> None:
    import psutil  # noqa: PLC0415 - too slow to be imported before the handshake

    try:
        parent = psutil.Process(pid)
        is_older = parent.create_time() <= psutil.Process().create_time()
    except (psutil.Error, ValueError, OverflowError):
        return
    if is_older:
        while _is_alive(parent):
            time.sleep(LOOK_EVERY_SECONDS)
        on_gone()


def _is_alive(process: psutil.Process) -> bool:
    import psutil  # noqa: PLC0415 - as above

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
