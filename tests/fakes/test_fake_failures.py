import json
from datetime import UTC, datetime

import pytest

from ai_gateway.fakes import (
    Answer,
    FakeOpenAI,
    copilot_failures,
    ollama_failures,
    openai_failures,
)
from fakes.raw_http import RawResponse, ask

CHAT = "/v1/chat/completions"


async def sent(answer: Answer) -> RawResponse:
    async with FakeOpenAI() as upstream:
        upstream.fault(answer)
        return await ask(upstream, CHAT, {})


OPENAI = [
    (openai_failures.prompt_too_long(), 400, "invalid_request_error", "context_length_exceeded"),
    (openai_failures.unsupported_parameter(), 400, "invalid_request_error", "unsupported_parameter"),
    (openai_failures.unsupported_value(), 400, "invalid_request_error", "unsupported_value"),
    (openai_failures.unrecognized_argument(), 400, "invalid_request_error", None),
    (openai_failures.unverified_organization(), 400, "invalid_request_error", "unsupported_value"),
    (openai_failures.content_policy_violation(), 400, "invalid_request_error", "content_policy_violation"),
    (openai_failures.invalid_api_key(), 401, "invalid_request_error", "invalid_api_key"),
    (
        openai_failures.country_not_supported(),
        403,
        "request_forbidden",
        "unsupported_country_region_territory",
    ),
    (openai_failures.project_lacks_model(), 403, "invalid_request_error", "model_not_found"),
    (openai_failures.model_not_found(), 404, "invalid_request_error", "model_not_found"),
    (openai_failures.rate_limited(), 429, "requests", "rate_limit_exceeded"),
    (openai_failures.request_too_large(), 429, "tokens", "rate_limit_exceeded"),
    (openai_failures.slow_down(), 429, "rate_limit_error", "slow_down"),
    (openai_failures.insufficient_quota(), 429, "insufficient_quota", "insufficient_quota"),
    (openai_failures.server_error(), 500, "server_error", None),
    (openai_failures.overloaded(), 503, "service_unavailable_error", "server_is_overloaded"),
]


@pytest.mark.parametrize(("answer", "status", "kind", "code"), OPENAI)
async def test_openai_refuses_in_its_envelope(answer: Answer, status: int, kind: str, code: str | None) -> None:
    response = await sent(answer)
    error = json.loads(response.body)["error"]
    assert response.status == status
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == (kind, code)


COPILOT_TEXTS = [
    (copilot_failures.missing_editor_version(), 400, "missing Editor-Version header for IDE auth"),
    (copilot_failures.personal_access_token_unsupported(), 400, "Personal Access Tokens are not supported"),
    (copilot_failures.session_expired(), 401, "unauthorized: token expired"),
    (copilot_failures.quota_exceeded_text(), 402, "quota exceeded"),
    (copilot_failures.forbidden(), 403, "forbidden"),
    (copilot_failures.misdirected(), 421, "Misdirected Request"),
    (copilot_failures.content_filtered(), 422, "Responsible AI"),
    (copilot_failures.failed_dependency(), 424, "failed dependency"),
    (copilot_failures.client_outdated(), 466, "upgrade"),
    (copilot_failures.upstream_rate_limited(), 503, "upstream provider rate limit"),
]


@pytest.mark.parametrize(("answer", "status", "text"), COPILOT_TEXTS)
async def test_copilot_refuses_in_plain_text(answer: Answer, status: int, text: str) -> None:
    response = await sent(answer)
    assert (response.status, response.headers["content-type"]) == (status, "text/plain; charset=utf-8")
    assert text in response.body.decode()


COPILOT_CODES = [
    (copilot_failures.model_not_supported(), 400, "model_not_supported"),
    (copilot_failures.prompt_too_long(), 400, "model_max_prompt_tokens_exceeded"),
    (copilot_failures.unsupported_api_for_model(), 400, "unsupported_api_for_model"),
    (copilot_failures.off_topic(), 400, "off_topic"),
    (copilot_failures.quota_exceeded("billing_not_configured"), 402, "billing_not_configured"),
    (copilot_failures.rate_limited(), 429, "user_global_rate_limited:pro"),
    (copilot_failures.extension_blocked(), 429, "extension_blocked"),
    (copilot_failures.double_encoded(), 500, None),
]


@pytest.mark.parametrize(("answer", "status", "code"), COPILOT_CODES)
async def test_copilot_refuses_in_json(answer: Answer, status: int, code: str | None) -> None:
    response = await sent(answer)
    assert (response.status, json.loads(response.body)["error"]["code"]) == (status, code)


GITHUB = [
    (copilot_failures.bad_credentials(), 401, "Bad credentials"),
    (copilot_failures.not_entitled(), 403, "Resource not accessible by integration"),
    (copilot_failures.github_rate_limited(), 403, "API rate limit exceeded for user ID 1."),
    (
        copilot_failures.personal_access_token_refused(),
        403,
        "Resource not accessible by personal access token",
    ),
    (copilot_failures.not_found(), 404, "Not Found"),
    (copilot_failures.throttled(), 429, "Too many requests"),
]


@pytest.mark.parametrize(("answer", "status", "message"), GITHUB)
async def test_github_refuses_an_exchange_with_a_message(answer: Answer, status: int, message: str) -> None:
    response = await sent(answer)
    body = json.loads(response.body)
    assert (response.status, body["message"], body["status"]) == (status, message, str(status))


OLLAMA = [
    (ollama_failures.model_not_found("x"), 404, "model 'x' not found"),
    (ollama_failures.does_not_support("x", "tools"), 400, '"x" does not support tools'),
    (ollama_failures.prompt_too_long(), 400, "context length"),
    (ollama_failures.remote_model_refused(), 400, "cannot run this remote model"),
    (ollama_failures.cloud_unauthorized(), 401, "unauthorized"),
    (ollama_failures.cloud_disabled(), 403, "cloud is disabled"),
    (ollama_failures.out_of_memory(), 500, "requires more system memory"),
    (ollama_failures.runner_terminated(), 500, "llama runner process has terminated"),
    (ollama_failures.cloud_unreachable(), 502, "ollama.com"),
    (ollama_failures.server_busy(), 503, "please try again.  maximum pending"),
]


@pytest.mark.parametrize(("answer", "status", "text"), OLLAMA)
async def test_ollama_refuses_with_a_text(answer: Answer, status: int, text: str) -> None:
    response = await sent(answer)
    assert response.status == status
    assert text in json.loads(response.body)["error"]


async def test_a_missing_agent_consent_names_where_to_give_it() -> None:
    response = await sent(copilot_failures.agent_authorization_required())
    assert (response.status, set(json.loads(response.body))) == (401, {"authorize_url"})


async def test_a_double_encoded_error_holds_json_in_its_message() -> None:
    response = await sent(copilot_failures.double_encoded("exhausted"))
    inner = json.loads(json.loads(response.body)["error"]["message"])
    assert inner["error"]["message"] == "exhausted"


async def test_an_entitlement_can_be_missing_for_many_reasons() -> None:
    response = await sent(copilot_failures.not_entitled("billing_locked", "Your bill is due"))
    details = json.loads(response.body)["error_details"]
    assert (details["notification_id"], details["message"]) == ("billing_locked", "Your bill is due")


async def test_a_copilot_limit_names_its_family_and_its_end() -> None:
    end = datetime(2026, 12, 1, tzinfo=UTC)
    response = await sent(copilot_failures.rate_limited("user_weekly_rate_limited:pro", end))
    assert response.headers["x-ratelimit-exceeded"] == "user_weekly_rate_limited"
    assert response.headers["retry-after"] == "Tue, 01 Dec 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    "answer",
    [
        copilot_failures.quota_exceeded(retry_after=9),
        copilot_failures.quota_exceeded_text(retry_after=9),
        copilot_failures.github_rate_limited(retry_after=9),
        copilot_failures.throttled(9),
        openai_failures.rate_limited(9),
        openai_failures.overloaded(9),
    ],
)
async def test_a_limit_may_say_when_it_ends(answer: Answer) -> None:
    assert (await sent(answer)).headers["retry-after"] == "9"
