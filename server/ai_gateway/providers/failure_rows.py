"""Reading an upstream's unhappy response: rows of data, first match wins.

Each provider keeps its own rows beside its wire; the generic ones here come after them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.lines import parsed

MAX_ERROR_BYTES = 64 * 1024
SAFE_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
WAIT_PART = re.compile(
    r"([\d.]+)\s*(ms|milliseconds?|h|hours?|m|minutes?|s|seconds?)(?![a-z])\s*",
    re.IGNORECASE,
)
WAIT_IN_TEXT = re.compile(rf"(?:retry|try again) (?:after|in) ((?:{WAIT_PART.pattern})+)", re.IGNORECASE)
UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """What an upstream said when it did not answer, whatever the envelope."""

    status: int
    content_type: str
    code: str
    """`error.code`, or `error.status`, or `error.type`: the machine's word for it."""
    type: str
    text: str
    """The message, or the whole body where there is no envelope. May quote the prompt: only for matching."""
    parameter: str | None = None
    retry_after_seconds: float | None = None

    @property
    def is_html(self) -> bool:
        """Whether a proxy or a portal answered instead of the upstream."""
        return "html" in self.content_type or self.text.lstrip()[:15].lower().startswith(("<!doctype", "<html"))


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
    hint: str | None = None

    def matches(self, response: ErrorResponse) -> bool:
        """Say whether the response looks like this."""
        statuses = (self.status,) if isinstance(self.status, int) else self.status
        return (
            (not statuses or response.status in statuses)
            and (not self.codes or response.code.startswith(self.codes) or response.type.startswith(self.codes))
            and (not self.text or re.search(self.text, response.text, re.IGNORECASE) is not None)
            and (self.html is None or response.is_html is self.html)
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
    Row(FailureKind.OVERLOADED, 529),
    Row(FailureKind.RATE_LIMIT, 429),
    Row(FailureKind.SERVER, (408, 409, 424, 425, 499)),
    Row(FailureKind.SERVER, tuple(range(500, 600))),
    Row(FailureKind.BAD_REQUEST, tuple(range(400, 500))),
)


def read_failure(rows: Iterable[Row], response: ErrorResponse) -> ProviderFailure:
    """Turn a response into the failure that the first matching row names."""
    row = next((row for row in (*rows, *GENERIC_ROWS) if row.matches(response)), None)
    kind, hint = (row.kind, row.hint) if row else (FailureKind.SERVER, None)
    says_more = SAFE_CODE.fullmatch(response.code) and response.code != str(response.status)
    return ProviderFailure(
        kind,
        f"HTTP {response.status}" + (f" ({response.code})" if says_more else ""),
        status=response.status,
        retry_after_seconds=response.retry_after_seconds,
        parameter=response.parameter,
        hint=hint,
    )


def error_response(status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> ErrorResponse:
    """Read status, headers and body, whose envelope may be any of those seen in the wild.

    Args:
        status: The HTTP status.
        headers: With lower-case names, or a mapping that ignores case.
        body: Its first `MAX_ERROR_BYTES`.
        now: Seconds since the epoch, for a Retry-After that is a date.
    """
    text = body.decode("utf-8", "replace")
    envelope = _envelope(body)
    message = str(envelope.get("message") or envelope.get("detail") or text)
    parameter = envelope.get("param")
    return ErrorResponse(
        status=status,
        content_type=headers.get("content-type", "").lower(),
        code=str(envelope.get("code") or envelope.get("status") or envelope.get("type") or ""),
        type=str(envelope.get("type") or ""),
        text=message,
        parameter=parameter if isinstance(parameter, str) else None,
        retry_after_seconds=retry_after_seconds(headers, message, now=now),
    )


def stream_error(error: object, *, status: object = None, now: float) -> ErrorResponse:
    """Read an error that came inside a stream, after HTTP 200, and give it the status that it would have had.

    Args:
        error: What the stream says under `error`.
        status: What it says beside it, if anything.
        now: As for `error_response`.
    """
    response = error_response(200, {}, json.dumps({"error": error}).encode(), now=now)
    words = f"{response.code} {response.type}".lower()
    guessed = next((guess for word, guess in STREAM_STATUSES if word in words), 500)
    named = next((int(number) for number in (str(status), response.code) if number in ERROR_STATUSES), guessed)
    return replace(response, status=named, content_type="application/json")


ERROR_STATUSES = frozenset(str(status) for status in range(400, 600))
STREAM_STATUSES = (
    ("insufficient_quota", 429),
    ("rate_limit", 429),
    ("overloaded", 529),
    ("authentication", 401),
    ("content_", 400),
    ("context_length", 400),
    ("invalid_request", 400),
)


def retry_after_seconds(headers: Mapping[str, str], message: str = "", *, now: float) -> float | None:
    """Find how long to wait: `retry-after-ms`, `retry-after` as seconds or HTTP date (RFC 9110 §10.2.3), or words."""
    named = headers.get("retry-after")
    found = (
        _number(headers.get("retry-after-ms"), 0.001),
        _number(named, 1.0),
        _until_date(named, now),
        _wait_in_text(message),
    )
    return next((seconds for seconds in found if seconds is not None), None)


def _number(value: str | None, unit_seconds: float) -> float | None:
    try:
        return float(value) * unit_seconds if value else None
    except ValueError:
        return None


def _until_date(value: str | None, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now) if value else None
    except ValueError:
        return None


def _wait_in_text(message: str) -> float | None:
    """Add up the parts of a wait such as `6m0s`, `1.5 seconds` or `20ms`."""
    found = WAIT_IN_TEXT.search(message)
    parts = WAIT_PART.findall(found[1]) if found else []
    waits = [_number(amount, _unit_seconds(unit.lower())) for amount, unit in parts]
    known = [seconds for seconds in waits if seconds is not None]
    return sum(known) if known else None


def _unit_seconds(unit: str) -> float:
    return 0.001 if unit.startswith(("ms", "milli")) else UNIT_SECONDS[unit[0]]


def _envelope(body: bytes) -> Mapping[str, object]:
    value = parsed(body)
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return {}
    inner = value.get("error", value)
    if isinstance(inner, dict):
        return inner
    return {"message": inner} if isinstance(inner, str) else {}
