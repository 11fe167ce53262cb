"""Prometheus' own Python client, which nobody here wrote, reads the exposition."""

from __future__ import annotations

import itertools

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from ai_gateway.failures import OpenReason
from ai_gateway.model import Attempt, Backend, BreakerState, Outcome, Usage
from ai_gateway.telemetry.metrics import Metrics
from ai_gateway.telemetry.prometheus import exposition

ODD_NAME = 'a "name" with \\ and\na new line, ünd {braces="too"}'


def busy() -> Metrics:
    metrics = Metrics()
    for provider in ("openai", ODD_NAME):
        for outcome, reason, ms in (
            (Outcome.ANSWERED, None, 812.5),
            (Outcome.ANSWERED, "escalated", 90_000.0),
            (Outcome.FAILED, "network", 3.0),
            (Outcome.SKIPPED, "rate", 0.0),
            (Outcome.CANCELLED, None, 40.0),
        ):
            metrics.asked()
            metrics.attempted(Attempt(provider, Backend.CLOUD, outcome, reason=reason, elapsed_ms=ms), ms / 3)
        metrics.retried(provider, "network")
        metrics.transitioned(provider, BreakerState.OPEN, OpenReason.OUTAGE)
        metrics.spent(provider, Usage(1_000_000_000_000, 5), 0.000_000_150)
    return metrics


def read() -> dict[str, Metric]:
    """The families, by name without `_total`, as the parser has it."""
    states = {"openai": BreakerState.HALF_OPEN, ODD_NAME: BreakerState.CLOSED}
    text = exposition(busy().snapshot(), states)
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    return {family.name.removeprefix("ai_gateway_"): family for family in families}


def value(family: Metric, sample: str, **labels: str) -> float:
    [found] = [each for each in family.samples if each.name == f"ai_gateway_{sample}" and each.labels == labels]
    return float(found.value)


def test_every_line_belongs_to_a_metric_of_a_known_type_with_a_help() -> None:
    for family in read().values():
        assert family.type in {"counter", "gauge", "histogram"}
        assert family.documentation
        assert family.samples


def test_values_come_out_as_they_went_in() -> None:
    families = read()
    assert value(families["queries"], "queries_total") == 10
    assert value(families["attempts"], "attempts_total", provider=ODD_NAME, outcome="answered") == 2
    assert value(families["failures"], "failures_total", provider="openai", kind="network") == 1
    assert value(families["tokens"], "tokens_total", provider="openai", type="input") == 1e12
    assert value(families["cost_usd"], "cost_usd_total", provider="openai") == 1.5e-7
    assert value(families["breaker_state"], "breaker_state", provider="openai", state="half_open") == 1
    assert value(families["escalations"], "escalations_total", provider="openai") == 1


def test_no_two_samples_have_the_same_name_and_labels() -> None:
    for family in read().values():
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(keys) == len(set(keys))


def test_a_histogram_has_rising_buckets_up_to_infinity_where_its_count_is() -> None:
    families = read()
    for name in ("attempt_duration_seconds", "time_to_first_token_seconds"):
        for provider in ("openai", ODD_NAME):
            family = families[name]
            buckets = [
                (float(sample.labels["le"]), sample.value)
                for sample in family.samples
                if sample.name.endswith("_bucket") and sample.labels["provider"] == provider
            ]
            assert buckets == sorted(buckets)
            assert all(before <= after for (_, before), (_, after) in itertools.pairwise(buckets))
            assert buckets[-1] == (float("inf"), value(family, f"{name}_count", provider=provider))
    duration = families["attempt_duration_seconds"]
    assert value(duration, "attempt_duration_seconds_sum", provider="openai") == 90.8125
    assert value(duration, "attempt_duration_seconds_bucket", provider="openai", le="1.28") == 1
