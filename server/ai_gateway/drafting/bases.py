"""What a branch is to be merged into."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ai_gateway.drafting.failures import DetachedHead, NoCommits, NoCommonHistory, NoSuchBase
from ai_gateway.drafting.repository import BRANCHES, Repository, text_of
from ai_gateway.near import meant
from ai_gateway.printing import in_one_line

USUAL_NAMES = ("main", "master", "develop")
REMOTES = "refs/remotes/"
NAMES_BYTES = 256 * 1024
"""Of the branches that may have been meant by one that is not there."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a branch is compared with.

    Attributes:
        name: As a person calls it, such as `origin/main`.
        commit: Where it is now.
        fork: The newest commit that the branch and its base have in common.
    """

    name: str
    commit: str
    fork: str


async def base_of(repository: Repository, given: str | None) -> Base:
    """Find what the branch that is checked out is to be compared with.

    That is what was named; else the default branch of the remote; else the first of the usual names that is there.

    Raises:
        NoSuchBase: It is not there, or there is no such branch.
        NoCommits: Nothing was committed yet.
        DetachedHead: No branch is checked out, and no base was named.
        NoCommonHistory: The two have nothing in common.
    """
    if repository.head is None:
        raise NoCommits("this branch has no commit yet; commit something first, or ask for a commit message")
    if given is not None:
        name, commit = await _named(repository, given)
    elif repository.branch is None:
        raise DetachedHead("no branch is checked out (HEAD is detached); check one out, or name the base")
    else:
        name, commit = await _usual(repository)
    fork = text_of(await repository.git.answer("merge-base", commit, repository.head))
    if fork is None:
        raise NoCommonHistory(_why_nothing_common(repository, name))
    return Base(name, commit, fork)


async def _named(repository: Repository, given: str) -> tuple[str, str]:
    if not given.strip() or given.startswith("-"):
        raise NoSuchBase("a base is the name of a branch, a tag or a commit; it does not begin with '-'")
    if in_one_line(given) != given:
        raise NoSuchBase("a base is the name of a branch, a tag or a commit; it holds no control characters")
    if (commit := await repository.commit(given)) is not None:
        return given, commit
    for remote in await _remotes(repository):
        if (commit := await repository.commit(f"{REMOTES}{remote}/{given}")) is not None:
            return f"{remote}/{given}", commit
    raise NoSuchBase(f"there is no branch, tag or commit {given!r} here{await _meant(repository, given)}")


async def _usual(repository: Repository) -> tuple[str, str]:
    """Prefer what was fetched to local branches, which nobody may have brought up to date."""
    remotes = await _remotes(repository)
    for remote in remotes:
        default = text_of(await repository.git.answer("symbolic-ref", "--quiet", f"{REMOTES}{remote}/HEAD"))
        if default is not None and (commit := await repository.commit(default)) is not None:
            return default.removeprefix(REMOTES), commit
    places = [(f"{REMOTES}{remote}/", f"{remote}/") for remote in remotes] + [(BRANCHES, "")]
    for place, prefix in places:
        for name in USUAL_NAMES:
            if f"{prefix}{name}" != repository.branch and (commit := await repository.commit(f"{place}{name}")):
                return f"{prefix}{name}", commit
    raise NoSuchBase("nothing says what this branch is to be merged into; name the base, such as a branch or a tag")


async def _remotes(repository: Repository) -> list[str]:
    """Give the names of the remotes, the usual one first; git has them sorted."""
    said = await repository.git.answer("config", "--null", "--name-only", "--get-regexp", r"^remote\..*\.url$")
    names = [key.removeprefix("remote.").removesuffix(".url") for key in os.fsdecode(said or b"").split("\0") if key]
    return sorted(dict.fromkeys(names), key=lambda name: name != "origin")


async def _meant(repository: Repository, given: str) -> str:
    said = await repository.git.output(
        "for-each-ref", "--format=%(refname:short)", BRANCHES, REMOTES, "refs/tags/", limit=NAMES_BYTES
    )
    near = meant(given, said.decode("utf-8", "replace").splitlines())
    return near or "; fetch it, or name one that 'git branch --all' lists"


def _why_nothing_common(repository: Repository, name: str) -> str:
    if repository.is_shallow:
        return f"this clone is shallow and does not reach back to where the branch left {name}; git fetch --unshallow"
    return f"this branch and {name} have no commit in common; name another base"
