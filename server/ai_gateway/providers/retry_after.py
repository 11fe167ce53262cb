"""How long an upstream asks to wait, wherever it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

WAIT_PART = re.compile(
    r"([\d.]+)\s*(ms|milliseconds?|h|hours?|m|minutes?|s|seconds?)(?![a-z])\s*",
    re.IGNORECASE,
)
WAIT_IN_TEXT = re.compile(rf"(?:retry|try again) (?:after|in) ((?:{WAIT_PART.pattern})+)", re.IGNORECASE)
UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def retry_after_seconds(headers: Mapping[str, str], message: str = "", *, now: float, delay: str = "") -> float | None:
    """Find how long to wait.

    Looked for in `retry-after-ms`, `retry-after` as seconds or HTTP date (RFC 9110 §10.2.3), Google's `retryDelay`, and
    the words of the message.
    """
    named = headers.get("retry-after")
    found = (
        _number(headers.get("retry-after-ms"), 0.001),
        _number(named, 1.0),
        _until_date(named, now),
        _number(delay.removesuffix("s"), 1.0),
        _wait_in_text(message),
        _until_date_in_text(message, now),
    )
    return next((seconds for seconds in found if seconds is not None), None)


def _number(value: str | None, unit_seconds: float) -> float | None:
    try:
        return float(value) * unit_seconds if value else None
    except ValueError:
        return None


def _until_date(value: str | None, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now) if value else None
    except ValueError:
        return None


def _wait_in_text(message: str) -> float | None:
    """Add up the parts of a wait such as `6m0s`, `1.5 seconds` or `20ms`."""
    found = WAIT_IN_TEXT.search(message)
    parts = WAIT_PART.findall(found[1]) if found else []
    waits = [_number(amount, _unit_seconds(unit.lower())) for amount, unit in parts]
    known = [seconds for seconds in waits if seconds is not None]
    return sum(known) if known else None


def _until_date_in_text(message: str, now: float) -> float | None:
    """Find the end of a spending period, such as Anthropic's `You will regain access on 2026-12-01 at 00:00 UTC.`"""
    found = re.search(r"regain access on (\d{4}-\d\d-\d\d)(?:(?: at |T)(\d\d:\d\d))?", message)
    try:
        return max(0.0, _instant(found[1], found[2]) - now) if found else None
    except ValueError:
        return None


def _instant(date: str, time_of_day: str | None) -> float:
    return datetime.fromisoformat(f"{date}T{time_of_day or '00:00'}+00:00").timestamp()


def _unit_seconds(unit: str) -> float:
    return 0.001 if unit.startswith(("ms", "milli")) else UNIT_SECONDS[unit[0]]
