"""The upstreams of the matrix: how each is faked and named in settings, and how it says no in its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ai_gateway.fakes import (
    Answer,
    FakeAnthropic,
    FakeCopilot,
    FakeGemini,
    FakeOllama,
    FakeOpenAI,
    FakeUpstream,
    anthropic_failures,
    copilot_failures,
    gemini_failures,
    ollama_failures,
    openai_failures,
)
from ai_gateway.model import Backend

MODEL = "llama3.2"
TOKEN = "ghu_fake"
KEY = "sk-fake"


@dataclass(frozen=True, eq=False)
class Wire:
    """One provider as the matrix needs it.

    Attributes:
        name: As the gateway names it.
        section: Of the settings.
        refusals: In its own words, by what they mean; it has no words for the others.
    """

    name: str
    section: str
    backend: Backend
    fake: Callable[[], FakeUpstream]
    settings: Callable[[FakeUpstream], Mapping[str, object]]
    refusals: Mapping[str, Answer]


COPILOT = Wire(
    "copilot",
    "copilot",
    Backend.COPILOT,
    FakeCopilot,
    lambda fake: {"token": TOKEN, "api_url": fake.url, "server_url": fake.url},
    {
        "quota": copilot_failures.quota_exceeded(),
        "401": copilot_failures.session_expired(),
        "403": copilot_failures.forbidden(),
        "too long": copilot_failures.prompt_too_long(),
        "filtered": copilot_failures.content_filtered(),
        "unknown model": copilot_failures.model_not_supported(),
        "overloaded": copilot_failures.rate_limited("model_overloaded"),
        "bad request": copilot_failures.invalid_request_body(),
        "no temperature": openai_failures.unsupported_value("temperature"),
        "invalid value": openai_failures.refusal(400, "temperature is out of range", code="invalid_value"),
    },
)
OPENAI = Wire(
    "openai",
    "openai",
    Backend.CLOUD,
    FakeOpenAI,
    lambda fake: {"base_url": fake.base_url, "api_key": KEY},
    {
        "quota": openai_failures.insufficient_quota(),
        "401": openai_failures.invalid_api_key(),
        "403": openai_failures.country_not_supported(),
        "too long": openai_failures.prompt_too_long(),
        "filtered": openai_failures.content_policy_violation(),
        "unknown model": openai_failures.model_not_found(),
        "overloaded": openai_failures.overloaded(),
        "loading": openai_failures.refusal(503, "Loading model", "unavailable_error"),
        "bad request": openai_failures.refusal(400, "No."),
        "no temperature": openai_failures.unsupported_value("temperature"),
        "invalid value": openai_failures.refusal(400, "temperature is out of range", code="invalid_value"),
    },
)
ANTHROPIC = Wire(
    "anthropic",
    "anthropic",
    Backend.CLOUD,
    FakeAnthropic,
    lambda fake: {"base_url": fake.base_url, "api_key": KEY},
    {
        "quota": anthropic_failures.credit_too_low(),
        "401": anthropic_failures.invalid_api_key(),
        "403": anthropic_failures.permission_denied(),
        "too long": anthropic_failures.prompt_too_long(),
        "filtered": anthropic_failures.content_filtered(),
        "unknown model": anthropic_failures.model_not_found(),
        "overloaded": anthropic_failures.overloaded(),
        "bad request": anthropic_failures.bad_request("No."),
        "no temperature": anthropic_failures.deprecated_parameter("temperature"),
    },
)
GEMINI = Wire(
    "gemini",
    "gemini",
    Backend.CLOUD,
    FakeGemini,
    lambda fake: {"base_url": fake.base_url, "api_key": KEY},
    {
        "quota": gemini_failures.credits_depleted(),
        "401": gemini_failures.unauthenticated(),
        "403": gemini_failures.service_disabled(),
        "too long": gemini_failures.prompt_too_long(),
        "unknown model": gemini_failures.model_not_found(),
        "overloaded": gemini_failures.overloaded(),
        "bad request": gemini_failures.refusal(400, "No."),
    },
)
OLLAMA = Wire(
    "ollama",
    "local",
    Backend.LOCAL,
    lambda: FakeOllama(models=[MODEL]),
    lambda fake: {"base_url": fake.base_url, "model": MODEL},
    {
        "401": ollama_failures.cloud_unauthorized(),
        "403": ollama_failures.host_not_allowed(),
        "too long": ollama_failures.prompt_too_long(),
        "unknown model": ollama_failures.model_not_found(MODEL),
        "overloaded": ollama_failures.server_busy(),
        "bad request": ollama_failures.missing_body(),
    },
)

ROLES = (COPILOT, OPENAI, OLLAMA)
"""One for each role that a person sees."""
OTHER_CLOUDS = (ANTHROPIC, GEMINI)
AFTER = {wire.name: OPENAI if wire is not OPENAI else OLLAMA for wire in (*ROLES, *OTHER_CLOUDS)}
"""Who stands after it in the chain, and is well."""
