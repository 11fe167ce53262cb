"""What a workspace may set. It is somebody else's files: no host, no credential, nothing that is run or trusted, and of
what leaves the machine it may only allow less than the person does."""

from __future__ import annotations

from collections.abc import Sequence

from ai_gateway.settings import BreakerSettings, CacheSettings, QuerySettings

FREELY = frozenset(
    {
        "model",
        "embedding_model",
        "completion_model",
        "strongest_model",
        "max_tokens",
        "first_token_seconds",
        "idle_seconds",
        "total_seconds",
        "learn_first_token",
        "context_tokens",
        *BreakerSettings.model_fields,
        *QuerySettings.model_fields,
        *(set(CacheSettings.model_fields) - {"enabled", "persistent", "max_megabytes"}),
    }
)
"""Directly in their sections."""

EXEMPTED_FROM = {"private_paths": "what is private", "exclude": "what is kept out of prompts"}
"""What a `!` among patterns would do, by the setting."""


def refusal_of(path: str, value: object, tiers: Sequence[str], *, spends_freely: bool) -> str | None:
    """Say why a workspace may not set this; None: it may.

    Args:
        path: Of the setting.
        value: What it would become.
        tiers: Those that the person has, by the names that `order` knows them by.
        spends_freely: Whether any tier may answer, whatever it costs; else it matters which one comes first.
    """
    section, _, name = path.rpartition(".")
    if section in {"completion", "actions"}:
        return None if name == "enabled" and value is False else "a workspace can only switch it off"
    if path == "order" or (name == "enabled" and section != "store" and "." not in section):
        return _about_tiers(path, value, tiers) if spends_freely else "can't be set where spending.rule is not 'auto'"
    if section == "privacy":
        return _about_privacy(name, value)
    if name in FREELY and "." not in section:
        return None
    return "can't be set by a workspace; set it for yourself"


def _about_tiers(path: str, value: object, tiers: Sequence[str]) -> str | None:
    """Let a workspace leave out, and choose the order of what is there."""
    if path != "order":
        return None if value is False else "a workspace can only switch off, not on"
    if not isinstance(value, list | tuple) or not value:
        return "a workspace can only choose among the tiers that there are"  # none at all would mean: those by default
    others = [tier for tier in value if tier not in tiers]
    return f"a workspace can't add the tier {others[0]!r}; add it for yourself" if others else None


def _about_privacy(name: str, value: object) -> str | None:
    """Let a workspace ask for more of it."""
    if name == "private":
        return None if value is True else "a workspace can only ask for privacy, not end it"
    if name == "use_gitignore":
        return None if value is True else "a workspace can only ask for it, not end it"
    if name not in EXEMPTED_FROM:
        return "can't be set by a workspace; set it for yourself"
    exempts = isinstance(value, list | tuple) and any(str(pattern).strip().startswith("!") for pattern in value)
    return f"a workspace can't make an exception from {EXEMPTED_FROM[name]}" if exempts else None
