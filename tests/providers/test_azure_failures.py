"""Every documented refusal of Azure OpenAI, said by a real server."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from ai_gateway.fakes import FakeAzure, Fault, azure_failures
from ai_gateway.providers.openai.azure import AzureOpenAIProvider
from ai_gateway.providers.openai.refusals import AZURE_ROWS, OPENAI_ROWS
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

AZURE_CASES = [
    *CHAT_CASES,
    Case("a filtered prompt", azure_failures.content_filtered(), Kind.CONTENT_FILTER),
    Case("another operation", azure_failures.operation_not_supported(), Kind.MODEL_NOT_FOUND, "of one that does"),
    Case("a wrong key", azure_failures.invalid_api_key(), Kind.AUTH, "Keys and Endpoint"),
    Case("an identity without a role", azure_failures.permission_denied(), Kind.AUTH, "role"),
    Case("another network", azure_failures.outside_the_network(), Kind.ENTITLEMENT, "Networking"),
    Case("no public network", azure_failures.private_only(), Kind.ENTITLEMENT, "Networking"),
    Case("a private endpoint", said(403, "Traffic is not from an approved private endpoint."), Kind.ENTITLEMENT),
    Case("a blocked resource", azure_failures.temporarily_blocked(), Kind.ENTITLEMENT),
    Case("no such deployment", azure_failures.deployment_not_found(), Kind.MODEL_NOT_FOUND, "deployment of this name"),
    Case("no such path or version", azure_failures.resource_not_found(), Kind.MODEL_NOT_FOUND, "API version"),
    Case("no time left", azure_failures.timed_out(), Kind.SERVER),
    Case("a dependency that failed", azure_failures.failed_dependency(), Kind.SERVER),
    Case("a rate limit of Azure", azure_failures.rate_limited(), Kind.RATE_LIMIT),
    Case("a rate limit by its name", azure_failures.rate_limited(code="RateLimitReached"), Kind.RATE_LIMIT),
    Case("no capacity", azure_failures.high_demand(), Kind.OVERLOADED),
    Case("a server's fault", azure_failures.server_error(), Kind.SERVER),
    *GENERIC_CASES,
]


@pytest.mark.parametrize("case", named(AZURE_CASES))
async def test_azure_refuses(case: Case) -> None:
    async with FakeAzure() as upstream, aclosing(AzureOpenAIProvider(upstream.url, api_key="key")) as provider:
        upstream.fault(case.answer)
        check(await failure_of(ask(provider, "our-gpt")), case)
        assert len(upstream.requests) == 1


def test_every_row_has_its_case() -> None:
    assert_every_row_has_its_case([row for row in AZURE_ROWS if row not in OPENAI_ROWS], AZURE_CASES)


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Fault.answer(azure_failures.rate_limited(26)), 26),
        (Fault.answer(azure_failures.rate_limited(26, retry_after=3)), 3),
        (Fault.rate_limited(9, retry_after_ms=250), 0.25),
    ],
)
async def test_the_wait_that_azure_asks_for_is_read(fault: Fault, seconds: float) -> None:
    async with FakeAzure() as upstream, aclosing(AzureOpenAIProvider(upstream.url, api_key="key")) as provider:
        upstream.fault(fault)
        assert (await failure_of(ask(provider, "our-gpt"))).retry_after_seconds == seconds
