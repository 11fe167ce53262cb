"""What a model is told of changes: every file in a line, and the content of as many as fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ai_gateway.drafting.changes import Changes
from ai_gateway.drafting.file_change import FileChange

OVERVIEW_SHARE = 4
"""The overview takes this part of the room at most."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What fits.

    Attributes:
        overview: A line for each file.
        diff: The content of those that fit.
        files: All that it tells of.
        summarized: Those whose content has changed and did not fit.
    """

    overview: str
    diff: str
    files: tuple[FileChange, ...]
    summarized: tuple[FileChange, ...]


def digest_of(changes: Changes, limit: int) -> Digest:
    """Tell of changes within so many characters; the largest files are the first whose content is left out."""
    told = changes.told
    whole = _shrunk(dict(_patches(changes, told)), limit - limit // OVERVIEW_SHARE)
    summarized = tuple(file for file in told if file.has_text and file not in whole)
    lines = [_line(file, changes, is_summarized=file.has_text and file not in whole) for file in told]
    return Digest(
        overview="\n".join(_fitting(lines, limit // OVERVIEW_SHARE, is_complete=changes.is_complete)),
        diff="".join(whole[file] for file in told if file in whole),
        files=tuple(told),
        summarized=summarized,
    )


def totals(files: Sequence[FileChange]) -> str:
    """Say how much has changed."""
    added, removed = sum(file.added or 0 for file in files), sum(file.removed or 0 for file in files)
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    return f"{count}, +{added} -{removed}"


def _patches(changes: Changes, told: Iterable[FileChange]) -> Iterator[tuple[FileChange, str]]:
    for file in told:
        patch = changes.patches.get(file.blobs)
        if patch is not None and patch.is_whole and file.has_text:
            yield file, f"--- {file}\n{patch.text}\n"


def _shrunk(patches: dict[FileChange, str], limit: int) -> dict[FileChange, str]:
    """Keep the smallest that fit, and of those that a tool has written none before any other."""
    size, kept = 0, {}
    for file in sorted(patches, key=lambda file: (file.is_generated, len(patches[file]))):
        size += len(patches[file])
        if size > limit:
            break
        kept[file] = patches[file]
    return kept


def _line(file: FileChange, changes: Changes, *, is_summarized: bool) -> str:
    if not is_summarized:
        return str(file)
    patch = changes.patches.get(file.blobs)
    functions = f"; in: {'; '.join(patch.functions)}" if patch is not None and patch.functions else ""
    return f"{file}, too large to be shown{functions}"


def _fitting(lines: Sequence[str], limit: int, *, is_complete: bool) -> Iterator[str]:
    size = 0
    for position, line in enumerate(lines):
        size += len(line) + 1
        if size > limit:
            yield f"and {len(lines) - position} more files"
            return
        yield line
    if not is_complete:
        yield "and more files"
