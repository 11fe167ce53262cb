"""Reasons not to trust an answer: each function says one, in a sentence for the person, or None."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ai_gateway.code_actions.definitions import names_defined
from ai_gateway.code_actions.elisions import is_only_dots, leaves_out
from ai_gateway.code_actions.excerpt import is_blank
from ai_gateway.code_actions.kinds import ActionKind
from ai_gateway.code_actions.languages import PROSE, comments_of
from ai_gateway.code_actions.parsing import is_valid, means_the_same
from ai_gateway.code_actions.scanning import code_lines, open_blocks, open_brackets
from ai_gateway.lines import BLANKS
from ai_gateway.privacy.masking import BEGINNING

SHORT_REGION = 12
LEAST_KEPT = 4
"""A region of more than `SHORT_REGION` lines of code that comes back with less than one in so many has lost some."""
LONGEST_COUNTED = 300_000
"""Characters of a document whose brackets are counted as a whole."""

_REWRITES = frozenset({ActionKind.FIX, ActionKind.IMPROVE})
"""Whose answers stand for the code that was there."""


@dataclass(frozen=True, slots=True)
class Change:
    r"""What would become of a document. Texts have `\n` for line ends."""

    kind: ActionKind
    language_id: str
    old: tuple[str, ...]
    """Lines of the region as they are; none for a file that is new."""
    new: tuple[str, ...]
    """Lines that would take their place."""
    first_line: int
    """Of the region, from 0."""
    document: str
    """As it is now."""
    changed: str
    """As it would be."""

    @property
    def added(self) -> list[str]:
        """Lines that were not there, without their blanks."""
        known = {line.strip(BLANKS) for line in self.old}
        return [word for line in self.new if (word := line.strip(BLANKS)) and word not in known]


def first_doubt(change: Change) -> str | None:
    """Say the first reason why the change must not be made, if there is one."""
    return next((doubt for judge in _JUDGES if (doubt := judge(change)) is not None), None)


_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffd\U000e0000-\U000e007f\ud800-\udfff]"
)
"""Control characters, and those that hide text or turn it round ("Trojan Source", CVE-2021-42574)."""


def _unseen_characters(change: Change) -> str | None:
    known = set(_UNSEEN.findall(change.document))
    if any(character not in known for line in change.new for character in _UNSEEN.findall(line)):
        return "The answer holds characters that can't be seen."
    return None


_PLACEHOLDER = re.compile(rf"\b{BEGINNING}[0-9a-f]{{4,}}", re.IGNORECASE)


def _lost_secret(change: Change) -> str | None:
    known = set(_PLACEHOLDER.findall(change.document))
    if any(found not in known for line in change.added for found in _PLACEHOLDER.findall(line)):
        return "The answer holds a placeholder in place of a secret."
    return None


def _elision(change: Change) -> str | None:
    dots_are_code = change.language_id in {"python", "starlark"} and change.kind not in _REWRITES
    if any(leaves_out(word) or (is_only_dots(word) and not dots_are_code) for word in change.added):
        return "The answer leaves out some of the code."
    return None


_REFUSAL = re.compile(
    r"\W*(?:I(?:['\u2019]m| am) (?:sorry|unable|afraid|not able)|sorry,|I can(?:['\u2019]t|not)\b|I won['\u2019]t\b"
    r"|I apologi[sz]e|as an AI\b)",
    re.IGNORECASE,
)
_ECHO = re.compile(
    r"(?:Before the region|After the region|The region, lines \d.*|Task|Question|Problems|File|Language):"
)


def _no_code(change: Change) -> str | None:
    if any(map(_REFUSAL.match, change.added[:2])):
        return "The model refused."
    if len([word for word in change.added if _ECHO.match(word)]) > 1:
        return "The answer repeats the question."
    has_code = code_lines(change.new, change.language_id)
    if not has_code and (
        change.kind in {ActionKind.COMMENT, ActionKind.TEST} or code_lines(change.old, change.language_id)
    ):
        return "There is no code in the answer."
    return None


_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&&"), ("&quot;", '"'))


def _entities(change: Change) -> str | None:
    old, new = "\n".join(change.old), "\n".join(change.new)
    for entity, plain in _ENTITIES:
        if entity in new and entity not in old and new.count(plain) < old.count(plain):
            return "The answer is written in the entities of HTML."
    return None


def _lost_definitions(change: Change) -> str | None:
    if change.kind not in _REWRITES:
        return None
    kept = set(names_defined(change.new, change.language_id))
    for name in names_defined(change.old, change.language_id):
        if name not in kept and not (change.kind is ActionKind.IMPROVE and name.startswith(("_", "#"))):
            return f"{name} is missing in the answer."
    return None


def _defined_twice(change: Change) -> str | None:
    """Judge what is put before code: it must not be that code once more."""
    if change.kind is not ActionKind.COMMENT:
        return None
    behind = change.document.split("\n")[change.first_line + len(change.old) :]
    following = next((line for line in behind if not is_blank(line)), "")
    for name in names_defined([following], change.language_id):
        if name in names_defined(change.new, change.language_id):
            return f"{name} stands below the comment already."
    return None


def _shrunk(change: Change) -> str | None:
    if change.kind not in _REWRITES:
        return None
    old, new = (len(code_lines(lines, change.language_id)) for lines in (change.old, change.new))
    if old > SHORT_REGION and new * LEAST_KEPT < old:
        return "The answer is so much shorter that code may be missing."
    return None


def _code_touched(change: Change) -> str | None:
    if change.kind is not ActionKind.DOCUMENT:
        return None
    comments = comments_of(change.language_id)
    old, new = (code_lines(lines, change.language_id) for lines in (change.old, change.new))
    rest = iter(new)
    if not all(any(_is_kept(line, other, comments.line) for other in rest) for line in old):
        return "The answer changes code, not only its documentation."
    if change.language_id == "python":
        adds = means_the_same("\n".join(change.old), "\n".join(change.new)) is False
    else:
        adds = comments.document and len(new) != len(old)
    return "The answer adds code, not only documentation." if adds else None


def _is_kept(line: str, other: str, prefixes: tuple[str, ...]) -> bool:
    """Whether the other line is the same one, maybe with a comment behind it."""
    behind = other.removeprefix(line)
    return other.startswith(line) and (not behind or (bool(prefixes) and behind.lstrip(BLANKS).startswith(prefixes)))


def _brackets(change: Change) -> str | None:
    language_id = change.language_id
    if language_id in PROSE or is_valid(change.changed, language_id):
        return None
    new = open_brackets("\n".join(change.new), language_id)
    if new == open_brackets("\n".join(change.old), language_id):
        return None
    if change.old and len(change.changed) <= LONGEST_COUNTED and not open_brackets(change.changed, language_id):
        return None
    return "The brackets in the answer don't pair, so some of it may be missing."


def _blocks(change: Change) -> str | None:
    old, new = (open_blocks(lines, change.language_id) for lines in (change.old, change.new))
    if new == old or open_blocks(change.changed.split("\n"), change.language_id) == 0:
        return None
    return "The blocks in the answer don't pair, so some of it may be missing or too much."


def _invalid(change: Change) -> str | None:
    if (
        is_valid(change.changed, change.language_id) is not False
        or is_valid(change.document, change.language_id) is False
    ):
        return None
    return f"With the answer, the file would be no valid {change.language_id} any more."


_JUDGES: tuple[Callable[[Change], str | None], ...] = (
    _unseen_characters,
    _lost_secret,
    _no_code,
    _elision,
    _entities,
    _lost_definitions,
    _defined_twice,
    _shrunk,
    _code_touched,
    _invalid,
    _brackets,
    _blocks,
)
