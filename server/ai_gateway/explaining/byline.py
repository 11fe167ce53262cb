"""Who answered, in one line."""

from __future__ import annotations

from ai_gateway.model import Answer, Attempt, Outcome
from ai_gateway.reasons import why_not
from ai_gateway.routing import Exclusion
from ai_gateway.words import wait_in_words

MILLISECONDS = 1000
SMALL_USD = 0.0001
KNOWN = frozenset({Exclusion.NOT_CONFIGURED, Exclusion.PRIVATE})


def byline(answer: Answer) -> str:
    """Say in one line who answered, at what cost, and why not somebody before."""
    usage = answer.usage
    about = "about " if usage.estimated else ""
    parts = [
        f"{answer.provider} ({answer.model})" if answer.model else answer.provider,
        f"{answer.elapsed_ms / MILLISECONDS:.1f} s",
        f"{about}{usage.input_tokens} + {usage.output_tokens} tokens{_cost(answer.cost_usd)}",
    ]
    if answer.cached and not answer.stale:
        parts.append(f"from the cache, {wait_in_words(answer.age_seconds or 0.0)} old")
    if answer.stale:
        parts.append(f"an old answer, {wait_in_words(answer.age_seconds or 0.0)}: nobody could give a new one")
    parts += [why_not(attempt) for attempt in answer.attempts if _is_news(attempt)]
    return " · ".join(parts)


def _is_news(attempt: Attempt) -> bool:
    """Whether a person would want to know: who does not use a provider, or asks in private, knows that."""
    return attempt.outcome is not Outcome.ANSWERED and attempt.reason not in KNOWN


def _cost(usd: float | None) -> str:
    if not usd:
        return ""
    return f" (${usd:.2f})" if usd >= 1 else f" (${usd:.2g})" if usd >= SMALL_USD else f" (under ${SMALL_USD})"
