"""What the gateway did so far, as figures: counters, durations, tokens and cost, in bounded memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ai_gateway.failures import OpenReason
from ai_gateway.model import Answer, Attempt, BreakerState, Outcome, Usage
from ai_gateway.telemetry.histogram import BOUNDS_SECONDS, SUM_DECIMALS, Histogram

SAMPLES_KEPT = 512
"""Durations remembered for each provider: enough for a p99, and about what a person did lately."""
COST_DECIMALS = 9
"""Of US dollars, for the reason of `SUM_DECIMALS`."""
ESCALATED = "escalated"
"""The reason of an answered attempt that only asked for a stronger model."""
_BOUNDS_MS = tuple(1000 * seconds for seconds in BOUNDS_SECONDS)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Durations in milliseconds, by the nearest-rank method; None while there is no sample."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None

    @classmethod
    def of(cls, samples: Sequence[float]) -> Percentiles:
        """Rank the samples."""
        ordered = sorted(samples)
        return cls(*(_nearest_rank(ordered, percent) for percent in (50, 95, 99)))

    @classmethod
    def estimated(cls, durations: Histogram) -> Percentiles:
        """Estimate them where there are no samples."""
        found = (durations.percentile_seconds(percent) for percent in (50, 95, 99))
        return cls(*(None if seconds is None else round(1000 * seconds, 2) for seconds in found))


@dataclass(frozen=True, slots=True)
class ProviderMetrics:
    """What one provider did so far."""

    answered: int = 0
    escalated: int = 0
    """Of `answered`: those that only asked for a stronger model."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """By failure kind."""
    skipped: int = 0
    cancelled: int = 0
    retries: Mapping[str, int] = field(default_factory=dict)
    """Second calls in one attempt, by the kind of the failure before."""
    transitions: Mapping[str, int] = field(default_factory=dict)
    """Of its breaker, by the state that it came to."""
    openings: Mapping[str, int] = field(default_factory=dict)
    """Of its breaker, by open reason."""
    latency: Histogram = field(default_factory=Histogram)
    """Of answered attempts, from asking to the last token."""
    first_token: Histogram = field(default_factory=Histogram)
    latency_ms: Percentiles = field(default_factory=Percentiles)
    """Of the latest samples; estimated from `latency` where the figures of several processes were added up."""
    first_token_ms: Percentiles = field(default_factory=Percentiles)
    """Likewise."""
    input_tokens: int = 0
    cached_input_tokens: int = 0
    """Of `input_tokens`: read from the upstream's own cache."""
    output_tokens: int = 0
    cost_usd: float | None = None
    """To `COST_DECIMALS`; None while no answer's cost was known."""

    @property
    def failed(self) -> int:
        """Attempts that failed, whatever the kind."""
        return sum(self.failures.values())

    @property
    def attempts(self) -> int:
        """Attempts that were more than a skip."""
        return self.answered + self.failed + self.cancelled

    def __add__(self, other: ProviderMetrics) -> ProviderMetrics:
        """Give both together."""
        latency, first_token = self.latency + other.latency, self.first_token + other.first_token
        return ProviderMetrics(
            answered=self.answered + other.answered,
            escalated=self.escalated + other.escalated,
            failures=_sum(self.failures, other.failures),
            skipped=self.skipped + other.skipped,
            cancelled=self.cancelled + other.cancelled,
            retries=_sum(self.retries, other.retries),
            transitions=_sum(self.transitions, other.transitions),
            openings=_sum(self.openings, other.openings),
            latency=latency,
            first_token=first_token,
            latency_ms=Percentiles.estimated(latency),
            first_token_ms=Percentiles.estimated(first_token),
            input_tokens=self.input_tokens + other.input_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=_sum_of_known(self.cost_usd, other.cost_usd),
        )


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """What the gateway did so far. Those of several processes add up with `+`."""

    total_requests: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    """Queries that the cache had no fresh answer for."""
    joined: int = 0
    """Queries that shared the upstream call of an identical one."""
    stale_answers: int = 0
    unanswered: int = 0
    """Queries that nobody could answer."""
    cancelled: int = 0
    providers: Mapping[str, ProviderMetrics] = field(default_factory=dict)

    @property
    def failures(self) -> int:
        """Attempts that failed, over all providers."""
        return sum(provider.failed for provider in self.providers.values())

    @property
    def retries(self) -> int:
        """Second calls in one attempt, over all providers."""
        return sum(sum(provider.retries.values()) for provider in self.providers.values())

    @property
    def escalations(self) -> int:
        """Answers that only asked for a stronger model, over all providers."""
        return sum(provider.escalated for provider in self.providers.values())

    @property
    def cost_usd(self) -> float | None:
        """All costs that are known, over all providers; None while none is."""
        return _sum_of_known(*(provider.cost_usd for provider in self.providers.values()))

    @property
    def cache_hit_rate_percent(self) -> float:
        """Answers from the cache, of all queries, rounded to two places."""
        return round(100 * self.cache_hits / self.total_requests, 2) if self.total_requests else 0.0

    def __add__(self, other: MetricsSnapshot) -> MetricsSnapshot:
        """Give both together."""
        providers = dict(self.providers)
        for name, figures in other.providers.items():
            providers[name] = providers[name] + figures if name in providers else figures
        return MetricsSnapshot(
            total_requests=self.total_requests + other.total_requests,
            cache_hits=self.cache_hits + other.cache_hits,
            cache_misses=self.cache_misses + other.cache_misses,
            joined=self.joined + other.joined,
            stale_answers=self.stale_answers + other.stale_answers,
            unanswered=self.unanswered + other.unanswered,
            cancelled=self.cancelled + other.cancelled,
            providers=providers,
        )


class _Durations:
    """Durations in milliseconds, as they come: a histogram of all, and the latest themselves."""

    __slots__ = ("_counts", "_latest", "_seen", "_sum_ms")

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS_MS) + 1)
        self._sum_ms = 0.0
        self._latest = array("d")
        self._seen = 0

    def add(self, milliseconds: float) -> None:
        self._counts[bisect_left(_BOUNDS_MS, milliseconds)] += 1
        self._sum_ms += milliseconds
        if self._seen < SAMPLES_KEPT:
            self._latest.append(milliseconds)
        else:
            self._latest[self._seen % SAMPLES_KEPT] = milliseconds
        self._seen += 1

    def histogram(self) -> Histogram:
        return Histogram(tuple(self._counts), round(self._sum_ms / 1000, SUM_DECIMALS))

    def percentiles(self) -> Percentiles:
        return Percentiles.of(self._latest)


@dataclass(slots=True)
class _ProviderCounters:
    answered: int = 0
    escalated: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    cancelled: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    transitions: Counter[str] = field(default_factory=Counter)
    openings: Counter[str] = field(default_factory=Counter)
    latency: _Durations = field(default_factory=_Durations)
    first_token: _Durations = field(default_factory=_Durations)
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None

    def snapshot(self) -> ProviderMetrics:
        return ProviderMetrics(
            answered=self.answered,
            escalated=self.escalated,
            failures=dict(self.failures),
            skipped=self.skipped,
            cancelled=self.cancelled,
            retries=dict(self.retries),
            transitions=dict(self.transitions),
            openings=dict(self.openings),
            latency=self.latency.histogram(),
            first_token=self.first_token.histogram(),
            latency_ms=self.latency.percentiles(),
            first_token_ms=self.first_token.percentiles(),
            input_tokens=self.input_tokens,
            cached_input_tokens=self.cached_input_tokens,
            output_tokens=self.output_tokens,
            cost_usd=_sum_of_known(self.cost_usd),
        )


class Metrics:
    """Counts as things happen; `snapshot` gives the figures."""

    def __init__(self) -> None:
        self._providers: defaultdict[str, _ProviderCounters] = defaultdict(_ProviderCounters)
        self._total = 0
        self._cache_hits = 0
        self._cache_misses = 0
        self._joined = 0
        self._stale = 0
        self._unanswered = 0
        self._cancelled = 0

    def attempted(self, attempt: Attempt, first_token_ms: float | None = None) -> None:
        """Count one attempt, as it ends."""
        counters, outcome = self._providers[attempt.provider], attempt.outcome
        if outcome is Outcome.ANSWERED:
            counters.answered += 1
            counters.escalated += attempt.reason == ESCALATED
            counters.latency.add(attempt.elapsed_ms)
        elif outcome is Outcome.SKIPPED:
            counters.skipped += 1
        elif outcome is Outcome.FAILED:
            counters.failures[attempt.reason or "unknown"] += 1
        else:
            counters.cancelled += 1
        if first_token_ms is not None:
            counters.first_token.add(first_token_ms)

    def retried(self, provider: str, kind: str) -> None:
        """Count a second call in one attempt; `kind` is that of the failure before."""
        self._providers[provider].retries[kind] += 1

    def transitioned(self, provider: str, state: BreakerState, reason: OpenReason | None) -> None:
        """Count a breaker's change to `state`; where several processes share it, the one that made it counts it."""
        counters = self._providers[provider]
        counters.transitions[state] += 1
        if state is BreakerState.OPEN and reason is not None:
            counters.openings[reason] += 1

    def spent(self, provider: str, usage: Usage, cost_usd: float | None) -> None:
        """Add up what an answer took from the provider that gave it."""
        counters = self._providers[provider]
        counters.input_tokens += usage.input_tokens
        counters.cached_input_tokens += usage.cached_input_tokens
        counters.output_tokens += usage.output_tokens
        if cost_usd is not None:
            counters.cost_usd = (counters.cost_usd or 0.0) + cost_usd

    def asked(self) -> None:
        """Count a query, as it begins."""
        self._total += 1

    def missed(self) -> None:
        """Count a query that the cache was asked for, and had no fresh answer to."""
        self._cache_misses += 1

    def joined(self) -> None:
        """Count a query that shares the upstream call of an identical one."""
        self._joined += 1

    def answered(self, answer: Answer) -> None:
        """Count where an answer came from."""
        if answer.stale:
            self._stale += 1
        elif answer.cached:
            self._cache_hits += 1

    def unanswered(self) -> None:
        """Count a query that nobody could answer."""
        self._unanswered += 1

    def cancelled(self) -> None:
        """Count a query that its asker gave up."""
        self._cancelled += 1

    def snapshot(self) -> MetricsSnapshot:
        """Give all figures as of now."""
        return MetricsSnapshot(
            total_requests=self._total,
            cache_hits=self._cache_hits,
            cache_misses=self._cache_misses,
            joined=self._joined,
            stale_answers=self._stale,
            unanswered=self._unanswered,
            cancelled=self._cancelled,
            providers={name: counters.snapshot() for name, counters in self._providers.items()},
        )


def _nearest_rank(ordered: Sequence[float], percent: int) -> float | None:
    if not ordered:
        return None
    return round(ordered[-(-len(ordered) * percent // 100) - 1], 2)


def _sum(ours: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(ours) + Counter(theirs))


def _sum_of_known(*costs: float | None) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return round(sum(known), COST_DECIMALS) if known else None
