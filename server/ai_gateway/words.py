"""Figures as a person says them."""

from __future__ import annotations

LONG_UNITS = (("days", 24 * 3600), ("h", 3600), ("min", 60))
"""Of waits, with their seconds; from two of one on, a wait is told in it."""


def wait_in_words(seconds: float) -> str:
    """Say how long a wait is, no more exactly than a person wants to know it."""
    unit, length = next(((unit, length) for unit, length in LONG_UNITS if seconds >= 2 * length), ("s", 1))
    return f"{seconds / length:.0f} {unit}"
