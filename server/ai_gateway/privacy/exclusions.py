"""Files that are kept out of every prompt: by settings, by .aiexclude files, and by what Git ignores.

A .aiexclude file is written like a .gitignore, and holds for the folder that it is in and all below. One without a
pattern keeps out everything there (https://developers.google.com/gemini-code-assist/docs/create-aiexclude-file). A file
of patterns that can't be read keeps out everything as well: nobody knows what it would have protected.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ai_gateway.privacy.file_names import IGNORES_CASE, UnfitName, files_of, fit
from ai_gateway.privacy.path_patterns import PathPatterns
from ai_gateway.privacy.pattern_files import Budget, PatternFile, PatternFiles
from ai_gateway.privacy.working_tree import GIT, Place, own_and_real, place_of

AI_EXCLUDE = ".aiexclude"
GIT_IGNORE = ".gitignore"


class Exclusions:
    """Says of a file whether, and why, it is kept out.

    Args:
        patterns: As the setting `privacy.exclude` has them.
        use_gitignore: Whether what Git ignores is kept out.
        ignores_case: Whether `A` is `a`; None: as is usual on this platform.

    Raises:
        ValueError: One of the patterns is none.
    """

    def __init__(
        self, patterns: Sequence[str] = (), *, use_gitignore: bool = True, ignores_case: bool | None = None
    ) -> None:
        ignores_case = IGNORES_CASE if ignores_case is None else ignores_case
        self.folders: Callable[[], Sequence[str]] = tuple
        """Says where relative paths may begin; nowhere: in the current folder."""
        self._patterns = PathPatterns(patterns, ignores_case=ignores_case)
        self._use_gitignore = use_gitignore
        self._files = PatternFiles(ignores_case=ignores_case)

    def why(self, path_or_uri: str) -> str | None:
        """Say in words what keeps a file out; None: nothing does.

        Both what the file is called and what that leads to, if it is a symbolic link, are looked at. Of what is on no
        disk of this machine, only the setting tells.
        """
        try:
            return self._why_named(path_or_uri)
        except UnfitName as error:
            return f"{error}, and is not looked at"

    def is_named(self, path_or_uri: str, patterns: PathPatterns) -> bool:
        """Say whether one of the patterns is meant for a file, by what it is called or by what that leads to.

        Of a name that is not looked at it is taken to be so.
        """
        if patterns.is_empty:
            return False
        try:
            return any(map(patterns.fitting, (path_or_uri, *self._files_of(path_or_uri))))
        except UnfitName:
            return True

    def _why_named(self, path_or_uri: str) -> str | None:
        files = self._files_of(path_or_uri)
        pattern = next(filter(None, map(self._patterns.fitting, (path_or_uri, *files))), None)
        if pattern is not None:
            return f"privacy.exclude ({pattern!r}) says so"
        return next(filter(None, map(self._why, files)), None)

    def _files_of(self, path_or_uri: str) -> list[str]:
        return [fit(path) for file in files_of(path_or_uri, self.folders()) for path in own_and_real(file)]

    def _why(self, path: str) -> str | None:
        place, budget = place_of(path), Budget()
        reason, of_ai = _read_until(_ai_fault_of, self._sources(place, AI_EXCLUDE, budget, first=0))
        reason = reason or _reason(place, of_ai)
        if reason is not None or not self._use_gitignore or place.git is None or f"{os.sep}{GIT}{os.sep}" in path:
            return reason  # in its own folder, where the message of a commit is written, Git ignores nothing
        reason, of_git = _read_until(_fault_of, self._of_git(place, place.git, budget))
        reason = reason or _reason(place, of_git)
        return None if reason is None else f"{reason}, as privacy.use_gitignore is on"

    def _of_git(self, place: Place, git: str, budget: Budget) -> Iterator[_Source]:
        """Give Git's own lists, those that matter less first."""
        file = self._files.at(os.path.join(git, "info", "exclude"), budget)  # noqa: PTH118 - pathlib takes ten times as long
        if file is not None:
            yield _Source(place.root, file)
        yield from self._sources(place, GIT_IGNORE, budget, first=place.root)

    def _sources(self, place: Place, name: str, budget: Budget, *, first: int) -> Iterator[_Source]:
        for depth in range(first, len(place.folders)):
            if (file := self._files.at(place.folders[depth] + name, budget)) is not None:
                yield _Source(depth, file)


@dataclass(frozen=True, slots=True)
class _Source:
    """A file of patterns, so many folders below the first."""

    depth: int
    file: PatternFile


def _read_until(
    fault_of: Callable[[_Source], str | None], sources: Iterator[_Source]
) -> tuple[str | None, Sequence[_Source]]:
    """Read files of patterns until one has a fault: none after it makes a difference."""
    read = []
    for source in sources:
        if (fault := fault_of(source)) is not None:
            return fault, ()
        read.append(source)
    return None, read


def _fault_of(source: _Source) -> str | None:
    """Say why a file keeps out everything, as nobody can know what it says."""
    file = source.file
    return None if file.fault is None else f"{file.path} {file.fault}, so nothing beside or below it is let out"


def _ai_fault_of(source: _Source) -> str | None:
    """Likewise of a .aiexclude file, where Git would leave out what is no pattern."""
    file, wrong = source.file, source.file.patterns.wrong
    if wrong:
        return f"line {wrong[0].line} of {file.path} is no pattern, so nothing beside or below it is let out"
    if file.fault is None and file.patterns.is_empty:
        return f"{file.path} is empty, which keeps out everything beside and below it"
    return _fault_of(source)


def _reason(place: Place, sources: Sequence[_Source]) -> str | None:
    """Go down from the first folder to the file: what is in an excluded folder is excluded.

    At each level the last pattern decides, of the file of patterns that is nearest.
    """
    sources = [source for source in sources if not source.file.patterns.is_empty]
    if not sources:
        return None
    parts = place.parts
    for end in range(1, len(parts) + (parts[-1] != "")):
        slash = "/" if end < len(parts) else ""
        for source in reversed(sources):
            path = "/".join(parts[source.depth : end]) + slash
            found = source.file.patterns.last_fitting(path) if source.depth < end else None
            if found is not None:
                if found.excludes:
                    return f"line {found.line} of {source.file.path} ({found.text!r}) says so"
                break
    return None
