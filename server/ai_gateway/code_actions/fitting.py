"""An answer's lines made to fit: without what stands around the region, indented as the region is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from ai_gateway.code_actions.excerpt import Excerpt, indent_of, is_blank
from ai_gateway.lines import BLANKS

Lines = Sequence[str]

_SURE = 3
"""So many lines in a row are no coincidence."""


class Unfit(Exception):
    """The answer must not come into the file; says why, in a sentence for the person."""


def without_blank_ends(lines: Lines) -> list[str]:
    """Leave out the blank lines at both ends."""
    seen = [at for at, line in enumerate(lines) if not is_blank(line)]
    return list(lines[seen[0] : seen[-1] + 1]) if seen else []


def without_surroundings(lines: Lines, excerpt: Excerpt) -> list[str]:
    """Leave out the lines before and after the region, where the answer repeats them.

    Raises:
        Unfit: It repeats some, and where they end can't be told for certain.
    """
    before, after = excerpt.lines_before, excerpt.lines_after
    if (part := _part_of_whole(lines, excerpt.region, before, after)) is not None:
        return part
    head = _repeated(lines, excerpt.region, before, whole=(before, excerpt.before.split("\n")))
    backwards = lines[head:][::-1]
    shown = excerpt.after.split("\n")[::-1]
    tail = _repeated(backwards, excerpt.region[::-1], after[::-1], whole=(after, shown))
    rest = without_blank_ends(lines[head : len(lines) - tail])
    if not rest:
        raise Unfit("The answer holds only what stands around the selection.")
    _refuse_ends_of_document(rest, excerpt)
    return rest


def without_repeated(comment: Lines, lines: Lines) -> list[str]:
    """Leave out the end of the comment, where the lines begin with it."""
    count = _overlap(_seen(comment), _seen(lines))
    seen = [at for at, line in enumerate(lines) if not is_blank(line)]
    return list(lines[seen[count] :]) if count < len(seen) else []


def indented_like(lines: Lines, region: Lines, *, tab_is_usual: bool) -> list[str]:
    """Indent by what the region is indented by, and further in by tabs or spaces as it does.

    Raises:
        Unfit: The lines reach further out than their first one, where the region's don't.
    """
    if _reach(lines) > _reach(region):
        raise Unfit("The answer goes on beyond the block that was selected.")
    lines = _with_first_line_moved(lines, region)
    base, wanted = _common_indent(lines), _common_indent(region)
    inner = [line.removeprefix(base) for line in lines]
    inner = _in_unit_of(inner, [line.removeprefix(wanted) for line in region], region, tab_is_usual=tab_is_usual)
    return ["" if is_blank(line) else wanted + line for line in inner]


def _part_of_whole(lines: Lines, region: Lines, before: Lines, after: Lines) -> list[str] | None:
    """Cut the region out of an answer that is the whole file, to the letter but for the region; None: it isn't."""
    said, old, head, tail = (
        [line.rstrip(BLANKS) for line in part if not is_blank(line)] for part in (lines, region, before, after)
    )
    rest = len(said) - len(tail)
    if not (head or tail) or len(head) >= rest or said[: len(head)] != head or said[rest:] != tail:
        return None
    if (head and old[: len(head)] == head) or (tail and old[-len(tail) :] == tail):
        return None
    seen = [at for at, line in enumerate(lines) if not is_blank(line)]
    return list(lines[seen[len(head)] : seen[rest - 1] + 1])


def _repeated(lines: Lines, region: Lines, before: Lines, *, whole: tuple[Lines, ...]) -> int:
    """Count the lines at the beginning that only repeat the end of what stands before the region."""
    said, old, around = _seen(lines), _seen(region), _seen(before)
    count = _overlap(around[-len(said) :], said)
    repeated = said[:count]
    if not any(map(_tells, repeated)) or old[:count] == repeated:
        return 0
    goes_on_as_before = said[count : count + 1] == old[:1]
    if not (goes_on_as_before or count >= _SURE or count in {len(_seen(part)) for part in whole}):
        raise Unfit("The answer repeats lines that stand around the selection.")
    if count == len(said):
        return len(lines)
    return [at for at, line in enumerate(lines) if not is_blank(line)][count]


def _refuse_ends_of_document(lines: Lines, excerpt: Excerpt) -> None:
    """Refuse what begins as the document does, or ends as it does, without the region doing so."""
    said, old = _seen(lines), set(_seen(excerpt.region))
    first = _seen(excerpt.lines_before)[:1]
    last = _seen(excerpt.lines_after)[-2:]
    if first and _tells(first[0]) and said[:1] == first and said[0] not in old:
        raise Unfit("The answer begins like the whole file, not like the selection.")
    if len(last) == 2 and any(map(_tells, last)) and said[-2:] == last and not old.issuperset(last):
        raise Unfit("The answer ends like the whole file, not like the selection.")


def _seen(lines: Lines) -> list[str]:
    return [line.strip(BLANKS) for line in lines if not is_blank(line)]


def _tells(line: str) -> bool:
    """Whether the line is more than brackets."""
    return sum(map(str.isalnum, line)) >= 2


def _overlap(left: Lines, right: Lines) -> int:
    """Count the lines of the longest end of `left` that `right` begins with (Knuth, Morris and Pratt's way)."""
    fallback = [0] * len(right)
    length = 0
    for at in range(1, len(right)):
        while length and right[at] != right[length]:
            length = fallback[length - 1]
        length += right[at] == right[length]
        fallback[at] = length
    length = 0
    for line in left:
        while length and (length == len(right) or line != right[length]):
            length = fallback[length - 1]
        if right and line == right[length]:
            length += 1
    return length


def _common_indent(lines: Lines) -> str:
    indents = [indent_of(line) for line in lines if not is_blank(line)]
    if not indents:
        return ""
    least, most = min(indents), max(indents)
    same = next((at for at, (one, other) in enumerate(zip(least, most, strict=False)) if one != other), None)
    return least[:same]


def _columns(line: str) -> int:
    return len(indent_of(line).expandtabs(4))


def _reach(lines: Lines) -> int:
    """How many columns the lines reach out beyond the first one; a preprocessor's lines stand anywhere."""
    seen = [_columns(line) for line in lines if not is_blank(line) and not line.startswith("#")]
    return max(0, _columns(lines[0]) - min(seen, default=0)) if seen else 0


def _with_first_line_moved(lines: Lines, region: Lines) -> Lines:
    """Mend an answer whose first line alone lost its indent, as when a text is stripped."""
    first, rest = lines[0], [line for line in lines[1:] if not is_blank(line)]
    old_rest = [line for line in region[1:] if not is_blank(line)]
    lost = indent_of(region[0])
    if not (lost and rest and old_rest) or indent_of(first):
        return lines
    least = min(map(_columns, rest))
    return (
        [lost + first, *lines[1:]] if least >= _columns(region[0]) and least == min(map(_columns, old_rest)) else lines
    )


def _in_unit_of(lines: Lines, model: Lines, region: Lines, *, tab_is_usual: bool) -> list[str]:
    wants_tabs = _wants_tabs(model, region, tab_is_usual=tab_is_usual)
    has_tabs = any("\t" in indent_of(line) for line in lines)
    has_spaces = any(indent_of(line).startswith("  ") for line in lines)
    if wants_tabs and has_spaces and not has_tabs:
        width = _unit_width(lines)
        return [_with_tabs(line, width) for line in lines]
    if wants_tabs is False and has_tabs:
        width = _unit_width(model) if any(map(indent_of, model)) else 4
        return [indent_of(line).replace("\t", " " * width) + line.lstrip(BLANKS) for line in lines]
    return list(lines)


def _wants_tabs(model: Lines, region: Lines, *, tab_is_usual: bool) -> bool | None:
    """Whether the region indents by tabs; None where it does either way."""
    indents = {blank for line in (*model, *region) for blank in indent_of(line)}
    return None if len(indents) > 1 else tab_is_usual if not indents else "\t" in indents


def _unit_width(lines: Lines) -> int:
    widths = [len(indent_of(line)) for line in lines if not is_blank(line)]
    steps = Counter(b - a for a, b in pairwise(widths) if b - a >= 2)
    return steps.most_common(1)[0][0] if steps else 4


def _with_tabs(line: str, width: int) -> str:
    levels, spaces = divmod(len(indent_of(line)), width)
    return "\t" * levels + " " * spaces + line.lstrip(BLANKS)


def indents_by_tabs(lines: Lines) -> bool:
    """Whether more of the lines are indented by tabs than by spaces."""
    tabs = sum(line.startswith("\t") for line in lines)
    return tabs > sum(re.match("  +", line) is not None for line in lines)
