"""What upstreams write, read with tolerance: JSON, and values of the kind that is looked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from ai_gateway.failures import FailureKind, ProviderFailure


def parsed(data: bytes) -> object:
    """Parse JSON; None where it is none. A byte that is not UTF-8 costs its character, not the message."""
    try:
        return json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None


def parsed_all(messages: Sequence[bytes]) -> list[object]:
    """Parse each message as `parsed` does: as one list, in half the time, unless something in it is no JSON."""
    together = parsed(b"[%b]" % b",".join(messages))
    if isinstance(together, list) and len(together) == len(messages):
        return together
    return [parsed(message) for message in messages]


def object_in(value: object) -> dict[str, object]:
    """Give a JSON object; an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def objects_in(value: object) -> list[dict[str, object]]:
    """Give the objects of a JSON list; none where it is no list."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def text_in(value: object) -> str:
    """Give a text; an empty one where it is none."""
    return value if isinstance(value, str) else ""


def count_in(value: object) -> int:
    """Give a count; 0 where it is none."""
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0


def amount_in(value: object) -> float | None:
    """Give a number that can be an amount; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= sys.float_info.max else None


def whole_object(value: object) -> dict[str, object]:
    """Insist on a JSON object.

    Raises:
        ProviderFailure: It is none.
    """
    if not isinstance(value, dict):
        raise ProviderFailure(FailureKind.SERVER, "the upstream's answer is not a JSON object")
    return value
