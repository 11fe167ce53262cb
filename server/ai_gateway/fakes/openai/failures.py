"""The refusals of OpenAI, as answers: `upstream.fault(openai_failures.insufficient_quota())`.

Envelope, codes and types: https://platform.openai.com/docs/guides/error-codes.
"""

from functools import partial

from ai_gateway.fakes.answers import Answer, RetryAfter, retry_headers
from ai_gateway.fakes.openai.completion import error_envelope


def refusal(
    status: int,
    message: str,
    kind: str | None = "invalid_request_error",
    *,
    param: str | None = None,
    code: str | None = None,
    retry_after: RetryAfter | None = None,
    retry_after_ms: int | None = None,
) -> Answer:
    """An error in OpenAI's envelope."""
    return Answer.of(
        error_envelope(message, kind, param, code),
        status,
        headers=retry_headers(retry_after, milliseconds=retry_after_ms),
    )


_bad_request = partial(refusal, 400)
_too_many = partial(refusal, 429)


def prompt_too_long(limit: int = 8192, tokens: int = 9000) -> Answer:
    """400: the prompt does not fit."""
    message = (
        f"This model's maximum context length is {limit} tokens. However, your messages resulted in "
        f"{tokens} tokens. Please reduce the length of the messages."
    )
    return _bad_request(message, param="messages", code="context_length_exceeded")


def unsupported_parameter(param: str = "max_tokens") -> Answer:
    """400: this model does not take the parameter."""
    message = f"Unsupported parameter: '{param}' is not supported with this model."
    advice = " Use 'max_completion_tokens' instead." if param == "max_tokens" else ""
    return _bad_request(message + advice, param=param, code="unsupported_parameter")


def unsupported_value(param: str = "temperature", value: object = 0.2) -> Answer:
    """400: this model takes the parameter at its default only."""
    message = (
        f"Unsupported value: '{param}' does not support {value} with this model. "
        "Only the default (1) value is supported."
    )
    return _bad_request(message, param=param, code="unsupported_value")


def stream_options_without_stream() -> Answer:
    """400: only a stream has options."""
    message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    return _bad_request(message, param="stream_options")


def too_many_inputs(limit: int) -> Answer:
    """400: more texts to embed than one request may have."""
    return _bad_request(f"'$.input' is invalid: the array is longer than {limit}.", param="input")


def empty_input() -> Answer:
    """400: there is nothing to embed in one of the texts."""
    return _bad_request("'$.input' is invalid: input cannot be an empty string.", param="input")


def missing_parameter(param: str) -> Answer:
    """400: the body lacks a parameter."""
    message = f"Missing required parameter: '{param}'."
    return _bad_request(message, param=param, code="missing_required_parameter")


def unrecognized_argument(param: str = "stream_options") -> Answer:
    """400: an API version, or a compatible server, that has never heard of the parameter."""
    return _bad_request(f"Unrecognized request argument supplied: {param}")


def unverified_organization() -> Answer:
    """400: only organizations that have shown who they are may stream this model."""
    message = (
        "Your organization must be verified to stream this model. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify Organization."
    )
    return _bad_request(message, param="stream", code="unsupported_value")


def content_policy_violation() -> Answer:
    """400: the prompt was refused for its content."""
    return _bad_request("Your request was rejected as a result of our safety system.", code="content_policy_violation")


def invalid_api_key(key: str = "sk-fake") -> Answer:
    """401: OpenAI shows the key back, masked."""
    masked = f"{key[:3]}{'*' * 8}{key[-4:]}"
    message = (
        f"Incorrect API key provided: {masked}. "
        "You can find your API key at https://platform.openai.com/account/api-keys."
    )
    return refusal(401, message, code="invalid_api_key")


def ip_not_authorized() -> Answer:
    """401: the project takes calls from some addresses only."""
    return refusal(401, "IP not authorized", code="ip_not_authorized")


def not_in_an_organization() -> Answer:
    """401: the account belongs to nobody who pays."""
    return refusal(401, "You must be a member of an organization to use the API", code="invalid_organization")


def wrong_organization() -> Answer:
    """401: the key is of another organization than the header."""
    message = "OpenAI-Organization header should match organization for API key"
    return refusal(401, message, code="mismatched_organization")


def missing_scope() -> Answer:
    """401: the key was made for less than this."""
    return refusal(401, "You have insufficient permissions for this operation. Missing scopes: model.request.")


def country_not_supported() -> Answer:
    """403: the caller is in the wrong place."""
    return refusal(
        403,
        "Country, region, or territory not supported",
        "request_forbidden",
        code="unsupported_country_region_territory",
    )


def project_lacks_model(model: str = "gpt-5") -> Answer:
    """403: the project may not use the model."""
    return refusal(403, f"Project `proj_fake` does not have access to model `{model}`", code="model_not_found")


def model_not_found(model: str = "gpt-0") -> Answer:
    """404."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return refusal(404, message, code="model_not_found")


def responses_only(model: str = "gpt-5-pro") -> Answer:
    """404: the model is there, but only for another API."""
    return refusal(404, f"{model} is only supported in v1/responses and not in v1/chat/completions.", param="model")


def not_a_chat_model() -> Answer:
    """404: the model completes text and knows no chat."""
    message = (
        "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
        "Did you mean to use v1/completions?"
    )
    return refusal(404, message, param="model")


def not_a_completion_model() -> Answer:
    """404: the model chats, and completes no text."""
    message = (
        "This is a chat model and not supported in the v1/completions endpoint. "
        "Did you mean to use v1/chat/completions?"
    )
    return refusal(404, message, param="model")


def suffix_unsupported() -> Answer:
    """400: vLLM completes text, but fills no gaps."""
    return refusal(400, "suffix is not currently supported", "BadRequestError", code=None)


def unsupported_param(param: str = "suffix") -> Answer:
    """500: llama.cpp's server of what it does not take."""
    return refusal(500, f"Unsupported param: {param}", "server_error")


def rate_limited(
    retry_after: RetryAfter | None = None, *, retry_after_ms: int | None = None, kind: str = "requests"
) -> Answer:
    """429: too many `requests` or `tokens` per minute."""
    return _too_many(
        f"Rate limit reached for gpt-4.1 in organization org-fake on {kind} per min. Please try again later.",
        kind,
        code="rate_limit_exceeded",
        retry_after=retry_after,
        retry_after_ms=retry_after_ms,
    )


def request_too_large() -> Answer:
    """429: this one request is larger than the limit of a minute, so waiting is no use."""
    message = "Request too large for gpt-4.1 in organization org-fake on tokens per min (TPM): Limit 30000."
    return _too_many(message, "tokens", code="rate_limit_exceeded")


def slow_down() -> Answer:
    """429: the traffic rose too fast."""
    return _too_many("Please reduce the rate of your requests.", "rate_limit_error", code="slow_down")


def engine_overloaded() -> Answer:
    """429: the older word for too many others."""
    return _too_many("The engine is currently overloaded, please try again later", "requests")


def slow_down_503() -> Answer:
    """503: the traffic rose so fast that it harmed others."""
    return refusal(503, "Slow down", "service_unavailable_error", code="slow_down")


def insufficient_quota(code: str = "insufficient_quota") -> Answer:
    """429: no money left; newer codes are `credit_balance_exhausted`, `project_spend_limit_exceeded` …."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return _too_many(message, "insufficient_quota", code=code)


def server_error() -> Answer:
    """500."""
    return refusal(500, "The server had an error while processing your request. Sorry!", "server_error")


def overloaded(retry_after: RetryAfter | None = None) -> Answer:
    """503."""
    return refusal(
        503,
        "The server is currently overloaded with other requests. Please try again later.",
        "service_unavailable_error",
        code="server_is_overloaded",
        retry_after=retry_after,
    )
