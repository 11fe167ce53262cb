"""How a provider is, in words."""

from __future__ import annotations

from ai_gateway.health import ProviderHealth
from ai_gateway.model import BreakerState
from ai_gateway.words import wait_in_words


def is_well(provider: ProviderHealth) -> bool:
    """Say whether it is there and would be asked."""
    return bool(provider.reachable) and provider.state is BreakerState.CLOSED


def standing_in_words(provider: ProviderHealth) -> str:
    """Say how it is after a probe: `✓ there`, or what keeps it from answering."""
    if provider.reason == "not_configured":
        return "- not configured"
    if provider.reachable and provider.state is not BreakerState.CLOSED:
        return f"✓ there, but {_breaker(provider)}"
    if provider.reachable:
        return "✓ there" if provider.forced is None else "✓ there, kept closed by hand"
    return f"✗ {provider.last_error or 'no answer in time'}"


def _breaker(provider: ProviderHealth) -> str:
    """Say how its breaker is, which other windows may have opened."""
    seconds = provider.retry_after_seconds
    wait = "" if seconds is None else f", for {wait_in_words(seconds)}"
    if provider.forced is not None:
        return f"kept {provider.forced} by hand{wait}"
    if provider.state is BreakerState.HALF_OPEN:
        return "to be tried again"
    return f"left out ({provider.reason}){wait}"
