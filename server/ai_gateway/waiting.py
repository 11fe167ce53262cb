"""Waiting for the first piece of an answer: how long, and what it means that none came."""

from __future__ import annotations

import asyncio
import logging
import math

from ai_gateway.failures import FailureKind, ProviderFailure, where
from ai_gateway.pace import Pace
from ai_gateway.providers.base import LLMProvider

log = logging.getLogger(__name__)

ROUNDING_SECONDS = 1e-6
"""What sums of times may be off by."""
LOOK_SECONDS = 1.0
"""How often a silent provider is asked whether it loads its model."""


class FirstWait:
    """One wait for a first piece, from now on; await the piece within its `scope`, and `end` it.

    While the provider says that it loads its model, the limit begins anew; the query's own time never does. One timer
    does all of it: it costs nobody a task, and those who never load no more than a deadline does.

    Args:
        provider: Who is silent.
        limit_seconds: The longest silence of a provider that does not load.
        share_seconds: What the query has left for it.
        pace: Of the model, to hold it to and to learn from; None: only the limit that is set holds.
        characters: How long the prompt is.
        patience_seconds: How long the query itself waits, whoever is asked; None: as long as it may. Where it has such
            a limit, that it ends says nothing about the provider.
    """

    __slots__ = (
        "_can_load",
        "_characters",
        "_ends_at",
        "_gives_up_at",
        "_has_loaded",
        "_is_impatient",
        "_is_limit_learnt",
        "_is_loading",
        "_limit_seconds",
        "_loop",
        "_pace",
        "_provider",
        "_timer",
        "scope",
    )

    def __init__(
        self,
        provider: LLMProvider,
        limit_seconds: float,
        share_seconds: float,
        pace: Pace | None,
        characters: int,
        *,
        patience_seconds: float | None = None,
    ) -> None:
        self._provider = provider
        self._is_impatient = patience_seconds is not None
        if patience_seconds is not None:
            share_seconds = min(share_seconds, patience_seconds)
        self._pace = pace
        self._characters = characters
        learnt_seconds = math.inf if pace is None else pace.limit_seconds(characters)
        self._is_limit_learnt = learnt_seconds < limit_seconds
        self._limit_seconds = min(limit_seconds, learnt_seconds)
        self._can_load = type(provider).is_loading is not LLMProvider.is_loading
        self._is_loading = self._has_loaded = False
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._gives_up_at = now + self._limit_seconds
        self._ends_at = now + share_seconds
        self.scope = asyncio.timeout(None)
        self._timer = self._look_later(now)

    def arrived(self) -> None:
        """Learn from a piece that came; what was loaded first says nothing about the next."""
        if self._pace is not None and not self._has_loaded:
            self._pace.observed(self._silent_seconds(self._loop.time()), self._characters)

    def failure(self) -> ProviderFailure:
        """Say what it means that the scope's time is up.

        A silence that the query's own time cut off counts as slow where nearly every answer would have begun by then.
        """
        if self._is_impatient and self._ends_at <= self._gives_up_at:
            return left_for_next()
        if self._is_loading:
            return ProviderFailure(FailureKind.LOADING, "the query's time ran out while the model was being loaded")
        if self._gives_up_at <= self._ends_at:
            if self._pace is not None and self._is_limit_learnt:
                self._pace.timed_out()
            return timed_out()
        silent_seconds = self._silent_seconds(self._ends_at)
        if self._pace is not None and silent_seconds >= self._pace.usual_seconds(self._characters) - ROUNDING_SECONDS:
            detail = f"nothing arrived for {silent_seconds:.0f} s, which is long for it, and the query's time ran out"
            hint = "it is slower than usual; wait, or allow the query more time with timeout_seconds"
            return ProviderFailure(FailureKind.TIMEOUT, detail, hint=hint)
        return out_of_time()

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _silent_seconds(self, until: float) -> float:
        """Say how long it was silent without loading."""
        return until - (self._gives_up_at - self._limit_seconds)

    def _look_later(self, now: float) -> asyncio.TimerHandle:
        ends_at = min(self._gives_up_at, self._ends_at)
        return self._loop.call_at(min(now + LOOK_SECONDS, ends_at) if self._can_load else ends_at, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        self._is_loading = self._can_load and _says_it_loads(self._provider)
        if self._is_loading:
            self._has_loaded = True
            self._gives_up_at = now + self._limit_seconds
        if now >= min(self._gives_up_at, self._ends_at):
            self.scope.reschedule(now)
        else:
            self._timer = self._look_later(now)


def timed_out() -> ProviderFailure:
    """Say that a provider was silent for too long."""
    return ProviderFailure(FailureKind.TIMEOUT, "nothing arrived in time")


def out_of_time() -> ProviderFailure:
    """Say that the query ended before the provider's time did."""
    return ProviderFailure(FailureKind.DEADLINE, "the query's time ran out")


def left_for_next() -> ProviderFailure:
    """Say that the query waits no longer for a first piece, though it has time left."""
    return ProviderFailure(
        FailureKind.DEADLINE,
        "nothing arrived for as long as this query waits for a first token",
        hint="allow it more with first_token_seconds",
    )


def _says_it_loads(provider: LLMProvider) -> bool:
    try:
        return provider.is_loading
    except Exception as error:  # noqa: BLE001 - it is whatever the provider's own code raises
        log.error("a provider's own code failed: %s", where(error))  # noqa: TRY400 - the text may quote a key
        return False
