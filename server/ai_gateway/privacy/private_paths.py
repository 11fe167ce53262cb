"""Files that are nobody else's business, by pattern: a query that quotes one of them is private."""

from __future__ import annotations

import posixpath
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec  # only for those who have patterns

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""RFC 3986, 3.1, but for a single letter, which is a drive."""


class PrivatePaths:
    """Says of a file whether one of the patterns is meant for it.

    They are those of a .gitignore (https://git-scm.com/docs/gitignore#_pattern_format): the last that fits decides, and
    `!` makes an exception. Unlike there, each fits at any depth, as a server has no one folder that they could be
    relative to; so an absolute path fits as well, and `~/` is the person's home. Symbolic links are not followed.

    Args:
        patterns: As above. What is empty, or begins with `#`, means nothing.
        ignores_case: Whether `A` is `a`; None: as is usual on this platform.

    Raises:
        ValueError: One of them is no pattern, and would protect nothing.
    """

    def __init__(self, patterns: Sequence[str], *, ignores_case: bool | None = None) -> None:
        self._ignores_case = sys.platform in {"win32", "darwin"} if ignores_case is None else ignores_case
        meant = [pattern for pattern in patterns if pattern.strip() and not pattern.startswith("#")]
        self._spec = _spec_of([self._cased(_floating(pattern)) for pattern in meant]) if meant else None

    def matches(self, path_or_uri: str) -> bool:
        """Say whether the file is private: a path of this or another platform, or the URI of a document."""
        if self._spec is None:
            return False
        return any(self._spec.match_file(self._cased(path)) for path in _paths_of(path_or_uri))

    def _cased(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text)  # macOS takes letters with accents apart
        return text.lower() if self._ignores_case else text


def _spec_of(patterns: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - it takes 2 MB, which most people need not spend

    try:
        spec = GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise ValueError(f"no pattern as in a .gitignore: {error}") from error
    for pattern, read in zip(patterns, spec.patterns, strict=True):
        if read.include is None:
            raise ValueError(f"no pattern as in a .gitignore: {pattern!r}")
    return spec


def _floating(pattern: str) -> str:
    """Let a pattern with a slash, which would be relative to one folder, fit at any depth."""
    sign = "!" if pattern.startswith("!") else ""
    path = pattern.removeprefix("!")
    if path.startswith("~/"):
        path = Path.home().as_posix() + path[1:]
    is_relative = "/" in path.rstrip().rstrip("/") and not path.startswith("**/")
    return f"{sign}**/{path.lstrip('/')}" if is_relative else pattern


def _paths_of(path_or_uri: str) -> Iterator[str]:
    """Give what the file may be called, without a slash at the beginning."""
    scheme = _SCHEME.match(path_or_uri)
    if scheme is None:
        yield _normal(path_or_uri)
        return
    path = path_or_uri[scheme.end() :]
    for variant in {path, re.split("[?#]", path, maxsplit=1)[0]}:  # some write a `#` as it is, others mean a fragment
        yield _normal(unquote(variant))


def _normal(path: str) -> str:
    slashed = path.replace("\\", "/")
    normal = posixpath.normpath(slashed).lstrip("/")
    return f"{normal}/" if slashed.endswith("/") else normal
