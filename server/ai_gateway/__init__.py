"""AI Gateway: GitHub Copilot, then a cloud model, then a local one, with a circuit breaker each.

The public names, listed with their types in `__init__.pyi`, are imported when they are first used, so that
`import ai_gateway` costs nothing.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_HOMES = {
    "breakers.breaker": ("CircuitBreaker", "Permit", "Transition"),
    "chain": ("FailoverChain",),
    "failures": (
        "FailureKind",
        "GatewayClosed",
        "GatewayError",
        "InvalidQuery",
        "NoTierAnswered",
        "OpenReason",
        "ProviderFailure",
        "QueryRefused",
        "SettingsError",
    ),
    "gateway": ("Gateway",),
    "model": (
        "Answer",
        "Attempt",
        "Backend",
        "BreakerState",
        "CacheMode",
        "Delta",
        "Event",
        "Finish",
        "FinishReason",
        "LLMResponse",
        "LastAnswer",
        "Message",
        "Outcome",
        "Piece",
        "PriceClass",
        "Prompt",
        "Query",
        "Reset",
        "SpendRule",
        "Started",
        "Tool",
        "ToolCall",
        "Usage",
    ),
    "options": ("QueryOptions", "query_of"),
    "providers.base": ("LLMProvider",),
    "providers.scripted": ("ScriptedProvider",),
    "spending.consents": ("Consent", "NobodyToAsk", "SpendRequest"),
    "tier": ("Deadlines", "ProviderTier"),
    "trace": ("Trace",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_MODULE_OF]  # noqa: PLE0604 - all are strings


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'ai_gateway' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"ai_gateway.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
