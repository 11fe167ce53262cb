"""Every documented refusal of OpenAI and compatible servers, said by a real server."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from ai_gateway.fakes import Answer, FakeOpenAI, openai_failures
from ai_gateway.model import EmbeddingInput
from ai_gateway.providers.openai.provider import OpenAIProvider
from ai_gateway.providers.openai.refusals import COMPATIBLE_ROWS
from ai_gateway.providers.refusals import GENERIC_ROWS
from support.asking import ask, failure_of
from support.refusals import (
    CHAT_CASES,
    GENERIC_CASES,
    Case,
    Kind,
    assert_every_row_has_its_case,
    check,
    named,
    said,
)

OPENAI_CASES = [
    *CHAT_CASES,
    Case("a prompt too long, as a 422", said(422, "maximum context length"), Kind.CONTEXT_TOO_LONG),
    *(
        Case(f"a safety policy: {code}", said(400, code=code), Kind.CONTENT_FILTER)
        for code in ("cyber_policy_violation", "bio_policy", "misalignment_policy_violation")
    ),
    Case("an unknown parameter", said(400, code="unknown_parameter"), Kind.UNSUPPORTED),
    Case("an unrecognized argument", openai_failures.unrecognized_argument(), Kind.UNSUPPORTED),
    Case("an organization that may not stream", openai_failures.unverified_organization(), Kind.UNSUPPORTED),
    Case("a model of another API", openai_failures.responses_only(), Kind.MODEL_NOT_FOUND, "choose one that can"),
    Case("a model without chat", openai_failures.not_a_chat_model(), Kind.MODEL_NOT_FOUND, "choose one that can"),
    Case("a project without the model", openai_failures.project_lacks_model(), Kind.ENTITLEMENT, "project's limits"),
    Case("a bad key", openai_failures.invalid_api_key(), Kind.AUTH),
    Case("an address that is not allowed", openai_failures.ip_not_authorized(), Kind.AUTH, "IP allowlist"),
    Case("an account in no organization", openai_failures.not_in_an_organization(), Kind.AUTH, "organization"),
    Case("another organization", openai_failures.wrong_organization(), Kind.AUTH, "organization"),
    Case("a restricted key", openai_failures.missing_scope(), Kind.AUTH, "restricted"),
    Case("a country", openai_failures.country_not_supported(), Kind.ENTITLEMENT, "country"),
    Case("an engine with too many others", openai_failures.engine_overloaded(), Kind.OVERLOADED),
    Case("too fast a rise, as a 503", openai_failures.slow_down_503(), Kind.RATE_LIMIT),
    Case("a server's fault", openai_failures.server_error(), Kind.SERVER),
    Case("an overload", openai_failures.overloaded(), Kind.OVERLOADED),
]

COMPATIBLE_CASES = [
    Case(
        "llama.cpp, while it loads its model",
        said(503, "Loading model", code=503, type="unavailable_error"),
        Kind.LOADING,
    ),
    *(
        Case(f"LM Studio without a model, {status}", Answer.of(body, status), Kind.LOADING, "lms load")
        for status, body in (
            (400, {"error": "No model loaded. Please load one first."}),
            (404, {"error": {"message": "No models loaded. Please load a model in the developer page."}}),
        )
    ),
    Case(
        "LM Studio, of a path", Answer.of({"error": "Unexpected endpoint or method."}, 404), Kind.MODEL_NOT_FOUND, "/v1"
    ),
    Case(
        "llama.cpp without embeddings",
        said(501, "This server does not support embeddings.", code=501, type="not_supported_error"),
        Kind.UNSUPPORTED,
        "--embeddings",
    ),
    Case(
        "llama.cpp without templates",
        said(500, "tools param requires --jinja flag", code=500, type="server_error"),
        Kind.UNSUPPORTED,
        "--jinja",
    ),
    Case("llama.cpp, of a suffix", openai_failures.unsupported_param("suffix"), Kind.UNSUPPORTED),
    Case("vLLM, of a suffix", openai_failures.suffix_unsupported(), Kind.UNSUPPORTED),
    Case("a model without completions", openai_failures.not_a_completion_model(), Kind.MODEL_NOT_FOUND),
    Case("a model without tools", said(400, "gemma does not support tools"), Kind.UNSUPPORTED, "can't call tools"),
    Case("xAI, to a wrong key", Answer.of({"code": "x", "error": "Incorrect API key provided: xai"}, 400), Kind.AUTH),
    Case(
        "Gemini, to a wrong key",
        Answer.of([{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}], 400),
        Kind.AUTH,
    ),
    Case("OpenRouter, without credits", said(402, "Insufficient credits", code=402), Kind.QUOTA),
    Case("OpenRouter, after moderation", said(403, "your input was flagged", code=403), Kind.CONTENT_FILTER),
    Case(
        "OpenRouter, with nobody to ask",
        said(404, "No endpoints found matching your data policy.", code=404),
        Kind.MODEL_NOT_FOUND,
        "data policy",
    ),
    Case("vLLM, of a model", said(404, "The model `x` does not exist.", code=404), Kind.MODEL_NOT_FOUND),
    Case(
        "FastAPI, of a field",
        Answer.of({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}, 422),
        Kind.UNSUPPORTED,
    ),
    Case("FastAPI's envelope", Answer.of({"detail": "maximum context length"}, 400), Kind.CONTEXT_TOO_LONG),
    Case("an envelope in a list", Answer.of([{"error": {"message": "context window"}}], 400), Kind.CONTEXT_TOO_LONG),
    Case("an error that is a text", Answer.of({"error": "context window"}, 400), Kind.CONTEXT_TOO_LONG),
    Case("a bare message", Answer.of({"message": "context window"}, 400), Kind.CONTEXT_TOO_LONG),
    Case("JSON of no use", Answer.of([1], 400), Kind.BAD_REQUEST),
    Case("an error of no use", Answer.of({"error": 5}, 500), Kind.SERVER),
    *GENERIC_CASES,
]


@pytest.mark.parametrize("case", named(OPENAI_CASES + COMPATIBLE_CASES))
async def test_openai_or_a_compatible_server_refuses(case: Case) -> None:
    async with FakeOpenAI() as upstream, aclosing(OpenAIProvider(base_url=upstream.base_url)) as provider:
        upstream.fault(case.answer)
        check(await failure_of(ask(provider)), case)
        assert len(upstream.requests) == 1


def test_every_row_has_its_case() -> None:
    assert_every_row_has_its_case((*COMPATIBLE_ROWS, *GENERIC_ROWS), OPENAI_CASES + COMPATIBLE_CASES)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "Slow", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}, Kind.RATE_LIMIT),
        ({"error": {"message": "Loading model", "code": 503, "type": "unavailable_error"}}, Kind.LOADING),
        ({"error": {"message": "No", "code": 402}, "choices": [{"finish_reason": "error"}]}, Kind.QUOTA),
        ({"error": {"message": "No", "code": 400, "type": "exceed_context_size_error"}}, Kind.CONTEXT_TOO_LONG),
        ({"error": {"message": "No", "code": None, "type": "exceed_context_size_error"}}, Kind.CONTEXT_TOO_LONG),
        ({"error": {"message": "No", "code": "unsupported_value"}}, Kind.UNSUPPORTED),
        ({"error": "upstream connect error"}, Kind.SERVER),
        ([{"error": {"message": "No", "code": 429, "status": "RESOURCE_EXHAUSTED"}}], Kind.RATE_LIMIT),
        ({"object": "error", "message": "maximum context length", "code": 400}, Kind.CONTEXT_TOO_LONG),
        ({"detail": "Internal Server Error"}, Kind.SERVER),
        ({"error": "Unexpected endpoint or method. (POST /chat/completions)"}, Kind.MODEL_NOT_FOUND),
    ],
)
async def test_an_error_with_status_200_is_the_error_that_it_would_have_been(body: object, kind: Kind) -> None:
    async with FakeOpenAI() as upstream, aclosing(OpenAIProvider(base_url=upstream.base_url)) as provider:
        upstream.fault(Answer.of(body), times=None, path="")
        assert (await failure_of(ask(provider))).kind is kind
        if isinstance(body, dict):
            assert (await failure_of(provider.embed(EmbeddingInput(("a",)), "m"))).kind is kind
            assert (await failure_of(provider.check("m"))).kind is kind


@pytest.mark.parametrize("body", [b"{malformed json: <<<", b'{"message": "Oops"}', b"[1]", b"data: oops\n\n"])
async def test_a_200_that_holds_no_completion_is_the_servers_fault(body: bytes) -> None:
    async with FakeOpenAI() as upstream, aclosing(OpenAIProvider(base_url=upstream.base_url)) as provider:
        upstream.fault(Answer.of(body, content_type="application/json"))
        assert (await failure_of(ask(provider))).kind is Kind.SERVER
