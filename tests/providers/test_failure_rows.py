"""Every documented refusal, said by a real server: what it is called, and what a person is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.fakes import (
    Answer,
    FakeCopilot,
    FakeOllama,
    FakeOpenAI,
    Fault,
    copilot_failures,
    ollama_failures,
    openai_failures,
)
from ai_gateway.providers.copilot import COPILOT_ROWS, EXCHANGE_ROWS, ClientIdentity, CopilotProvider
from ai_gateway.providers.failure_rows import (
    GENERIC_ROWS,
    Row,
    error_response,
    read_failure,
    retry_after_seconds,
    stream_error,
)
from ai_gateway.providers.ollama import OLLAMA_ROWS, OllamaProvider
from ai_gateway.providers.openai import OpenAIProvider
from ai_gateway.providers.openai_chat import OPENAI_ROWS
from support.asking import ask, failure_of

NOW = 1_800_000_000.0
HTML = "<!DOCTYPE html><title>Sign in</title>"

Kind = FailureKind


@dataclass(frozen=True)
class Case:
    """A refusal, what it is to be called, and words of the hint."""

    name: str
    answer: Answer
    kind: FailureKind
    hint: str = ""


def said(status: int, message: str = "No.", *, code: object = None, type: object = None) -> Answer:  # noqa: A002 - the wire's name
    return Answer.of({"error": {"message": message, "type": type, "param": None, "code": code}}, status)


def page(status: int) -> Answer:
    return Answer.of(HTML, status, content_type="text/html; charset=utf-8", bare=True)


GENERIC_CASES = [
    *(
        Case(f"an HTML page with {status}", page(status), Kind.NETWORK, "sign-in page")
        for status in (200, 301, 302, 303, 307, 308, 400, 403, 404, 405, 407, 451, 511)
    ),
    Case("HTML that calls itself text", Answer.of(HTML, 403), Kind.NETWORK, "sign-in page"),
    *(
        Case(f"a redirect {status}", Answer.of("", status, headers={"Location": "/v2"}), Kind.NETWORK, "redirects")
        for status in (301, 302, 303, 307, 308)
    ),
    Case("a proxy that wants a sign-in", Answer.of("", 407), Kind.NETWORK, "proxy"),
    Case("a network that wants a sign-in", Answer.of("", 511), Kind.NETWORK, "proxy"),
    Case("401", said(401), Kind.AUTH),
    Case("401 without a body", Answer.of("", 401), Kind.AUTH),
    Case("402", said(402), Kind.QUOTA),
    Case("403", said(403), Kind.ENTITLEMENT),
    Case("451", said(451), Kind.ENTITLEMENT),
    Case("404 of a model", said(404, "there is no model x"), Kind.MODEL_NOT_FOUND),
    Case("404 of a path", Answer.of("404 page not found", 404), Kind.MODEL_NOT_FOUND, "base URL"),
    Case("413", Answer.of("", 413), Kind.CONTEXT_TOO_LONG),
    Case("503 of an overload, by its code", said(503, code="server_is_overloaded"), Kind.OVERLOADED),
    Case("503 of an overload, by its type", said(503, type="overloaded_error"), Kind.OVERLOADED),
    Case("529", Answer.of("", 529), Kind.OVERLOADED),
    Case("429", said(429), Kind.RATE_LIMIT),
    *(Case(str(status), said(status), Kind.SERVER) for status in (408, 409, 424, 425, 499, 500, 502, 504, 520, 599)),
    Case("an HTML page with 502", page(502), Kind.SERVER),
    Case("a status that nobody knows", Answer.of("", 999), Kind.SERVER),
    Case("a success that is none", Answer.of("", 206), Kind.SERVER),
    *(Case(str(status), said(status), Kind.BAD_REQUEST) for status in (400, 406, 410, 418, 422)),
]

CHAT_CASES = [
    *(
        Case(f"a prompt too long: {code}", said(400, code=code), Kind.CONTEXT_TOO_LONG)
        for code in ("context_length_exceeded", "model_max_prompt_tokens_exceeded")
    ),
    Case(
        "a prompt too long, of llama.cpp", said(400, code=400, type="exceed_context_size_error"), Kind.CONTEXT_TOO_LONG
    ),
    *(
        Case(f"a prompt too long, in words: {text}", said(status, text), Kind.CONTEXT_TOO_LONG)
        for status, text in (
            (400, "This model's maximum context length is 8192 tokens."),
            (413, "Your input exceeds the context window of this model."),
            (400, "prompt token count of 138898 exceeds the limit of 64000"),
            (400, "the request exceeds the available context size"),
        )
    ),
    *(
        Case(f"a content filter: {status} {code}", said(status, code=code), Kind.CONTENT_FILTER)
        for status, code in (
            (400, "content_policy_violation"),
            (400, "invalid_prompt"),
            (400, "content_filter"),
            (403, "content_policy_violation"),
        )
    ),
    Case("an unsupported parameter", openai_failures.unsupported_parameter("seed"), Kind.UNSUPPORTED),
    Case("an unsupported value", openai_failures.unsupported_value(), Kind.UNSUPPORTED),
    *(
        Case(f"an unknown model: {status}", said(status, code="model_not_found"), Kind.MODEL_NOT_FOUND)
        for status in (400, 403, 404)
    ),
    *(
        Case(f"an invalid request: {code}", said(400, code=code), Kind.INVALID_REQUEST)
        for code in ("invalid_value", "invalid_type", "string_above_max_length", "integer_above_max_value")
    ),
    *(
        Case(f"no money: {code}", openai_failures.insufficient_quota(code), Kind.QUOTA)
        for code in (
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "billing_hard_limit_reached",
            "billing_not_active",
        )
    ),
    Case("no money, by its type alone", said(429, type="insufficient_quota"), Kind.QUOTA),
    Case("a request larger than the rate", openai_failures.request_too_large(), Kind.CONTEXT_TOO_LONG),
    Case("a rate limit", openai_failures.rate_limited(), Kind.RATE_LIMIT),
    Case("too fast a rise", openai_failures.slow_down(), Kind.RATE_LIMIT),
]

OPENAI_CASES = [
    *CHAT_CASES,
    Case("a model that is loading", said(503, "Loading model", code=503, type="unavailable_error"), Kind.LOADING),
    Case("a prompt too long, as a 422", said(422, "maximum context length"), Kind.CONTEXT_TOO_LONG),
    Case("a bad key", openai_failures.invalid_api_key(), Kind.AUTH),
    Case("a country", openai_failures.country_not_supported(), Kind.ENTITLEMENT),
    Case("a project without the model", openai_failures.project_lacks_model(), Kind.MODEL_NOT_FOUND),
    Case("a server's fault", openai_failures.server_error(), Kind.SERVER),
    Case("an overload", openai_failures.overloaded(), Kind.OVERLOADED),
    Case("FastAPI's envelope", Answer.of({"detail": "maximum context length"}, 400), Kind.CONTEXT_TOO_LONG),
    Case("an envelope in a list", Answer.of([{"error": {"message": "context window"}}], 400), Kind.CONTEXT_TOO_LONG),
    Case("an error that is a text", Answer.of({"error": "context window"}, 400), Kind.CONTEXT_TOO_LONG),
    Case("a bare message", Answer.of({"message": "context window"}, 400), Kind.CONTEXT_TOO_LONG),
    Case("JSON of no use", Answer.of([1], 400), Kind.BAD_REQUEST),
    Case("an error of no use", Answer.of({"error": 5}, 500), Kind.SERVER),
    *GENERIC_CASES,
]

COPILOT_CASES = [
    *CHAT_CASES,
    Case("a personal access token", copilot_failures.personal_access_token_unsupported(), Kind.AUTH),
    Case("a model outside the plan", copilot_failures.model_not_supported(), Kind.ENTITLEMENT),
    Case("a model of another API", copilot_failures.unsupported_api_for_model(), Kind.ENTITLEMENT),
    Case("off topic", copilot_failures.off_topic(), Kind.CONTENT_FILTER),
    Case("a filtered response", copilot_failures.content_filtered(), Kind.CONTENT_FILTER),
    Case("no quota", copilot_failures.quota_exceeded(), Kind.QUOTA, "resets with the month"),
    Case("no quota, in two words", copilot_failures.quota_exceeded_text(), Kind.QUOTA, "resets with the month"),
    Case("the limit of a week", copilot_failures.rate_limited("user_weekly_rate_limited:pro"), Kind.QUOTA),
    Case("the limit of a session", copilot_failures.rate_limited(), Kind.RATE_LIMIT),
    Case("a blocked client", copilot_failures.extension_blocked(), Kind.RATE_LIMIT),
    Case("the host of another plan", copilot_failures.misdirected(), Kind.BAD_REQUEST),
    Case("an old client", copilot_failures.client_outdated(), Kind.ENTITLEMENT, "update AI Gateway"),
    Case("a limit of the provider behind", copilot_failures.upstream_rate_limited(), Kind.OVERLOADED),
    Case("a prompt too long for Copilot", copilot_failures.prompt_too_long(), Kind.CONTEXT_TOO_LONG),
    Case("a missing header", copilot_failures.missing_editor_version(), Kind.BAD_REQUEST),
    Case("an expired session", copilot_failures.session_expired(), Kind.AUTH),
    Case("an agent's consent", copilot_failures.agent_authorization_required(), Kind.AUTH),
    Case("a policy", copilot_failures.forbidden(), Kind.ENTITLEMENT),
    Case("a failed dependency", copilot_failures.failed_dependency(), Kind.SERVER),
    Case("an error within an error", copilot_failures.double_encoded(), Kind.SERVER),
    Case("a proxy's 503", page(503), Kind.SERVER),
]

EXCHANGE_CASES = [
    Case("a revoked token", copilot_failures.bad_credentials(), Kind.AUTH, "sign in again"),
    Case("GitHub's rate limit", copilot_failures.github_rate_limited(), Kind.RATE_LIMIT),
    Case("a personal access token", copilot_failures.personal_access_token_refused(), Kind.AUTH, "OAuth token"),
    Case("no Copilot on the account", copilot_failures.not_entitled(), Kind.ENTITLEMENT, "no access to Copilot"),
    Case("no exchange for this app", copilot_failures.not_found(), Kind.ENTITLEMENT, "no access to Copilot"),
    Case("too many exchanges", copilot_failures.throttled(), Kind.RATE_LIMIT),
    Case("a server's fault", Answer.of("", 500), Kind.SERVER),
    Case("a proxy's page", page(502), Kind.SERVER),
    Case("a portal's 403", page(403), Kind.NETWORK, "sign-in page"),
    Case("a portal's 200", page(200), Kind.NETWORK, "sign-in page"),
    Case("a success without JSON", Answer.of("ok"), Kind.SERVER),
    Case("a success without a token", Answer.of({"token": None}), Kind.SERVER),
    Case("a success with a list", Answer.of([]), Kind.SERVER),
]

OLLAMA_CASES = [
    Case(
        "a model that was not pulled", ollama_failures.model_not_found("x"), Kind.MODEL_NOT_FOUND, "ollama pull llama3"
    ),
    Case("another server", Answer.of("404 page not found", 404), Kind.MODEL_NOT_FOUND, "base URL"),
    Case("a prompt too long", ollama_failures.context_too_long(), Kind.CONTEXT_TOO_LONG),
    Case("no tools", ollama_failures.does_not_support(), Kind.UNSUPPORTED),
    Case("too little memory", ollama_failures.out_of_memory(), Kind.SERVER, "smaller one"),
    Case("a dead runner", ollama_failures.runner_terminated(), Kind.SERVER),
    Case("a full queue", ollama_failures.server_busy(), Kind.OVERLOADED),
    Case("a cloud model without sign-in", ollama_failures.cloud_unauthorized(), Kind.ENTITLEMENT, "cloud models"),
    Case("a cloud model without the cloud", ollama_failures.cloud_disabled(), Kind.ENTITLEMENT, "cloud models"),
    Case("an unreachable cloud", ollama_failures.cloud_unreachable(), Kind.ENTITLEMENT, "cloud models"),
    Case("a remote model refused", ollama_failures.remote_model_refused(), Kind.BAD_REQUEST),
    Case("a proxy before it", page(502), Kind.SERVER),
    Case("a portal before it", page(403), Kind.NETWORK, "sign-in page"),
]


def named(cases: Iterable[Case]) -> list[object]:
    return [pytest.param(case, id=case.name) for case in cases]


def check(failure: ProviderFailure, case: Case) -> None:
    assert failure.kind is case.kind
    assert failure.status == case.answer.status
    assert case.hint in (failure.hint or "")


@pytest.mark.parametrize("case", named(OPENAI_CASES))
async def test_openai_refuses(case: Case) -> None:
    async with FakeOpenAI() as upstream, aclosing(OpenAIProvider(base_url=upstream.base_url)) as provider:
        upstream.fault(case.answer)
        check(await failure_of(ask(provider)), case)
        assert len(upstream.requests) == 1


def copilot(upstream: FakeCopilot) -> CopilotProvider:
    return CopilotProvider("ghu_fake", identity=ClientIdentity("Tests", "1.0"), github_api_url=upstream.url)


@pytest.mark.parametrize("case", named(COPILOT_CASES))
async def test_copilot_refuses(case: Case) -> None:
    async with FakeCopilot() as upstream, aclosing(copilot(upstream)) as provider:
        upstream.fault(case.answer)
        check(await failure_of(ask(provider)), case)
        assert upstream.calls == 1


@pytest.mark.parametrize("case", named(EXCHANGE_CASES))
async def test_githubs_token_exchange_refuses(case: Case) -> None:
    async with FakeCopilot() as upstream, aclosing(copilot(upstream)) as provider:
        upstream.fault(case.answer, path=FakeCopilot.exchange_path)
        failure = await failure_of(ask(provider))
        assert failure.kind is case.kind
        assert case.hint in (failure.hint or "")
        assert upstream.calls == 0


@pytest.mark.parametrize("case", named(OLLAMA_CASES))
async def test_ollama_refuses(case: Case) -> None:
    async with FakeOllama() as upstream, aclosing(OllamaProvider(base_url=upstream.base_url)) as provider:
        upstream.fault(case.answer)
        check(await failure_of(ask(provider, "llama3")), case)


@pytest.mark.parametrize(
    ("rows", "cases"),
    [
        ((*OPENAI_ROWS, *GENERIC_ROWS), OPENAI_CASES),
        ([row for row in COPILOT_ROWS if row not in OPENAI_ROWS], COPILOT_CASES),
        (EXCHANGE_ROWS, EXCHANGE_CASES),
        (OLLAMA_ROWS, OLLAMA_CASES),
    ],
    ids=["openai", "copilot", "exchange", "ollama"],
)
def test_every_row_has_its_case(rows: Sequence[Row], cases: list[Case]) -> None:
    met = set()
    for case in cases:
        headers = {"content-type": case.answer.content_type}
        body = b"".join(frame.data for frame in case.answer.frames)
        response = error_response(case.answer.status, headers, body, now=NOW)
        met.add(next((row for row in rows if row.matches(response)), None))
    assert set(rows) <= met


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        (Fault.rate_limited(30), 30, 30),
        (Fault.rate_limited("1.5"), 1.5, 1.5),
        (Fault.rate_limited(0), 0, 0),
        (Fault.rate_limited(-5), 0, 0),
        (Fault.rate_limited(datetime.now(UTC) + timedelta(hours=1)), 1, 3601),
        (Fault.rate_limited(datetime.now(UTC) - timedelta(hours=1)), 0, 0),
        (Fault.rate_limited(retry_after_ms=1500), 1.5, 1.5),
        (Fault.rate_limited(9, retry_after_ms=250), 0.25, 0.25),
        (Fault.rate_limited(10**9), 31 * 24 * 3600, 31 * 24 * 3600),
        (Fault.answer(said(429, "Please try again in 20ms.")), 0.02, 0.02),
        (Fault.answer(said(429, "Please retry in 37.8s.")), 37.8, 37.8),
        (Fault.answer(said(429, "Try again in 6m0s")), 360, 360),
        (Fault.answer(said(429, "try again in 1h2m3.5s")), 3723.5, 3723.5),
        (Fault.answer(said(429, "retry after 2 minutes")), 120, 120),
        (Fault.answer(said(429, "retry after 3 hours and more")), 10800, 10800),
        (Fault.answer(said(429, "retry after 250 milliseconds")), 0.25, 0.25),
        (Fault.answer(Answer.of("quota: retry after 10 seconds", 429)), 10, 10),
    ],
)
async def test_a_wait_is_read_in_every_form(fault: Fault, least: float, most: float) -> None:
    async with FakeOpenAI() as upstream, aclosing(OpenAIProvider(base_url=upstream.base_url)) as provider:
        upstream.fault(fault)
        failure = await failure_of(ask(provider))
        assert failure.retry_after_seconds is not None
        assert least <= failure.retry_after_seconds <= most


@pytest.mark.parametrize(
    "fault",
    [
        Fault.rate_limited(),
        Fault.rate_limited("soon"),
        Fault.rate_limited("nan"),
        Fault.rate_limited("Wed, 99 Foo 2026"),
        Fault.answer(said(429, "try again in 1.2.3 s")),
        Fault.answer(said(429, "try again in 5 attempts")),
        Fault.answer(said(429, "try again in a while")),
    ],
)
async def test_a_wait_that_is_none_is_left_out(fault: Fault) -> None:
    async with FakeOpenAI() as upstream, aclosing(OpenAIProvider(base_url=upstream.base_url)) as provider:
        upstream.fault(fault)
        assert (await failure_of(ask(provider))).retry_after_seconds is None


@settings(deadline=None)
@given(
    st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,5} \d\d:\d\d:\d\d( [+-]?\w{0,5})?"), st.text()
)
def test_no_header_and_no_message_raises(value: str, message: str) -> None:
    headers = {"retry-after": value, "retry-after-ms": value}
    wait = retry_after_seconds(headers, message, now=NOW)
    assert wait is None or isinstance(wait, float)


ENVELOPE = st.sampled_from(["error", "message", "code", "type", "status", "param", "detail"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ENVELOPE | st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.integers(100, 999), JSON | st.dictionaries(ENVELOPE, JSON))
def test_any_body_leads_to_a_failure(status: int, body: object) -> None:
    response = error_response(status, {}, json.dumps(body).encode(), now=NOW)
    for rows in (OPENAI_ROWS, COPILOT_ROWS, EXCHANGE_ROWS, OLLAMA_ROWS):
        assert isinstance(read_failure(rows, response), ProviderFailure)
    assert isinstance(read_failure(OPENAI_ROWS, stream_error(body, status=body, now=NOW)), ProviderFailure)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ("Internal error", None, Kind.SERVER),
        ({"message": "Overloaded", "type": "overloaded_error"}, None, Kind.OVERLOADED),
        ({"message": "", "code": "rate_limit_exceeded"}, None, Kind.RATE_LIMIT),
        ({"message": "", "code": "insufficient_quota"}, None, Kind.QUOTA),
        ({"message": "", "type": "authentication_error"}, None, Kind.AUTH),
        ({"message": "", "code": "content_filter"}, None, Kind.CONTENT_FILTER),
        ({"message": "", "code": "context_length_exceeded", "type": "server_error"}, None, Kind.CONTEXT_TOO_LONG),
        ({"message": "", "code": "invalid_value", "type": "invalid_request_error"}, None, Kind.INVALID_REQUEST),
        ({"message": "", "code": 429}, None, Kind.RATE_LIMIT),
        ({"message": "", "code": "402"}, None, Kind.QUOTA),
        ({"message": "", "code": 200}, None, Kind.SERVER),
        ("unauthorized", 401, Kind.AUTH),
        ("odd", 99, Kind.SERVER),
        (["what"], None, Kind.SERVER),
        (5, None, Kind.SERVER),
    ],
)
def test_an_error_within_a_stream_is_called_as_its_status_would_have_been(
    error: object, status: object, kind: FailureKind
) -> None:
    assert read_failure(OPENAI_ROWS, stream_error(error, status=status, now=NOW)).kind is kind


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("insufficient_quota", "HTTP 429 (insufficient_quota)"),
        ("user_global_rate_limited:pro", "HTTP 429 (user_global_rate_limited:pro)"),
        (429, "HTTP 429"),
        (None, "HTTP 429"),
        ("say it, please", "HTTP 429"),
        ("x" * 65, "HTTP 429"),
    ],
)
def test_the_detail_shows_a_code_and_never_a_sentence(code: object, detail: str) -> None:
    body = json.dumps({"error": {"message": "Say it", "code": code}}).encode()
    assert str(read_failure(OPENAI_ROWS, error_response(429, {}, body, now=NOW))) == detail
