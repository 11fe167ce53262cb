"""A repository, as far as it must be known before anything in it is compared."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from ai_gateway.drafting.failures import GitRefused, NoSuchFolder, NotARepository
from ai_gateway.drafting.git import Git

BRANCHES = "refs/heads/"
_DUBIOUS = re.compile(r"dubious ownership(?: in repository at '(?P<top>.*)')?")


@dataclass(frozen=True, slots=True)
class Repository:
    """One whose files are checked out.

    Attributes:
        top: The folder that paths in it are relative to.
        is_shallow: Whether its history was fetched only in part.
        branch: The one that is checked out; None: none is.
        head: The commit that is checked out; None: there is none yet.
    """

    git: Git
    top: Path
    is_shallow: bool
    branch: str | None
    head: str | None

    async def commit(self, name: str) -> str | None:
        """Give the id of the commit that a name stands for; None: it stands for none."""
        try:
            commit = text_of(await self.git.answer("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"))
        except GitRefused:  # such as `@{upstream}` of a branch that has none
            return None
        return None if commit is None or commit.startswith("^") else commit

    async def empty_tree(self) -> str:
        """Give the id of the tree that holds nothing; git knows it without having it."""
        return str(text_of(await self.git.output("hash-object", "-t", "tree", "--stdin")))


async def open_repository(folder: Path) -> Repository:
    """Find the repository that a folder, or a file, is in.

    Raises:
        NoSuchFolder: There is no such folder.
        NotARepository: It is in none.
        GitMissing: Git can't be run.
        GitFailed: Git can't say.
    """
    folder = _folder(folder)
    git = Git(folder)
    try:
        said = await git.output("rev-parse", "--is-shallow-repository", "--show-toplevel")
    except GitRefused as error:
        raise NotARepository(_why_not(folder, str(error))) from error
    is_shallow, _, top = said.partition(b"\n")
    root = _existing(Path(os.fsdecode(top.removesuffix(b"\n"))), folder)
    branch = text_of(await git.answer("symbolic-ref", "--quiet", "HEAD"))
    head = text_of(await git.answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}"))
    return Repository(
        git=git.at(root),
        top=root,
        is_shallow=is_shallow == b"true",
        branch=None if branch is None else branch.removeprefix(BRANCHES),
        head=head,
    )


def text_of(said: bytes | None) -> str | None:
    """Give what git said in one line."""
    return None if said is None else os.fsdecode(said).strip()


def _folder(given: Path) -> Path:
    try:
        if given.is_dir():
            return given.absolute()
        if given.is_file():
            return given.absolute().parent
    except OSError as error:  # such as the current folder, if it was removed
        raise NoSuchFolder(f"the folder {str(given)!r} can't be read ({error.strerror})") from error
    raise NoSuchFolder(f"there is no folder {str(given)!r}")


def _existing(top: Path, folder: Path) -> Path:
    if top.is_dir():
        return top
    raise NotARepository(
        f"the repository of {str(folder)!r} is set up to have its files in {str(top)!r}, which is not there; "
        "see: git config core.worktree"
    )


def _why_not(folder: Path, said: str) -> str:
    """Say it in words that help; what git says can be trusted to be no secret."""
    if (found := _DUBIOUS.search(said)) is not None:
        top = shlex.quote(found["top"] or str(folder))
        return (
            f"git does not trust the repository of {str(folder)!r}, as it belongs to somebody else; "
            f"if you do, run: git config --global --add safe.directory {top}"
        )
    if "not a git repository" in said:
        return f"{str(folder)!r} is in no git repository; go to one, or run: git init"
    if "bare repository" in said or "must be run in a work tree" in said:
        return f"{str(folder)!r} is of a repository itself, where no files are checked out; go to where they are"
    return f"{str(folder)!r} is in no git repository whose files are checked out: {said}"
