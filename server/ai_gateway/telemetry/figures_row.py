"""What a process leaves of its figures in the store, as JSON; whoever reads it may be of another version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from ai_gateway.telemetry.histogram import Histogram
from ai_gateway.telemetry.metrics import MetricsSnapshot, Percentiles, ProviderMetrics

LARGEST = 2**63
"""Of figures: more than there ever were, and still a number of any kind."""
SHAPE = 1
"""A figure may be added without a new one: where it is absent, it is nothing."""


@dataclass(frozen=True, slots=True)
class FiguresRow:
    """The figures of one process, or of all that have ended."""

    figures: MetricsSnapshot = field(default_factory=MetricsSnapshot)
    written_at: float = 0.0
    """Seconds since the epoch."""
    folded: tuple[str, ...] = ()
    """The processes whose rows went into this one last."""

    def to_bytes(self) -> bytes:
        """Write it."""
        return json.dumps({"shape": SHAPE, **asdict(self)}, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> FiguresRow:
        """Read it.

        Raises:
            ValueError: It is no row, or one of another shape.
        """
        try:
            row = _object(json.loads(value))
        except RecursionError as error:
            raise ValueError("nested too deep") from error
        if row.get("shape") != SHAPE:
            raise ValueError("a row of another shape")
        return cls(
            figures=_snapshot(_object(row.get("figures"))),
            written_at=_number(row.get("written_at")),
            folded=tuple(map(str, _list(row.get("folded")))),
        )


def _snapshot(row: Mapping[str, object]) -> MetricsSnapshot:
    return MetricsSnapshot(
        total_requests=_count(row.get("total_requests")),
        cache_hits=_count(row.get("cache_hits")),
        cache_misses=_count(row.get("cache_misses")),
        joined=_count(row.get("joined")),
        stale_answers=_count(row.get("stale_answers")),
        unanswered=_count(row.get("unanswered")),
        cancelled=_count(row.get("cancelled")),
        providers={name: _provider(_object(figures)) for name, figures in _object(row.get("providers")).items()},
    )


def _provider(row: Mapping[str, object]) -> ProviderMetrics:
    return ProviderMetrics(
        answered=_count(row.get("answered")),
        escalated=_count(row.get("escalated")),
        failures=_counts(row.get("failures")),
        skipped=_count(row.get("skipped")),
        cancelled=_count(row.get("cancelled")),
        retries=_counts(row.get("retries")),
        transitions=_counts(row.get("transitions")),
        openings=_counts(row.get("openings")),
        latency=_histogram(row.get("latency")),
        first_token=_histogram(row.get("first_token")),
        latency_ms=_percentiles(row.get("latency_ms")),
        first_token_ms=_percentiles(row.get("first_token_ms")),
        input_tokens=_count(row.get("input_tokens")),
        cached_input_tokens=_count(row.get("cached_input_tokens")),
        output_tokens=_count(row.get("output_tokens")),
        cost_usd=_number_if_known(row.get("cost_usd")),
    )


def _histogram(value: object) -> Histogram:
    if value is None:
        return Histogram()
    row = _object(value)
    return Histogram(tuple(map(_count, _list(row.get("counts")))), _number(row.get("sum_seconds")))


def _percentiles(value: object) -> Percentiles:
    row = _object(value)
    return Percentiles(*(_number_if_known(row.get(name)) for name in ("p50", "p95", "p99")))


def _object(value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


def _counts(value: object) -> dict[str, int]:
    return {name: _count(number) for name, number in _object(value).items()}


def _count(value: object) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or not 0 <= value < LARGEST:
        raise ValueError("not a count")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not -LARGEST < value < LARGEST:
        raise ValueError("not a number")
    return value


def _number_if_known(value: object) -> float | None:
    return None if value is None else _number(value)
