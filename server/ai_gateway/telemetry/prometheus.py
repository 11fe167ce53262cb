"""The figures in Prometheus' text exposition format, version 0.0.4.

Source: prometheus.io, "Exposition formats" and "Metric and label naming": base units, `_total` for counters, labels for
what would otherwise be in the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ai_gateway.model import BreakerState, Outcome
from ai_gateway.telemetry.histogram import BOUNDS_SECONDS, Histogram
from ai_gateway.telemetry.metrics import MetricsSnapshot, ProviderMetrics

Labels = Mapping[str, str]
Providers = Sequence[tuple[str, ProviderMetrics]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: a value with its labels; `suffix` tells apart the parts of a histogram."""

    labels: Labels
    value: float
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one metric."""

    name: str
    kind: str
    """`counter`, `gauge` or `histogram`."""
    description: str
    samples: Sequence[Sample]

    def lines(self) -> Iterator[str]:
        """Say it; nothing where there is no sample."""
        if not self.samples:
            return
        name = f"ai_gateway_{self.name}"
        yield f"# HELP {name} {self.description}"
        yield f"# TYPE {name} {self.kind}"
        for sample in self.samples:
            yield f"{name}{sample.suffix}{_said(sample.labels)} {sample.value}"


def exposition(figures: MetricsSnapshot, states: Mapping[str, BreakerState]) -> str:
    """Say the figures.

    Args:
        figures: Of one process, or of several together.
        states: Of each provider's breaker, now.
    """
    providers = sorted(figures.providers.items())
    families = (
        *_of_queries(figures),
        *_of_attempts(providers),
        *_of_durations(providers),
        *_of_usage(providers),
        *_of_breakers(providers, states),
    )
    return "".join(f"{line}\n" for family in families for line in family.lines())


def _of_queries(figures: MetricsSnapshot) -> Iterator[Family]:
    lookups = {"hit": figures.cache_hits, "miss": figures.cache_misses}
    yield _counter("queries_total", "Queries asked.", [Sample({}, figures.total_requests)])
    yield _counter("unanswered_queries_total", "Queries that nobody could answer.", [Sample({}, figures.unanswered)])
    yield _counter("cancelled_queries_total", "Queries that their asker gave up.", [Sample({}, figures.cancelled)])
    yield _counter(
        "joined_queries_total",
        "Queries that shared the upstream call of an identical one.",
        [Sample({}, figures.joined)],
    )
    yield _counter(
        "stale_answers_total",
        "Answers given past their time, as nobody could give a new one.",
        [Sample({}, figures.stale_answers)],
    )
    yield _counter(
        "cache_lookups_total",
        "Queries that the cache of answers was asked for, by what it had.",
        [Sample({"result": result}, count) for result, count in lookups.items()],
    )


def _of_attempts(providers: Providers) -> Iterator[Family]:
    yield _counter(
        "attempts_total",
        "Tiers that were tried or skipped, by how that ended.",
        [
            Sample({"provider": name, "outcome": outcome}, count)
            for name, figures in providers
            for outcome, count in _outcomes(figures).items()
        ],
    )
    yield _counter(
        "failures_total",
        "Attempts that failed, by kind.",
        _by("kind", [(name, figures.failures) for name, figures in providers]),
    )
    yield _counter(
        "retries_total",
        "Second calls in one attempt, by the kind of the failure before.",
        _by("kind", [(name, figures.retries) for name, figures in providers]),
    )
    yield _counter(
        "escalations_total",
        "Answers that only asked for a stronger model.",
        [Sample({"provider": name}, figures.escalated) for name, figures in providers],
    )


def _of_durations(providers: Providers) -> Iterator[Family]:
    yield _histogram(
        "attempt_duration_seconds",
        "From asking to the last token, of attempts that were answered.",
        {name: figures.latency for name, figures in providers},
    )
    yield _histogram(
        "time_to_first_token_seconds",
        "From asking to the first token.",
        {name: figures.first_token for name, figures in providers},
    )


def _of_usage(providers: Providers) -> Iterator[Family]:
    yield _counter(
        "tokens_total",
        "Tokens read and written.",
        [
            Sample({"provider": name, "type": direction}, count)
            for name, figures in providers
            for direction, count in (("input", figures.input_tokens), ("output", figures.output_tokens))
        ],
    )
    yield _counter(
        "cached_input_tokens_total",
        "Input tokens that the upstream read from its own cache.",
        [Sample({"provider": name}, figures.cached_input_tokens) for name, figures in providers],
    )
    yield _counter(
        "cost_usd_total",
        "US dollars spent, as far as prices are known.",
        [Sample({"provider": name}, figures.cost_usd) for name, figures in providers if figures.cost_usd is not None],
    )


def _by(label: str, counts: Iterable[tuple[str, Mapping[str, int]]]) -> list[Sample]:
    """Give a sample for each provider and each value of the label that was counted."""
    return [
        Sample({"provider": name, label: value}, count)
        for name, counted in counts
        for value, count in sorted(counted.items())
    ]


def _of_breakers(providers: Providers, states: Mapping[str, BreakerState]) -> Iterator[Family]:
    yield _counter(
        "breaker_transitions_total",
        "Changes of a breaker's state, by the state that it came to.",
        _by("state", [(name, figures.transitions) for name, figures in providers]),
    )
    yield _counter(
        "breaker_openings_total",
        "Times that a breaker opened, by reason.",
        _by("reason", [(name, figures.openings) for name, figures in providers]),
    )
    yield Family(
        "breaker_state",
        "gauge",
        "1 for the state that a breaker is in, 0 for the others.",
        [
            Sample({"provider": name, "state": state}, int(state is now))
            for name, now in sorted(states.items())
            for state in BreakerState
        ],
    )


def _outcomes(figures: ProviderMetrics) -> Mapping[str, int]:
    return {
        Outcome.ANSWERED: figures.answered,
        Outcome.FAILED: figures.failed,
        Outcome.SKIPPED: figures.skipped,
        Outcome.CANCELLED: figures.cancelled,
    }


def _counter(name: str, description: str, samples: Sequence[Sample]) -> Family:
    return Family(name, "counter", description, samples)


def _histogram(name: str, description: str, durations: Mapping[str, Histogram]) -> Family:
    samples = [sample for provider, its in durations.items() for sample in _histogram_samples(provider, its)]
    return Family(name, "histogram", description, samples)


def _histogram_samples(provider: str, durations: Histogram) -> Iterator[Sample]:
    bounds = (*map(str, BOUNDS_SECONDS), "+Inf")
    for bound, count in zip(bounds, accumulate(durations.counts), strict=True):
        yield Sample({"provider": provider, "le": bound}, count, "_bucket")
    yield Sample({"provider": provider}, durations.sum_seconds, "_sum")
    yield Sample({"provider": provider}, durations.count, "_count")


def _said(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
