"""The refusals of GitHub Copilot, as answers: `upstream.fault(copilot_failures.quota_exceeded())`.

The first group belongs to the session-token exchange, on api.github.com:
`upstream.fault(copilot_failures.not_entitled(), path=FakeCopilot.exchange_path)`. The second belongs to chat.
Neither is documented; the bodies are those reported by users and read by clients.
"""

from ai_gateway.fakes.answers import Answer, RetryAfter, retry_headers

_DOCS = "https://docs.github.com/rest"


def _github(status: int, message: str, retry_after: RetryAfter | None = None, **more: object) -> Answer:
    body = {**more, "message": message, "documentation_url": _DOCS, "status": str(status)}
    return Answer.of(body, status, headers=retry_headers(retry_after))


def _error(
    status: int,
    code: str | None,
    message: str,
    *,
    retry_after: RetryAfter | None = None,
    content_type: str | None = None,
    **more: object,
) -> Answer:
    error = {"message": message, "code": code, **more}
    return Answer.of({"error": error}, status, content_type=content_type, headers=retry_headers(retry_after))


def bad_credentials() -> Answer:
    """401: the OAuth token was revoked or has expired."""
    return _github(401, "Bad credentials")


def not_entitled(
    notification_id: str = "no_copilot_access",
    message: str = "No access to GitHub Copilot found. You are currently logged in as octocat.",
) -> Answer:
    """403: a valid login without Copilot."""
    details = {
        "message": message,
        "notification_id": notification_id,
        "title": "Sign up for GitHub Copilot",
        "url": "https://github.com/github-copilot/signup?editor={EDITOR}",
    }
    return _github(403, "Resource not accessible by integration", can_signup_for_limited=True, error_details=details)


def github_rate_limited(retry_after: RetryAfter | None = None) -> Answer:
    """403: GitHub's REST limit, which is not a 429."""
    return _github(403, "API rate limit exceeded for user ID 1.", retry_after)


def personal_access_token_refused() -> Answer:
    """403: a `github_pat_…` cannot be exchanged."""
    return _github(403, "Resource not accessible by personal access token")


def not_found() -> Answer:
    """404: this app may not exchange, or the account has no Copilot."""
    return _github(404, "Not Found")


def throttled(retry_after: RetryAfter | None = 30) -> Answer:
    """429: too many exchanges."""
    return _github(429, "Too many requests", retry_after)


def model_not_supported() -> Answer:
    """400: not in the plan, or not for this client; JSON that calls itself text."""
    return _error(
        400,
        "model_not_supported",
        "The requested model is not supported.",
        content_type="text/plain; charset=utf-8",
        param="model",
        type="invalid_request_error",
    )


def prompt_too_long(tokens: int = 138_898, limit: int = 64_000) -> Answer:
    """400: longer than Copilot allows for this model."""
    message = f"prompt token count of {tokens} exceeds the limit of {limit}"
    return _error(400, "model_max_prompt_tokens_exceeded", message)


def unsupported_api_for_model(model: str = "gpt-5-codex") -> Answer:
    """400: the model answers elsewhere."""
    message = f'model "{model}" is not accessible via the /chat/completions endpoint'
    return _error(400, "unsupported_api_for_model", message)


def missing_editor_version() -> Answer:
    """400: a session token without the editor's name."""
    return Answer.of("bad request: missing Editor-Version header for IDE auth\n", 400)


def personal_access_token_unsupported() -> Answer:
    """400: a `github_pat_…` as bearer."""
    return Answer.of(
        "checking third-party user token: bad request: Personal Access Tokens are not supported for this endpoint\n",
        400,
    )


def unknown_integration() -> Answer:
    """400: an integration id that Copilot does not know."""
    return Answer.of("bad request: unknown Copilot-Integration-Id\n", 400)


def invalid_request_body(message: str = "invalid request body") -> Answer:
    """400: a body that makes no sense."""
    return _error(400, "invalid_request_body", message)


def off_topic() -> Answer:
    """400: the old filter for questions that are not about programming."""
    return _error(400, "off_topic", "off_topic")


def session_expired() -> Answer:
    """401: exchange again."""
    return Answer.of("unauthorized: token expired\n", 401)


def agent_authorization_required() -> Answer:
    """401: an agent wants its own consent."""
    return Answer.of({"authorize_url": "https://github.com/login/oauth/authorize?client_id=fake"}, 401)


def quota_exceeded(code: str = "quota_exceeded", retry_after: RetryAfter | None = None) -> Answer:
    """402: credits, quota or budget used up; `code` may be `free_quota_exceeded`, `billing_not_configured` …."""
    return _error(402, code, "You have no quota", retry_after=retry_after)


def quota_exceeded_text(retry_after: RetryAfter | None = None) -> Answer:
    """402 in two bare words."""
    return Answer.of("quota exceeded\n", 402, headers=retry_headers(retry_after))


def forbidden() -> Answer:
    """403: a policy, the place, or abuse detection."""
    return Answer.of("forbidden\n", 403)


def misdirected() -> Answer:
    """421: the host of another plan."""
    return Answer.of("Misdirected Request\n", 421)


def content_filtered() -> Answer:
    """422: refused for its content."""
    return Answer.of("Response was filtered by the Responsible AI Service\n", 422)


def failed_dependency() -> Answer:
    """424."""
    return Answer.of("failed dependency\n", 424)


def rate_limited(code: str = "user_global_rate_limited:pro", retry_after: RetryAfter | None = None) -> Answer:
    """429: the family stands before the colon (`user_weekly_rate_limited`, `model_overloaded` …)."""
    limited = _error(429, code, "Sorry, you've exceeded your rate limits.", retry_after=retry_after)
    return limited.with_headers({"x-ratelimit-exceeded": code.partition(":")[0]})


def extension_blocked() -> Answer:
    """429: our kind of client is blocked."""
    return _error(429, "extension_blocked", "This extension has been blocked.", type="rate_limit_error")


def client_outdated() -> Answer:
    """466: the client or its API version is too old."""
    return Answer.of("client version not supported: please upgrade\n", 466)


def upstream_rate_limited() -> Answer:
    """503: the provider behind Copilot is limiting."""
    return Answer.of("upstream provider rate limit exceeded\n", 503)


def double_encoded(message: str = "Resource has been exhausted") -> Answer:
    """500: the error of a provider behind Copilot, as JSON inside the message."""
    inner = '{"error":{"code":429,"message":"' + message + '","status":"RESOURCE_EXHAUSTED"}}'
    return _error(500, None, inner)
