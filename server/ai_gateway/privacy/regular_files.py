"""Small files that somebody else may have put there, read without ever waiting for them."""

from __future__ import annotations

import os
import stat

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def read_regular(path: str, limit_bytes: int) -> tuple[bytes, os.stat_result]:
    """Give the beginning of a file, and what it was when it was read.

    Only what was opened says what it is: by then, another may have the name that was looked at. A pipe could be read
    for ever, so it is opened without waiting, and not read.

    Raises:
        OSError: It can't be read, or is no regular file (`IsADirectoryError`).
        ValueError: No file can be called so.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise IsADirectoryError(f"no regular file: {path!r}")
        read = b""
        while data := os.read(descriptor, limit_bytes - len(read)):
            read += data
        return read, found
    finally:
        os.close(descriptor)
