"""The template that a repository has for its pull requests, where GitHub, GitLab, Azure DevOps and Forgejo look for it.

https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests,
https://docs.gitlab.com/user/project/description_templates,
https://learn.microsoft.com/azure/devops/repos/git/pull-request-templates,
https://forgejo.org/docs/latest/user/issue-pull-request-templates. Where there is a choice of several, none is taken.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ai_gateway.drafting.changes import Excluded
from ai_gateway.drafting.repository import Repository
from ai_gateway.printing import printable

TEMPLATE_BYTES = 32 * 1024
FOLDERS = (".github", "", "docs", ".gitlab", ".azuredevops", ".vsts", ".forgejo", ".gitea")
_FILE = re.compile(r"pull_request_template(?:\.md|\.txt|\.markdown)?")
_ONE_OF_SEVERAL = re.compile(r"(?:pull_request_template/[^/]+|merge_request_templates/default)\.(?:md|txt|markdown)")
_REGULAR_MODES = {"100644", "100755"}


@dataclass(frozen=True, slots=True)
class RepositoryTemplate:
    """What a description is to look like."""

    path: str
    text: str


async def repository_template(
    repository: Repository, commits: tuple[str, ...], *, excluded: Excluded
) -> RepositoryTemplate | None:
    """Find the template in the first of these commits that has one; None: none has.

    It is read from the commit and not from the disk, where it might be a link to anything.

    Raises:
        GitFailed: Git could not say.
    """
    for commit in commits:
        for path, blob in await _candidates(repository, commit):
            if excluded(str(repository.top / path)):
                continue
            said = await repository.git.output("cat-file", "blob", blob, limit=TEMPLATE_BYTES)
            if text := printable(said.decode("utf-8", "replace")).strip():
                return RepositoryTemplate(path, text)
    return None


async def _candidates(repository: Repository, commit: str) -> list[tuple[str, str]]:
    """Give the files that may be it, with their ids, the likeliest first."""
    top = await repository.git.output("ls-tree", "-z", commit, "--")
    names = [_entry(entry)[2] for entry in top.split(b"\0") if entry]
    places = [name for name in names if name.lower() in FOLDERS or name.lower().startswith("pull_request_template")]
    if not places:
        return []
    said = await repository.git.output("ls-tree", "-r", "-z", commit, "--", *places)
    files = [_entry(entry) for entry in said.split(b"\0")[:-1]]
    regular = [(path, blob) for mode, blob, path in files if mode in _REGULAR_MODES]
    ranked = sorted((rank, path, blob) for path, blob in regular if (rank := _rank(path)) is not None)
    several = [path for (is_one_of_several, _), path, _ in ranked if is_one_of_several]
    return [(path, blob) for _, path, blob in ranked if path not in several or len(several) == 1]


def _rank(path: str) -> tuple[bool, int] | None:
    """Say how likely it is that a file is the template; None: it is none."""
    folder, _, rest = path.lower().partition("/")
    if folder not in FOLDERS:
        folder, rest = "", path.lower()
    for is_one_of_several, names in enumerate((_FILE, _ONE_OF_SEVERAL)):
        if names.fullmatch(rest):
            return bool(is_one_of_several), FOLDERS.index(folder)
    return None


def _entry(entry: bytes) -> tuple[str, str, str]:
    """Read one entry of `git ls-tree`: its mode, its id and its path."""
    about, _, path = entry.partition(b"\t")
    mode, _, blob = about.decode("ascii", "replace").split(" ")
    return mode, blob, os.fsdecode(path)
