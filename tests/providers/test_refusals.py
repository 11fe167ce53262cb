"""Reading refusals of whatever shape: waits in every form, any body, errors within a stream."""

from __future__ import annotations

import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.fakes import Answer, FakeOpenAI, Fault
from ai_gateway.providers.copilot.refusals import COPILOT_ROWS, EXCHANGE_ROWS
from ai_gateway.providers.error_response import error_response, stream_error
from ai_gateway.providers.ollama.refusals import OLLAMA_ROWS
from ai_gateway.providers.openai.provider import OpenAIProvider
from ai_gateway.providers.openai.refusals import OPENAI_ROWS
from ai_gateway.providers.refusals import read_failure
from ai_gateway.providers.retry_after import retry_after_seconds
from support.asking import ask, failure_of
from support.refusals import NOW, Kind, said


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
