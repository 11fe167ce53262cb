"""The refusals of Anthropic, as answers: `upstream.fault(anthropic_failures.overloaded())`.

Envelope, types and codes: https://platform.claude.com/docs/en/api/errors and …/api/rate-limits.
"""

from functools import partial

from ai_gateway.fakes.answers import Answer, RetryAfter, phrase, retry_headers

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The type of an error with a status; any other below 500 is an `invalid_request_error`, above it an `api_error`."""
REQUEST_ID = "req_fake_refused"


def error_event(kind: str, message: str, *, error_code: str | None = None) -> dict[str, object]:
    """An error as it stands in a body or, without its request id, in a stream."""
    details = {} if error_code is None else {"details": {"error_code": error_code}}
    return {"type": "error", "error": {"type": kind, "message": message, **details}}


def refusal(
    status: int,
    message: str | None = None,
    *,
    kind: str | None = None,
    error_code: str | None = None,
    retry_after: RetryAfter | None = None,
) -> Answer:
    """An error in Anthropic's envelope, of the type that goes with its status."""
    usual = TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return Answer.of(
        {**error_event(kind or usual, message or phrase(status), error_code=error_code), "request_id": REQUEST_ID},
        status,
        headers={"request-id": REQUEST_ID, **retry_headers(retry_after)},
    )


bad_request = partial(refusal, 400)
"""400, for a reason of any words."""


def field_required(name: str) -> Answer:
    """400: the body lacks a field."""
    return bad_request(f"{name}: Field required")


def extra_input(name: str = "temperature") -> Answer:
    """400: the API does not take the field; since version 2026-10-21 no sampling parameter."""
    return bad_request(f"{name}: Extra inputs are not permitted")


def deprecated_parameter(name: str = "temperature") -> Answer:
    """400: this model does not take the field."""
    return bad_request(f"`{name}` is deprecated for this model.")


def too_many_output_tokens(asked: int = 128_001, allowed: int = 64_000, model: str = "claude-haiku-4-5") -> Answer:
    """400: the model can't write so much."""
    return bad_request(
        f"max_tokens: {asked} > {allowed}, which is the maximum allowed number of output tokens for {model}"
    )


def open_schema() -> Answer:
    """400: the API enforces no schema whose objects may have any field."""
    return bad_request(
        "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
    )


def prompt_too_long(tokens: int = 210_000, limit: int = 200_000) -> Answer:
    """400: the prompt does not fit."""
    return bad_request(f"prompt is too long: {tokens} tokens > {limit} maximum")


def context_limit_exceeded() -> Answer:
    """400: the prompt fits, but not together with the answer."""
    return bad_request(
        "input length and `max_tokens` exceed context limit: 178902 + 32000 > 200000, "
        "decrease input length or `max_tokens` and try again"
    )


def usage_limits_reached(until: str = "2027-01-01", scope: str = "") -> Answer:
    """400: the limit is spent that the account's owner has set, for all or (`scope` `workspace `) for a workspace."""
    return bad_request(
        f"You have reached your specified {scope}API usage limits. You will regain access on {until} at 00:00 UTC."
    )


def credit_too_low() -> Answer:
    """400: no credit left."""
    return bad_request(
        "Your credit balance is too low to access the Anthropic API. "
        "Please go to Plans & Billing to upgrade or purchase credits."
    )


def content_filtered() -> Answer:
    """400: the answer was begun, and blocked for its content."""
    return bad_request("Output blocked by content filtering policy")


def unanswered_tool_call(call_id: str = "toolu_1") -> Answer:
    """400: a call has no result."""
    return bad_request(
        f"messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: {call_id}. "
        "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def organization_on_hold() -> Answer:
    """400: the account is closed."""
    return bad_request("This organization has been disabled.", error_code="organization_on_hold")


def encryption_key_disabled() -> Answer:
    """400: the workspace's own encryption key was switched off."""
    return bad_request("The customer-managed encryption key is disabled.", error_code="cmek_key_disabled")


def missing_key() -> Answer:
    """401: no credential."""
    return refusal(401, "x-api-key header is required")


def invalid_api_key() -> Answer:
    """401: an unknown credential."""
    return refusal(401, "invalid x-api-key")


def billing_error() -> Answer:
    """402."""
    return refusal(402, "Your billing details are out of date. Update them in the Console.")


def linked_organization_spend_limit() -> Answer:
    """402: the organization that pays has set a limit."""
    message = "The linked organization has reached its spend limit."
    return refusal(402, message, error_code="linked_organization_spend_limit_reached")


def permission_denied() -> Answer:
    """403."""
    return refusal(403, "Your API key does not have permission to use the specified resource.")


def not_served_here() -> Answer:
    """403: the request comes from a place that Anthropic does not serve."""
    return refusal(403, "Request not allowed", kind="forbidden")


def model_not_found(model: str = "claude-0") -> Answer:
    """404: unknown, or retired."""
    return refusal(404, f"model: {model}")


def conflict() -> Answer:
    """409."""
    return refusal(409, "The request conflicts with the current state of the resource.")


def request_too_large() -> Answer:
    """413: more than 32 MB."""
    return refusal(413, "Request exceeds the maximum size")


def rate_limited(retry_after: RetryAfter = 30) -> Answer:
    """429: too much in a minute; such a refusal always says how long to wait."""
    message = "This request would exceed your organization's rate limit of 50 requests per minute."
    return refusal(429, message, retry_after=retry_after)


def ramp_limited(retry_after: RetryAfter = 60) -> Answer:
    """429: the traffic rose too fast."""
    message = "This request would exceed a limit on how fast usage can grow."
    return refusal(429, message, error_code="ramp_limit_exceeded", retry_after=retry_after)


def spend_limit_enforced(until: str = "2027-01-01") -> Answer:
    """429: the monthly limit that Anthropic sets is spent; no `retry-after`."""
    message = (
        "You have reached your API usage limits: your organization has crossed its monthly API usage threshold. "
        f"You will regain access on {until} at 00:00 UTC."
    )
    return refusal(429, message, error_code="enforced_spend_limit_reached")


def contract_spend_limit() -> Answer:
    """429: the limit of the contract is spent; no `retry-after`."""
    return refusal(429, "The contract is exhausted.", error_code="contract_spend_limit_reached")


def monthly_spend_limit(retry_after: RetryAfter | None = None) -> Answer:
    """429: an older way to say that the month's money is spent."""
    message = "This request would exceed your account's monthly spend limit. Please try again later."
    return refusal(429, message, retry_after=retry_after)


def server_error() -> Answer:
    """500."""
    return refusal(500, "Internal server error")


def encryption_key_unreachable() -> Answer:
    """503: the workspace's own encryption key can't be reached for the moment."""
    message = "The customer-managed encryption key could not be reached."
    return refusal(503, message, error_code="cmek_key_unreachable")


def timed_out() -> Answer:
    """504."""
    return refusal(504, "The request timed out while processing.")


def overloaded(retry_after: RetryAfter | None = None) -> Answer:
    """529: too much traffic of all customers."""
    return refusal(529, "Overloaded", retry_after=retry_after)
