"""What tokens cost at a model's rates: the reckoning of genai-prices, in floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Literal, Required, TypedDict

from ai_gateway.model import Usage

MOST_TOKENS = 10**12
"""More than any call can use: a higher count is an upstream's mistake."""

TokenKind = Literal["input", "cached", "cache_write", "output"]


class Tiered(TypedDict):
    """A rate that depends on the length of the whole input; the tier reached is the rate of *all* tokens."""

    base: float
    above: Sequence[tuple[int, float]]
    """The input tokens to be exceeded and the rate from there on, ascending."""


Rate = float | Tiered
"""US$ per million tokens."""


class Period(TypedDict, total=False):
    """A model's rates, and when they hold: always, unless it says otherwise."""

    since: str
    """The first day, in UTC."""
    daily: tuple[str, str]
    """The times of day, in UTC, between which they hold; past midnight where the second is the earlier one."""
    rates: Required[Mapping[TokenKind, Rate]]
    """Input read from the upstream's cache, or written to it, is plain input where it has no rate of its own."""
    request: float
    """US$ for each call, on top."""


def period_at(periods: Sequence[Period], now: datetime) -> Period:
    """Give the last period that holds, or the first where none does."""
    moment = now.astimezone(UTC)
    return next((period for period in reversed(periods) if _holds(period, moment)), periods[0])


def _holds(period: Period, moment: datetime) -> bool:
    if "since" in period:
        return moment.date() >= date.fromisoformat(period["since"])
    if "daily" in period:
        start, end = map(time.fromisoformat, period["daily"])
        clock = moment.time()
        return start <= clock < end if start <= end else clock >= start or clock < end
    return True


def cost_usd(period: Period, usage: Usage) -> float | None:
    """Reckon a call's cost in US$; None where a rate is unknown or the token counts contradict each other."""
    rates = period["rates"]
    counts = _counts(rates, usage)
    if "input" not in rates or any(count and kind not in rates for kind, count in counts.items()):
        return None
    if not all(0 <= count <= MOST_TOKENS for count in counts.values()):
        return None
    dollars_per_million = sum(count * _flat(rates[kind], usage.input_tokens) for kind, count in counts.items() if count)
    return dollars_per_million / 1_000_000 + period.get("request", 0.0)


def _counts(rates: Mapping[TokenKind, Rate], usage: Usage) -> dict[TokenKind, int]:
    counts: dict[TokenKind, int] = {"input": usage.input_tokens, "output": usage.output_tokens}
    if "cached" in rates:
        counts["cached"] = usage.cached_input_tokens
        counts["input"] -= usage.cached_input_tokens
    if "cache_write" in rates:
        counts["cache_write"] = usage.cache_write_tokens
        counts["input"] -= usage.cache_write_tokens
    return counts


def _flat(rate: Rate, input_tokens: int) -> float:
    if isinstance(rate, dict):
        return next((price for start, price in reversed(rate["above"]) if input_tokens > start), rate["base"])
    return rate
