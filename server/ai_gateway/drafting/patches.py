"""What changed inside files: their patches, read piece by piece, so that none is ever held whole that is too large."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LINE_BYTES = 500
"""A longer line is cut."""
PATCH_BYTES = 24 * 1024
"""A longer patch is not kept."""
FUNCTIONS = 12
"""So many are named of one file."""
FUNCTION_CHARACTERS = 100
READ_BYTES = 32 * 1024 * 1024
"""So much is read of all patches together."""
_HUNK = re.compile(rb"@@ -\S+ \+\S+ @@ ?(.*)")

Blobs = tuple[str, str]
"""The ids of a file's content before and now."""


@dataclass(slots=True)
class Patch:
    """What changed inside one file.

    Attributes:
        lines: The hunks; empty where they were too long to be kept.
        functions: What git says that the hunks are in.
    """

    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    functions: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether it could be kept."""
        return 0 < self.size <= PATCH_BYTES

    @property
    def text(self) -> str:
        """Give the hunks; what is not in UTF-8 is replaced."""
        return b"\n".join(self.lines).decode("utf-8", "replace")

    def take(self, line: bytes) -> None:
        """Take in one line of a hunk."""
        self.size += len(line) + 1
        if self.is_whole:
            self.lines.append(line)
        else:
            self.lines.clear()

    def drop(self) -> None:
        """Keep no more than the functions."""
        self.lines.clear()
        self.size = PATCH_BYTES + 1

    def enter(self, function: str) -> None:
        """Take in the function that a hunk is in."""
        if function and function not in self.functions and len(self.functions) < FUNCTIONS:
            self.functions.append(function[:FUNCTION_CHARACTERS])


class PatchReader:
    """Reads the output of `git diff-tree --patch --full-index`, in whatever pieces it comes.

    Files are told apart by the ids of their content, which need no unquoting; what has no ids has no hunks either.
    All that is kept is within a limit: when it is exceeded, the largest patch goes, and of files that a tool has
    written every one before any other. So what is left at the end are the smallest.

    Args:
        wanted: What may be read, by the ids of its content, and whether a tool has written it.
        limit: In bytes, of all patches that are kept.
    """

    def __init__(self, wanted: Mapping[Blobs, bool], limit: int) -> None:
        self.patches: dict[Blobs, Patch] = {}
        self._wanted = wanted
        self._limit = limit
        self._kept: dict[Blobs, Patch] = {}
        self._size = 0
        self._rest = b""
        self._current: Patch | None = None
        self._blobs: Blobs = ("", "")
        self._read = 0

    def feed(self, data: bytes) -> bool:
        """Take in a piece, and say whether to go on."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line[:LINE_BYTES])
        self._rest = self._rest[:LINE_BYTES]  # what follows is joined to it, and is cut off then
        self._read += len(data)
        return self._read < READ_BYTES

    def ended(self) -> dict[Blobs, Patch]:
        """Give what is left when all has been read."""
        if self._rest:
            self._take(self._rest)
            self._rest = b""
        self._keep()
        return self.patches

    def _take(self, line: bytes) -> None:
        if line.startswith(b"diff --git "):
            self._keep()
        elif line.startswith(b"index ") and self._current is None:
            before, _, now = line.split(b" ")[1].decode("ascii", "replace").partition("..")
            self._blobs = before, now
            if self._blobs in self._wanted:
                self._current = self.patches[self._blobs] = Patch()
        elif self._current is not None and (hunk := _HUNK.match(line)):
            self._current.enter(hunk[1].decode("utf-8", "replace").strip())
            self._current.take(line)
        elif self._current is not None and self._current.size:
            self._current.take(line)

    def _keep(self) -> None:
        """Add the patch that has ended to those that are kept, and drop as many as are too many then."""
        patch, self._current = self._current, None
        if patch is None or not patch.is_whole or self._blobs in self._kept:
            return
        self._kept[self._blobs] = patch
        self._size += patch.size
        while self._size > self._limit:
            largest = max(self._kept, key=lambda blobs: (self._wanted[blobs], self._kept[blobs].size))
            dropped = self._kept.pop(largest)
            self._size -= dropped.size
            dropped.drop()
