"""Counters and latency percentiles of the running process, in bounded memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ai_gateway.model import Answer, Attempt, Outcome, Usage

SAMPLES_KEPT = 512
"""Latencies remembered for each provider: enough for a p99, and about what a person did lately."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latencies in milliseconds, by the nearest-rank method; None while there is no sample."""

    p50: float | None
    p95: float | None
    p99: float | None

    @classmethod
    def of(cls, samples: Sequence[float]) -> Percentiles:
        """Rank the samples."""
        ordered = sorted(samples)
        return cls(*(_nearest_rank(ordered, percent) for percent in (50, 95, 99)))


@dataclass(frozen=True, slots=True)
class ProviderMetrics:
    """What one provider did so far."""

    attempts: int
    answered: int
    failures: Mapping[str, int]
    """By failure kind."""
    skipped: int
    cancelled: int
    latency_ms: Percentiles
    """Of answered attempts, from asking to the last token."""
    first_token_ms: Percentiles
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """None while no answer's cost was known."""


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """What the gateway did so far."""

    total_requests: int
    cache_hits: int
    stale_answers: int
    failures: int
    """Attempts that failed, over all providers."""
    unanswered: int
    """Queries that nobody could answer."""
    cancelled: int
    providers: Mapping[str, ProviderMetrics]

    @property
    def cache_hit_rate_percent(self) -> float:
        """Answers from the cache, of all queries, rounded to two places."""
        return round(100 * self.cache_hits / self.total_requests, 2) if self.total_requests else 0.0


@dataclass(slots=True)
class _ProviderCounters:
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))
    first_tokens_ms: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES_KEPT))
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None

    def snapshot(self) -> ProviderMetrics:
        tried = (Outcome.ANSWERED, Outcome.FAILED, Outcome.CANCELLED)
        return ProviderMetrics(
            attempts=sum(self.outcomes[outcome] for outcome in tried),
            answered=self.outcomes[Outcome.ANSWERED],
            failures=dict(self.failures),
            skipped=self.outcomes[Outcome.SKIPPED],
            cancelled=self.outcomes[Outcome.CANCELLED],
            latency_ms=Percentiles.of(self.latencies_ms),
            first_token_ms=Percentiles.of(self.first_tokens_ms),
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost_usd=self.cost_usd,
        )


class Metrics:
    """Counts as things happen; `snapshot` gives the figures."""

    def __init__(self) -> None:
        self._providers: dict[str, _ProviderCounters] = {}
        self._queries: Counter[str] = Counter()

    def attempted(self, attempt: Attempt, first_token_ms: float | None = None) -> None:
        """Count one attempt, as it ends."""
        counters = self._counters(attempt.provider)
        counters.outcomes[attempt.outcome] += 1
        if attempt.outcome is Outcome.FAILED and attempt.reason is not None:
            counters.failures[attempt.reason] += 1
        if attempt.outcome is Outcome.ANSWERED:
            counters.latencies_ms.append(attempt.elapsed_ms)
        if first_token_ms is not None:
            counters.first_tokens_ms.append(first_token_ms)

    def spent(self, provider: str, usage: Usage, cost_usd: float | None) -> None:
        """Add up what an answer took from the provider that gave it."""
        counters = self._counters(provider)
        counters.input_tokens += usage.input_tokens
        counters.output_tokens += usage.output_tokens
        if cost_usd is not None:
            counters.cost_usd = (counters.cost_usd or 0.0) + cost_usd

    def asked(self) -> None:
        """Count a query, as it begins."""
        self._queries["total"] += 1

    def answered(self, answer: Answer) -> None:
        """Count where an answer came from."""
        if answer.stale:
            self._queries["stale"] += 1
        elif answer.cached:
            self._queries["cached"] += 1

    def unanswered(self) -> None:
        """Count a query that nobody could answer."""
        self._queries["unanswered"] += 1

    def cancelled(self) -> None:
        """Count a query that its asker gave up."""
        self._queries["cancelled"] += 1

    def snapshot(self) -> MetricsSnapshot:
        """Give all figures as of now."""
        providers = {name: counters.snapshot() for name, counters in self._providers.items()}
        return MetricsSnapshot(
            total_requests=self._queries["total"],
            cache_hits=self._queries["cached"],
            stale_answers=self._queries["stale"],
            failures=sum(sum(figures.failures.values()) for figures in providers.values()),
            unanswered=self._queries["unanswered"],
            cancelled=self._queries["cancelled"],
            providers=providers,
        )

    def _counters(self, provider: str) -> _ProviderCounters:
        return self._providers.setdefault(provider, _ProviderCounters())


def _nearest_rank(ordered: Sequence[float], percent: int) -> float | None:
    if not ordered:
        return None
    return round(ordered[-(-len(ordered) * percent // 100) - 1], 2)
