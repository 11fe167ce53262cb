"""Reading the JSON that another process wrote, of which nothing is certain: every function raises `ValueError`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

LARGEST = 2**53
"""Of numbers: more than any that is meant, and still a float like any other."""


def parsed(value: bytes) -> Mapping[str, object]:
    """Read an object."""
    try:
        return as_object(json.loads(value))
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def as_object(value: object) -> Mapping[str, object]:
    """Take it for an object."""
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def as_objects(value: object) -> list[Mapping[str, object]]:
    """Take it for a list of objects."""
    if not isinstance(value, list):
        raise ValueError("not a list")
    return [as_object(each) for each in value]


def as_text(value: object) -> str:
    """Take it for a text."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def as_count(value: object) -> int:
    """Take it for a number of things."""
    if not isinstance(value, int) or not 0 <= value < LARGEST:
        raise ValueError("not a count")
    return value


def as_number(value: object) -> float:
    """Take it for a number that is not negative."""
    if not isinstance(value, int | float) or not 0 <= value < LARGEST or math.isnan(value):
        raise ValueError("not a number")
    return float(value)


def text_if_known(value: object) -> str | None:
    """Take it for a text, or for nothing."""
    return None if value is None else as_text(value)


def number_if_known(value: object) -> float | None:
    """Take it for a number, or for nothing."""
    return None if value is None else as_number(value)
