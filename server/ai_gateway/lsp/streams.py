"""The standard streams, taken for the protocol alone."""

from __future__ import annotations

import os
import sys


def claim_standard_streams() -> tuple[int, int]:
    """Give private descriptors of standard input and output.

    What is printed from now on goes to standard error, and a child process can't read the client's messages.
    """
    received, sent = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for descriptor in (received, sent):
        _make_plain(descriptor)
    return received, sent


def _make_plain(descriptor: int) -> None:
    """Let it block, and carry bytes as they are."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - exists on Windows only

        msvcrt.setmode(descriptor, os.O_BINARY)
    else:
        os.set_blocking(descriptor, True)
