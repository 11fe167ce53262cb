"""Texts made of nothing but what git knows, for when no model answers or none is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ai_gateway.drafting.commits import Commit
from ai_gateway.drafting.digest import totals
from ai_gateway.drafting.file_change import FileChange, folder_of
from ai_gateway.drafting.reply import SUBJECT_CHARACTERS, TITLE_CHARACTERS, shortened, wrapped
from ai_gateway.drafting.repository_template import RepositoryTemplate

MOST_FILES = 50
"""So many are listed."""
_VERBS = {"A": "Add", "D": "Delete", "R": "Rename", "M": "Update"}


def pull_request_title(branch: str | None, commits: Sequence[Commit]) -> str:
    """Give the subject of the only commit, or else the branch's name in words, as far as it is one."""
    if len(commits) == 1 or (branch is None and commits):
        return shortened(commits[-1].subject, TITLE_CHARACTERS)
    words = re.sub(r"[-_\s]+", " ", (branch or "").rpartition("/")[2]).strip()
    return shortened(words[:1].upper() + words[1:] or "Changes", TITLE_CHARACTERS)


def pull_request_body(
    commits: Sequence[Commit], files: Sequence[FileChange], template: RepositoryTemplate | None
) -> str:
    """List what was committed and what has changed, below the repository's own template."""
    parts = [template.text] if template is not None else []
    if len(commits) == 1 and commits[0].body:
        parts.append(commits[0].body)
    elif len(commits) > 1:
        parts.append("## Commits\n\n" + "\n".join(f"- {commit.subject}" for commit in commits))
    parts.append(f"## Changed files\n\n{totals(files)}\n\n" + "\n".join(_file_list(files)))
    return "\n\n".join(parts)


def commit_message(files: Sequence[FileChange]) -> str:
    """Say which files have changed, and how."""
    if len(files) == 1:
        return shortened(_of_one(files[0]), SUBJECT_CHARACTERS)
    statuses = {file.status for file in files}
    verb = _VERBS.get(statuses.pop(), "Update") if len(statuses) == 1 else "Update"
    subject = f"{verb} " + " and ".join(file.name.rpartition("/")[2] for file in files)
    if len(files) > 2 or len(subject) > SUBJECT_CHARACTERS:
        place = f" in {folder}" if (folder := folder_of(files)) else ""
        subject = f"{verb} {len(files)} files{place}"
    body = "\n".join(_file_list(files))
    return f"{shortened(subject, SUBJECT_CHARACTERS)}\n\n{wrapped(body)}"


def _of_one(file: FileChange) -> str:
    name = file.name.rpartition("/")[2]
    if file.status == "R" and file.old_path is not None:
        old = FileChange(status="D", path=file.old_path).name.rpartition("/")[2]
        return f"Rename {old} to {name}" if old != name else f"Move {name}"
    return f"{_VERBS.get(file.status, 'Update')} {name}"


def _file_list(files: Sequence[FileChange]) -> Iterator[str]:
    for file in files[:MOST_FILES]:
        yield f"- {file}"
    if len(files) > MOST_FILES:
        yield f"- and {len(files) - MOST_FILES} more"
