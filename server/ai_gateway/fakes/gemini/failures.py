"""The refusals of Gemini, as answers: `upstream.fault(gemini_failures.daily_quota())`.

Envelope: https://google.aip.dev/193; codes: https://ai.google.dev/gemini-api/docs/troubleshooting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ai_gateway.fakes.answers import Answer, Frame, phrase

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"

Detail = Mapping[str, object]


def detail(kind: str, **fields: object) -> Detail:
    """One of `google.rpc`'s error details."""
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **fields}


def error_body(code: int, message: str, status: str | None = None, details: Sequence[Detail] = ()) -> dict[str, object]:
    """Google's error body."""
    error: dict[str, object] = {"code": code, "message": message, "status": status or STATUSES.get(code, "UNKNOWN")}
    if details:
        error["details"] = list(details)
    return {"error": error}


def refusal(code: int, message: str | None = None, *details: Detail, status: str | None = None) -> Answer:
    """An error in Google's envelope."""
    return Answer.of(error_body(code, message or phrase(code), status, details), code)


def in_list(answer: Answer) -> Answer:
    """The same error as the only element of a list, as a stream without `alt=sse` carries it."""
    body = b"".join(frame.data for frame in answer.frames)
    return replace(answer, frames=(Frame(b"[" + body + b"]\n", "end"),))


def _denied(reason: str, message: str) -> Answer:
    return refusal(403, message, _reason(reason))


def _reason(reason: str) -> Detail:
    metadata = {"service": "generativelanguage.googleapis.com"}
    return detail("ErrorInfo", reason=reason, domain="googleapis.com", metadata=metadata)


def _violation(quota_id: str) -> Detail:
    return {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": quota_id,
        "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
    }


def invalid_api_key(reason: str | None = "API_KEY_INVALID") -> Answer:
    """400, and not 401."""
    details = [_reason(reason)] if reason else []
    return refusal(400, "API key not valid. Please pass a valid API key.", *details)


def unknown_field(violations: Sequence[tuple[str, str]]) -> Answer:
    """400: a name, and the path of the object that has no such field."""
    texts = [
        f'Invalid JSON payload received. Unknown name "{name}"{f" at {path!r}" if path else ""}: Cannot find field.'
        for path, name in violations
    ]
    fields = [
        {"field": path, "description": text} if path else {"description": text}
        for (path, _), text in zip(violations, texts, strict=True)
    ]
    return refusal(400, "\n".join(texts), detail("BadRequest", fieldViolations=fields))


def prompt_too_long(tokens: int = 1_200_000, limit: int = 1_048_576) -> Answer:
    """400: the prompt does not fit."""
    message = f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({limit})."
    return refusal(400, message)


def location_not_supported() -> Answer:
    """400: no free tier where the caller is, and no billing."""
    return refusal(400, "User location is not supported for the API use.", status="FAILED_PRECONDITION")


def not_enabled(ability: str = "Function calling", model: str = "gemma-3-27b-it") -> Answer:
    """400: an open model lacks `Function calling`, `JSON mode` or `Developer instruction`."""
    return refusal(400, f"{ability} is not enabled for models/{model}")


def tools_with_json() -> Answer:
    """400: an older model does not write JSON and call tools at once."""
    return refusal(400, "Function calling with a response mime type: 'application/json' is unsupported")


def invalid_option(field: str = "temperature", rule: str = "must be in the range [0.0, 2.0]") -> Answer:
    """400: an option has a value that the model does not take."""
    return refusal(400, f"* GenerateContentRequest.generation_config.{field}: {field} {rule}.\n")


def missing_signature(name: str = "add", position: int = 2) -> Answer:
    """400: a call of this turn lacks the signature that came with it."""
    return refusal(
        400,
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
        f"call `default_api:{name}` , position {position}.",
    )


def unauthenticated() -> Answer:
    """401: an OAuth token where a key belongs."""
    message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
    return refusal(401, message, _reason("ACCESS_TOKEN_TYPE_UNSUPPORTED"))


def credits_depleted(code: int = 402) -> Answer:
    """402, in earlier days 429: no money left."""
    return refusal(code, "Your prepayment credits are depleted. Please go to AI Studio to manage your billing.")


def leaked_key() -> Answer:
    """403: the key was found in public."""
    return refusal(403, "Your API key was reported as leaked. Please use another API key.")


def suspended_key(key: str = "AIzaFake") -> Answer:
    """403: Google shows the key back."""
    return _denied("CONSUMER_SUSPENDED", f"Permission denied: Consumer 'api_key:{key}' has been suspended.")


def missing_key() -> Answer:
    """403: there was no key at all."""
    return refusal(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API.",
    )


def service_disabled() -> Answer:
    """403: the key's project does not have the API."""
    message = "Generative Language API has not been used in project 1 before or it is disabled."
    return _denied("SERVICE_DISABLED", message)


def key_restricted(reason: str = "API_KEY_SERVICE_BLOCKED") -> Answer:
    """403: the key is for other services, referrers or addresses."""
    return _denied(reason, "Requests to this API generativelanguage.googleapis.com are blocked.")


def model_not_found(model: str = "gemini-0", method: str = "generateContent") -> Answer:
    """404."""
    return refusal(
        404,
        f"models/{model} is not found for API version v1beta, or is not supported for {method}. "
        "Call ListModels to see the list of available models and their supported methods.",
    )


def rate_limited(retry_delay: str | None = "37s", *quota_ids: str, words: str = "") -> Answer:
    """429: too much in a minute, unless `quota_ids` say another span."""
    details = [detail("QuotaFailure", violations=[_violation(quota_id) for quota_id in quota_ids or (PER_MINUTE,)])]
    if retry_delay is not None:
        details.append(detail("RetryInfo", retryDelay=retry_delay))
    message = f"You exceeded your current quota, please check your plan and billing details.{words}"
    return refusal(429, message, *details)


def daily_quota() -> Answer:
    """429: too much in a day, with a delay that is of no use."""
    return rate_limited("37s", PER_DAY)


def no_free_tier(model: str = "gemini-3-pro") -> Answer:
    """429: the plan has none of this model."""
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    words = f"\n* Quota exceeded for metric: {metric}, limit: 0, model: {model}\nPlease retry in 45.578569677s."
    return rate_limited(None, PER_MINUTE, PER_DAY, words=words)


def cancelled() -> Answer:
    """499."""
    return refusal(499, "The operation was cancelled.")


def server_error() -> Answer:
    """500."""
    return refusal(500, "An internal error has occurred. Please retry or report in https://developers.google.com.")


def overloaded() -> Answer:
    """503."""
    return refusal(503, "The model is overloaded. Please try again later.")


def timed_out() -> Answer:
    """504."""
    return refusal(504, "Deadline expired before operation could complete.")
