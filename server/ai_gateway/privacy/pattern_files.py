"""Files of patterns, read once and again when they change, and never more of them than anybody needs."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import cached_property

from ai_gateway.privacy.file_names import canonical
from ai_gateway.privacy.ignore_patterns import IgnorePatterns, Pattern, patterns_of
from ai_gateway.privacy.regular_files import read_regular

MOST_BYTES = 64 * 1024
"""Of all files of patterns that concern one path: the largest that people publish has an eighth of it."""
MOST_PATTERNS = 2000
"""Likewise."""
NO_FILE = "is no file that can be read"
MOST_KEPT = 256
MOST_PATTERNS_KEPT = 4 * MOST_PATTERNS
"""Each takes half a kilobyte."""

_Signature = tuple[int, int, int, int, int]


class PatternFile:
    """What a file says.

    Args:
        path: Where it is.
        lines: Its patterns, which are understood when they are first needed.
        size_bytes: How long it is.
        ignores_case: Whether `A` is `a` in the names of files.
        fault: Why nobody can know what it says, to stand after its path.
    """

    def __init__(
        self,
        path: str,
        lines: list[Pattern],
        *,
        size_bytes: int = 0,
        ignores_case: bool = False,
        fault: str | None = None,
    ) -> None:
        self.path = path
        self.lines = lines
        self.size_bytes = size_bytes
        self.fault = fault
        self._ignores_case = ignores_case

    @cached_property
    def patterns(self) -> IgnorePatterns:
        """What its lines mean."""
        return IgnorePatterns(self.lines, ignores_case=self._ignores_case)


@dataclass(slots=True)
class Budget:
    """What is left to be read of the files that concern one path; they may be somebody else's, and many."""

    size_bytes: int = MOST_BYTES
    patterns: int = MOST_PATTERNS

    def charged(self, file: PatternFile) -> PatternFile:
        """Take a file into account; if that is too much, give one in its place that says so."""
        if file.size_bytes > self.size_bytes or len(file.lines) > self.patterns:
            return too_much(file.path)
        self.size_bytes -= file.size_bytes
        self.patterns -= len(file.lines)
        return file


class PatternFiles:
    """Reads them, and keeps what they say as long as they stay as they are.

    Args:
        ignores_case: Whether `A` is `a` in the names of files.
    """

    def __init__(self, *, ignores_case: bool) -> None:
        self._ignores_case = ignores_case
        self._known: dict[str, tuple[_Signature, PatternFile]] = {}

    def at(self, path: str, budget: Budget) -> PatternFile | None:
        """Give what the file says now; None: there is none.

        Args:
            path: Of the file.
            budget: What may still be read; it is charged.
        """
        try:
            found = os.stat(path)  # noqa: PTH116 - pathlib takes twice as long
        except (FileNotFoundError, NotADirectoryError):
            self._known.pop(path, None)
            return None
        except OSError as error:
            return _faulty(path, f"can't be read ({type(error).__name__})")
        known = self._known.get(path)
        if known is not None and known[0] == _signature(found):
            return budget.charged(known[1])
        if not stat.S_ISREG(found.st_mode):
            return _faulty(path, NO_FILE)
        if found.st_size > budget.size_bytes:
            return too_much(path)
        return budget.charged(self._read(path))

    def _read(self, path: str) -> PatternFile:
        try:
            written, found = read_regular(path, MOST_BYTES + 1)
        except IsADirectoryError:
            return _faulty(path, NO_FILE)
        except OSError as error:
            return _faulty(path, f"can't be read ({type(error).__name__})")
        if len(written) > MOST_BYTES:
            return too_much(path)
        if b"\0" in written:
            file = _faulty(path, "is no text in UTF-8")
        else:
            lines = canonical(written.decode("utf-8-sig", "surrogateescape")).split("\n")
            patterns = patterns_of(line.removesuffix("\r") for line in lines)
            file = PatternFile(path, patterns, size_bytes=len(written), ignores_case=self._ignores_case)
            file = file if len(patterns) <= MOST_PATTERNS else too_much(path)
        self._keep(_signature(found), file)
        return file

    def _keep(self, signature: _Signature, file: PatternFile) -> None:
        patterns = sum(len(known.lines) for _, known in self._known.values())
        if len(self._known) >= MOST_KEPT or patterns + len(file.lines) > MOST_PATTERNS_KEPT:
            self._known.clear()
        self._known[file.path] = signature, file


def too_much(path: str) -> PatternFile:
    """Give a file that nobody reads."""
    return _faulty(
        path,
        f"makes more than {MOST_BYTES // 1024} KiB or {MOST_PATTERNS:,} patterns, with the other files of patterns",
    )


def _signature(found: os.stat_result) -> _Signature:
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev


def _faulty(path: str, fault: str) -> PatternFile:
    return PatternFile(path, [], fault=fault)
