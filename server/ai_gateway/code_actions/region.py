"""Which whole lines an action is about."""

from __future__ import annotations

import re

from ai_gateway.code_actions.excerpt import BOM, indent_of, is_blank
from ai_gateway.code_actions.languages import comments_of
from ai_gateway.code_actions.scanning import comment_lines
from ai_gateway.lines import BLANKS, bare_lines_of

Lines = tuple[int, int]
"""First and last line, from 0, both included."""

FARTHEST = 2_000
"""Lines that are looked through each way: a longer region is refused anyway, and an editor waits for the offer."""
LONGEST_SCANNED = 5_000
"""Lines of a document that is scanned for comments of several lines."""

_TAB_COLUMNS = 8

_DEFINITION = re.compile(
    r"(?:[\w@]+[ \t]+)*?(?:def|class|fn|func|fun|function|sub|interface|struct|impl|trait|enum|module|namespace|record|"
    r"protocol|extension|procedure|proc|defp|defmodule|defun|defn|macro_rules!|contract|object|type)\b"
)
_CONTROL = re.compile(
    r"[})\] \t]*(?:if|else|elif|elseif|for|foreach|while|do|switch|match|case|default|when|try|catch|except|finally"
    r"|with|using|lock|loop|unless|until|begin|return|select|synchronized|unsafe)\b"
)
_CONTINUATION = re.compile(
    r"[})\]]|(?:else|elif|elseif|elsif|except|catch|rescue|ensure|finally|end|endif|endfunction|fi|done|esac|then|do|begin|"
    r"where)\b"
)
"""What stands at its header's own column and still belongs to the block."""
_OPENER = re.compile(r"(?:\{|begin\b|then\b|do\b)[ \t]*$")
_ATTACHED = re.compile(r"@|#\[|\[\w|///?|/\*|\*|#|--|template\b|\"\"\"")
"""What stands above a definition and belongs to it: decorators, attributes, comments."""


def region_of(text: str, start_line: int, end_line: int, *, is_empty: bool) -> Lines | None:
    """Give the first and last line that an action is about, from 0, both included, without blank ones at the ends.

    A selection is about its lines, an empty one about the definition around the cursor, or the block, or the paragraph:
    indentation tells.

    Args:
        text: The document.
        start_line: Where the selection begins.
        end_line: Where it ends; an end at column 0 of a later line does not include that line, so it isn't given here.
        is_empty: Whether there is only a cursor.

    Returns:
        None where there is nothing to work on.
    """
    lines = bare_lines_of(text)
    if is_empty:
        return _Around(lines).region(start_line) if 0 <= start_line < len(lines) else None
    return _without_blank_ends(lines, max(start_line, 0), min(end_line, len(lines) - 1))


def comment_region(text: str, line: int, language_id: str) -> Lines | None:
    """Give the first and last line of the comment that `line` belongs to; None where it is not a comment of its own."""
    lines = bare_lines_of(text)
    if not 0 <= line < len(lines) or lines[line].startswith("#!"):
        return None
    return _line_comments(lines, line, language_id) or _block_comment(lines, line, language_id)


def _without_blank_ends(lines: list[str], first: int, last: int) -> Lines | None:
    while first <= last and is_blank(lines[first]):
        first += 1
    while first <= last and is_blank(lines[last]):
        last -= 1
    return (first, last) if first <= last else None


class _Around:
    """Finds what is around a line."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def region(self, line: int) -> Lines | None:
        columns = self._columns_at(line)
        if columns is None:
            return None
        line = self._what_is_attached_to(line)
        headers = [line] if self._is_header(line) else []
        headers += self._headers_above(line, columns)
        if not headers:
            return None if is_blank(self._lines[line]) else self._paragraph(line)
        first = next((header for header in headers if self._is_definition(header)), headers[0])
        return _without_blank_ends(self._lines, self._with_attached(first), self._end_of(first))

    def _columns_at(self, line: int) -> int | None:
        """How far in the line stands; a blank one stands where the outer one of its neighbours does."""
        if not is_blank(self._lines[line]):
            return self._columns(line)
        around = [
            near
            for step in (range(line - 1, -1, -1), range(line + 1, len(self._lines)))
            if (near := next((at for at in step if not is_blank(self._lines[at])), None)) is not None
        ]
        columns = min(map(self._columns, around), default=0)
        return columns or None

    def _columns(self, line: int) -> int:
        return len(indent_of(self._lines[line].removeprefix(BOM)).expandtabs(_TAB_COLUMNS))

    def _word(self, line: int) -> str:
        return self._lines[line].removeprefix(BOM).lstrip(BLANKS)

    def _is_header(self, line: int) -> bool:
        """Whether what follows stands further in, or behind a bracket of its own."""
        if is_blank(self._lines[line]) or _CONTINUATION.match(self._word(line)):
            return False
        below = next((at for at in range(line + 1, len(self._lines)) if not is_blank(self._lines[at])), None)
        if below is None:
            return False
        columns = self._columns(line)
        return self._columns(below) > columns or (
            self._columns(below) == columns and _OPENER.match(self._word(below)) is not None
        )

    def _headers_above(self, line: int, columns: int) -> list[int]:
        """Lines that the line is inside of, the nearest one first."""
        headers: list[int] = []
        closing = bool(_CONTINUATION.match(self._word(line)) or _OPENER.match(self._word(line)))
        for above in range(line - 1, max(line - FARTHEST, 0) - 1, -1):
            if is_blank(self._lines[above]):
                continue
            here = self._columns(above)
            if here > columns or (here == columns and not closing):
                continue
            columns = here
            closing = bool(_CONTINUATION.match(self._word(above)) or _OPENER.match(self._word(above)))
            if not closing:
                headers.append(above)
                if columns == 0:
                    break
        return headers

    def _is_definition(self, line: int) -> bool:
        word = self._word(line)
        if _CONTROL.match(word):
            return False
        if _DEFINITION.match(word):
            return True
        below = self._word(line + 1) if line + 1 < len(self._lines) else ""
        return "(" in word and (word.rstrip(BLANKS).endswith(("{", "=> {")) or below.startswith("{"))

    def _end_of(self, header: int) -> int:
        columns = self._columns(header)
        last = header
        for below in range(header + 1, min(header + FARTHEST, len(self._lines))):
            if is_blank(self._lines[below]):
                continue
            here, word = self._columns(below), self._word(below)
            if here < columns or (here == columns and not (_CONTINUATION.match(word) or _OPENER.match(word))):
                break
            last = below
        return last

    def _what_is_attached_to(self, line: int) -> int:
        """Go from a decorator or a comment to the line that it belongs to."""
        at = line
        while _ATTACHED.match(self._word(at)) and at + 1 < len(self._lines):
            at += 1
            if is_blank(self._lines[at]) or self._columns(at) != self._columns(line):
                return line
        return at

    def _with_attached(self, header: int) -> int:
        columns = self._columns(header)
        while (
            header > 0
            and not is_blank(self._lines[header - 1])
            and self._columns(header - 1) >= columns
            and _ATTACHED.match(self._word(header - 1))
        ):
            header -= 1
        return header

    def _paragraph(self, line: int) -> Lines:
        first = last = line
        while first > 0 and not is_blank(self._lines[first - 1]):
            first -= 1
        while last + 1 < len(self._lines) and not is_blank(self._lines[last + 1]):
            last += 1
        return first, last


def _line_comments(lines: list[str], line: int, language_id: str) -> Lines | None:
    prefixes = comments_of(language_id).line
    indent = indent_of(lines[line])

    def is_comment(at: int) -> bool:
        word = lines[at].removeprefix(indent)
        return indent_of(lines[at]) == indent and word.startswith(prefixes) and not lines[at].startswith("#!")

    if not prefixes or not is_comment(line):
        return None
    first = last = line
    while first > 0 and is_comment(first - 1):
        first -= 1
    while last + 1 < len(lines) and is_comment(last + 1):
        last += 1
    return first, last


def _block_comment(lines: list[str], line: int, language_id: str) -> Lines | None:
    if len(lines) > LONGEST_SCANNED:
        return None
    return next(((first, last) for first, last in comment_lines(lines, language_id) if first <= line <= last), None)
