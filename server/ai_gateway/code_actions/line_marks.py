"""Where a model marks the lines that it writes, as in a diff, instead of just writing them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ai_gateway.code_actions.excerpt import is_blank

_CHANGE = re.compile(r"@@ .* @@|<{5,7} |<{7}$|>{5,7} |>{7}$|diff --git |--- a/|\+\+\+ b/|\*\*\* (?:Begin|Update) ")
"""Of unified diffs, of merges, and of the blocks that coding tools have their models write."""
_NUMBERED = re.compile(r"[ \t]*([0-9]{1,9})(?: ?[:|.)│]|\t| {2})")


def marks_in(lines: Sequence[str], region: Sequence[str]) -> str | None:
    """Say, in a sentence for the person, which marks the lines have that the region has not; None: they have none."""
    if _is_list_of_changes(lines, region):
        return "The answer is written as a list of changes."
    if _signs(lines) == {">"} != _signs(region):
        return "The answer is written as a quotation."
    if _is_numbered(lines) and not _is_numbered(region):
        return "The lines of the answer are numbered."
    return None


def _is_list_of_changes(lines: Sequence[str], region: Sequence[str]) -> bool:
    known = {line for line in region if any(map(str.isalnum, line))}
    signs = _signs(lines)
    return (
        (signs <= {"+", "-", " ", "\t"} and "+" in signs - _signs(region))
        or any(_CHANGE.match(line) for line in lines if line not in known)
        or any(line[:1] in {"+", "-"} and line[1:] in known and line not in known for line in lines)
    )


def _is_numbered(lines: Sequence[str]) -> bool:
    seen = [line for line in lines if not is_blank(line)]
    numbers = list(_numbers(seen))
    follow = sum(after == before + 1 for before, after in pairwise(numbers))
    return len(numbers) >= max(2, len(seen) - 1) and follow * 2 >= len(numbers) - 1


def _numbers(lines: Iterable[str]) -> Iterable[int]:
    return (int(match[1]) for line in lines if (match := _NUMBERED.match(line)))


def _signs(lines: Iterable[str]) -> set[str]:
    return {line[:1] for line in lines if line}
