from __future__ import annotations

import pytest

from ai_gateway.metrics import SAMPLES_KEPT, Metrics, Percentiles
from ai_gateway.model import Answer, Attempt, Backend, BreakerState, FinishReason, Outcome, Usage


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
