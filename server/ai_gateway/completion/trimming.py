"""What of a model's answer fits into a gap: models repeat what stands around it, fence it, and know no end."""

from __future__ import annotations

import re

from ai_gateway.completion.gap import Gap
from ai_gateway.lines import with_plain_ends
from ai_gateway.thoughts import without_thoughts

MAX_LINES = 24
LONG_ENOUGH = 3
"""So many characters said again are no accident."""
OPENING, CLOSING = "([{", ")]}"
PUNCTUATION = frozenset(f"{CLOSING};,:\"'` \t")
"""What ends things, and says nothing by itself."""

_FENCED = re.compile(
    r"(?:\A|\n)[ \t]*(?P<fence>`{3,}|~{3,})[^\n`]*\n(?P<inside>.*?)(?:(?<=\n)[ \t]*(?P=fence)[`~]*[ \t]*(?:\n|\Z)|\Z)",
    re.DOTALL,
)
_MARKS = re.compile(
    r"<\|(?:fim|endoftext|end_of_text|file|repo|im_|eot|cursor)[a-z_]*\|>|<fim_[a-z]+>|<file_sep>|<EOT>|<｜[^｜>\n]*｜>"  # noqa: RUF001 - DeepSeek's marks have bars of full width
)
"""What models are trained with to mark beginnings and ends, and some let slip."""


def usable(answer: str, gap: Gap, *, is_cut: bool = False, max_lines: int = MAX_LINES) -> str | None:
    """Give what of an answer can be proposed; None: nothing.

    Args:
        answer: As the model gave it.
        gap: What it is to fit into.
        is_cut: Whether it ends where its limit of tokens was reached.
        max_lines: The rest is left out.
    """
    text = without_thoughts(with_plain_ends(answer))
    mark = _MARKS.search(text)
    text = _unfenced(text if mark is None else text[: mark.start()], gap)
    text = _without_line_before(text, gap)
    if gap.is_within_line:
        text = _without_line_after(text.removeprefix("\n").partition("\n")[0], gap)
    else:
        text = _without_next_lines(_whole_lines(text, max_lines, is_cut=is_cut), gap).rstrip()
    return text if text.strip() else None


def _unfenced(text: str, gap: Gap) -> str:
    """Take the text out of a fence that has at most an introduction before it; a document's own fences stay."""
    found = None if "```" in gap.prefix + gap.suffix else _FENCED.search(text)
    if found is None:
        return text
    introduction = text[: found.start()].strip()
    if introduction and not introduction.endswith(":"):
        return text
    return _rebased(found["inside"].removesuffix("\n"), gap)


def _rebased(block: str, gap: Gap) -> str:
    """Indent a block that was written as if it stood at the margin, though the gap does not."""
    indent = gap.line_before
    first, *others = block.split("\n")
    is_at_margin = first[:1].strip() and any(line.strip() and not line.startswith(indent) for line in others)
    if indent.strip() or not is_at_margin:
        return block
    return "\n".join([first, *(indent + line if line.strip() else line for line in others)])


def _without_line_before(text: str, gap: Gap) -> str:
    """Leave out what stands in the line already, where the answer begins with it once more."""
    before = gap.line_before
    if text.startswith(before) and (not before.strip() or _is_repetition(before, text[len(before) :])):
        return text[len(before) :]
    said, again = before.strip(), text.lstrip()
    rest = again[len(said) :]
    if not said or not again.startswith(said) or not _is_repetition(said, rest):
        return text
    blanks = before[len(before.rstrip()) :]
    return rest.removeprefix(blanks)


def _is_repetition(said: str, rest: str) -> bool:
    return len(said.strip()) >= LONG_ENOUGH or not (said[-1].isalnum() and rest[:1].isalnum())


def _without_line_after(text: str, gap: Gap) -> str:
    """Leave out the rest of the line where the answer ends with it, or with its beginning."""
    after, written = gap.line_after.strip(), text.rstrip()
    blanks = gap.line_after[: len(gap.line_after) - len(gap.line_after.lstrip())]
    too_many = max(0, -_balance(text))
    for length in range(min(len(after), len(written)), 0, -1):
        again = after[:length]
        if not written.endswith(again):
            continue
        is_punctuation = PUNCTUATION.issuperset(again)
        is_again = length == len(after) or length >= LONG_ENOUGH
        if _count(again, CLOSING) <= too_many if is_punctuation else is_again:
            return written[:-length].removesuffix(blanks)
    return text


def _whole_lines(text: str, max_lines: int, *, is_cut: bool) -> str:
    """Keep so many lines; a last one that is cut off is none, unless there is no other."""
    lines = text.split("\n")
    if is_cut and any(line.strip() for line in lines[:-1]):
        lines.pop()
    return "\n".join(lines[:max_lines])


def _without_next_lines(text: str, gap: Gap) -> str:
    """Leave out lines at the end that follow the gap anyway, unless they close what the answer itself has opened."""
    following = [line.rstrip() for line in gap.suffix.split("\n")]
    while following and not following[0]:
        following.pop(0)
    lines = [line.rstrip() for line in text.rstrip().split("\n")]
    for count in range(min(len(lines), len(following)), 0, -1):
        again = lines[-count:]
        if again != following[:count] or not any(again):
            continue
        closes_own = PUNCTUATION.issuperset("".join(again)) and _balance(text) >= 0
        return text if closes_own else "\n".join(lines[:-count])
    return text


def _balance(text: str) -> int:
    """Count the brackets that it opens, less those that it closes."""
    return _count(text, OPENING) - _count(text, CLOSING)


def _count(text: str, letters: str) -> int:
    return sum(letter in letters for letter in text)
