"""The question whether something dearer may be asked, in a person's words."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from ai_gateway.failures import FailureKind, OpenReason
from ai_gateway.model import Attempt, PriceClass
from ai_gateway.spending.consents import Consent, SpendRequest

CHOICES = {Consent.ONCE: "This time", Consent.TODAY: "For today", Consent.NO: "No"}
"""What a person can say, in the order of showing."""

NAMES = {
    "anthropic": "Anthropic",
    "azure": "Azure",
    "copilot": "Copilot",
    "gemini": "Gemini",
    "ollama": "Ollama",
    "openai": "OpenAI",
}
"""As the services call themselves."""

LEAST_USD = 0.0001
SHORT_SECONDS = 60.0
"""A wait that is over before a person has read of it."""

_UNREACHABLE = "{who} can't be reached"
_SLOW = "{who} is too slow"
_BUSY = "{who} wants no more requests"
_CREDENTIAL = "{who} refuses the credential"
_BLOCKED = "{who} is not open to this account"
_UNSET = "{who} is not set up"
_WHY: Mapping[str, str] = {
    OpenReason.OUTAGE: "{who} has an outage",
    OpenReason.SLOW: _SLOW,
    OpenReason.RATE: _BUSY,
    OpenReason.QUOTA: "{who}'s quota is spent",
    OpenReason.AUTH: _CREDENTIAL,
    OpenReason.BLOCKED: _BLOCKED,
    OpenReason.NOT_CONFIGURED: _UNSET,
    OpenReason.LOADING: "{who} is loading its model",
    FailureKind.NETWORK: _UNREACHABLE,
    FailureKind.TIMEOUT: _SLOW,
    FailureKind.SERVER: "{who} has a fault of its own",
    FailureKind.OVERLOADED: "{who} is overloaded",
    FailureKind.RATE_LIMIT: _BUSY,
    FailureKind.SIGNED_OUT: "{who} is not signed in",
    FailureKind.ENTITLEMENT: _BLOCKED,
    FailureKind.MODEL_NOT_FOUND: "{who} does not know the model",
    FailureKind.CONTEXT_TOO_LONG: "the prompt is too long for {who}",
    FailureKind.STREAM_BROKEN: "{who} broke off",
}
"""Why somebody does not answer; all other reasons say nothing to a person who has a choice to make."""


def question_of(request: SpendRequest, now: float) -> str:
    """Put it in words, for `CHOICES` to be the answers.

    Args:
        request: What is to be allowed.
        now: Seconds since the epoch.
    """
    offer = " ".join([_named(request.provider), *([request.model] if request.model else [])])
    before = request.moved_from
    asked = f"Ask {offer}?" if before is None else f"{_why(before, now)}. Ask {offer} instead?"
    return f"{asked} {_cost(request)}"


def usd_in_words(usd: float) -> str:
    """Write an amount, no more exactly than a person wants to know it."""
    if 0 < usd < LEAST_USD:
        return f"under ${LEAST_USD}"
    return f"${usd:.2f}" if usd >= 0.1 or not usd else f"${usd:.2g}"


def _why(attempt: Attempt, now: float) -> str:
    why = _WHY.get(attempt.reason or "", "{who} gives no answer").format(who=_named(attempt.provider))
    wait = attempt.retry_after_seconds
    until = f" until {_clock_time(now + wait, now)}" if wait is not None and SHORT_SECONDS <= wait < math.inf else ""
    return why[0].upper() + why[1:] + until


def _cost(request: SpendRequest) -> str:
    if request.price_class is not PriceClass.METERED:
        return "It draws on your plan."
    estimate, spent = request.estimate_usd, request.spent_today_usd
    cost = "Nobody knows what it costs" if estimate is None else f"It costs about {usd_in_words(estimate)} per answer"
    return f"{cost}; {usd_in_words(spent)} spent today."


def _named(provider: str) -> str:
    return NAMES.get(provider, provider)


def _clock_time(moment: float, now: float) -> str:
    """Tell the local time, with the day where it is another."""
    then, today = time.localtime(moment), time.localtime(now)
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d %H:%M", then)
