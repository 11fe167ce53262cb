"""Reading an upstream's unhappy response: rows of data, first match wins.

Each provider keeps its own rows beside its wire; the generic ones here come after them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.lines import objects_in, parsed
from ai_gateway.redaction import redact

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
    """The machine's word for it: GitHub's `error_details.notification_id`, `error.code`, `error.status`, Anthropic's
    `error.details.error_code`, or `error.type`."""
    type: str
    """`error.type`, or Azure's `error.innererror.code`."""
    text: str
    """The message, or the whole body where there is no envelope. May quote the prompt: only for matching."""
    parameter: str | None = None
    retry_after_seconds: float | None = None
    names_wait: bool | None = None
    """Whether it says how long to wait; None for an error within a stream, which has no header to say so."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    reasons: tuple[str, ...] = ()
    """What the machine says besides: `reason` and `quotaId` in Google's `error.details`, Azure's `innererror.code`."""

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
    names_wait: bool | None = None
    """Matches what says how long to wait, or what does not."""
    hint: str | None = None
    reasons: tuple[str, ...] = ()
    """Matches a part of any of the reasons."""
    is_about_model: bool | None = None
    """Whether it says nothing about other models; None: as the policy has it."""

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
    words = (word for word in (response.code, response.type) if SAFE_CODE.fullmatch(word) and redact(word) == word)
    said = next((f" ({word})" for word in words if word != str(response.status)), "")
    return ProviderFailure(
        kind,
        f"HTTP {response.status}{said}",
        status=response.status,
        retry_after_seconds=response.retry_after_seconds,
        parameter=response.parameter,
        hint=hint,
        is_about_model=row.is_about_model if row else None,
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
    details = objects_in(envelope.get("details"))
    wait = retry_after_seconds(headers, message, now=now, delay=_retry_delay(details))
    return ErrorResponse(
        status=status,
        content_type=headers.get("content-type", "").lower(),
        code=_code(envelope),
        type=str(envelope.get("type") or envelope.get("status") or ""),
        text=message,
        parameter=parameter if isinstance(parameter, str) else None,
        retry_after_seconds=wait,
        names_wait=wait is not None,
        headers=headers,
        reasons=tuple(_reasons(envelope, details)),
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
    return replace(response, status=named, content_type="application/json", names_wait=None)


ERROR_STATUSES = frozenset(str(status) for status in range(400, 600))
STREAM_STATUSES = (
    ("insufficient_quota", 429),
    ("rate_limit", 429),
    ("overloaded", 529),
    ("authentication", 401),
    ("content_", 400),
    ("context_length", 400),
    ("exceed_context", 400),
    ("unsupported_", 400),
    ("invalid_request", 400),
)


def retry_after_seconds(headers: Mapping[str, str], message: str = "", *, now: float, delay: str = "") -> float | None:
    """Find how long to wait.

    Looked for in `retry-after-ms`, `retry-after` as seconds or HTTP date (RFC 9110 §10.2.3), Google's `retryDelay`, and
    the words of the message.
    """
    named = headers.get("retry-after")
    found = (
        _number(headers.get("retry-after-ms"), 0.001),
        _number(named, 1.0),
        _until_date(named, now),
        _number(delay.removesuffix("s"), 1.0),
        _wait_in_text(message),
        _until_date_in_text(message, now),
    )
    return next((seconds for seconds in found if seconds is not None), None)


def _reasons(envelope: Mapping[str, object], details: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Give the machine's words in Azure's inner error, and in Google's error details (https://google.aip.dev/193)."""
    if isinstance(code := _within(envelope, "innererror", "code"), str):
        yield code
    for detail in details:
        said = [detail.get("reason"), *(violation.get("quotaId") for violation in objects_in(detail.get("violations")))]
        yield from (word for word in said if isinstance(word, str))


def _retry_delay(details: Iterable[Mapping[str, object]]) -> str:
    """Give the delay that a `RetryInfo` among them names, such as `37s`."""
    return next((delay for detail in details if isinstance(delay := detail.get("retryDelay"), str)), "")


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


def _until_date_in_text(message: str, now: float) -> float | None:
    """Find the end of a spending period, such as Anthropic's `You will regain access on 2026-12-01 at 00:00 UTC.`"""
    found = re.search(r"regain access on (\d{4}-\d\d-\d\d)(?:(?: at |T)(\d\d:\d\d))?", message)
    try:
        return max(0.0, _instant(found[1], found[2]) - now) if found else None
    except ValueError:
        return None


def _instant(date: str, time_of_day: str | None) -> float:
    return datetime.fromisoformat(f"{date}T{time_of_day or '00:00'}+00:00").timestamp()


def _unit_seconds(unit: str) -> float:
    return 0.001 if unit.startswith(("ms", "milli")) else UNIT_SECONDS[unit[0]]


def _code(envelope: Mapping[str, object]) -> str:
    """Find the machine's word, the most telling first."""
    found = (
        _within(envelope, "error_details", "notification_id"),
        envelope.get("code"),
        envelope.get("status"),
        _within(envelope, "details", "error_code"),
        envelope.get("type"),
    )
    return str(next(filter(None, found), ""))


def _within(envelope: Mapping[str, object], name: str, inner: str) -> object:
    value = envelope.get(name)
    return value.get(inner) if isinstance(value, dict) else None


def _envelope(body: bytes) -> Mapping[str, object]:
    value = parsed(body)
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return {}
    inner = value.get("error", value)
    if isinstance(inner, dict):
        return {**inner, **_relayed(inner.get("message"))}
    return {"message": inner} if isinstance(inner, str) else {}


def _relayed(message: object) -> Mapping[str, object]:
    """Open the error of somebody behind the upstream, which some pass on as JSON within their own message."""
    is_error = isinstance(message, str) and message.lstrip()[:1] in {"{", "["} and '"error"' in message
    return _envelope(str(message).encode()) if is_error else {}
