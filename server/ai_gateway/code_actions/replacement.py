"""What of an answer may come into the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ai_gateway.code_actions.doubts import Change, first_doubt
from ai_gateway.code_actions.excerpt import BOM, Excerpt
from ai_gateway.code_actions.fitting import (
    Unfit,
    indented_like,
    indents_by_tabs,
    without_blank_ends,
    without_repeated,
    without_surroundings,
)
from ai_gateway.code_actions.kinds import KINDS, ActionKind, Product
from ai_gateway.code_actions.languages import is_of_language, test_path
from ai_gateway.code_actions.line_marks import marks_in
from ai_gateway.fences import blocks
from ai_gateway.lines import bare_lines_of, lines_of, with_plain_ends
from ai_gateway.model import FinishReason
from ai_gateway.thoughts import without_thoughts

LONGEST_ANSWER = 300_000
"""Characters: more than any region, and as much as most files."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Text for lines `first_line` to `last_line` (from 0, both included) up to, and without, the end of the last one.

    So the range in LSP's terms is from column 0 of `first_line` to the last column of `last_line`; `text` holds the
    document's own line ends between its lines and none after the last one. There is always at least one line on either
    side, so an insertion repeats the line that it stands beside.
    """

    first_line: int
    last_line: int
    text: str

    def applied_to(self, document: str) -> str:
        """Give the document with the lines replaced."""
        lines = lines_of(document)
        last = lines[self.last_line]
        end = last[len(last.rstrip("\r\n")) :]
        return "".join((*lines[: self.first_line], self.text, end, *lines[self.last_line + 1 :]))


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be made; `path` is relative to what the excerpt's path is relative to, with `/`."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """An answer that must not come into a file, and why: a sentence for the person."""

    reason: str


@dataclass(frozen=True, slots=True)
class NothingToChange:
    """The model gave the region back as it is."""


NOTHING_TO_CHANGE: Final = NothingToChange()

_UNFINISHED: Mapping[FinishReason, str] = MappingProxyType(
    {
        FinishReason.LENGTH: "The answer was cut off: it is as long as the model may write. Select less.",
        FinishReason.CONTENT_FILTER: "The provider's content filter stopped the answer.",
        FinishReason.REFUSAL: "The model refused.",
        FinishReason.TOOL_CALLS: "The model called for a tool instead of answering.",
    }
)
_LONGEST_NAMED = 30


def replacement_for(
    kind: ActionKind, excerpt: Excerpt, answer: str, finish_reason: FinishReason
) -> Replacement | NothingToChange | Unusable:
    """Judge the answer to a kind whose product is a replacement.

    Raises:
        ValueError: The kind is another one.
    """
    if KINDS[kind].product is not Product.REPLACE:
        raise ValueError(f"{kind} replaces nothing")
    try:
        said = _code_in(answer, finish_reason, excerpt)
        new = _below_comment(said, excerpt) if kind is ActionKind.COMMENT else _in_place(said, excerpt)
    except Unfit as unfit:
        return Unusable(str(unfit))
    if new == list(excerpt.region):
        return NOTHING_TO_CHANGE
    replacement = _trimmed(excerpt, new)
    doubt = first_doubt(
        Change(
            kind=kind,
            language_id=excerpt.language_id,
            old=excerpt.region,
            new=tuple(new),
            first_line=excerpt.first_line,
            document=with_plain_ends(excerpt.text),
            changed=with_plain_ends(replacement.applied_to(excerpt.text)),
        )
    )
    return replacement if doubt is None else Unusable(doubt)


def new_file_for(excerpt: Excerpt, answer: str, finish_reason: FinishReason) -> NewFile | Unusable:
    """Judge the answer to `TEST`. Whether such a file exists already is not known here."""
    path = test_path(excerpt.path, excerpt.language_id)
    if path is None:
        return Unusable("These tests have no file of their own: put them where they belong.")
    try:
        lines = _code_in(answer, finish_reason, excerpt)
    except Unfit as unfit:
        return Unusable(str(unfit))
    doubt = first_doubt(
        Change(
            kind=ActionKind.TEST,
            language_id=excerpt.language_id,
            old=(),
            new=tuple(lines),
            first_line=0,
            document="",
            changed="\n".join(lines),
        )
    )
    return NewFile(path, excerpt.eol.join([*lines, ""])) if doubt is None else Unusable(doubt)


def _code_in(answer: str, finish_reason: FinishReason, excerpt: Excerpt) -> list[str]:
    """Give the lines of the one block that was asked for.

    Raises:
        Unfit: There is no such block, or more than that.
    """
    if (unfinished := _UNFINISHED.get(finish_reason)) is not None:
        raise Unfit(unfinished)
    if len(answer) > LONGEST_ANSWER:
        raise Unfit("The answer is too long.")
    answer = without_thoughts(answer)
    found = blocks(answer)
    if not found:
        raise Unfit("There is no code block in the answer." if answer.strip() else "The answer is empty.")
    if len(found) > 1:
        raise Unfit("There are several code blocks in the answer.")
    block = found[0]
    if not block.is_closed:
        raise Unfit("The code block in the answer has no end.")
    if not is_of_language(block.info, excerpt.language_id):
        named = "".join(filter(str.isprintable, block.info))[:_LONGEST_NAMED]
        raise Unfit(f"The code block in the answer is {named}, not {excerpt.language_id}.")
    lines = without_blank_ends(bare_lines_of(block.text))
    if not lines:
        raise Unfit("The code block in the answer is empty.")
    if (marks := marks_in(lines, excerpt.region)) is not None:
        raise Unfit(marks)
    return lines


def _in_place(said: list[str], excerpt: Excerpt) -> list[str]:
    """Give the lines that take the region's place."""
    plain = [excerpt.region[0].removeprefix(BOM), *excerpt.region[1:]]
    if said == plain:
        return list(excerpt.region)
    lines = _fitting(said, excerpt, plain)
    has_mark = excerpt.region[0].startswith(BOM) and not lines[0].startswith(BOM)
    return [BOM + lines[0], *lines[1:]] if has_mark else lines


def _below_comment(said: list[str], excerpt: Excerpt) -> list[str]:
    """Give the comment with the lines that follow it."""
    code = without_repeated(excerpt.region, _fitting(said, excerpt, excerpt.region))
    return [*excerpt.region, *code]


def _fitting(said: list[str], excerpt: Excerpt, region: Sequence[str]) -> list[str]:
    lines = without_surroundings(said, excerpt)
    tab_is_usual = indents_by_tabs([*excerpt.lines_before, *excerpt.lines_after])
    return indented_like(lines, region, tab_is_usual=tab_is_usual)


def _trimmed(excerpt: Excerpt, new: list[str]) -> Replacement:
    """Leave out what is the same at both ends, but for one line where nothing else is left on one side."""
    old = excerpt.region
    shortest = min(len(old), len(new)) - 1
    head = next((at for at in range(shortest) if old[at] != new[at]), shortest)
    rest = shortest - head
    tail = next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)
    text = excerpt.eol.join(new[head : len(new) - tail])
    return Replacement(excerpt.first_line + head, excerpt.last_line - tail, text)
