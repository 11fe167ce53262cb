"""What answers cost a person today, and the person's consent before anything dearer is asked."""

from ai_gateway.spending.consents import (
    Asker,
    Consent,
    Consents,
    NobodyToAsk,
    NoConsent,
    SpendRequest,
)
from ai_gateway.spending.estimate import estimate_usd
from ai_gateway.spending.ledger import Ledger

__all__ = [
    "Asker",
    "Consent",
    "Consents",
    "Ledger",
    "NoConsent",
    "NobodyToAsk",
    "SpendRequest",
    "estimate_usd",
]
