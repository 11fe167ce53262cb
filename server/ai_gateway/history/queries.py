"""The last queries, each in short, from the traces that were written of them; no text of any is in there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ai_gateway.model import Backend, Outcome
from ai_gateway.store.reading import (
    as_count,
    as_number,
    as_object,
    as_objects,
    as_text,
    number_if_known,
    parsed,
    text_if_known,
)
from ai_gateway.telemetry.metrics import COST_DECIMALS
from ai_gateway.trace import QueryOutcome
from ai_gateway.turns import Turns


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One tier tried or skipped."""

    provider: str
    backend: Backend
    outcome: Outcome
    reason: str | None
    """A failure kind or an open reason; None if it answered."""
    elapsed_ms: float
    is_rehearsal: bool
    """Whether a drill made it fail on purpose."""


@dataclass(frozen=True, slots=True)
class PastQuery:
    """One query, and who answered it; None where nobody did."""

    query_id: str
    asked_at: float
    """Seconds since the epoch."""
    elapsed_ms: float
    outcome: QueryOutcome
    provider: str | None
    backend: Backend | None
    model: str | None
    first_token_ms: float | None
    """Since it was asked; None where no text was streamed for it, as from the cache."""
    input_tokens: int
    """Of all attempts; none were read for an answer from the cache, or for one that another query asked for as well."""
    output_tokens: int
    cost_usd: float | None
    """Of all attempts; None where it is unknown."""
    cached: bool
    private: bool
    attempts: tuple[PastAttempt, ...]


async def past_queries(written: Iterable[bytes]) -> list[PastQuery]:
    """Read traces, and give the latest query first; what is none, or of another version, is left out."""
    turns, found = Turns(), []
    for value in written:
        await turns.give_way()
        if (query := _query_of(value)) is not None:
            found.append(query)
    return sorted(found, key=lambda query: -query.asked_at)


def _query_of(value: bytes) -> PastQuery | None:
    try:
        return _read(parsed(value))
    except ValueError:
        return None


def _read(trace: Mapping[str, object]) -> PastQuery:
    given = None if trace.get("given") is None else as_object(trace.get("given"))
    steps = as_objects(trace.get("steps"))
    taken = [as_object(step["usage"]) for step in steps if _counts(step)]
    return PastQuery(
        query_id=as_text(trace.get("query_id")),
        asked_at=as_number(trace.get("asked_at")),
        elapsed_ms=as_number(trace.get("elapsed_ms")),
        outcome=QueryOutcome(as_text(trace.get("outcome"))),
        provider=None if given is None else as_text(given.get("provider")),
        backend=None if given is None else Backend(as_text(given.get("backend"))),
        model=None if given is None else text_if_known(given.get("model")),
        first_token_ms=_first_token_ms(steps),
        input_tokens=sum(as_count(usage.get("input_tokens")) for usage in taken),
        output_tokens=sum(as_count(usage.get("output_tokens")) for usage in taken),
        cost_usd=_cost_usd(given, steps),
        cached=given is not None and given.get("age_seconds") is not None,
        private=as_object(trace.get("asked")).get("private") is not None,
        attempts=tuple(_attempt(as_object(step["attempt"]), step) for step in steps if step.get("attempt") is not None),
    )


def _attempt(attempt: Mapping[str, object], step: Mapping[str, object]) -> PastAttempt:
    return PastAttempt(
        provider=as_text(attempt.get("provider")),
        backend=Backend(as_text(attempt.get("backend"))),
        outcome=Outcome(as_text(attempt.get("outcome"))),
        reason=text_if_known(attempt.get("reason")),
        elapsed_ms=as_number(attempt.get("elapsed_ms")),
        is_rehearsal=step.get("is_rehearsal") is True,
    )


def _counts(step: Mapping[str, object]) -> bool:
    """Whether a step asked somebody for real."""
    return step.get("usage") is not None and step.get("is_rehearsal") is not True


def _cost_usd(given: Mapping[str, object] | None, steps: Iterable[Mapping[str, object]]) -> float | None:
    """Add up what is known; what was not asked for by this query itself costs what its answer says: nothing."""
    costs = [number_if_known(step.get("cost_usd")) for step in steps if _counts(step)]
    known = [cost for cost in costs if cost is not None]
    if known or given is None:
        return round(sum(known), COST_DECIMALS) if known else None
    return number_if_known(given.get("cost_usd"))


def _first_token_ms(steps: Iterable[Mapping[str, object]]) -> float | None:
    """Say when the text began that stayed: that of tiers before was taken back."""
    for step in steps:
        attempt, first_token_ms = step.get("attempt"), number_if_known(step.get("first_token_ms"))
        if attempt is not None and as_object(attempt).get("outcome") == Outcome.ANSWERED and first_token_ms is not None:
            return as_number(step.get("at_ms")) + first_token_ms
    return None
