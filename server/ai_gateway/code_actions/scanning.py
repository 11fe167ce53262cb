"""Comments, quoted texts and brackets of code, roughly and in any language: enough to compare two versions of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from ai_gateway.code_actions.excerpt import is_blank
from ai_gateway.code_actions.languages import Comments, comments_of
from ai_gateway.lines import BLANKS

_BLOCKS: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]] = MappingProxyType(
    {
        language: (re.compile(begins), re.compile(ends))
        for languages, begins, ends in (
            (
                "ruby crystal",
                r"^\s*(?:def|class|module|if|unless|while|until|case|begin|for)\b|\bdo\s*(?:\|[^|]*\|\s*)?(?:#.*)?$",
                r"(?<![.:\w])end\b(?!:)",
            ),
            ("lua luau", r"\b(?:function|if|do|repeat)\b", r"\b(?:end|until)\b"),
            ("elixir", r"\b(?:do|fn)\b(?!:)", r"(?<![.:\w])end\b(?!:)"),
            (
                "julia",
                r"^\s*(?:function|macro|if|for|while|begin|let|quote|try|module|(?:mutable )?struct)\b|\bdo\b",
                r"^\s*end\b",
            ),
            ("shellscript bash sh zsh", r"^\s*(?:if|case)\b|(?:^|;)\s*do\b", r"(?:^|;)\s*(?:fi|esac|done)\b"),
            ("vim viml", r"^\s*(?:fu\w*!?|def|if|for|while|try|augroup (?!END))\b", r"^\s*(?:end\w*|augroup END)\b"),
        )
        for language in languages.split()
    }
)
"""What begins a block and what ends it, where words do it."""

_CLOSING = {")": "(", "]": "[", "}": "{"}


def comment_lines(lines: Sequence[str], language_id: str) -> Iterator[tuple[int, int]]:
    """Give first and last line of each comment that has its lines for itself; documentation in quotes is one."""
    text = "\n".join(lines)
    line = seen = 0
    comments = comments_of(language_id)
    if not (comments.line or comments.block or comments.texts):
        return
    for token in _tokens(comments, with_brackets=False).finditer(text):
        if token.lastgroup != "comment":
            continue
        line += text.count("\n", seen, token.start())
        seen = token.start()
        last = line + token.group().count("\n")
        if _stands_alone(text, token.start(), token.end()):
            yield line, last


def code_lines(lines: Sequence[str], language_id: str) -> list[str]:
    """Give the lines that hold more than a comment, without blanks at their ends."""
    comments = {at for first, last in comment_lines(lines, language_id) for at in range(first, last + 1)}
    return [line.rstrip(BLANKS) for at, line in enumerate(lines) if at not in comments and not is_blank(line)]


def open_brackets(text: str, language_id: str) -> dict[str, int]:
    """Count, of each kind, the brackets that are opened and not closed; below zero: closed and not opened."""
    count: Counter[str] = Counter()
    for token in _tokens(comments_of(language_id), with_brackets=True).finditer(text):
        if token.lastgroup == "bracket":
            bracket = token.group()
            count[_CLOSING.get(bracket, bracket)] += -1 if bracket in _CLOSING else 1
    return {bracket: number for bracket, number in count.items() if number}


def open_blocks(lines: Sequence[str], language_id: str) -> int:
    """Count the blocks between words that are begun and not ended; 0 in languages whose blocks have brackets."""
    begins, ends = _BLOCKS.get(language_id, (None, None))
    if begins is None or ends is None:
        return 0
    code = code_lines(lines, language_id)
    return sum(len(begins.findall(line)) - len(ends.findall(line)) for line in code)


def _stands_alone(text: str, start: int, end: int) -> bool:
    while start and text[start - 1] in BLANKS:
        start -= 1
    while end < len(text) and text[end] in BLANKS:
        end += 1
    return text[start - 1 : start] in {"", "\n"} and text[end : end + 1] in {"", "\n"}


@cache
def _tokens(comments: Comments, *, with_brackets: bool) -> re.Pattern[str]:
    said = [rf"{re.escape(opening)}[\s\S]*?(?:{re.escape(closing)}|\Z)" for opening, closing in comments.block]
    said += [rf"(?:\b[rRuU])?{quote}[\s\S]*?(?:{quote}|\Z)" for quote in comments.texts]
    said += [_to_end_of_line(prefix) for prefix in comments.line]
    apostrophes = r"'(?:\\.|[^'\\\n])*'" if comments.pairs_apostrophes else r"'(?:\\.|[^'\\\n])'"
    quoted = rf'\\.|"(?:\\.|[^"\\\n])*"|{apostrophes}|`(?:\\.|[^`\\])*`'
    parts = [f"(?P<comment>{'|'.join(said)})"] if said else []
    # What is escaped begins no text, whether it stands in one or not: so no line is gone through again and again.
    parts += [f"(?P<quoted>{quoted})"]
    parts += [r"(?P<bracket>[()\[\]{}])"] if with_brackets else []
    return re.compile("|".join(parts))


def _to_end_of_line(prefix: str) -> str:
    if prefix == '"':
        return r'(?:(?<=\n)|\A)[ \t]*"[^\n]*'
    inside_no_word = r"(?<!\S)" if prefix == "#" else ""
    return rf"{inside_no_word}{re.escape(prefix)}[^\n]*"
