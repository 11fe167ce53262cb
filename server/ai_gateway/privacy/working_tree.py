"""Where a file is: in which folders, in which repository, and where symbolic links lead to."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ai_gateway.privacy.file_names import canonical
from ai_gateway.privacy.regular_files import read_regular

GIT = ".git"
LONGEST_LINE = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file or folder is."""

    path: str
    """Absolute and normal; a slash at its end means a folder."""
    folders: Sequence[str]
    """That it is in, from the disk's; each ends in a slash."""
    root: int
    """Which of them is that of its repository."""
    git: str | None
    """The folder that the repository and all its working trees share; None: it is in no repository."""

    @property
    def parts(self) -> Sequence[str]:
        """Its path from the first folder, taken apart; after that of a folder comes an empty part."""
        path = self.path if self.path.endswith("/") or not os.path.isdir(self.path) else f"{self.path}/"  # noqa: PTH112
        return canonical(path[len(self.folders[0]) :]).replace(os.sep, "/").split("/")


def place_of(path: str) -> Place:
    """Find out where a file is; it need not exist."""
    folders = [_above(path)]
    shortest = len(os.path.splitdrive(path)[0]) + 1
    while len(folders[-1]) > shortest:
        folders.append(_above(folders[-1]))
    found = ((root, git) for root, folder in enumerate(folders, 1) if (git := _git_in(folder)) is not None)
    root, git = next(found, (len(folders), None))
    return Place(path, folders[::-1], len(folders) - root, git)


def own_and_real(path: str) -> Iterator[str]:
    """Give what a file or folder is called, and what that leads to where it is something else.

    Args:
        path: Absolute; a slash at its end means a folder, and is kept.
    """
    own = os.path.normpath(path)
    slash = "/" if path.endswith("/") and not own.endswith("/") else ""
    try:
        real = os.path.realpath(path) if own + slash != path or _has_link(own) else own
    except ValueError:  # no file can be called so
        return
    yield own + slash
    if real != own:
        yield real + slash


def _has_link(path: str) -> bool:
    """Say whether a part of a path may be a symbolic link; `realpath` would take twice as long to find out."""
    if sys.platform == "win32":
        return True  # there are junctions as well
    end = 0
    try:
        while (end := path.find(os.sep, end + 1)) > 0:
            if stat.S_ISLNK(os.lstat(path[:end]).st_mode):
                return True
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except OSError:
        return True


def _above(path: str) -> str:
    return path[: path.rfind(os.sep, 0, -1) + 1] or path


def _git_in(folder: str) -> str | None:
    """Find what a repository whose `.git` is here shares with all its working trees (gitrepository-layout(5))."""
    dot_git = folder + GIT
    try:
        mode = os.stat(dot_git).st_mode  # noqa: PTH116 - pathlib takes ten times as long
        if stat.S_ISDIR(mode):
            os.lstat(f"{dot_git}{os.sep}HEAD")  # without one, Git would look further up
            return dot_git
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(mode):
        return None
    try:
        own = Path(folder, _line_in(dot_git).removeprefix("gitdir:").strip())
    except (OSError, ValueError):
        return dot_git
    try:
        return str(own / _line_in(str(own / "commondir")))
    except (OSError, ValueError):
        return str(own)


def _line_in(path: str) -> str:
    written, _ = read_regular(path, LONGEST_LINE)
    return os.fsdecode(written).partition("\n")[0]
