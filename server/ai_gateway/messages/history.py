"""What `ai/history` takes and gives; apart from the other messages, as few clients look back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from ai_gateway.failures import OpenReason
from ai_gateway.history.days import KEPT_DAYS
from ai_gateway.messages.params import Params
from ai_gateway.model import Backend, BreakerState, Outcome
from ai_gateway.trace import QueryOutcome


class HistoryParams(Params):
    """Of `ai/history`."""

    days: Annotated[int, Field(ge=1, le=KEPT_DAYS)] = 30
    """Of so many days up to today, what each model did."""
    queries: Annotated[int, Field(ge=0, le=500)] = 50
    """So many of the last queries."""
    hours: Annotated[float, Field(ge=0, le=7 * 24)] = 24.0
    """The transitions of breakers in so many hours up to now."""


class PastAttemptResult(TypedDict):
    """One tier tried or skipped for a query."""

    provider: str
    backend: Backend
    outcome: Outcome
    reason: str | None
    """A failure kind or an open reason; null if it answered."""
    elapsed_ms: float
    is_rehearsal: bool
    """Whether a drill made it fail on purpose."""


class PastQueryResult(TypedDict):
    """One query that has ended; `ai/explain` has more of it."""

    query_id: str
    asked_at: float
    """Seconds since the epoch."""
    elapsed_ms: float
    outcome: QueryOutcome
    provider: str | None
    """Who answered; null if nobody did."""
    backend: Backend | None
    model: str | None
    first_token_ms: float | None
    """Since it was asked; null where no text was made for it, as for one from the cache."""
    input_tokens: int
    """Of all its attempts, but for those that a drill made fail."""
    output_tokens: int
    cost_usd: float | None
    """Of all its attempts; null where it is unknown."""
    cached: bool
    private: bool
    attempts: list[PastAttemptResult]
    """In order."""


class PastTransitionResult(TypedDict):
    """A change of a breaker."""

    at: float
    """Seconds since the epoch. One that time alone made is seen when somebody asks, and has that time."""
    provider: str
    before: BreakerState
    after: BreakerState
    reason: OpenReason | None
    """Why it is not closed after it."""


class StateResult(TypedDict):
    """How a provider's breaker is now."""

    provider: str
    backend: Backend
    state: BreakerState
    reason: str | None
    """Why it is not asked now; null if it is."""


class DayResult(TypedDict):
    """What a model did on one day. Drills do not count; gaps that were filled where somebody typed do."""

    date: str
    """As `2026-11-21`, of the calendar where the server is."""
    provider: str
    backend: Backend
    model: str | None
    """As it was asked for; null if the provider chose it."""
    queries: int
    """That it answered itself; answers from the cache are in `cache[]`."""
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """As far as it is known, also of answers that broke off; null where none is."""
    failures: int


class CacheDayResult(TypedDict):
    """How often the cache helped on one day."""

    date: str
    hits: int
    misses: int
    """Queries that it was asked for, and had no fresh answer to."""


class HistoryResult(TypedDict):
    """The answer to `ai/history`: of all windows of this person; of this process alone, where nothing is shared.

    No text of a query or an answer is in it.
    """

    queries: list[PastQueryResult]
    """The latest first."""
    transitions: list[PastTransitionResult]
    """The oldest first."""
    states: list[StateResult]
    """In the order of asking."""
    days: list[DayResult]
    """The oldest first."""
    cache: list[CacheDayResult]
    """The oldest first; days on which it was not asked are left out."""
