"""What code defines, as far as its lines tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ai_gateway.code_actions.scanning import code_lines

_DEFINED = re.compile(
    r"\b(?:def|class|fn|func|fun|function|interface|struct|trait|enum|module|record|defp|defmodule|sub|proc|procedure)"
    r"[ \t]+(?:\([^()]*\)[ \t]*)?([\w$.?!]+)"
)
_KEYWORDS = frozenset(
    {"if", "for", "foreach", "while", "switch", "match", "catch", "with", "using", "lock", "until", "else", "do", "try"}
    | {"return", "new", "case", "elif", "elseif", "unless", "loop", "select", "when", "synchronized"}
)
"""What stands before brackets and a block without being a function's name."""


def names_defined(lines: Sequence[str], language_id: str) -> Iterator[str]:
    """Name what these lines define, in their order."""
    for line in code_lines(lines, language_id):
        if match := _DEFINED.search(line):
            yield match[1]
        elif line.endswith("{") and "(" in line:
            words = line.partition("(")[0].split()
            if words and words[-1].isidentifier() and not _KEYWORDS.intersection(words) and "=" not in words:
                yield words[-1]
