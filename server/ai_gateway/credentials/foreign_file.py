"""Files that somebody else writes: missing, huge, half-written, closed to us, or no files at all."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from ai_gateway.credentials.folders import WINDOWS_USERS
from ai_gateway.credentials.found import CannotRead
from ai_gateway.providers.wire import parsed

MAX_JSON_BYTES = 1024 * 1024
FOR_OTHERS = 0o011
"""The bits by which others may pass through a folder."""


def is_there(path: Path, *, max_bytes: int) -> bool:
    """Say whether there is a file that can be opened without harm.

    Raises:
        CannotRead: There is something else, or it can't be looked at.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise CannotRead(_in_words(error)) from error
    if not stat.S_ISREG(found.st_mode):
        raise CannotRead("it is not a file")
    if found.st_size > max_bytes:
        raise CannotRead("it is far larger than any store of tokens")
    if found.st_size == 0:
        raise CannotRead("it is empty")
    return True


def read_object(path: Path) -> dict[str, object] | None:
    """Read a file that holds one JSON object; None: there is no file.

    Raises:
        CannotRead: It can't be read, or holds something else.
    """
    if not is_there(path, max_bytes=MAX_JSON_BYTES):
        return None
    try:
        with path.open("rb") as file:
            content = file.read(MAX_JSON_BYTES)
    except OSError as error:
        raise CannotRead(_in_words(error)) from error
    value = parsed(content)
    if not isinstance(value, dict):
        raise CannotRead("it is damaged or half-written: it holds no JSON object")
    return value


def fingerprint(path: Path) -> object:
    """Give what changes whenever the file is written or replaced."""
    try:
        found = path.stat()
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_size, found.st_ino


def exposure(path: Path) -> str | None:
    """Say that others on this machine can read a file; None: they can't, or the system does not say."""
    if os.name != "posix" or path.is_relative_to(WINDOWS_USERS):  # WSL shows every file of Windows as open to all
        return None
    try:
        readable, passable = path.stat().st_mode >> 2, path.parent.stat().st_mode
    except OSError:
        return None
    if not readable & passable & FOR_OTHERS:
        return None
    return f"{path}: others on this machine can read the tokens in it; run: chmod 600 {shlex.quote(str(path))}"


def _in_words(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "you may not read it; see whose it is, and its permissions and its folder's"
    return f"it can't be read ({error.strerror or type(error).__name__})"
