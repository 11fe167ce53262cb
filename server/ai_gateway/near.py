"""Names that may have been meant by one that is not there."""

from __future__ import annotations

from collections.abc import Iterable

NEAR_ENOUGH = 0.5


def near_names(name: str, known: Iterable[str], *, limit: int = 3) -> list[str]:
    """Give the known names that look like this one, the likeliest first."""
    from difflib import get_close_matches  # noqa: PLC0415 - half a megabyte, for mistakes only

    return get_close_matches(name, list(known), limit, NEAR_ENOUGH)


def meant(name: str, known: Iterable[str]) -> str:
    """Say which known name may have been meant, to be put behind a complaint; empty where none comes near."""
    close = near_names(name, known, limit=1)
    return f"; did you mean {close[0]!r}?" if close else ""
