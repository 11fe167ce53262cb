"""Durations counted by size: unlike percentiles, those of several processes add up."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ldexp

BOUNDS_SECONDS = tuple(ldexp(0.01, doublings) for doublings in range(16))
"""Up to where each bucket goes, itself included; one more has the rest.

OpenTelemetry's GenAI conventions advise the first fourteen, up to 81.92, for `gen_ai.client.operation.duration`. A
query's usual time limit is 300 s, and a local model that must be loaded first can take most of it: hence two more.
"""
SUM_DECIMALS = 6
"""Of sums of seconds: so rounded, they come out the same in whatever order they are added, and so never go down."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many durations fell into each bucket, and all of them together."""

    counts: tuple[int, ...] = (0,) * (len(BOUNDS_SECONDS) + 1)
    sum_seconds: float = 0.0
    """To `SUM_DECIMALS`."""

    def __post_init__(self) -> None:
        """Raise `ValueError` unless there is one count for each bucket."""
        if len(self.counts) != len(BOUNDS_SECONDS) + 1:
            raise ValueError("a histogram has one count for each bucket")

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def __add__(self, other: Histogram) -> Histogram:
        """Give both together."""
        counts = tuple(ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True))
        return Histogram(counts, round(self.sum_seconds + other.sum_seconds, SUM_DECIMALS))

    def percentile_seconds(self, percent: float) -> float | None:
        """Estimate a percentile, as Prometheus does: as if those in a bucket lay evenly in it.

        Returns:
            None while there is no duration. What is longer than the last bound is taken for that bound.
        """
        wanted = self.count * percent / 100
        if not self.count:
            return None
        for (lower, upper), count in zip(pairwise((0.0, *BOUNDS_SECONDS)), self.counts, strict=False):
            if count and wanted <= count:
                return lower + (upper - lower) * wanted / count
            wanted -= count
        return BOUNDS_SECONDS[-1]
