"""The exposition itself; that Prometheus' own parser takes it is seen in `judges`."""

from __future__ import annotations

import pytest

from ai_gateway.failures import OpenReason
from ai_gateway.model import Attempt, Backend, BreakerState, Outcome, Usage
from ai_gateway.telemetry.metrics import Metrics
from ai_gateway.telemetry.prometheus import exposition


def attempted(metrics: Metrics, provider: str, outcome: Outcome, reason: str | None = None, ms: float = 15.0) -> None:
    metrics.attempted(Attempt(provider, Backend.CLOUD, outcome, reason=reason, elapsed_ms=ms))


def said(metrics: Metrics, **states: BreakerState) -> list[str]:
    text = exposition(metrics.snapshot(), states)
    assert text.endswith("\n")
    return text.splitlines()


def test_what_never_happened_is_told_as_zero_so_that_a_rate_has_a_beginning() -> None:
    lines = said(Metrics())
    assert "ai_gateway_queries_total 0" in lines
    assert 'ai_gateway_cache_lookups_total{result="hit"} 0' in lines


def test_a_metric_without_a_sample_is_not_named() -> None:
    assert not any("cost" in line or "breaker_state" in line for line in said(Metrics()))


def test_each_metric_has_its_help_and_type_once_and_its_samples_together() -> None:
    metrics = Metrics()
    for provider in ("openai", "ollama"):
        attempted(metrics, provider, Outcome.FAILED, "network")
    lines = said(metrics)
    at = lines.index("# TYPE ai_gateway_attempts_total counter")
    assert lines[at - 1].startswith("# HELP ai_gateway_attempts_total ")
    assert all(line.startswith("ai_gateway_attempts_total{") for line in lines[at + 1 : at + 9])
    assert sum("ai_gateway_attempts_total{" in line for line in lines) == 8
    assert len([line for line in lines if line.startswith("# TYPE")]) == len(
        {line for line in lines if line.startswith("# TYPE")}
    )


def test_failures_retries_and_openings_are_told_by_what_they_were() -> None:
    metrics = Metrics()
    attempted(metrics, "openai", Outcome.FAILED, "rate_limit")
    metrics.retried("openai", "network")
    metrics.transitioned("openai", BreakerState.OPEN, OpenReason.RATE)
    lines = said(metrics)
    assert 'ai_gateway_failures_total{provider="openai",kind="rate_limit"} 1' in lines
    assert 'ai_gateway_retries_total{provider="openai",kind="network"} 1' in lines
    assert 'ai_gateway_breaker_transitions_total{provider="openai",state="open"} 1' in lines
    assert 'ai_gateway_breaker_openings_total{provider="openai",reason="rate"} 1' in lines


def test_durations_are_cumulative_seconds() -> None:
    metrics = Metrics()
    for ms in (5, 15, 15, 400_000):
        attempted(metrics, "openai", Outcome.ANSWERED, ms=ms)
    lines = [line for line in said(metrics) if line.startswith("ai_gateway_attempt_duration_seconds")]
    counts = [int(line.rpartition(" ")[2]) for line in lines if "_bucket" in line]
    assert counts == [1, *[3] * 15, 4]
    assert lines[-3] == 'ai_gateway_attempt_duration_seconds_bucket{provider="openai",le="+Inf"} 4'
    assert lines[-2] == 'ai_gateway_attempt_duration_seconds_sum{provider="openai"} 400.035'
    assert lines[-1] == 'ai_gateway_attempt_duration_seconds_count{provider="openai"} 4'


def test_a_cost_is_told_where_it_is_known() -> None:
    metrics = Metrics()
    metrics.spent("openai", Usage(10, 5), 0.25)
    metrics.spent("copilot", Usage(10, 5), None)
    costs = [line for line in said(metrics) if line.startswith("ai_gateway_cost_usd_total")]
    assert costs == ['ai_gateway_cost_usd_total{provider="openai"} 0.25']


def test_the_state_of_a_breaker_is_the_one_that_is_1() -> None:
    lines = [line for line in said(Metrics(), openai=BreakerState.OPEN) if line.startswith("ai_gateway_breaker_state")]
    assert lines == [
        'ai_gateway_breaker_state{provider="openai",state="closed"} 0',
        'ai_gateway_breaker_state{provider="openai",state="open"} 1',
        'ai_gateway_breaker_state{provider="openai",state="half_open"} 0',
    ]


@pytest.mark.parametrize(
    ("name", "escaped"),
    [('say "hi"', r"say \"hi\""), ("C:\\new", r"C:\\new"), ("one\ntwo", r"one\ntwo"), ("größer", "größer")],
)
def test_a_name_is_escaped_as_the_format_asks(name: str, escaped: str) -> None:
    metrics = Metrics()
    attempted(metrics, name, Outcome.SKIPPED)
    assert f'ai_gateway_attempts_total{{provider="{escaped}",outcome="skipped"}} 1' in said(metrics)
