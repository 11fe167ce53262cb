"""Lines as LSP counts them."""

from __future__ import annotations

import re

BLANKS = " \t"
"""What indents, and what a blank line may hold. A form feed or U+2028 is text."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def lines_of(text: str) -> tuple[str, ...]:
    r"""Split a text into lines, each with its end: `\n`, `\r\n` or `\r`, and nothing else (LSP 3.17, "Text Documents").

    `str.splitlines` would also split at form feeds, U+2028 and others, so that every line after one had another number
    than the editor gives it. An empty last line is left out.
    """
    return tuple(_LINE.findall(text))


def bare_lines_of(text: str) -> list[str]:
    """Split likewise, and leave the ends out."""
    lines = with_plain_ends(text).split("\n")
    return lines if lines[-1] else lines[:-1]


def with_plain_ends(text: str) -> str:
    r"""Let every line end with `\n`, as models write them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
