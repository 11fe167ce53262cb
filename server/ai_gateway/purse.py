"""What a person's settings have to say about money, for the chain to ask."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ai_gateway.clock import Clock
from ai_gateway.model import PriceClass, SpendRule
from ai_gateway.run import Run
from ai_gateway.spending import Asker, Consents, Ledger, NoConsent, SpendRequest, estimate_usd
from ai_gateway.store.base import Store
from ai_gateway.tier import ProviderTier

SAVE_SECONDS = 1.0
"""How long after an answer what it cost is written down; a query does not wait for it."""


class Purse:
    """Knows the rule, the day's account and the person's consents.

    Args:
        store: Where all windows keep the day's account; None: this one has its own.
        clock: The time.
    """

    def __init__(self, store: Store | None, clock: Clock) -> None:
        self.rule = SpendRule.AUTO
        """Whether a dearer tier may answer, where the query does not say."""
        self.ledger = Ledger(store, clock)
        self._consents = Consents(self.ledger, clock)
        self._saving: asyncio.TimerHandle | None = None

    def ask_through(self, asker: Asker | None) -> None:
        """Ask the person through this; None: there is nobody to ask."""
        self._consents.asker = asker

    @property
    def is_cap_reached(self) -> bool:
        """Whether as much was spent today as may be."""
        return self.ledger.cap_usd is not None and self.ledger.is_cap_reached

    @property
    def renews_in_seconds(self) -> float:
        """How long it is until another day's spending begins."""
        return self.ledger.renews_in_seconds

    async def consent(self, tier: ProviderTier, run: Run) -> NoConsent | None:
        """Ask the person whether `tier` may answer, though it is dearer than those before it; None: it may.

        They have half of the query's time to reply: a tier that costs nothing may follow.
        """
        await self.ledger.refresh()
        model = tier.model_for(run.query)
        request = SpendRequest(
            provider=tier.name,
            model=model,
            price_class=tier.price_class,
            moved_from=next(iter(run.attempts), None),
            estimate_usd=estimate_usd(tier.cost_usd, model, run.query.prompt),
            spent_today_usd=self.ledger.spent_today_usd,
        )
        return await self._consents.obtain(request, within_seconds=max(0.0, run.remaining_seconds / 2))

    def spent(self, tier: ProviderTier, cost_usd: float | None) -> None:
        """Add up what an answer of `tier` cost; what a drill has it say costs nothing."""
        if tier.price_class is not PriceClass.METERED or tier.is_rehearsal:
            return
        self.ledger.count(cost_usd)
        if self._saving is None:
            with suppress(RuntimeError):  # no event loop runs any more: with the next answer, then
                self._saving = asyncio.get_running_loop().call_later(SAVE_SECONDS, self._save)

    async def refresh(self) -> None:
        """Take in what other windows have spent, where that decides anything."""
        if self.ledger.cap_usd is not None:
            await self.ledger.refresh()

    def ask_no_more(self) -> None:
        """Take back every question, and ask nothing any more."""
        self._consents.asker = None
        self._consents.take_back()

    async def aclose(self) -> None:
        """Write down what is not written yet."""
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None
        await self.ledger.refresh()

    def _save(self) -> None:
        self._saving = None
        self.ledger.save_soon()
