"""Which models a line of prices is for: the match rules of genai-prices, in one flat form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TypedDict


class Rule(TypedDict, total=False):
    """A model matches if any one of these does. Texts are in lower case."""

    equals: Sequence[str]
    starts_with: Sequence[str]
    ends_with: Sequence[str]
    contains: Sequence[str]
    regex: Sequence[str]
    """Searched for anywhere in the name."""
    all: Sequence[Sequence[Rule]]
    """Groups of rules; a group matches if all of its rules do."""


def matches(rule: Rule, model: str) -> bool:
    """Tell whether `rule` is for `model`, a name in lower case."""
    return (
        model in rule.get("equals", ())
        or model.startswith(tuple(rule.get("starts_with", ())))
        or model.endswith(tuple(rule.get("ends_with", ())))
        or any(part in model for part in rule.get("contains", ()))
        or any(re.search(pattern, model) for pattern in rule.get("regex", ()))
        or any(all(matches(part, model) for part in group) for group in rule.get("all", ()))
    )


def with_dashed_dates(model: str) -> str:
    """Spell the dates in a name as most vendors do: `gpt-5.2-20251211` becomes `gpt-5.2-2025-12-11`."""
    return re.sub(r"-(20\d\d)(\d\d)(\d\d)(?=-|:|$)", _dashed, model, flags=re.ASCII)


def _dashed(found: re.Match[str]) -> str:
    try:
        return f"-{date(*map(int, found.groups()))}"
    except ValueError:
        return found[0]
