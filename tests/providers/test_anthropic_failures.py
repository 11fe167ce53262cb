"""Every documented refusal of Anthropic, said by a real server, whole or within a stream."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import Answer, FakeAnthropic, Fault, anthropic_failures
from ai_gateway.providers.anthropic.provider import AnthropicProvider
from ai_gateway.providers.anthropic.refusals import ANTHROPIC_ROWS
from ai_gateway.providers.refusals import GENERIC_ROWS
from support.asking import ask, failure_of
from support.refusals import GENERIC_CASES, Case, Kind, assert_every_row_has_its_case, check, named, said

MODEL = "claude-opus-5-5"
MONEY = "Billing"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()

ANTHROPIC_CASES = [
    Case("the owner's spend limit", anthropic_failures.usage_limits_reached(), Kind.QUOTA, MONEY),
    Case("a workspace's", anthropic_failures.usage_limits_reached(scope="workspace "), Kind.QUOTA, MONEY),
    Case("no credit", anthropic_failures.credit_too_low(), Kind.QUOTA, MONEY),
    Case("a billing error", anthropic_failures.billing_error(), Kind.QUOTA, MONEY),
    Case("a payer's spend limit", anthropic_failures.linked_organization_spend_limit(), Kind.QUOTA, MONEY),
    Case("Anthropic's own spend limit", anthropic_failures.spend_limit_enforced(), Kind.QUOTA, MONEY),
    Case("the contract's", anthropic_failures.contract_spend_limit(), Kind.QUOTA, MONEY),
    Case("the month's", anthropic_failures.monthly_spend_limit(), Kind.QUOTA, MONEY),
    Case("the month's, with a wait", anthropic_failures.monthly_spend_limit(retry_after=600), Kind.QUOTA, MONEY),
    Case("a 429 that names no wait", anthropic_failures.refusal(429, "Paused"), Kind.QUOTA, MONEY),
    Case("a rate limit", anthropic_failures.rate_limited(), Kind.RATE_LIMIT),
    Case("too fast a rise", anthropic_failures.ramp_limited(), Kind.RATE_LIMIT),
    Case("an account that is closed", anthropic_failures.organization_on_hold(), Kind.ENTITLEMENT, "support"),
    Case(
        "an account that is closed, in words",
        anthropic_failures.refusal(403, "This organization has been disabled."),
        Kind.ENTITLEMENT,
        "support",
    ),
    Case("an encryption key", anthropic_failures.encryption_key_disabled(), Kind.ENTITLEMENT, "encryption key"),
    Case("a country", anthropic_failures.not_served_here(), Kind.ENTITLEMENT, "country"),
    Case("no permission", anthropic_failures.permission_denied(), Kind.ENTITLEMENT),
    Case("no key", anthropic_failures.missing_key(), Kind.AUTH, "ANTHROPIC_API_KEY"),
    Case("a bad key", anthropic_failures.invalid_api_key(), Kind.AUTH, "ANTHROPIC_API_KEY"),
    Case("a model unknown or retired", anthropic_failures.model_not_found(), Kind.MODEL_NOT_FOUND, "retired"),
    Case("a wrong path", anthropic_failures.refusal(404, "Not found"), Kind.MODEL_NOT_FOUND, "base URL"),
    Case("a prompt too long", anthropic_failures.prompt_too_long(), Kind.CONTEXT_TOO_LONG),
    Case("too long with its answer", anthropic_failures.context_limit_exceeded(), Kind.CONTEXT_TOO_LONG),
    Case("a request too large", anthropic_failures.request_too_large(), Kind.CONTEXT_TOO_LONG),
    Case("a request too large, says a proxy", Answer.of("", 413), Kind.CONTEXT_TOO_LONG),
    Case("a content filter", anthropic_failures.content_filtered(), Kind.CONTENT_FILTER),
    Case("a parameter too much", anthropic_failures.extra_input(), Kind.UNSUPPORTED),
    Case("a parameter of the past", anthropic_failures.deprecated_parameter(), Kind.UNSUPPORTED),
    Case("an answer too long", anthropic_failures.too_many_output_tokens(), Kind.UNSUPPORTED),
    Case("a schema not to be enforced", anthropic_failures.open_schema(), Kind.UNSUPPORTED),
    Case("a call without its result", anthropic_failures.unanswered_tool_call(), Kind.BAD_REQUEST, "its result"),
    Case("any other mistake", anthropic_failures.field_required("messages"), Kind.BAD_REQUEST),
    Case("a conflict", anthropic_failures.conflict(), Kind.SERVER),
    Case("a server's fault", anthropic_failures.server_error(), Kind.SERVER),
    Case("a key service's fault", anthropic_failures.encryption_key_unreachable(), Kind.SERVER),
    Case("an answer that took too long", anthropic_failures.timed_out(), Kind.SERVER),
    Case("an overload", anthropic_failures.overloaded(), Kind.OVERLOADED),
    *(case for case in GENERIC_CASES if case.name not in {"401", "401 without a body"}),
    Case("401 of another server", said(401), Kind.AUTH, "ANTHROPIC_API_KEY"),
]


@pytest.mark.parametrize("case", named(ANTHROPIC_CASES))
async def test_anthropic_refuses(case: Case) -> None:
    async with FakeAnthropic() as upstream, aclosing(AnthropicProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(case.answer)
        check(await failure_of(ask(provider, MODEL)), case)
        assert len(upstream.requests) == 1


def test_every_row_has_its_case() -> None:
    generic = [row for row in GENERIC_ROWS if row.kind is not FailureKind.AUTH]  # its own 401 comes before
    assert_every_row_has_its_case((*ANTHROPIC_ROWS, *generic), ANTHROPIC_CASES)


def error(kind: str, message: str = "No.", code: str | None = None) -> Mapping[str, object]:
    return anthropic_failures.error_event(kind, message, error_code=code)


STREAM_ERRORS = [
    (error("invalid_request_error", "prompt is too long: 2 tokens > 1 maximum"), 400, Kind.CONTEXT_TOO_LONG),
    (error("invalid_request_error"), 400, Kind.BAD_REQUEST),
    (error("authentication_error"), 401, Kind.AUTH),
    (error("billing_error"), 402, Kind.QUOTA),
    (error("permission_error"), 403, Kind.ENTITLEMENT),
    (error("not_found_error", "model: x"), 404, Kind.MODEL_NOT_FOUND),
    (error("conflict_error"), 409, Kind.SERVER),
    (error("request_too_large"), 413, Kind.CONTEXT_TOO_LONG),
    (error("rate_limit_error"), 429, Kind.RATE_LIMIT),
    (error("rate_limit_error", code="enforced_spend_limit_reached"), 429, Kind.QUOTA),
    (error("api_error"), 500, Kind.SERVER),
    (error("timeout_error"), 504, Kind.SERVER),
    (error("overloaded_error", "Overloaded"), 529, Kind.OVERLOADED),
    (error("new_error"), 500, Kind.SERVER),
    ({"error": "in one word"}, 500, Kind.SERVER),
]


@pytest.mark.parametrize(("said", "status", "kind"), STREAM_ERRORS)
@pytest.mark.parametrize("is_streamed", [True, False], ids=["in the stream", "as a document"])
async def test_an_error_with_status_200_is_called_as_its_status_would_have_been(
    said: Mapping[str, object], status: int, kind: FailureKind, is_streamed: bool
) -> None:
    fault = Fault.error_event(said, after=1) if is_streamed else Fault.status(200, said)
    async with FakeAnthropic() as upstream, aclosing(AnthropicProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(fault)
        failure = await failure_of(ask(provider, MODEL))
    assert (failure.kind, failure.status) == (kind, status)


@pytest.mark.parametrize(
    "answer",
    [anthropic_failures.usage_limits_reached(TOMORROW), anthropic_failures.spend_limit_enforced(TOMORROW)],
    ids=["the owner's limit", "Anthropic's limit"],
)
async def test_a_spent_limit_says_when_it_is_renewed(answer: Answer) -> None:
    async with FakeAnthropic() as upstream, aclosing(AnthropicProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(answer)
        failure = await failure_of(ask(provider, MODEL))
    midnight = datetime.fromisoformat(f"{TOMORROW}T00:00+00:00").timestamp()
    assert failure.retry_after_seconds == pytest.approx(max(0.0, midnight - time.time()), abs=60)


async def test_a_renewal_on_no_day_of_the_calendar_is_unknown() -> None:
    async with FakeAnthropic() as upstream, aclosing(AnthropicProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(anthropic_failures.spend_limit_enforced("2026-99-99"))
        failure = await failure_of(ask(provider, MODEL))
    assert (failure.kind, failure.retry_after_seconds) == (Kind.QUOTA, None)


async def test_the_detail_names_the_finest_code() -> None:
    async with FakeAnthropic() as upstream, aclosing(AnthropicProvider("k", base_url=upstream.base_url)) as provider:
        upstream.fault(anthropic_failures.spend_limit_enforced())
        upstream.fault(anthropic_failures.overloaded())
        assert str(await failure_of(ask(provider, MODEL))) == "HTTP 429 (enforced_spend_limit_reached)"
        assert str(await failure_of(ask(provider, MODEL))) == "HTTP 529 (overloaded_error)"
