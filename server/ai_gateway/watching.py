"""What becomes of tiers, as it happens: it is counted and written down, and what may be needed soon is made ready."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from weakref import WeakSet

from ai_gateway.breakers.breaker import CircuitBreaker, Transition
from ai_gateway.failures import POLICIES, Effect, FailureKind
from ai_gateway.model import Attempt, Backend, Outcome
from ai_gateway.recorder import Recorder
from ai_gateway.standby import WarmStandby
from ai_gateway.telemetry.metrics import Metrics
from ai_gateway.tier import ProviderTier
from ai_gateway.trace import Step

log = logging.getLogger(__name__)


class Watch:
    """Watches tiers and their breakers. What a drill makes of its stand-in counts for nothing.

    Args:
        metrics: What is counted.
        recorder: Writes down what happened.
        standby: Has local models loaded.
        on_change: Called at every change of a breaker.
    """

    def __init__(
        self, metrics: Metrics, recorder: Recorder, standby: WarmStandby, on_change: Callable[[], None]
    ) -> None:
        self._metrics = metrics
        self._recorder = recorder
        self._standby = standby
        self._on_change = on_change
        self._tiers: Sequence[ProviderTier] = ()
        self._everybody: Sequence[ProviderTier] = ()
        self._listened: WeakSet[CircuitBreaker] = WeakSet()

    def over(self, tiers: Sequence[ProviderTier], escalation: Sequence[ProviderTier]) -> None:
        """Watch these from now on; of those before only the breakers, as queries may still be on their way there."""
        self._tiers, self._everybody = tiers, (*tiers, *escalation)
        for tier in self._everybody:
            if tier.breaker not in self._listened:
                self._listened.add(tier.breaker)
                tier.breaker.listen(partial(self._transitioned, tier.name, counts=not tier.is_rehearsal))

    def attempted(self, attempt: Attempt, step: Step) -> None:
        """Take in how an attempt ended."""
        if step.is_rehearsal:
            return
        self._metrics.attempted(attempt, step.first_token_ms)
        for retried in step.tries:
            if retried.retried_after_ms is not None:
                self._metrics.retried(attempt.provider, retried.kind)
        if attempt.outcome is not Outcome.SKIPPED:
            self._recorder.happened((attempt, step.usage, step.cost_usd))
        if attempt.outcome is Outcome.FAILED and attempt.reason is not None:
            self._prepare(attempt, FailureKind(attempt.reason))

    def _prepare(self, attempt: Attempt, failed: FailureKind) -> None:
        """Have a local model loaded where it may be needed soon, and told of where it goes on being loaded."""
        if attempt.backend is not Backend.LOCAL:
            if POLICIES[failed].effect is not Effect.NONE:
                self._standby.degraded(self._tiers)
        elif failed is FailureKind.LOADING and attempt.model is not None:
            for tier in self._everybody:
                if tier.name == attempt.provider:
                    self._standby.follow(tier, attempt.model)

    def _transitioned(self, provider: str, transition: Transition, *, counts: bool) -> None:
        log.info("the breaker of %s is %s now%s", provider, transition.after, _because(transition))
        if counts and not transition.is_news:  # of news, whoever made it has taken note
            self._metrics.transitioned(provider, transition.after, transition.reason)
            self._recorder.happened((provider, transition))
        self._on_change()


def _because(transition: Transition) -> str:
    return "" if transition.reason is None else f" ({transition.reason})"
