"""Naming a process so that another can tell whether it has ended.

A pid alone is not enough, as pids are used again; with the time of its start it names one process of one machine.
"""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import psutil

SAME_START_SECONDS = 1.5
"""The boot time that the kernel reports moves by a second when the machine's clock is corrected."""


def this_process() -> str:
    """Name the running process: pid, start, place."""
    return _name_of(os.getpid())


def has_ended(holder: str) -> bool:
    """Whether the process of that name is known to have ended. Of another machine or container nothing is known."""
    pid, started, place = _parts(holder)
    if place != _place():
        return False
    try:
        process = psutil.Process(pid)
        is_same = abs(_started(process) - started) < SAME_START_SECONDS
        return not is_same or process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, OverflowError):
        return False


@lru_cache(maxsize=1)
def _name_of(pid: int) -> str:
    return f"{pid}-{_started(psutil.Process(pid)):.2f}-{_place()}"


def _parts(holder: str) -> tuple[int, float, str]:
    pid, _, rest = holder.partition("-")
    started, _, place = rest.rpartition("-")
    with suppress(ValueError):
        if int(pid) >= 0:
            return int(pid), float(started), place
    return 0, 0.0, ""


def _started(process: psutil.Process) -> float:
    """Seconds: on Linux since the machine's start, as dates made from them move with the clock; else the epoch's."""
    return process.create_time() - (psutil.boot_time() if psutil.LINUX else 0.0)


@lru_cache(maxsize=1)
def _place() -> str:
    """Name what a pid is counted in: this machine, or this container of it."""
    namespace = ""
    with suppress(OSError):  # only Linux has it
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.blake2b(f"{socket.gethostname()} {namespace}".encode(), digest_size=4).hexdigest()
