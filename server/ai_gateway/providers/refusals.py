"""What an upstream's refusals mean: rows of data, first match wins.

Each provider keeps its own rows beside its wire; the generic ones here come after them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.privacy.redaction import redact
from ai_gateway.providers.error_response import ErrorResponse

SAFE_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class Row:
    """One documented failure: what it looks like, and what it means. An unset field matches anything."""

    kind: FailureKind
    status: int | tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    """Matches the start of the code or the type."""
    text: str = ""
    """A regular expression to find in the message, ignoring case."""
    html: bool | None = None
    names_wait: bool | None = None
    """Matches what says how long to wait, or what does not."""
    hint: str | None = None
    reasons: tuple[str, ...] = ()
    """Matches a part of any of the reasons."""
    is_about_model: bool | None = None
    """Whether it says nothing about other models; None: as the policy has it."""
    wait_seconds: float | None = None
    """How long to leave the upstream alone where it does not say."""

    def matches(self, response: ErrorResponse) -> bool:
        """Say whether the response looks like this."""
        statuses = (self.status,) if isinstance(self.status, int) else self.status
        return (
            (not statuses or response.status in statuses)
            and (not self.codes or response.code.startswith(self.codes) or response.type.startswith(self.codes))
            and (not self.text or re.search(self.text, response.text, re.IGNORECASE) is not None)
            and (self.html is None or response.is_html is self.html)
            and (self.names_wait is None or response.names_wait is self.names_wait)
            and (not self.reasons or any(own in said for own in self.reasons for said in response.reasons))
        )


GENERIC_ROWS = (
    Row(
        FailureKind.NETWORK,
        (200, 301, 302, 303, 307, 308, 400, 403, 404, 405, 407, 451, 511),
        html=True,
        hint="a proxy or a sign-in page of the network answered instead of the upstream; sign in, or set the proxy",
    ),
    Row(
        FailureKind.NETWORK,
        (301, 302, 303, 307, 308),
        hint="the upstream redirects, and a credential is never sent elsewhere; set its real base URL",
    ),
    Row(FailureKind.NETWORK, (407, 511), hint="the proxy wants a sign-in; set its user and password"),
    Row(FailureKind.AUTH, 401),
    Row(FailureKind.QUOTA, 402),
    Row(FailureKind.ENTITLEMENT, (403, 451)),
    Row(FailureKind.MODEL_NOT_FOUND, 404, text="model"),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        404,
        hint="the upstream has no such path or model; check the base URL and the model",
    ),
    Row(FailureKind.CONTEXT_TOO_LONG, 413),
    Row(FailureKind.OVERLOADED, (503, 529), codes=("server_is_overloaded", "overloaded", "model_overloaded")),
    Row(FailureKind.OVERLOADED, 503, names_wait=True),
    Row(FailureKind.OVERLOADED, 529),
    Row(FailureKind.RATE_LIMIT, 429),
    Row(FailureKind.SERVER, (408, 409, 424, 425, 499)),
    Row(FailureKind.SERVER, tuple(range(500, 600))),
    Row(FailureKind.BAD_REQUEST, tuple(range(400, 500))),
)


def first_match(rows: Iterable[Row], response: ErrorResponse) -> Row | None:
    """Find the row that says what a response means."""
    return next((row for row in rows if row.matches(response)), None)


def read_failure(rows: Iterable[Row], response: ErrorResponse) -> ProviderFailure:
    """Turn a response into the failure that the first matching row names."""
    row = first_match((*rows, *GENERIC_ROWS), response)
    kind, hint = (row.kind, row.hint) if row else (FailureKind.SERVER, None)
    wait = response.retry_after_seconds
    words = (word for word in (response.code, response.type) if SAFE_CODE.fullmatch(word) and redact(word) == word)
    said = next((f" ({word})" for word in words if word != str(response.status)), "")
    return ProviderFailure(
        kind,
        f"HTTP {response.status}{said}",
        status=response.status,
        retry_after_seconds=row.wait_seconds if row and wait is None else wait,
        parameter=response.parameter,
        hint=hint,
        is_about_model=row.is_about_model if row else None,
    )
