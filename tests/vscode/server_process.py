"""The server's process, as the extension runs it."""

from __future__ import annotations

import psutil

from vscode.trying import until
from vscode.window import Window

LAUNCHER = "launch.py"


def servers(window: Window) -> list[psutil.Process]:
    """The processes that serve now; those that only tell whether a Python can are not among them."""
    return [process for process in window.server.processes(LAUNCHER) if "--stdio" in process.cmdline()]


def the_server(window: Window, *, other_than: int | None = None) -> psutil.Process:
    """The one process that serves, as soon as there is one that is not this process id's."""
    until(
        lambda: [process.pid for process in servers(window)] not in ([], [other_than]),
        window.page,
        "a process of the server",
    )
    (process,) = servers(window)
    return process
