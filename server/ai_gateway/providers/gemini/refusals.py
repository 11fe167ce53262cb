"""What Gemini's refusals mean (https://ai.google.dev/gemini-api/docs/troubleshooting)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.error_response import ErrorResponse
from ai_gateway.providers.refusals import Row, read_failure

KEY_HINT = "Gemini does not accept this API key; copy it again from https://aistudio.google.com/apikey, then reset"
CREDIT_HINT = (
    "the credit or spending limit of the key's project is used up; raise it at https://aistudio.google.com/usage"
)
PER_DAY = "PerDay"

OWN_NAMES = {
    "function calling is not enabled": "tools",
    "json mode is not enabled": "response_format",
    "response mime type": "response_format",
    "generation_config.temperature": "temperature",
    "generation_config.max_output_tokens": "max_tokens",
    "generation_config.stop_sequences": "stop",
    "output_dimensionality": "dimensions",
}
"""The fields of `Prompt` and `EmbeddingInput`, by the words in which Gemini refuses them."""
INSTRUCTIONS_REFUSED = "developer instruction is not enabled"

GEMINI_ROWS = (
    Row(FailureKind.AUTH, 400, reasons=("API_KEY_INVALID",), hint=KEY_HINT),
    Row(FailureKind.AUTH, 400, text="api key (not valid|expired|not found)", hint=KEY_HINT),
    Row(FailureKind.CONTEXT_TOO_LONG, 400, text="token count.* exceeds the maximum"),
    Row(
        FailureKind.ENTITLEMENT,
        400,
        codes=("FAILED_PRECONDITION",),
        hint="Gemini is not free of charge, or not offered, where you are; turn on billing for the key's project, "
        "then reset",
    ),
    Row(FailureKind.UNSUPPORTED, 400, text="|".join((INSTRUCTIONS_REFUSED, *OWN_NAMES)).replace(".", r"\.")),
    Row(FailureKind.QUOTA, 402, hint=CREDIT_HINT),
    Row(FailureKind.QUOTA, 429, text="prepayment credits|spending cap", hint=CREDIT_HINT),
    Row(
        FailureKind.ENTITLEMENT,
        429,
        text=r"limit: 0(?![\d.])",
        hint="this model is not in the free tier; turn on billing for the key's project or choose another, then reset",
    ),
    Row(
        FailureKind.QUOTA,
        429,
        reasons=(PER_DAY,),
        hint="today's quota of this key is used up; it is renewed at midnight Pacific time",
    ),
    Row(
        FailureKind.AUTH,
        403,
        text="reported as leaked",
        hint="Google found this API key in public and blocked it; make a new one, and keep it out of repositories",
    ),
    Row(
        FailureKind.AUTH,
        403,
        reasons=("CONSUMER_SUSPENDED",),
        hint="Google suspended the project of this API key; use the key of another project, or appeal there",
    ),
    Row(FailureKind.AUTH, 403, text="unregistered callers", hint="no API key reached Gemini; set one, then reset"),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        reasons=("SERVICE_DISABLED",),
        hint="turn on the Generative Language API in the Google Cloud project of this key, wait a minute, then reset",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        reasons=("_BLOCKED",),
        hint="the restrictions of this API key forbid the call; widen them in the Google Cloud console, then reset",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        404,
        codes=("NOT_FOUND",),
        hint="Gemini does not have this model, or has it no more; set one that it lists, then reset",
    ),
    Row(FailureKind.OVERLOADED, 503, codes=("UNAVAILABLE",)),
)


def gemini_failure(response: ErrorResponse, *, now: float) -> ProviderFailure:
    """Say what a refusal means.

    Args:
        response: The refusal, from the status line or from within a stream.
        now: Seconds since the epoch.
    """
    failure = read_failure(GEMINI_ROWS, response)
    if failure.kind is FailureKind.QUOTA and any(PER_DAY in reason for reason in response.reasons):
        failure.retry_after_seconds = seconds_to_pacific_midnight(now)  # its own `retryDelay` is of the next minute
    if failure.kind is FailureKind.UNSUPPORTED:
        text = response.text.lower()
        failure.parameter = next((own for words, own in OWN_NAMES.items() if words in text), None)
    return failure


def refuses_instructions(response: ErrorResponse) -> bool:
    """Whether the model takes no instructions apart from the conversation, as the older open ones."""
    return response.status == 400 and INSTRUCTIONS_REFUSED in response.text.lower()


def seconds_to_pacific_midnight(now: float) -> float:
    """Count the seconds until daily quotas are renewed (https://ai.google.dev/gemini-api/docs/rate-limits).

    The rule of daylight saving time is written out: a machine may have no time zone database.
    """
    moment = datetime.fromtimestamp(now, UTC)
    midnight = (moment + _pacific_offset(moment)).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - _pacific_offset(midnight + timedelta(hours=8)) - moment).total_seconds()


def _pacific_offset(moment: datetime) -> timedelta:
    """Give Pacific time's distance from UTC: summer time is from March's second Sunday to November's first, at 2:00."""
    begins = _first_sunday(datetime(moment.year, 3, 8, 10, tzinfo=UTC))
    ends = _first_sunday(datetime(moment.year, 11, 1, 9, tzinfo=UTC))
    return timedelta(hours=-7 if begins <= moment < ends else -8)


def _first_sunday(day: datetime) -> datetime:
    return day + timedelta(days=(6 - day.weekday()) % 7)
