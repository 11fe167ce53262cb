"""What the tests of failure tables share: refusals, what each is called, and that no row lacks its case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.fakes import Answer, openai_failures
from ai_gateway.providers.error_response import error_response
from ai_gateway.providers.refusals import Row

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


def named(cases: Iterable[Case]) -> list[object]:
    return [pytest.param(case, id=case.name) for case in cases]


def check(failure: ProviderFailure, case: Case) -> None:
    assert failure.kind is case.kind
    assert failure.status == case.answer.status
    assert case.hint in (failure.hint or "")


def assert_every_row_has_its_case(rows: Sequence[Row], cases: Iterable[Case]) -> None:
    met = set()
    for case in cases:
        headers = {"content-type": case.answer.content_type, **case.answer.headers}
        body = b"".join(frame.data for frame in case.answer.frames)
        response = error_response(case.answer.status, headers, body, now=NOW)
        met.add(next((row for row in rows if row.matches(response)), None))
    assert set(rows) <= met


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
    Case("503 that says when to come back", Answer.of("", 503, headers={"retry-after": "600"}), Kind.OVERLOADED),
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
        for status in (400, 404)
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
