"""The messages of commits."""

from __future__ import annotations

from dataclasses import dataclass

from ai_gateway.drafting.repository import Repository
from ai_gateway.printing import printable

MOST_COMMITS = 100
RECENT_COMMITS = 12
MESSAGE_CHARACTERS = 1000
"""Of one commit; a longer message is cut."""
LOG_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit's message."""

    subject: str
    body: str = ""

    def __str__(self) -> str:
        """Give the whole message."""
        return f"{self.subject}\n\n{self.body}" if self.body else self.subject


async def commits_since(repository: Repository, fork: str) -> list[Commit]:
    """Give the commits of the branch since it left its base, oldest first, but no merges; the newest if they are many.

    Raises:
        GitFailed: Git could not say.
    """
    return await _commits(repository, MOST_COMMITS, f"{fork}..{repository.head}")


async def recent_subjects(repository: Repository) -> list[str]:
    """Give the subjects of the newest commits, oldest first.

    Raises:
        GitFailed: Git could not say.
    """
    if repository.head is None:
        return []
    return [commit.subject for commit in await _commits(repository, RECENT_COMMITS, repository.head)]


async def _commits(repository: Repository, count: int, which: str) -> list[Commit]:
    said = await repository.git.output(
        "rev-list", "--no-merges", f"--max-count={count}", "--encoding=UTF-8", "--format=%x00%s%n%n%b%x00", which, "--",
        limit=LOG_BYTES,
    )  # fmt: skip
    messages = said.decode("utf-8", "replace").split("\0")[1::2]
    return [_commit(message) for message in reversed(messages)]


def _commit(message: str) -> Commit:
    subject, _, body = printable(message).partition("\n")
    return Commit(subject.strip()[:MESSAGE_CHARACTERS], body.strip()[:MESSAGE_CHARACTERS])
