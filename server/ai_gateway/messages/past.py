"""What was, said as a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ai_gateway.health import ProviderHealth
from ai_gateway.history.days import Page
from ai_gateway.history.past import History
from ai_gateway.history.queries import PastQuery
from ai_gateway.messages.history import CacheDayResult, DayResult, HistoryResult, PastQueryResult


def history_result(history: History, providers: Iterable[ProviderHealth]) -> HistoryResult:
    """Say what was, and how the breakers are now."""
    return {
        "queries": [_query(query) for query in history.queries],
        "transitions": [
            {
                "at": transition.at,
                "provider": transition.provider,
                "before": transition.before,
                "after": transition.after,
                "reason": transition.reason,
            }
            for transition in history.transitions
        ],
        "states": [
            {
                "provider": provider.name,
                "backend": provider.backend,
                "state": provider.state,
                "reason": provider.reason,
            }
            for provider in providers
        ],
        "days": _days(history.days),
        "cache": _cache(history.days),
    }


def _query(query: PastQuery) -> PastQueryResult:
    return {
        "query_id": query.query_id,
        "asked_at": query.asked_at,
        "elapsed_ms": query.elapsed_ms,
        "outcome": query.outcome,
        "provider": query.provider,
        "backend": query.backend,
        "model": query.model,
        "first_token_ms": query.first_token_ms,
        "input_tokens": query.input_tokens,
        "output_tokens": query.output_tokens,
        "cost_usd": query.cost_usd,
        "cached": query.cached,
        "private": query.private,
        "attempts": [
            {
                "provider": attempt.provider,
                "backend": attempt.backend,
                "outcome": attempt.outcome,
                "reason": attempt.reason,
                "elapsed_ms": attempt.elapsed_ms,
                "is_rehearsal": attempt.is_rehearsal,
            }
            for attempt in query.attempts
        ],
    }


def _days(days: Mapping[str, Page]) -> list[DayResult]:
    return [
        {
            "date": day,
            "provider": model.provider,
            "backend": model.backend,
            "model": model.name,
            "queries": tally.queries,
            "input_tokens": tally.input_tokens,
            "output_tokens": tally.output_tokens,
            "cost_usd": tally.cost_usd,
            "failures": tally.failures,
        }
        for day, page in days.items()
        for model, tally in page.tallies.items()
    ]


def _cache(days: Mapping[str, Page]) -> list[CacheDayResult]:
    asked = ((day, page) for day, page in days.items() if page.hits or page.misses)
    return [{"date": day, "hits": page.hits, "misses": page.misses} for day, page in asked]
