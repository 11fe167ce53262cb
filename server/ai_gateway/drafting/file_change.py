"""One changed file, as git lists it."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

SUBMODULE, SYMLINK = "160000", "120000"
SHORT_ID = 10
GENERATED = re.compile(
    r"(?:^|/)(?:[^/]*[.-]lock(?:\.[^/.]+)?|npm-shrinkwrap\.json|go\.sum"
    r"|[^/]*\.min\.(?:js|css)|[^/]*\.(?:map|snap|svg|ipynb)|[^/]*(?:_pb2(?:_grpc)?\.pyi?|\.pb\.go|\.g\.dart|\.Designer\.cs)"
    r"|[^/]*[._-]generated\.[^/]+|(?:dist|vendor|node_modules|third_party)/.*)$",
    re.IGNORECASE,
)
"""Of files that a tool has written, or somebody else: their content says the least about a change."""
_STATUSES = {"A": "added", "D": "deleted", "R": "renamed", "C": "copied", "T": "of another type", "M": "modified"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """What happened to one file.

    Attributes:
        status: A letter of `git diff --raw`.
        path: As the file system has it, relative to the top of the repository; the old one where it was deleted.
        old_path: Of a file that was renamed or copied.
        blobs: The ids of its content before and now.
        added: Lines; None: they can't be counted.
    """

    status: str
    path: str
    old_path: str | None = None
    modes: tuple[str, str] = ("", "")
    blobs: tuple[str, str] = field(default=("", ""), repr=False)
    added: int | None = None
    removed: int | None = None
    is_binary: bool = False

    @property
    def name(self) -> str:
        """Give its path as it can be shown: in Unicode, on one line."""
        return shown(self.path)

    @property
    def paths(self) -> tuple[str, ...]:
        """Give all paths that it has had."""
        return (self.path,) if self.old_path is None else (self.path, self.old_path)

    @property
    def lines(self) -> int:
        """Count the lines that changed."""
        return (self.added or 0) + (self.removed or 0)

    @property
    def is_generated(self) -> bool:
        """Whether a tool has written it, as far as its name tells."""
        return GENERATED.search(self.path) is not None

    @property
    def has_text(self) -> bool:
        """Whether lines of text have changed in it, that could be shown."""
        return self.lines > 0 and SUBMODULE not in self.modes and self.status != "T"

    def __str__(self) -> str:
        """Say what happened, in one line."""
        return ", ".join([self.name, *self._happened()])

    def _happened(self) -> Iterator[str]:
        if SUBMODULE in self.modes:
            yield "submodule, " + " to ".join(blob[:SHORT_ID] for blob in self.blobs if blob.strip("0"))
        if self.old_path is not None:
            yield f"{_STATUSES[self.status]} from {shown(self.old_path)}"
        elif self.status != "M":
            yield _STATUSES.get(self.status, "changed")
        if "000000" not in self.modes and self.modes[0] != self.modes[1]:
            yield f"mode {self.modes[0]} to {self.modes[1]}"
        if self.lines:
            yield f"+{self.added} -{self.removed}"
        elif self.is_binary:
            yield "binary"


def shown(path: str) -> str:
    """Give a path as it can be shown: what is no Unicode, or would break the line, is escaped or replaced."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def file_changes(listing: bytes) -> list[FileChange]:
    """Read what `git diff-tree -r -z --raw --numstat` prints; a last entry that was cut off is left out.

    See "raw output format" in https://git-scm.com/docs/git-diff-index and `--numstat` in
    https://git-scm.com/docs/git-diff.
    """
    tokens = iter(os.fsdecode(listing).split("\0")[:-1])
    found: dict[str, FileChange] = {}
    for token in tokens:
        change = _of_raw(token, tokens) if token.startswith(":") else _with_numbers(token, tokens, found)
        if change is not None:
            found[change.path] = change
    return list(found.values())


def _of_raw(token: str, tokens: Iterator[str]) -> FileChange | None:
    old_mode, new_mode, old_blob, new_blob, status = token[1:].split(" ")
    path, old_path = next(tokens, None), None
    if status[0] in "RC":
        old_path, path = path, next(tokens, None)
    if path is None:
        return None
    return FileChange(
        status=status[0], path=path, old_path=old_path, modes=(old_mode, new_mode), blobs=(old_blob, new_blob)
    )


def _with_numbers(token: str, tokens: Iterator[str], found: dict[str, FileChange]) -> FileChange | None:
    added, removed, path = token.split("\t", 2)
    if not path:
        next(tokens, None)  # the old one
        path = next(tokens, "")
    change = found.get(path)
    if change is None:
        return None
    if added == "-":
        return replace(change, is_binary=True)
    return replace(change, added=int(added), removed=int(removed))


def folder_of(changes: Sequence[FileChange]) -> str:
    """Give the folder that all of them are in; empty: they have none in common but the top."""
    return posixpath.commonpath([change.name.rpartition("/")[0] for change in changes])
