"""A person's consent to something dearer: asked for once, however many queries need it, and not again at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from ai_gateway.clock import Clock
from ai_gateway.failures import GatewayError, where
from ai_gateway.model import Attempt, PriceClass
from ai_gateway.spending.ledger import Ledger, Offer

log = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
"""How long a person is left in peace after saying no, or nothing."""


@dataclass(frozen=True, slots=True)
class SpendRequest:
    """What a person is asked to allow."""

    provider: str
    model: str | None
    price_class: PriceClass
    moved_from: Attempt | None = None
    """Who would have answered at less, and why it does not; None: nobody was asked before."""
    estimate_usd: float | None = None
    """What an answer will cost; None: unknown."""
    spent_today_usd: float = 0.0
    """By metered tiers."""


class Consent(StrEnum):
    """What a person says."""

    ONCE = "once"
    TODAY = "today"
    NO = "no"


class NobodyToAsk(GatewayError):
    """There is nobody who could be asked."""


Asker = Callable[[SpendRequest], Awaitable[Consent]]
"""Asks the person. It is cancelled when nobody waits for the reply any more, and then takes the question back.

Raises:
    NobodyToAsk: The person can't be asked; the text says why.
"""


class NoConsent(StrEnum):
    """Why there is none; the reason of an attempt that was skipped for it."""

    DECLINED = "spend_declined"
    UNANSWERED = "spend_unanswered"
    NOBODY_TO_ASK = "spend_nobody_to_ask"

    def hint_for(self, provider: str) -> str:
        """Say what a person can do about it."""
        return _HINTS[self].format(provider=provider)


_HINTS = {
    NoConsent.DECLINED: (
        "you said no to {provider}, and are not asked about anything as dear for a minute; "
        "ask with spend 'auto' to allow it this time"
    ),
    NoConsent.UNANSWERED: (
        "nobody answered the question whether {provider} may be used, which costs more; "
        "ask again in a minute, or with spend 'auto' to allow it"
    ),
    NoConsent.NOBODY_TO_ASK: (
        "{provider} costs more, and nobody could be asked whether it may be used; "
        "ask with spend 'auto' to allow it, or set spending.rule to auto"
    ),
}


@dataclass(slots=True)
class _Question:
    """One that the person has before them."""

    reply: asyncio.Task[NoConsent | None]
    waiting: int = 0


class Consents:
    """Obtains consents.

    Queries that need the same consent at the same time share one question. It is taken back when the last of them is
    cancelled or out of time. Who said no, or nothing, is not asked about anything as dear for `QUIET_SECONDS`.

    Args:
        ledger: Knows, and remembers, what is allowed for the day.
        clock: The time.

    Attributes:
        asker: Asks the person; None: there is nobody to ask.
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, asker: Asker | None = None) -> None:
        self.asker = asker
        self._ledger = ledger
        self._clock = clock
        self._open: dict[Offer, _Question] = {}
        self._quiet: dict[PriceClass, tuple[float, NoConsent]] = {}

    async def obtain(self, request: SpendRequest, *, within_seconds: float) -> NoConsent | None:
        """Find out whether the person allows what is requested, by asking if need be; None: it is allowed.

        Args:
            request: What it is.
            within_seconds: How long this query can wait for a reply.
        """
        offer = request.provider, request.model
        if not self._ledger.is_allowed_today(*offer):
            await self._ledger.refresh()
        if self._ledger.is_allowed_today(*offer):
            return None
        if (refusal := self._refusal_of_late(request.price_class)) is not None:
            return refusal
        if self.asker is None:
            return NoConsent.NOBODY_TO_ASK
        question = self._open.get(offer)
        if question is None:
            question = self._open[offer] = _Question(asyncio.create_task(self._ask(self.asker, request)))
        question.waiting += 1
        try:
            return await self._reply_to(question, request.price_class, within_seconds)
        finally:
            question.waiting -= 1
            if not question.waiting:
                del self._open[offer]
                question.reply.cancel()

    def take_back(self) -> None:
        """Take back every question that is open: nobody waits for a reply any more."""
        for question in self._open.values():
            question.reply.cancel()

    def _refusal_of_late(self, price_class: PriceClass) -> NoConsent | None:
        now = self._clock.monotonic()
        of_late = (
            refusal
            for refused, (ends_at, refusal) in self._quiet.items()
            if refused.rank <= price_class.rank and now < ends_at
        )
        return next(of_late, None)

    async def _reply_to(self, question: _Question, price_class: PriceClass, within_seconds: float) -> NoConsent | None:
        await asyncio.wait([question.reply], timeout=within_seconds)
        if question.reply.done():
            return NoConsent.NOBODY_TO_ASK if question.reply.cancelled() else question.reply.result()
        if question.waiting == 1:
            self._leave_in_peace(price_class, NoConsent.UNANSWERED)
        return NoConsent.UNANSWERED

    async def _ask(self, asker: Asker, request: SpendRequest) -> NoConsent | None:
        refusal = None
        try:
            consent = await asker(request)
        except NobodyToAsk as error:
            log.info("nobody can be asked about spending: %s", error)
            refusal = NoConsent.NOBODY_TO_ASK
        except Exception as error:  # noqa: BLE001 - the asker may be anybody's code; without consent nothing is spent
            log.error("the question about spending failed: %s", where(error))  # noqa: TRY400 - the text is not ours
            refusal = NoConsent.NOBODY_TO_ASK
        else:
            if consent is Consent.TODAY:
                self._ledger.allow_today(request.provider, request.model)
            elif consent is not Consent.ONCE:
                refusal = NoConsent.DECLINED
        if refusal is not None:
            self._leave_in_peace(request.price_class, refusal)
        return refusal

    def _leave_in_peace(self, price_class: PriceClass, refusal: NoConsent) -> None:
        self._quiet[price_class] = self._clock.monotonic() + QUIET_SECONDS, refusal
