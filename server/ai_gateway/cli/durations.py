"""Durations, as people write them."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 24 * 3600.0}
_DURATION = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ?([a-z]*)")


def seconds_of(text: str) -> float:
    """Read a number of seconds, or one with its unit, such as `90s`, `30m` or `2h`.

    Raises:
        ArgumentTypeError: It is something else.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or match[2] not in UNITS:
        raise ArgumentTypeError(f"{text!r} is no duration; one looks like 90s, 30m or 2h")
    return float(match[1]) * UNITS[match[2]]
