"""The journal: takes in what happens, and writes it down for all windows."""

from __future__ import annotations

from ai_gateway.breakers.breaker import Transition
from ai_gateway.clock import Clock
from ai_gateway.history.days import Days, Tally, model_of
from ai_gateway.history.transitions import PastTransition, Transitions
from ai_gateway.model import Attempt, Outcome, Usage
from ai_gateway.store.base import Store
from ai_gateway.telemetry.metrics import ESCALATED
from ai_gateway.trace import CacheVerdict

Happening = tuple[Attempt, Usage | None, float | None] | CacheVerdict | tuple[str, Transition]
"""An attempt with what it took and cost in US$, what the cache had for a query, or a change of a provider's breaker."""


class Journal:
    """Keeps the days and the transitions.

    Args:
        clock: The time.
    """

    def __init__(self, clock: Clock) -> None:
        self.days = Days(clock)
        self.transitions = Transitions(clock)

    def add(self, at: float, happening: Happening) -> None:
        """Take in what happened at a moment, in seconds since the epoch."""
        match happening:
            case (attempt, usage, cost_usd):
                if (tally := _tally_of(attempt, usage, cost_usd)) != Tally():
                    self.days.of(at).count(model_of(attempt.provider, attempt.backend, attempt.model), tally)
            case (provider, transition):
                past = PastTransition(at, provider, transition.before, transition.after, transition.reason)
                self.transitions.add(past)
            case CacheVerdict.HIT:
                self.days.of(at).hits += 1
            case CacheVerdict.MISS | CacheVerdict.STALE | CacheVerdict.JOINED:
                self.days.of(at).misses += 1
            case CacheVerdict.OFF:
                pass

    async def write(self, store: Store) -> None:
        """Write what is not written yet.

        Raises:
            StoreUnavailable: It can't be now; it is tried again the next time.
        """
        await self.days.write(store)
        await self.transitions.write(store)


def _tally_of(attempt: Attempt, usage: Usage | None, cost_usd: float | None) -> Tally:
    is_answer = attempt.outcome is Outcome.ANSWERED and attempt.reason != ESCALATED
    return Tally(
        queries=int(is_answer),
        input_tokens=0 if usage is None else usage.input_tokens,
        output_tokens=0 if usage is None else usage.output_tokens,
        cost_usd=cost_usd,
        failures=int(attempt.outcome is Outcome.FAILED),
    )
