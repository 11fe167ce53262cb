"""What Anthropic's refusals mean (https://platform.claude.com/docs/en/api/errors, …/api/rate-limits).

Its type stands in the code, and where there is one, its finer `details.error_code`. Money hides under four statuses.
"""

from __future__ import annotations

import re

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.error_response import ErrorResponse
from ai_gateway.providers.refusals import Row, read_failure

KEY_HINT = "Anthropic does not take this key; make one at platform.claude.com, API keys, and set ANTHROPIC_API_KEY"
MONEY_HINT = "Anthropic wants money: buy credit or raise the spend limit at platform.claude.com, Billing and Limits"
HOLD_HINT = "Anthropic has disabled this organization; write to its support"
ENCRYPTION_HINT = "Anthropic can't use the encryption key of this workspace; see to it in your key management service"
MODEL_HINT = (
    "Anthropic does not know this model, or has retired it; "
    "see platform.claude.com/docs/en/about-claude/model-deprecations, and set another"
)

ANTHROPIC_ROWS = (
    Row(FailureKind.QUOTA, (400, 429), text=r"reached your [a-z ]*api usage limits", hint=MONEY_HINT),
    Row(FailureKind.QUOTA, (400, 403, 429), text="credit balance is too low|spend limit", hint=MONEY_HINT),
    Row(
        FailureKind.QUOTA,
        (402, 429),
        codes=(
            "billing_error",
            "enforced_spend_limit_reached",
            "contract_spend_limit_reached",
            "linked_organization_",
        ),
        hint=MONEY_HINT,
    ),
    # Only a spend limit comes without a time to wait.
    Row(FailureKind.QUOTA, 429, codes=("rate_limit_error",), names_wait=False, hint=MONEY_HINT),
    Row(FailureKind.ENTITLEMENT, (400, 401, 403), codes=("organization_on_hold",), hint=HOLD_HINT),
    Row(FailureKind.ENTITLEMENT, (400, 401, 403), text="organization has been disabled", hint=HOLD_HINT),
    Row(FailureKind.ENTITLEMENT, 400, codes=("cmek_",), hint=ENCRYPTION_HINT),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        text="request not allowed",
        hint="Anthropic does not serve the country or network that this request came from",
    ),
    Row(FailureKind.AUTH, 401, hint=KEY_HINT),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        404,
        text=r"^model\b",
        hint=MODEL_HINT,
    ),
    Row(FailureKind.CONTEXT_TOO_LONG, 400, text="prompt is too long|exceed context limit"),
    Row(FailureKind.CONTENT_FILTER, (400, 500), text="blocked by content filtering policy"),
    Row(FailureKind.UNSUPPORTED, 400, text="extra inputs are not permitted|is deprecated for this model"),
    Row(FailureKind.UNSUPPORTED, 400, text="which is the maximum allowed number of output tokens"),
    Row(FailureKind.UNSUPPORTED, 400, text=r"^output_config\b|support output_config"),
    Row(
        FailureKind.BAD_REQUEST,
        400,
        text="tool_use.*tool_result|tool_result.*tool_use",
        hint="the conversation has a tool call without its result; give each call its result, then ask again",
    ),
)

OWN_NAMES = {"stop_sequences": "stop", "tool_choice": "tools"}


def anthropic_failure(response: ErrorResponse) -> ProviderFailure:
    """Turn a refusal, or an error within a stream, into the failure that it is."""
    failure = read_failure(ANTHROPIC_ROWS, response)
    if failure.kind is FailureKind.UNSUPPORTED:
        failure.parameter = _parameter_in(response.text)
    return failure


def allowed_max_tokens(message: str) -> int | None:
    """Find the model's own limit in `max_tokens: 9000 > 8192, which is the maximum allowed number of output tokens`."""
    found = re.search(r"> ([1-9]\d{0,8}), which is the maximum allowed", message)
    return int(found[1]) if found else None


def _parameter_in(message: str) -> str | None:
    """Find the parameter that a message is about: `temperature: Extra inputs …`, or "`temperature` is deprecated …"."""
    if "output_config" in message:
        return "response_format"
    found = re.match(r"`?([a-z_]+)`?(?:[.:]| is )", message)
    return OWN_NAMES.get(found[1], found[1]) if found else None
