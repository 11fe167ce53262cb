"""Fenced code blocks of a Markdown text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ai_gateway.lines import BLANKS, bare_lines_of

LEAST_FENCE = 3

_RUN = re.compile("`+")
_OPENING = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    r"""A fenced code block (CommonMark 0.31, 4.5). Lines of `text` end with `\n`; the last one has no end."""

    info: str
    text: str
    is_closed: bool


def blocks(markdown: str) -> list[Block]:
    """Give the fenced blocks that stand in no list or quotation, in order; in linear time."""
    found: list[Block] = []
    lines = iter(bare_lines_of(markdown))
    for line in lines:
        if opening := _OPENING.fullmatch(line):
            indent, fence, info = opening.groups()
            content: list[str] = []
            is_closed = False
            for inner in lines:
                if _closes(inner, fence):
                    is_closed = True
                    break
                content.append(_without_indent(inner, len(indent)))
            found.append(Block(info.strip(BLANKS), "\n".join(content), is_closed))
    return found


def fence_around(*texts: str, least: int = LEAST_FENCE) -> str:
    """Give a fence that nothing in the texts can close: longer than any run of backticks in them."""
    longest = max((len(run) for text in texts for run in _RUN.findall(text)), default=0)
    return "`" * max(least, longest + 1)


def _closes(line: str, fence: str) -> bool:
    bare = line.rstrip(BLANKS)
    run = bare.lstrip(" ")
    return len(bare) - len(run) <= 3 and len(run) >= len(fence) and run == fence[0] * len(run)


def _without_indent(line: str, columns: int) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return line[min(indent, columns) :]
