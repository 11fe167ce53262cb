"""What is left of an account's quotas, as Copilot's response headers or GitHub's account information say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from ai_gateway.model import Allowance
from ai_gateway.providers.wire import amount_in, object_in

HEADER_PREFIX = "x-quota-snapshot-"
CHAT = "chat"
CHARGED = ("premium_interactions", "premium_models")
"""The quotas of what costs something; a model that the plan includes leaves them alone."""

Quotas = Mapping[str, Allowance]
"""By name; what has no limit is not among them."""


def quotas_in_headers(headers: Mapping[str, str]) -> Quotas:
    """Read the headers of an answer or a refusal: `ent=300&ov=0.0&ovPerm=false&rem=47.4&rst=2026-12-01T00%3A00%3A00Z`.

    That is the entitlement (-1: no limit), the overage used, whether more is sold, the percentage left, and the reset.
    """
    found = {}
    for name in (CHAT, *CHARGED):
        fields = dict(parse_qsl(headers.get(HEADER_PREFIX + name, "")))
        remaining = _percent(fields.get("rem"))
        if remaining is not None and (_percent(fields.get("ent")) or 0.0) > 0:
            is_sold = fields.get("ovPerm", "").lower() == "true"
            found[name] = Allowance(remaining, _instant(fields.get("rst")), may_overrun=is_sold)
    return found


def quotas_in_account(account: Mapping[str, object]) -> Quotas:
    """Read `/copilot_internal/user`, in the shape of paid plans or of the free one."""
    resets_at = _instant(account.get("quota_reset_date_utc") or account.get("quota_reset_date"))
    found = _free_quotas(account)
    for name in (CHAT, *CHARGED):
        snapshot = object_in(object_in(account.get("quota_snapshots")).get(name))
        remaining = amount_in(snapshot.get("percent_remaining"))
        if remaining is not None and snapshot.get("unlimited") is not True and amount_in(snapshot.get("entitlement")):
            found[name] = Allowance(remaining, resets_at, may_overrun=snapshot.get("overage_permitted") is True)
    return found


def scarcest(quotas: Quotas, *, is_charged: bool) -> Allowance | None:
    """Give the quota that runs out first.

    Args:
        quotas: All that are known.
        is_charged: Whether those for what costs something count.
    """
    counting: Iterable[str] = (CHAT, *CHARGED) if is_charged else (CHAT,)
    known = [quotas[name] for name in counting if name in quotas]
    return min(known, key=lambda quota: (not quota.is_spent, quota.remaining_percent), default=None)


def _free_quotas(account: Mapping[str, object]) -> dict[str, Allowance]:
    left = amount_in(object_in(account.get("limited_user_quotas")).get(CHAT))
    monthly = amount_in(object_in(account.get("monthly_quotas")).get(CHAT))
    if left is None or not monthly:
        return {}
    return {CHAT: Allowance(min(100.0, 100.0 * left / monthly), _instant(account.get("limited_user_reset_date")))}


def _percent(value: str | None) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        return None


def _instant(value: object) -> float | None:
    """Read an ISO 8601 date, with a time or without, as seconds since the epoch."""
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if instant is None:
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
