"""The place where somebody types: what stands before and after it, as much as a model may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ai_gateway.lines import with_plain_ends

MAX_PREFIX = 6000
"""Characters: about 2000 tokens, which a model on a laptop reads in a second or two."""
MAX_SUFFIX = 2000


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in a document; line ends are `\\n` throughout, as models write them."""

    prefix: str
    """What stands before it, from the beginning of a line on."""
    suffix: str
    """What stands after it, up to the end of a line."""

    @property
    def line_before(self) -> str:
        """Its line, up to it."""
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @property
    def line_after(self) -> str:
        """Its line, from it on."""
        return self.suffix.partition("\n")[0]

    @property
    def is_within_line(self) -> bool:
        """Whether more than blanks stand after it in its line."""
        return bool(self.line_after.strip())

    @property
    def is_within_word(self) -> bool:
        """Whether a word goes on after it."""
        return self.line_after[:1].isalnum() or self.line_after.startswith("_")


def gap_at(lines: Sequence[str], line: int, character: int, *, until: int | None = None, inserted: str = "") -> Gap:
    """Describe a place.

    Args:
        lines: Of the document, each with its end.
        line: Of the place, from 0 on.
        character: Where it begins, in code points.
        until: Where it ends; None: right there.
        inserted: What is taken to stand right before it, though it does not yet.
    """
    line = min(line, len(lines))
    current = lines[line] if line < len(lines) else ""
    before = with_plain_ends(current[:character]) + inserted
    after = with_plain_ends(current[character if until is None else until :])
    return Gap(
        prefix=_gathered((lines[number] for number in range(line - 1, -1, -1)), before, MAX_PREFIX, in_front=True),
        suffix=_gathered((lines[number] for number in range(line + 1, len(lines))), after, MAX_SUFFIX, in_front=False),
    )


def _gathered(lines: Iterable[str], text: str, room: int, *, in_front: bool) -> str:
    """Add whole lines as long as there is room; a line that alone is too long keeps what is nearest."""
    if len(text) > room:
        return text[-room:] if in_front else text[:room]
    pieces, left = [text], room - len(text)
    for line in lines:
        left -= len(line)
        if left < 0:
            break
        pieces.append(with_plain_ends(line))
    return "".join(pieces[::-1] if in_front else pieces)
