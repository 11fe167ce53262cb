"""What has changed in a repository: which files, and what in them, as far as a model may be told and can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ai_gateway.drafting.failures import Unmerged
from ai_gateway.drafting.file_change import FileChange, file_changes
from ai_gateway.drafting.patches import Blobs, Patch, PatchReader
from ai_gateway.drafting.repository import Repository
from ai_gateway.turns import Turns

LISTING_BYTES = 2 * 1024 * 1024
"""Of the list of changed files: some ten thousand."""
LONGEST_PATCH_LINES = 20_000
"""Of a file with more changed lines nothing is read: it would not fit."""
FILES_AT_ONCE = 100
ARGUMENT_CHARACTERS = 24_000
"""Of the paths that are named to one git; Windows takes 32 768 characters of arguments, others more."""

Excluded = Callable[[str], object]
"""Says of an absolute path whether no model may be told of it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: two commits, or one and what is staged.

    Attributes:
        command: Of git's plumbing, with its arguments.
    """

    command: tuple[str, ...]

    @classmethod
    def of_commits(cls, before: str, now: str) -> Comparison:
        """Compare two commits."""
        return cls(("diff-tree", "-r", "--no-commit-id", before, now))

    @classmethod
    def of_staged(cls, before: str) -> Comparison:
        """Compare what is staged with a commit, or with a tree."""
        return cls(("diff-index", "--cached", before))

    def with_options(self, *options: str) -> tuple[str, ...]:
        """Give the command with options that hold for both."""
        command, *rest = self.command
        return (command, "--find-renames", "--no-ext-diff", "--no-textconv", "--no-color", *options, *rest, "--")


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed.

    Attributes:
        files: All that have changed, in git's order.
        left_out: Those that are excluded.
        patches: Of the others, as far as they were read.
        is_complete: Whether those are all: there can be more than anybody would list.
    """

    files: Sequence[FileChange]
    left_out: Sequence[FileChange] = ()
    patches: Mapping[Blobs, Patch] = field(default_factory=dict)
    is_complete: bool = True

    @property
    def told(self) -> list[FileChange]:
        """Give those that a model may be told of."""
        excluded = set(map(id, self.left_out))
        return [file for file in self.files if id(file) not in excluded]


async def changed_files(repository: Repository, comparison: Comparison) -> Changes:
    """List what has changed.

    Raises:
        Unmerged: Conflicts of a merge are not resolved.
        GitFailed: Git could not say.
    """
    options = comparison.with_options("-z", "--raw", "--numstat", "--no-abbrev")
    listing = await repository.git.output(*options, limit=LISTING_BYTES)
    files = file_changes(listing)
    if conflicts := [file.name for file in files if file.status == "U"]:
        raise Unmerged(f"a merge has left conflicts, in {conflicts[0]} for example; resolve and stage them first")
    return Changes(files, is_complete=len(listing) < LISTING_BYTES)


async def with_patches(
    repository: Repository, comparison: Comparison, changes: Changes, *, excluded: Excluded, limit: int
) -> Changes:
    """Read what has changed inside the files, the smallest changes first, but nothing of those that are excluded.

    Raises:
        GitFailed: Git could not say.
    """
    changes = replace(changes, left_out=await _left_out(repository, changes.files, excluded))
    files = [file for file in changes.told if file.has_text and file.lines <= LONGEST_PATCH_LINES]
    reader = PatchReader({file.blobs: file.is_generated for file in files}, limit)
    command = comparison.with_options("--patch", "--full-index", "--unified=3")
    for batch in _batches(sorted(files, key=lambda file: (file.is_generated, file.lines))):
        goes_on = True

        def take(data: bytes) -> bool:
            nonlocal goes_on
            goes_on = reader.feed(data)
            return goes_on

        await repository.git.read(take, *command, *batch)
        if not goes_on:
            break
    return replace(changes, patches=reader.ended())


async def _left_out(repository: Repository, files: Sequence[FileChange], excluded: Excluded) -> list[FileChange]:
    left_out, turns = [], Turns()
    for file in files:
        await turns.give_way()
        if any(excluded(str(repository.top / path)) for path in file.paths):
            left_out.append(file)
    return left_out


def _batches(files: Sequence[FileChange]) -> Iterator[list[str]]:
    """Give paths in as many portions as it takes to name them on command lines."""
    batch: list[str] = []
    for file in files:
        is_full = len(batch) >= FILES_AT_ONCE or sum(map(len, (*batch, *file.paths))) > ARGUMENT_CHARACTERS
        if batch and is_full:
            yield batch
            batch = []
        batch.extend(file.paths)
    if batch:
        yield batch
