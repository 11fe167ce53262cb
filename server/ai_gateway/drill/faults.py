"""The faults that a drill can rehearse, by the names that the field has for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class DrillFault:
    """One way for a provider to fail, whoever it is."""

    meaning: str
    """What it does to every request, in a sentence."""
    past: str
    """What the provider did, to stand after its name."""


REFUSE = "refuse"
LONGEST_DRILL_SECONDS = 3600.0

FAULTS: Mapping[str, DrillFault] = MappingProxyType(
    {
        REFUSE: DrillFault("nobody listens: every connection is refused", "refused every connection"),
        "reset": DrillFault("the connection is reset before a byte of the answer", "reset every connection"),
        "hang": DrillFault("the request is read and never answered", "hung"),
        "slow-first-token": DrillFault("the answer's headers come at once, and then not a word", "never said a word"),
        "stall": DrillFault("an answer begins and falls silent", "fell silent in the middle of answers"),
        "cut": DrillFault("an answer begins and its connection closes", "broke off in the middle of answers"),
        "garbage": DrillFault("the answer can't be decoded", "answered with garbage"),
        "empty": DrillFault("the answer ends well and holds not a word", "answered with nothing"),
        "error-200": DrillFault(
            "a success by its status, an error by its body", "answered with errors called successes"
        ),
        "html-502": DrillFault("a proxy on the way answers 502 with a page of HTML", "was hidden behind a proxy's 502"),
        "server-error": DrillFault("500", "had a fault of its own"),
        "overloaded": DrillFault("503, or whatever else it calls its overload", "was overloaded"),
        "rate-limit": DrillFault("429, naming the seconds to wait", "limited the rate of requests"),
        "rate-limit-unnamed": DrillFault("429, naming no time", "limited the rate of requests"),
        "quota": DrillFault("the quota or the credit is spent", "had no quota left"),
        "auth": DrillFault("the credential is refused", "refused the credential"),
        "blocked": DrillFault("the credential is good, but the account may not use it", "refused the account"),
        "model-not-found": DrillFault("the model is not known", "did not know the model"),
        "context-too-long": DrillFault("every prompt is called too long", "called every prompt too long"),
        "content-filter": DrillFault("every prompt is refused for its content", "refused every prompt for its content"),
    }
)
"""None of them ever lets an answer through: nobody may take an invented one for a model's."""
