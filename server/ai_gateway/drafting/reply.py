"""What a model wrote, taken apart: models add labels, fences and remarks, whatever they are told."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from ai_gateway.printing import printable
from ai_gateway.thoughts import without_thoughts

TITLE_CHARACTERS = 120
SUBJECT_CHARACTERS = 72
"""What `git log --oneline` and most sites show of a subject."""
BODY_COLUMNS = 72
_FENCE = re.compile(r"(?P<fence>`{3,}+|~{3,}+)[^\n`]*\n(?P<inside>.*?)\n?(?P=fence)[`~]*", re.DOTALL)
_LABEL = re.compile(
    r"\A[\s#*_]*(?:(?:pr|pull request|commit|suggested)\s*)?(?:title|subject|message|commit)[\s*_]*:[\s*_]*",
    re.IGNORECASE,
)
_LABEL_ALONE = re.compile(r"[#*_\s]+(?:title|subject)[*_\s]*", re.IGNORECASE)
_BODY_LABEL = re.compile(
    r"\A[\s#*_]*(?:(?:pr|pull request)\s+)?(?:body|description)(?:[\s*_]*:[\s*_]*|[\s*_]*\n)", re.IGNORECASE
)
_SIGNATURE = re.compile(
    r"^(?:signed-off|co-authored|reviewed|acked|tested|reported|assisted|generated|co-developed)-by:.*\n?"
    r"|^change-id:.*\n?",
    re.IGNORECASE | re.MULTILINE,
)
"""Only people may say such things of themselves, and only the footer says who wrote this."""
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Reply:
    """A title, and what it stands above."""

    title: str
    body: str


def reply_of(text: str) -> Reply | None:
    """Read a model's answer; None: there is no title in it."""
    text = _unwrapped(without_thoughts(printable(text)).strip())
    title, _, body = text.partition("\n")
    title = _plain(title)
    if not re.search(r"\w", title):
        return None
    body = _SIGNATURE.sub("", _BODY_LABEL.sub("", body.strip())).strip()
    return Reply(title, body)


def _unwrapped(text: str) -> str:
    """Take the answer out of a fence around all of it, and leave out a remark or a label above it."""
    first, _, rest = text.partition("\n")
    rest = rest.strip()
    if rest and (first.rstrip().endswith(":") or _LABEL_ALONE.fullmatch(first)):
        text = rest
    fenced = _FENCE.fullmatch(text)
    return fenced["inside"].strip() if fenced else text


def _plain(title: str) -> str:
    """Take labels and marks off a title."""
    title = re.sub(r"\A[\s#>]+(?=\S)", "", _LABEL.sub("", title)).strip()
    for mark in ("**", "__", "`", '"', "'"):
        inside = title.removeprefix(mark).removesuffix(mark)
        if title == f"{mark}{inside}{mark}" and mark not in inside:
            title = inside.strip()
    return title if title.endswith("..") else title.removesuffix(".")


def shortened(title: str, limit: int) -> str:
    """Cut a title so that it has no more than so many characters, at a word if there is one to cut at."""
    if len(title) <= limit:
        return title
    cut = title[: limit - 1]
    at_word = cut.rpartition(" ")[0] if title[limit - 1] != " " else cut
    kept = at_word if len(at_word) > limit // 2 else cut
    return kept.rstrip(" ,;:-(") + "\N{HORIZONTAL ELLIPSIS}"


def wrapped(body: str) -> str:
    """Break long lines, but for code; an item's further lines stand below its text."""
    lines, is_code = [], False
    for line in body.splitlines():
        is_fence = line.lstrip().startswith(("```", "~~~"))
        is_code ^= is_fence
        if is_code or is_fence or len(line) <= BODY_COLUMNS or line.startswith(("    ", "\t", "|")):
            lines.append(line.rstrip())
            continue
        item = _ITEM.match(line)
        lines += textwrap.wrap(
            line,
            BODY_COLUMNS,
            subsequent_indent=" " * len(item[0] if item else line[: len(line) - len(line.lstrip())]),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
