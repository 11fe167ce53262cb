"""What the patterns of a .gitignore mean (https://git-scm.com/docs/gitignore#_pattern_format; git's own wildmatch.c).

They may be somebody else's: each becomes a regular expression whose time grows with the path and never explodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r" \t-\r",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
"""POSIX 1003.1, 9.3.5, as ASCII has them."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line that means something."""

    line: int
    """Counted from 1."""
    text: str

    @property
    def excludes(self) -> bool:
        """Whether it names what is meant, and not an exception from it."""
        return not self.text.startswith("!")


def patterns_of(lines: Iterable[str]) -> list[Pattern]:
    """Give the lines that mean something; they come without their ends."""
    texts = ((number, _without_end(line)) for number, line in enumerate(lines, 1))
    return [Pattern(number, text) for number, text in texts if text and not text.startswith("#")]


class IgnorePatterns:
    """The patterns of one file, or of one list.

    Args:
        given: All of them, in order; see `patterns_of`.
        ignores_case: Whether `A` is `a`.
    """

    def __init__(self, given: Iterable[Pattern], *, ignores_case: bool) -> None:
        self.wrong: list[Pattern] = []
        """Those that can fit nothing, as their brackets or backslashes have no end."""
        names: list[tuple[Pattern, str]] = []
        paths: list[tuple[Pattern, str]] = []
        for pattern in given:
            body = pattern.text.removeprefix("!")
            expression = _expression(body)
            if expression is None:
                self.wrong.append(pattern)
            else:
                (paths if "/" in body.removesuffix("/") else names).append((pattern, expression))
        self.is_empty = not (names or paths or self.wrong)
        self._names = _Alternatives(names, ignores_case=ignores_case)
        self._paths = _Alternatives(paths, ignores_case=ignores_case)

    def last_fitting(self, path: str) -> Pattern | None:
        """Give the pattern that decides about a file or folder, whatever is above it; None: nothing fits.

        Args:
            path: From where the patterns are, with `/` between its parts, and at the end of a folder's.
        """
        of_name = self._names.first(path[path.rfind("/", 0, -1) + 1 :])
        of_path = self._paths.first(path)
        if of_name is None or of_path is None:
            return of_name or of_path
        return max(of_name, of_path, key=lambda pattern: pattern.line)


class _Alternatives:
    """Regular expressions, of which the last that fits is looked for."""

    def __init__(self, given: Sequence[tuple[Pattern, str]], *, ignores_case: bool) -> None:
        self._given = given[::-1]
        self._flags = re.DOTALL | (re.IGNORECASE if ignores_case else 0)
        self._any = re.compile("|".join(expression for _, expression in given), self._flags) if given else None
        self._each: list[re.Pattern[str]] = []

    def first(self, text: str) -> Pattern | None:
        """Give it. That nothing fits, which is usual, is found out by all of them at once."""
        if self._any is None or self._any.match(text) is None:
            return None
        for position, (pattern, expression) in enumerate(self._given):
            if position == len(self._each):
                self._each.append(re.compile(expression, self._flags))
            if self._each[position].match(text):
                return pattern
        return None


def _without_end(line: str) -> str:
    """Take away the spaces at its end, but for one that a backslash keeps."""
    text = line.rstrip(" ")
    backslashes = len(text) - len(text.rstrip("\\"))
    return f"{text} " if backslashes % 2 and len(text) < len(line) else text


def _expression(pattern: str) -> str | None:
    """Translate a pattern without its `!`; None: it fits nothing."""
    body = pattern.removesuffix("/")
    end = r"/\Z" if body != pattern else r"/?\Z"
    segments = _segments(body)
    if segments is None:
        return None
    if "/" not in body:
        return _segment(segments[0]) + end
    runs: list[list[str]] = [[]]
    for segment in segments[1:] if body.startswith("/") else segments:
        if not segment:
            return None
        if segment == ["**"]:
            runs.append([])
        else:
            runs[-1].append(_segment(segment))
    return _chain(runs) + end


def _chain(runs: Sequence[Sequence[str]]) -> str:
    """Join runs of segments, between which any number of folders may stand.

    What comes first is as good as what comes later, so nothing is tried twice: `(?>…)`.
    """
    first, *others = ["".join(f"{segment}/" for segment in run) for run in runs]
    if not others:
        return first.removesuffix("/")
    middle = "".join(f"(?>(?:.*?/)??{run})" for run in others[:-1] if run)
    last = f"(?:.*/)?{others[-1].removesuffix('/')}" if others[-1] else "(?=[^/]).*"
    return first + middle + last


def _segment(parts: Sequence[str]) -> str:
    """Join the parts of one segment; a star's leftmost end is as good as any, as in `_chain`."""
    runs = [""]
    for part in parts:
        if part.startswith("*"):
            runs.append("")
        else:
            runs[-1] += part
    first, *others = runs
    if not others:
        return first
    begin = "" if first else "(?=[^/])"
    return begin + first + "".join(f"(?>[^/]*?{run})" for run in others[:-1] if run) + f"[^/]*{others[-1]}"


@cache
def _tokens() -> re.Pattern[str]:
    member = r"\\.|\[:[^\]]*:\]"
    return re.compile(
        rf"(?P<stars>\*+)|(?P<one>\?)|\[(?P<negated>[!^]?+)(?P<members>(?>{member}|[^\\])(?>{member}|[^\]\\])*+)\]"
        r"|(?P<slash>\\?/)|\\(?P<escaped>.)|(?P<literal>[^\\\[])",
        re.DOTALL,
    )


def _segments(body: str) -> list[list[str]] | None:
    """Take a pattern apart: at its slashes, into stars and expressions of one character; None: it fits nothing."""
    segments: list[list[str]] = [[]]
    position = 0
    while position < len(body):
        found = _tokens().match(body, position)
        if found is None:
            return None
        position = found.end()
        if found["slash"]:
            segments.append([])
        elif found["stars"]:
            segments[-1].append(found["stars"][:2])
        elif found["members"]:
            expression = _set_of(found["members"], negated=bool(found["negated"]))
            if expression is None:
                return None
            segments[-1].append(expression)
        else:
            segments[-1].append("[^/]" if found["one"] else re.escape(found["escaped"] or found["literal"]))
    return segments if any(segments) else None


@cache
def _members() -> re.Pattern[str]:
    return re.compile(r"\[:(?P<name>[^\]]*):\]|(?P<low>\\.|.)(?:-(?P<high>\\.|.))?", re.DOTALL)


def _set_of(members: str, *, negated: bool) -> str | None:
    parts: list[str] = []
    for found in _members().finditer(members):
        if found["name"] is not None:
            if found["name"] not in _CLASSES:
                return None
            parts.append(_CLASSES[found["name"]])
            continue
        low, high = found["low"][-1], (found["high"] or found["low"])[-1]
        parts.append(re.escape(low))
        if low < high:
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
    return f"(?!/)[{'^' if negated else ''}{''.join(parts)}]"
