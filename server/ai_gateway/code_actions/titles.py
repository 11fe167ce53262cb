"""What a conversation about a region is called."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ai_gateway.code_actions.definitions import names_defined
from ai_gateway.code_actions.excerpt import Excerpt, indent_of, is_blank
from ai_gateway.code_actions.kinds import ActionKind
from ai_gateway.printing import in_one_line

LONGEST_NAME = 60

_TITLES: Mapping[ActionKind, str] = MappingProxyType(
    {
        ActionKind.EXPLAIN: "Explain {}",
        ActionKind.FIX: "Fix {}",
        ActionKind.DOCUMENT: "Document {}",
        ActionKind.TEST: "Test {}",
        ActionKind.IMPROVE: "Improve {}",
        ActionKind.COMMENT: "Do what the comment says: {}",
        ActionKind.ASK: "Ask about {}",
    }
)


def title_of(kind: ActionKind, excerpt: Excerpt) -> str:
    """Say in one line what is done to what: `Explain total in shop.py`, or `Explain lines 3 to 9 of shop.py`."""
    return _TITLES[kind].format(_place(excerpt))


def _place(excerpt: Excerpt) -> str:
    file = _short(excerpt.path.rpartition("/")[2])
    if not any(line.strip() for line in (*excerpt.lines_before, *excerpt.lines_after)):
        return file
    if (name := _definition_in(excerpt)) is not None:
        return f"{_short(name)} in {file}"
    first, last = excerpt.first_line + 1, excerpt.last_line + 1
    return f"line {first} of {file}" if first == last else f"lines {first} to {last} of {file}"


def _definition_in(excerpt: Excerpt) -> str | None:
    """Name the one definition that the region is, if it is one: what stands further in belongs to that."""
    lines = [line.expandtabs() for line in excerpt.region if not is_blank(line)]
    least = min((len(indent_of(line)) for line in lines), default=0)
    outer = [line for line in lines if len(indent_of(line)) == least]
    names = list(names_defined(outer, excerpt.language_id))
    return names[0] if len(names) == 1 else None


def _short(name: str) -> str:
    name = in_one_line(name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
