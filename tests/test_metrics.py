from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.failures import OpenReason
from ai_gateway.model import Answer, Attempt, Backend, BreakerState, FinishReason, Outcome, Usage
from ai_gateway.telemetry.histogram import BOUNDS_SECONDS, Histogram
from ai_gateway.telemetry.metrics import ESCALATED, SAMPLES_KEPT, Metrics, MetricsSnapshot, Percentiles

ADVISED_BOUNDS_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""By OpenTelemetry's GenAI conventions, for the duration of an operation and the time to its first chunk."""


def attempt(outcome: Outcome, reason: str | None = None, *, provider: str = "openai", ms: float = 10.0) -> Attempt:
    return Attempt(provider, Backend.CLOUD, outcome, reason=reason, elapsed_ms=ms)


def answer(*, cached: bool = False, stale: bool = False) -> Answer:
    return Answer(
        content="yes",
        backend=Backend.CLOUD,
        provider="openai",
        model="gpt",
        state=BreakerState.CLOSED,
        finish_reason=FinishReason.STOP,
        usage=Usage(1, 1),
        query_id="1",
        elapsed_ms=1.0,
        attempts=(),
        cached=cached,
        stale=stale,
    )


def test_before_anything_happens_all_figures_are_nothing() -> None:
    figures = Metrics().snapshot()
    assert (figures.total_requests, figures.cache_hits, figures.failures, figures.unanswered) == (0, 0, 0, 0)
    assert figures.cache_hit_rate_percent == 0.0
    assert figures.providers == {}


def test_attempts_are_counted_by_how_they_ended() -> None:
    metrics = Metrics()
    metrics.attempted(attempt(Outcome.ANSWERED))
    metrics.attempted(attempt(Outcome.FAILED, "network"))
    metrics.attempted(attempt(Outcome.FAILED, "network"))
    metrics.attempted(attempt(Outcome.FAILED, "quota"))
    metrics.attempted(attempt(Outcome.SKIPPED, "quota"))
    metrics.attempted(attempt(Outcome.CANCELLED))
    openai = metrics.snapshot().providers["openai"]
    assert (openai.attempts, openai.answered, openai.skipped, openai.cancelled) == (5, 1, 1, 1)
    assert openai.failures == {"network": 2, "quota": 1}


def test_providers_are_counted_apart_and_their_failures_summed() -> None:
    metrics = Metrics()
    metrics.attempted(attempt(Outcome.FAILED, "network"))
    metrics.attempted(attempt(Outcome.FAILED, "server", provider="ollama"))
    figures = metrics.snapshot()
    assert figures.failures == 2
    assert figures.providers["openai"].failures == {"network": 1}
    assert figures.providers["ollama"].failures == {"server": 1}


def test_only_answers_tell_the_latency() -> None:
    metrics = Metrics()
    metrics.attempted(attempt(Outcome.ANSWERED, ms=30))
    metrics.attempted(attempt(Outcome.FAILED, "timeout", ms=20_000))
    metrics.attempted(attempt(Outcome.CANCELLED, ms=7))
    assert metrics.snapshot().providers["openai"].latency_ms == Percentiles(30, 30, 30)


def test_the_first_token_is_told_of_every_attempt_that_got_so_far() -> None:
    metrics = Metrics()
    metrics.attempted(attempt(Outcome.ANSWERED), 5.0)
    metrics.attempted(attempt(Outcome.FAILED, "stream_broken"), 15.0)
    metrics.attempted(attempt(Outcome.FAILED, "network"), None)
    assert metrics.snapshot().providers["openai"].first_token_ms == Percentiles(5, 15, 15)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], (None, None, None)),
        ([7.0], (7, 7, 7)),
        ([2.0, 1.0], (1, 2, 2)),
        ([float(n) for n in range(100, 0, -1)], (50, 95, 99)),
        ([float(n) for n in range(1, 202)], (101, 191, 199)),
        ([1.23456], (1.23, 1.23, 1.23)),
    ],
    ids=len,
)
def test_percentiles_are_those_of_the_nearest_rank(
    samples: list[float], expected: tuple[float | None, float | None, float | None]
) -> None:
    assert Percentiles.of(samples) == Percentiles(*expected)


def test_latencies_are_those_of_late_and_take_bounded_room() -> None:
    metrics = Metrics()
    for _ in range(SAMPLES_KEPT):
        metrics.attempted(attempt(Outcome.ANSWERED, ms=1), 1)
    for _ in range(SAMPLES_KEPT):
        metrics.attempted(attempt(Outcome.ANSWERED, ms=9), 9)
    openai = metrics.snapshot().providers["openai"]
    assert (openai.latency_ms, openai.first_token_ms) == (Percentiles(9, 9, 9), Percentiles(9, 9, 9))
    assert openai.answered == 2 * SAMPLES_KEPT


def test_tokens_and_known_costs_add_up() -> None:
    metrics = Metrics()
    metrics.spent("openai", Usage(100, 20), 0.25)
    metrics.spent("openai", Usage(10, 2), None)
    metrics.spent("openai", Usage(1, 1), 0.5)
    openai = metrics.snapshot().providers["openai"]
    assert (openai.input_tokens, openai.output_tokens, openai.cost_usd) == (111, 23, 0.75)


def test_a_cost_that_nobody_knows_is_not_zero() -> None:
    metrics = Metrics()
    metrics.spent("ollama", Usage(100, 20), None)
    assert metrics.snapshot().providers["ollama"].cost_usd is None
    metrics.spent("ollama", Usage(100, 20), 0.0)
    assert metrics.snapshot().providers["ollama"].cost_usd == 0.0


def test_queries_are_counted_by_where_their_answers_came_from() -> None:
    metrics = Metrics()
    for _ in range(6):
        metrics.asked()
    metrics.answered(answer())
    metrics.answered(answer(cached=True))
    metrics.answered(answer(cached=True))
    metrics.answered(answer(cached=True, stale=True))
    metrics.unanswered()
    metrics.cancelled()
    figures = metrics.snapshot()
    assert (figures.total_requests, figures.cache_hits, figures.stale_answers) == (6, 2, 1)
    assert (figures.unanswered, figures.cancelled) == (1, 1)
    assert figures.cache_hit_rate_percent == 33.33


def test_a_snapshot_stays_as_it_was() -> None:
    metrics = Metrics()
    metrics.attempted(attempt(Outcome.FAILED, "network"))
    before = metrics.snapshot()
    metrics.attempted(attempt(Outcome.FAILED, "network"))
    assert before.providers["openai"].failures == {"network": 1}


def test_an_answer_that_only_asked_for_a_stronger_model_is_counted_as_that_too() -> None:
    metrics = Metrics()
    metrics.attempted(attempt(Outcome.ANSWERED, ESCALATED))
    metrics.attempted(attempt(Outcome.ANSWERED))
    figures = metrics.snapshot()
    assert (figures.providers["openai"].answered, figures.providers["openai"].escalated) == (2, 1)
    assert figures.escalations == 1


def test_retries_are_counted_by_what_they_followed() -> None:
    metrics = Metrics()
    for provider, kind in (("openai", "network"), ("openai", "network"), ("copilot", "auth")):
        metrics.retried(provider, kind)
    figures = metrics.snapshot()
    assert figures.retries == 3
    assert figures.providers["openai"].retries == {"network": 2}


def test_breaker_transitions_are_counted_by_state_and_openings_by_reason() -> None:
    metrics = Metrics()
    for state, reason in (
        (BreakerState.OPEN, OpenReason.RATE),
        (BreakerState.HALF_OPEN, OpenReason.RATE),
        (BreakerState.OPEN, OpenReason.OUTAGE),
        (BreakerState.HALF_OPEN, OpenReason.OUTAGE),
        (BreakerState.CLOSED, None),
    ):
        metrics.transitioned("openai", state, reason)
    openai = metrics.snapshot().providers["openai"]
    assert openai.transitions == {"open": 2, "half_open": 2, "closed": 1}
    assert openai.openings == {"rate": 1, "outage": 1}


def test_what_the_cache_had_not_and_what_was_shared_is_counted() -> None:
    metrics = Metrics()
    metrics.missed()
    metrics.missed()
    metrics.joined()
    figures = metrics.snapshot()
    assert (figures.cache_misses, figures.joined, figures.cache_hits) == (2, 1, 0)


def test_tokens_read_from_an_upstream_cache_are_told_apart() -> None:
    metrics = Metrics()
    metrics.spent("openai", Usage(100, 20, cached_input_tokens=60), None)
    openai = metrics.snapshot().providers["openai"]
    assert (openai.input_tokens, openai.cached_input_tokens) == (100, 60)


def test_the_cost_of_all_is_that_of_those_whose_cost_is_known() -> None:
    metrics = Metrics()
    assert metrics.snapshot().cost_usd is None
    metrics.spent("openai", Usage(1, 1), 0.1)
    metrics.spent("gemini", Usage(1, 1), 0.2)
    metrics.spent("copilot", Usage(1, 1), None)
    assert metrics.snapshot().cost_usd == 0.3


def test_the_buckets_are_those_that_opentelemetry_advises_and_reach_beyond_the_time_limit_of_a_query() -> None:
    assert BOUNDS_SECONDS[: len(ADVISED_BOUNDS_SECONDS)] == ADVISED_BOUNDS_SECONDS
    assert BOUNDS_SECONDS[-1] > 300
    assert list(BOUNDS_SECONDS) == sorted(set(BOUNDS_SECONDS))


def test_a_bucket_has_its_own_bound_in_it_and_one_has_all_that_is_longer() -> None:
    metrics = Metrics()
    for ms in (0.0, 10.0, 10.001, 20.0, 327_680.0, 327_681.0):
        metrics.attempted(attempt(Outcome.ANSWERED, ms=ms))
    latency = metrics.snapshot().providers["openai"].latency
    assert (latency.counts[:3], latency.counts[-2:]) == ((2, 2, 0), (1, 1))
    assert (latency.count, latency.sum_seconds) == (6, 655.401001)


def test_a_histogram_keeps_count_of_all_that_the_samples_have_forgotten() -> None:
    metrics = Metrics()
    for _ in range(SAMPLES_KEPT + 7):
        metrics.attempted(attempt(Outcome.ANSWERED, ms=15), 5.0)
    openai = metrics.snapshot().providers["openai"]
    assert openai.latency.counts[1] == openai.first_token.counts[0] == SAMPLES_KEPT + 7


def test_a_histogram_of_other_buckets_is_none() -> None:
    with pytest.raises(ValueError, match="bucket"):
        Histogram((1, 2), 0.5)


@pytest.mark.parametrize(
    ("counts", "p50", "p95"),
    [
        ({}, None, None),
        ({0: 10}, 0.005, 0.0095),
        ({3: 4}, 0.06, 0.078),
        ({0: 5, 2: 5}, 0.01, 0.038),
        ({len(BOUNDS_SECONDS): 3}, BOUNDS_SECONDS[-1], BOUNDS_SECONDS[-1]),
    ],
    ids=["nothing", "one bucket", "a later one", "two with a gap", "beyond all"],
)
def test_percentiles_of_a_histogram_are_estimated_as_prometheus_does(
    counts: dict[int, int], p50: float | None, p95: float | None
) -> None:
    durations = Histogram(tuple(counts.get(bucket, 0) for bucket in range(len(BOUNDS_SECONDS) + 1)))
    assert durations.percentile_seconds(50) == pytest.approx(p50)
    assert durations.percentile_seconds(95) == pytest.approx(p95)


def test_figures_of_two_processes_add_up() -> None:
    ours, theirs = Metrics(), Metrics()
    for metrics, ms in ((ours, 15.0), (theirs, 700.0)):
        metrics.asked()
        metrics.answered(answer(cached=True))
        metrics.missed()
        metrics.joined()
        metrics.unanswered()
        metrics.cancelled()
        metrics.attempted(attempt(Outcome.ANSWERED, ESCALATED, ms=ms), ms / 2)
        metrics.attempted(attempt(Outcome.FAILED, "network"))
        metrics.attempted(attempt(Outcome.SKIPPED, "rate"))
        metrics.attempted(attempt(Outcome.CANCELLED))
        metrics.retried("openai", "network")
        metrics.transitioned("openai", BreakerState.OPEN, OpenReason.RATE)
        metrics.spent("openai", Usage(10, 5, cached_input_tokens=2), 0.1)
    theirs.attempted(attempt(Outcome.FAILED, "quota", provider="copilot"))
    both = ours.snapshot() + theirs.snapshot()
    queries = (both.total_requests, both.cache_hits, both.cache_misses, both.joined, both.unanswered, both.cancelled)
    assert queries == (2, 2, 2, 2, 2, 2)
    openai = both.providers["openai"]
    assert (openai.answered, openai.escalated, openai.failures) == (2, 2, {"network": 2})
    assert (openai.skipped, openai.cancelled, openai.attempts) == (2, 2, 6)
    assert (openai.retries, openai.transitions, openai.openings) == ({"network": 2}, {"open": 2}, {"rate": 2})
    assert (openai.input_tokens, openai.cached_input_tokens, openai.output_tokens) == (20, 4, 10)
    assert (openai.cost_usd, openai.latency.count, openai.latency.sum_seconds) == (0.2, 2, 0.715)
    assert both.providers["copilot"].failures == {"quota": 1}
    assert both.failures == 3


def test_percentiles_of_a_provider_that_one_process_knows_alone_stay_exact() -> None:
    metrics = Metrics()
    metrics.attempted(attempt(Outcome.ANSWERED, ms=15.5))
    alone = (MetricsSnapshot() + metrics.snapshot()).providers["openai"]
    assert alone.latency_ms == Percentiles(15.5, 15.5, 15.5)


def test_percentiles_of_two_processes_lie_in_the_bucket_that_the_durations_are_in() -> None:
    ours, theirs = Metrics(), Metrics()
    ours.attempted(attempt(Outcome.ANSWERED, ms=1500), 700)
    theirs.attempted(attempt(Outcome.ANSWERED, ms=2500), 1000)
    openai = (ours.snapshot() + theirs.snapshot()).providers["openai"]
    for value in (openai.latency_ms.p50, openai.latency_ms.p95, openai.latency_ms.p99):
        assert value is not None
        assert 1280 <= value <= 2560
    assert openai.first_token_ms.p50 is not None
    assert 640 <= openai.first_token_ms.p50 <= 1280


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.floats(0, 100)),
        min_size=3,
        max_size=5,
    )
)
def test_sums_of_seconds_and_dollars_are_the_same_in_whatever_order_they_are_made(
    processes: list[tuple[float, float]],
) -> None:
    snapshots = []
    for ms, cost_usd in processes:
        metrics = Metrics()
        metrics.attempted(attempt(Outcome.ANSWERED, ms=ms))
        metrics.spent("openai", Usage(1, 1), cost_usd)
        snapshots.append(metrics.snapshot())
    orders = itertools.islice(itertools.permutations(snapshots), 24)
    totals = [sum(order, start=MetricsSnapshot()).providers["openai"] for order in orders]
    assert len({(total.latency.sum_seconds, total.cost_usd) for total in totals}) == 1
