"""Why a tier did not answer, in a person's words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ai_gateway.model import Attempt
from ai_gateway.words import wait_in_words

SAID: Mapping[str, str] = MappingProxyType(
    {
        # of a breaker that is not closed
        "outage": "has an outage",
        "slow": "is too slow",
        "rate": "wants no more requests for now",
        "quota": "has no quota left",
        "auth": "refuses the credential",
        "blocked": "is not open to this account",
        "not_configured": "is not configured",
        "loading": "is loading its model",
        "forced": "is kept out by hand",
        # of a tier that must not be asked
        "private": "is not local, and the query is private",
        "left_out": "is left out by the query",
        "no_embeddings": "makes no embeddings",
        "no_completions": "answers only what a person asks",
        "spending": "costs more than the spending rule allows",
        "daily_cap": "costs money, and the cap of the day is reached",
        "spend_declined": "costs more, and the person said no",
        "spend_unanswered": "costs more, and nobody answered whether it may be used",
        "spend_nobody_to_ask": "costs more, and nobody could be asked whether it may be used",
        # of a failure
        "network": "could not be reached",
        "timeout": "took too long",
        "server": "had a fault of its own",
        "overloaded": "was overloaded",
        "rate_limit": "wanted no more requests for now",
        "signed_out": "had no credential",
        "entitlement": "was not open to this account or with this model",
        "model_not_found": "did not know the model",
        "context_too_long": "can't read so long a prompt",
        "unsupported": "did not support a parameter of the query",
        "bad_request": "refused the request",
        "invalid_request": "called the query invalid",
        "content_filter": "blocked it by its content filter",
        "stream_broken": "broke off in the middle of its answer",
        "empty": "answered with nothing",
        "crashed": "raised an error in its own code",
        "deadline": "had no time left",
        "escalated": "asked for a stronger model",
    }
)
"""By open reason, exclusion, refusal to spend and failure kind, to stand after the tier's name. Where two of them share
a name, they share the words."""


def in_words(reason: str) -> str:
    """Say a reason; one that another version wrote is said as it stands."""
    return SAID.get(reason) or reason.replace("_", " ")


def why_not(attempt: Attempt) -> str:
    """Say why a tier gave no answer, and when it may give one."""
    said = f"was {attempt.outcome}" if attempt.reason is None else in_words(attempt.reason)
    seconds = attempt.retry_after_seconds
    return f"{attempt.provider} {said}" + (f", again in {wait_in_words(seconds)}" if seconds else "")
