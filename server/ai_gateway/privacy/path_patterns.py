"""Files by pattern, as settings name them: of no one folder, so at any depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ai_gateway.privacy.file_names import IGNORES_CASE, canonical, names_of
from ai_gateway.privacy.ignore_patterns import IgnorePatterns, patterns_of


class PathPatterns:
    """Says of a file whether one of the patterns is meant for it.

    They are those of a .gitignore: the last that fits the file, or a folder that it is in, decides, and `!` makes an
    exception. Unlike there, each fits at any depth, as a server has no one folder that they could be relative to; so an
    absolute path fits as well, and `~/` is the person's home. Symbolic links are not followed.

    Args:
        patterns: As above. What is empty, or begins with `#`, means nothing.
        ignores_case: Whether `A` is `a`; None: as is usual on this platform.

    Raises:
        ValueError: One of them is no pattern, and would protect nothing.
    """

    def __init__(self, patterns: Sequence[str], *, ignores_case: bool | None = None) -> None:
        ignores_case = IGNORES_CASE if ignores_case is None else ignores_case
        self._given = tuple(patterns)
        lines = (canonical(_floating(pattern)) for pattern in patterns)
        self._patterns = IgnorePatterns(patterns_of(lines), ignores_case=ignores_case)
        if self._patterns.wrong:
            wrong = self._given[self._patterns.wrong[0].line - 1]
            raise ValueError(f"no pattern as in a .gitignore: {wrong!r}")

    @property
    def is_empty(self) -> bool:
        """Whether it means no file at all."""
        return self._patterns.is_empty

    def fitting(self, path_or_uri: str) -> str | None:
        """Give the pattern that means the file: a path of this or another platform, or the URI of a document.

        Raises:
            UnfitName: It is too long or too deep to be looked at.
        """
        if self.is_empty:
            return None
        for name in names_of(path_or_uri):
            found = (self._patterns.last_fitting(level) for level in _levels(canonical(name)))
            last = max((pattern for pattern in found if pattern), key=lambda pattern: pattern.line, default=None)
            if last is not None and last.excludes:
                return self._given[last.line - 1]
        return None


def _floating(pattern: str) -> str:
    """Let a pattern with a slash, which would be relative to one folder, fit at any depth."""
    sign = "!" if pattern.startswith("!") else ""
    path = pattern.removeprefix("!")
    if path.startswith("~/"):
        path = Path.home().as_posix() + path[1:]
    is_relative = "/" in path.rstrip().rstrip("/") and not path.startswith("**/")
    is_pattern = path.strip() and not pattern.startswith("#")
    return f"{sign}**/{path.lstrip('/')}" if is_relative and is_pattern else pattern.rstrip()


def _levels(path: str) -> Iterator[str]:
    """Give the folders that it is in, from the outermost, and itself."""
    end = path.find("/")
    while 0 <= end < len(path) - 1:
        yield path[: end + 1]
        end = path.find("/", end + 1)
    yield path
