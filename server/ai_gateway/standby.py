"""Warm standby: while others fail, the local model is loaded ahead, so that it answers at once when its turn comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ai_gateway.calling import preload
from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.failures import OpenReason, ProviderFailure
from ai_gateway.model import Backend, BreakerState
from ai_gateway.tier import ProviderTier

log = logging.getLogger(__name__)

REST_SECONDS = 300.0
"""How long a model that was loaded, or could not be, is left alone. After that a new failure of others renews it."""


@dataclass(slots=True)
class _Preload:
    """The last preload of one tier's model."""

    model: str
    began_at: float
    task: asyncio.Task[None]
    problem: str | None = None


class WarmStandby:
    """Has the local tiers load their models when others begin to fail, if the person allows it.

    Args:
        allowed: Whether they do; may be changed at any time.
        clock: The time.
        on_change: Called when a load begins and when it has ended, for the status to be told.
    """

    def __init__(
        self, *, allowed: bool, clock: Clock = SYSTEM_CLOCK, on_change: Callable[[], None] | None = None
    ) -> None:
        self.allowed = allowed
        self.on_change = on_change
        self._clock = clock
        self._preloads: dict[str, _Preload] = {}
        self._is_closed = False

    def degraded(self, tiers: Iterable[ProviderTier]) -> None:
        """Take in that a tier which is not local has failed: load what the local ones of `tiers` would answer with.

        It is quick, and needs a running event loop. A tier is left alone that is not configured, names no model, or
        whose breaker is open; so is a model that is being loaded, or was asked for within the last minutes.
        """
        if not self.allowed or self._is_closed:
            return
        for tier in tiers:
            if tier.backend is Backend.LOCAL and tier.default_model is not None and self._may_load(tier):
                self._begin(tier, tier.default_model)

    def follow(self, tier: ProviderTier, model: str) -> None:
        """Take in that a query left `tier` while it loaded `model`: the load goes on, and its end is told.

        This needs no leave: the query had the model loaded.
        """
        preloaded = self._preloads.get(tier.name)
        if not self._is_closed and (preloaded is None or preloaded.task.done()):
            self._begin(tier, model)

    def problem_of(self, tier: ProviderTier) -> str | None:
        """Say why the tier's model could not be loaded ahead; None: it was, or nobody tried."""
        preloaded = self._preloads.get(tier.name)
        return None if preloaded is None else preloaded.problem

    async def aclose(self) -> None:
        """Follow no load any more; those under way end with the providers that do them."""
        self._is_closed = True
        tasks = [preloaded.task for preloaded in self._preloads.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _may_load(self, tier: ProviderTier) -> bool:
        if tier.missing is not None or tier.breaker.state is BreakerState.OPEN:
            return False
        last = self._preloads.get(tier.name)
        if last is None:
            return True
        is_rested = self._clock.monotonic() - last.began_at >= REST_SECONDS
        return last.task.done() and (is_rested or last.model != tier.default_model)

    def _begin(self, tier: ProviderTier, model: str) -> None:
        task = asyncio.create_task(self._load(tier, model))
        self._preloads[tier.name] = _Preload(model, self._clock.monotonic(), task)
        if tier.provider.is_ready(model) is not True:
            asyncio.get_running_loop().call_soon(self._tell)  # by then the task has begun, and the provider says so

    async def _load(self, tier: ProviderTier, model: str) -> None:
        try:
            await preload(tier.provider, model)
        except ProviderFailure as failure:
            problem = f"{model} was not loaded ahead: {failure.detail}; {failure.hint_for(tier.name)}"
            self._preloads[tier.name].problem = problem
            log.info("%s: %s", tier.name, problem)
        else:
            if tier.breaker.reason is OpenReason.LOADING:
                tier.last_failure = None
                tier.breaker.reset()
        self._tell()

    def _tell(self) -> None:
        if self.on_change is not None:
            self.on_change()
