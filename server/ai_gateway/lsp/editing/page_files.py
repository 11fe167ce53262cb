"""Where texts to read lie: in the user's cache folder, readable for this person only, and gone after a day."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from ai_gateway.failures import GatewayError

FOLDER = "answers"
FOLDER_MODE = 0o700
TEMPORARY_PREFIX = "ai-gateway-answers-"
KEPT_SECONDS = 24 * 3600.0
LONGEST_NAME = 60


class NotWritten(GatewayError):
    """There is no file for a text; says what to do."""


def written(name: str, text: str, workspace: list[Path]) -> Path:
    """Write a text into a file of its own, outside of the workspace, whose files are searched, built and committed.

    Args:
        name: What it is about; the file's name begins so.
        text: What it says.
        workspace: The folders of the workspace.

    Raises:
        NotWritten: No disk takes it.
    """
    try:
        try:
            return _written_in(_cache_folder(workspace), name, text)
        except OSError:
            return _written_in(_temporary_folder(), name, text)
    except OSError as error:
        why = error.strerror or "it can't be written"
        raise NotWritten(
            f"there is no file for the answer ({why}); make room in the cache folder, and ask again"
        ) from error


def _written_in(folder: Path, name: str, text: str) -> Path:
    _remove_old(folder)
    stem = re.sub(r"[^\w.-]+", "-", name)[:LONGEST_NAME].strip("-.")
    descriptor, path = tempfile.mkstemp(prefix=f"{stem}-", suffix=".md", dir=folder)
    file = Path(path)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as opened:
            opened.write(text)
    except OSError:
        file.unlink()
        raise
    return file


def _cache_folder(workspace: list[Path]) -> Path:
    folder = user_cache_path("ai-gateway", appauthor=False) / FOLDER
    if any(folder.resolve().is_relative_to(root.resolve()) for root in workspace):
        raise PermissionError(errno.EPERM, "the cache folder lies in the workspace")
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    if not _is_own(folder):
        raise PermissionError(errno.EPERM, "the cache folder is not this person's own")
    if os.name == "posix":
        folder.chmod(FOLDER_MODE)
    return folder


def _temporary_folder() -> Path:
    """Give the one that was used before, so that what is in it goes after a day as well."""
    used = Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*")
    private = (path for path in used if _is_own(path) and stat.S_IMODE(path.lstat().st_mode) == FOLDER_MODE)
    found = next(private, None) if os.name == "posix" else None
    return found or Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))


def _is_own(path: Path) -> bool:
    """Whether it is a folder, and no link to one that somebody else has chosen."""
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and (os.name != "posix" or status.st_uid == os.getuid())


def _remove_old(folder: Path) -> None:
    before = time.time() - KEPT_SECONDS
    for path in folder.glob("*.md"):
        with suppress(OSError):  # another window has removed it
            if path.lstat().st_mtime < before:
                path.unlink()
