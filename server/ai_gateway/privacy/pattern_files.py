"""Files of patterns, read once and again when they change."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ai_gateway.privacy.file_names import canonical
from ai_gateway.privacy.ignore_patterns import IgnorePatterns

LARGEST_BYTES = 64 * 1024
"""Of a file of patterns: the largest that people publish has an eighth of it."""
MOST_KEPT = 256

_Signature = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class PatternFile:
    """What a file says."""

    path: str
    patterns: IgnorePatterns
    fault: str | None = None
    """Why nobody can know what it says, to stand after its path."""


class PatternFiles:
    """Reads them, and keeps what they say as long as they stay as they are.

    Args:
        ignores_case: Whether `A` is `a` in the names of files.
    """

    def __init__(self, *, ignores_case: bool) -> None:
        self._ignores_case = ignores_case
        self._known: dict[str, tuple[_Signature, PatternFile]] = {}

    def at(self, path: str) -> PatternFile | None:
        """Give what the file says now; None: there is none."""
        try:
            found = os.stat(path)  # noqa: PTH116 - pathlib takes twice as long
        except (FileNotFoundError, NotADirectoryError):
            self._known.pop(path, None)
            return None
        except OSError as error:
            return self._faulty(path, f"can't be read ({type(error).__name__})")
        signature = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev)
        known = self._known.get(path)
        if known is not None and known[0] == signature:
            return known[1]
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        read = self._read(path, found)
        self._known[path] = signature, read
        return read

    def _read(self, path: str, found: os.stat_result) -> PatternFile:
        if not stat.S_ISREG(found.st_mode):  # to open a pipe could take for ever
            return self._faulty(path, "is no file that can be read")
        try:
            with Path(path).open("rb") as file:
                written = file.read(LARGEST_BYTES + 1)
        except OSError as error:
            return self._faulty(path, f"can't be read ({type(error).__name__})")
        if len(written) > LARGEST_BYTES:
            return self._faulty(path, f"is larger than {LARGEST_BYTES // 1024} KiB")
        if b"\0" in written:
            return self._faulty(path, "is no text in UTF-8")
        lines = canonical(written.decode("utf-8-sig", "surrogateescape")).split("\n")
        return PatternFile(path, IgnorePatterns(map(_without_return, lines), ignores_case=self._ignores_case))

    def _faulty(self, path: str, fault: str) -> PatternFile:
        return PatternFile(path, IgnorePatterns((), ignores_case=self._ignores_case), fault)


def _without_return(line: str) -> str:
    return line.removesuffix("\r")
