"""What the refusals of OpenAI, of servers compatible with it, and of Azure mean."""

from __future__ import annotations

from ai_gateway.failures import FailureKind
from ai_gateway.providers.refusals import Row

OPENAI_ROWS = (
    Row(
        FailureKind.CONTEXT_TOO_LONG,
        400,
        codes=("context_length_exceeded", "model_max_prompt_tokens_exceeded", "exceed_context_size_error"),
    ),
    Row(
        FailureKind.CONTEXT_TOO_LONG,
        (400, 413, 422),
        text="maximum context length|context window|prompt token count of|context size",
    ),
    Row(
        FailureKind.CONTENT_FILTER,
        (400, 403),
        codes=(
            "content_policy_violation",
            "invalid_prompt",
            "content_filter",
            "cyber_policy",
            "bio_policy",
            "misalignment_policy",
        ),
    ),
    Row(FailureKind.UNSUPPORTED, (400, 404, 422), codes=("unsupported_param", "unsupported_value", "unknown_param")),
    Row(
        FailureKind.UNSUPPORTED,
        (400, 422),
        text="unsupported (parameter|value)|unrecognized request argument|extra inputs are not permitted",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        (400, 404),
        text="not a chat model|only supported in v1/responses",
        hint="this model can't be asked through chat completions; choose one that can",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("model_not_found",),
        hint="the key's project may not use this model; allow it in the project's limits, or choose another",
    ),
    Row(FailureKind.MODEL_NOT_FOUND, (400, 404), codes=("model_not_found",)),
    Row(
        FailureKind.INVALID_REQUEST,
        400,
        codes=("invalid_value", "invalid_type", "string_above_max_length", "integer_above_max_value"),
    ),
    Row(
        FailureKind.AUTH,
        401,
        text=r"\bip\b.{0,60} not (authorized|allowed)",
        hint="the key may not be used from this machine's address; add it to the IP allowlist of the key's project",
    ),
    Row(
        FailureKind.AUTH,
        401,
        text="member of an organization|header should match",
        hint="the key's account is not in this organization; have it invited, or set the organization the key is of",
    ),
    Row(
        FailureKind.AUTH,
        (401, 403),
        text="missing scopes",
        hint="the key is restricted; allow it to ask models and to list them, or make another",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("unsupported_country_region_territory",),
        hint="the upstream does not serve the country that this machine's address is in",
    ),
    Row(
        FailureKind.QUOTA,
        429,
        codes=(
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "billing_hard_limit_reached",
            "billing_not_active",
        ),
    ),
    Row(FailureKind.CONTEXT_TOO_LONG, 429, text="request too large"),
    Row(FailureKind.OVERLOADED, 429, text="overloaded"),
    Row(FailureKind.RATE_LIMIT, 503, codes=("slow_down",)),
)
"""What OpenAI documents (https://platform.openai.com/docs/guides/error-codes), and everyone who copied it."""

COMPATIBLE_ROWS = (
    Row(FailureKind.LOADING, 503, text="loading model"),
    Row(
        FailureKind.LOADING,
        (400, 404),
        text="no models? loaded",
        hint="the server has no model loaded; load one there (LM Studio: its developer page, or 'lms load')",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        text="unexpected endpoint",
        hint="the server has no such path; set its base URL up to and with /v1",
    ),
    Row(
        FailureKind.UNSUPPORTED,
        501,
        codes=("not_supported_error",),
        hint="the server was started without this ability (llama-server: --embeddings for embeddings)",
    ),
    Row(
        FailureKind.UNSUPPORTED,
        (400, 422, 500, 501),
        text="unsupported param: suffix|suffix is not",
    ),
    Row(
        FailureKind.UNSUPPORTED,
        (400, 500),
        text="requires? --jinja|does not support tools",
        hint="the server or its model can't call tools (llama-server: start it with --jinja)",
    ),
    Row(FailureKind.AUTH, 400, text="incorrect api key|invalid api key|api key not valid"),
    Row(FailureKind.CONTENT_FILTER, 403, text="input was flagged"),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        404,
        text="no endpoints found",
        hint="nobody serves this model under the account's settings; choose another, or allow more in its data policy",
    ),
    *OPENAI_ROWS,
)
"""What servers say that are compatible otherwise: llama.cpp, LM Studio, xAI and Gemini, OpenRouter."""

AZURE_ROWS = (
    Row(FailureKind.CONTENT_FILTER, 400, reasons=("ResponsibleAIPolicyViolation",)),
    Row(
        FailureKind.AUTH,
        401,
        codes=("PermissionDenied",),
        hint="the identity may not ask this resource; give it the role 'Cognitive Services OpenAI User' there",
    ),
    Row(
        FailureKind.AUTH,
        401,
        text="subscription key|api endpoint",
        hint="Azure takes the key of this very resource; copy both key and endpoint from its page 'Keys and Endpoint'",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        text="virtual network|firewall|private (endpoint|link)|public access|network acl",
        hint="the resource takes calls from chosen networks only; allow this machine's on its page 'Networking'",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        404,
        codes=("DeploymentNotFound",),
        hint="the resource has no deployment of this name; set the deployment's own name as the model. "
        "A new one takes some minutes to appear",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        404,
        text="resource not found",
        hint="the endpoint is not that of an Azure OpenAI resource, or it does not know the API version; "
        "check both, or leave the version out",
    ),
    Row(
        FailureKind.MODEL_NOT_FOUND,
        400,
        codes=("OperationNotSupported",),
        hint="the model behind this deployment does not do this; set a deployment of one that does",
    ),
    Row(FailureKind.OVERLOADED, 429, text="high demand|no capacity"),
    *OPENAI_ROWS,
)
