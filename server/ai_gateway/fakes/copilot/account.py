"""The account behind the hosts of a fake Copilot: its tokens, its plan, and what is left of its quotas."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from ai_gateway.fakes.upstream import FakeUpstream

RESET_DATE = "2026-12-01"
UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of one quota. An entitlement of `UNLIMITED` has no end."""

    entitlement: int
    percent_remaining: float
    overage_permitted: bool = False

    def header(self) -> str:
        """As in `x-quota-snapshot-…`."""
        return urlencode(
            {
                "ent": self.entitlement,
                "ov": 0.0,
                "ovPerm": str(self.overage_permitted).lower(),
                "rem": self.percent_remaining,
                "rst": f"{RESET_DATE}T00:00:00Z",
            }
        )

    def snapshot(self, name: str) -> dict[str, object]:
        """As in `/copilot_internal/user`."""
        entitlement = max(0, self.entitlement)
        remaining = entitlement * self.percent_remaining / 100
        return {
            "entitlement": entitlement,
            "remaining": int(remaining),
            "quota_remaining": remaining,
            "percent_remaining": self.percent_remaining,
            "unlimited": self.entitlement == UNLIMITED,
            "overage_count": 0,
            "overage_permitted": self.overage_permitted,
            "quota_id": name,
            "has_quota": True,
        }


class CopilotAccount:
    """One person's account.

    Attributes:
        plan: which of Copilot's hosts serves it.
        hosts: those of all plans.
        oauth_tokens: the GitHub tokens that are accepted.
        sessions: the session tokens that are accepted.
        quotas: by name; headers tell of those that have an end.
        pays_by_tokens: whether everything costs credits.
    """

    def __init__(self, plan: str, oauth_tokens: Iterable[str]) -> None:
        self.plan = plan
        self.hosts: dict[str, FakeUpstream] = {}
        self.oauth_tokens = set(oauth_tokens)
        self.sessions: set[str] = set()
        self.pays_by_tokens = True
        self.quotas = {
            "chat": Quota(UNLIMITED, 100.0),
            "completions": Quota(UNLIMITED, 100.0),
            "premium_interactions": Quota(300, 47.4),
        }

    def quota_headers(self) -> dict[str, str]:
        """What an answer says of the quotas."""
        return {f"x-quota-snapshot-{name}": quota.header() for name, quota in self.quotas.items()}

    def document(self) -> dict[str, object]:
        """What `/copilot_internal/user` says."""
        return {
            "login": "octocat",
            "access_type_sku": "plus_monthly_subscriber_quota",
            "copilot_plan": "individual_pro",
            "chat_enabled": True,
            "token_based_billing": self.pays_by_tokens,
            "quota_reset_date": RESET_DATE,
            "quota_reset_date_utc": f"{RESET_DATE}T00:00:00Z",
            "organization_login_list": [],
            "quota_snapshots": {name: quota.snapshot(name) for name, quota in self.quotas.items()},
        }
