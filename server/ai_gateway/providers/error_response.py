"""Reading what an upstream said when it did not answer, in any of the envelopes seen in the wild."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ai_gateway.providers.retry_after import retry_after_seconds
from ai_gateway.providers.wire import object_in, objects_in, parsed

MAX_ERROR_BYTES = 64 * 1024
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


def _code(envelope: Mapping[str, object]) -> str:
    """Find the machine's word, the most telling first."""
    found = (
        object_in(envelope.get("error_details")).get("notification_id"),
        envelope.get("code"),
        envelope.get("status"),
        object_in(envelope.get("details")).get("error_code"),
        envelope.get("type"),
    )
    return str(next(filter(None, found), ""))


def _reasons(envelope: Mapping[str, object], details: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Give the machine's words in Azure's inner error, and in Google's error details (https://google.aip.dev/193)."""
    if isinstance(code := object_in(envelope.get("innererror")).get("code"), str):
        yield code
    for detail in details:
        said = [detail.get("reason"), *(violation.get("quotaId") for violation in objects_in(detail.get("violations")))]
        yield from (word for word in said if isinstance(word, str))


def _retry_delay(details: Iterable[Mapping[str, object]]) -> str:
    """Give the delay that a `RetryInfo` among them names, such as `37s`."""
    return next((delay for detail in details if isinstance(delay := detail.get("retryDelay"), str)), "")


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
