"""A region of a document, in whole lines, with what a model needs to know around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ai_gateway.lines import BLANKS, bare_lines_of, lines_of

BOM = "\ufeff"

MOST_BEFORE = 6_000
MOST_AFTER = 3_000
"""Characters of context around the region, at most."""

_END = re.compile(r"\r\n|\r|\n")


def is_blank(line: str) -> bool:
    """Whether there is nothing to see."""
    return not line.strip(BLANKS + "\r\n" + BOM)


def indent_of(line: str) -> str:
    """Give the blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip(BLANKS))]


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnostic, as the model is told it. Lines count from 0."""

    message: str
    first_line: int
    last_line: int
    severity: str = "error"
    """`error`, `warning`, `information` or `hint`."""
    source: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Excerpt:
    """Lines `first_line` to `last_line` of a document, both included, counted from 0.

    Args:
        text: The whole document.
        language_id: As LSP names languages.
        path: As the model may see it: relative to the workspace, or the file's name.
        problems: Diagnostics that touch the region.

    Raises:
        ValueError: The document has no such lines.
    """

    text: str
    language_id: str
    path: str
    first_line: int
    last_line: int
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        """Refuse lines that the document has not."""
        if not 0 <= self.first_line <= self.last_line < len(self._all):
            raise ValueError(f"lines {self.first_line} to {self.last_line} of a document of {len(self._all)}")

    @cached_property
    def _all(self) -> tuple[str, ...]:
        return lines_of(self.text)

    @cached_property
    def region(self) -> tuple[str, ...]:
        """The region's lines without their ends."""
        return tuple(bare_lines_of("".join(self._all[self.first_line : self.last_line + 1])))

    @property
    def region_text(self) -> str:
        r"""The region as the model sees it: lines end with `\n`, but for the last one, which has no end."""
        return "\n".join(self.region).removeprefix(BOM)

    @property
    def lines_before(self) -> list[str]:
        """All lines before the region, without their ends."""
        return [line.rstrip("\r\n") for line in self._all[: self.first_line]]

    @property
    def lines_after(self) -> list[str]:
        """All lines after the region, without their ends."""
        return [line.rstrip("\r\n") for line in self._all[self.last_line + 1 :]]

    @property
    def before(self) -> str:
        """The nearest whole lines before the region, at most `MOST_BEFORE` characters."""
        near = _within(reversed(self.lines_before), MOST_BEFORE)
        return "\n".join(reversed(near)).removeprefix(BOM)

    @property
    def after(self) -> str:
        """The nearest whole lines after the region, at most `MOST_AFTER` characters."""
        return "\n".join(_within(self.lines_after, MOST_AFTER))

    @cached_property
    def eol(self) -> str:
        r"""The line end that the region has most, or else the document; `\n` where there is none."""
        region = "".join(self._all[self.first_line : self.last_line + 1])
        ends = Counter(_END.findall(region) or _END.findall(self.text))
        return ends.most_common(1)[0][0] if ends else "\n"


def _within(lines: Iterable[str], characters: int) -> list[str]:
    taken: list[str] = []
    for line in lines:
        characters -= len(line) + 1
        if characters < 0:
            break
        taken.append(line)
    return taken
