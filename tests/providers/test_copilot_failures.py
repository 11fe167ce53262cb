"""Every documented refusal of Copilot and of GitHub's token exchange, said by a real server."""

from __future__ import annotations

from contextlib import aclosing
from typing import Literal

import pytest

from ai_gateway.fakes import Answer, FakeCopilot, copilot_failures
from ai_gateway.providers.copilot.provider import ClientIdentity, CopilotProvider
from ai_gateway.providers.copilot.refusals import COPILOT_ROWS, EXCHANGE_ROWS
from ai_gateway.providers.openai.refusals import OPENAI_ROWS
from ai_gateway.providers.tokens import GivenToken, OAuthToken, TokenSource
from support.asking import ask, failure_of
from support.refusals import CHAT_CASES, Case, Kind, assert_every_row_has_its_case, check, named, page, said

COPILOT_CASES = [
    *CHAT_CASES,
    Case("a missing name of the editor", copilot_failures.missing_editor_version(), Kind.BAD_REQUEST, "update"),
    Case("an unknown integration", copilot_failures.unknown_integration(), Kind.BAD_REQUEST, "copilot.integration_id"),
    Case("a body without sense", copilot_failures.invalid_request_body(), Kind.BAD_REQUEST),
    Case("a personal access token", copilot_failures.personal_access_token_unsupported(), Kind.AUTH, "OAuth token"),
    Case("a model outside the plan", copilot_failures.model_not_supported(), Kind.ENTITLEMENT, "this model"),
    Case("a model of another API", copilot_failures.unsupported_api_for_model(), Kind.ENTITLEMENT, "another API"),
    Case("off topic", copilot_failures.off_topic(), Kind.CONTENT_FILTER),
    Case("off topic, by its code", said(400, code="off_topic"), Kind.CONTENT_FILTER),
    Case("off topic, in a word", Answer.of("bad request: off_topic", 400), Kind.CONTENT_FILTER),
    Case("a prompt too long for Copilot", copilot_failures.prompt_too_long(), Kind.CONTEXT_TOO_LONG),
    Case("an expired session", copilot_failures.session_expired(), Kind.AUTH, "sign in again"),
    Case("an agent's consent", copilot_failures.agent_authorization_required(), Kind.AUTH, "agent"),
    Case("no quota", copilot_failures.quota_exceeded(), Kind.QUOTA, "resets with the month"),
    Case("no quota, in two words", copilot_failures.quota_exceeded_text(), Kind.QUOTA, "resets with the month"),
    Case("no free quota", copilot_failures.quota_exceeded("free_quota_exceeded"), Kind.QUOTA, "Copilot Free"),
    *(
        Case(f"no budget: {code}", copilot_failures.quota_exceeded(code), Kind.QUOTA, "beyond the plan")
        for code in ("overage_limit_reached", "additional_spend_limit_reached")
    ),
    Case("nobody pays", copilot_failures.quota_exceeded("billing_not_configured"), Kind.QUOTA, "who is billed"),
    Case("a policy", copilot_failures.forbidden(), Kind.ENTITLEMENT, "policy"),
    Case("an unknown path", Answer.of("not found\n", 404), Kind.MODEL_NOT_FOUND, "copilot.model"),
    Case("a timeout", Answer.of("timeout\n", 408), Kind.SERVER),
    Case("a body too large", Answer.of("", 413), Kind.CONTEXT_TOO_LONG),
    Case("the host of another plan", copilot_failures.misdirected(), Kind.BAD_REQUEST, "another plan"),
    Case("a filtered response", copilot_failures.content_filtered(), Kind.CONTENT_FILTER),
    Case("a failed dependency", copilot_failures.failed_dependency(), Kind.SERVER),
    Case("a cancel by the server", Answer.of("", 499), Kind.SERVER),
    Case("the limit of a week", copilot_failures.rate_limited("user_weekly_rate_limited:pro"), Kind.QUOTA, "weekly"),
    Case("the limit of a session", copilot_failures.rate_limited(), Kind.RATE_LIMIT, "one session"),
    *(
        Case(f"a limit: {code}", copilot_failures.rate_limited(code), Kind.RATE_LIMIT, "how often")
        for code in ("rate_limited", "agent_mode_limit_exceeded")
    ),
    Case(
        "the limit of a model",
        copilot_failures.rate_limited("user_model_rate_limited:pro"),
        Kind.RATE_LIMIT,
        "this model",
    ),
    *(
        Case(f"an overload: {code}", copilot_failures.rate_limited(code), Kind.OVERLOADED, "vendor")
        for code in ("model_overloaded", "upstream_provider_rate_limit")
    ),
    Case("a blocked client", copilot_failures.extension_blocked(), Kind.RATE_LIMIT, "copilot.integration_id"),
    Case(
        "the limit of an integration",
        copilot_failures.rate_limited("integration_rate_limited"),
        Kind.RATE_LIMIT,
        "this integration id",
    ),
    Case("an unknown limit", copilot_failures.rate_limited("some_new_limit"), Kind.RATE_LIMIT),
    Case("an old client", copilot_failures.client_outdated(), Kind.ENTITLEMENT, "update AI Gateway"),
    Case("a limit of the provider behind", copilot_failures.upstream_rate_limited(), Kind.OVERLOADED),
    Case("an error within an error", copilot_failures.double_encoded(), Kind.OVERLOADED),
    *(Case(f"a fault with {status}", Answer.of("", status), Kind.SERVER) for status in (500, 502, 504)),
    Case("a proxy's 503", page(503), Kind.SERVER),
]

EXCHANGE_CASES = [
    Case("a revoked token", copilot_failures.bad_credentials(), Kind.AUTH, "sign in again"),
    Case("GitHub's rate limit", copilot_failures.github_rate_limited(), Kind.RATE_LIMIT),
    Case("a personal access token", copilot_failures.personal_access_token_refused(), Kind.AUTH, "OAuth token"),
    *(
        Case(f"not entitled: {reason}", copilot_failures.not_entitled(reason), kind, hint)
        for reason, kind, hint in (
            ("no_copilot_access", Kind.ENTITLEMENT, "sign up"),
            ("not_signed_up", Kind.ENTITLEMENT, "sign up"),
            ("subscription_ended", Kind.ENTITLEMENT, "renew"),
            ("expired_coupon", Kind.ENTITLEMENT, "renew"),
            ("revoked_coupon", Kind.ENTITLEMENT, "renew"),
            ("billing_locked", Kind.ENTITLEMENT, "billing"),
            ("enterprise_managed_user_account", Kind.ENTITLEMENT, "enterprise"),
            ("feature_flag_blocked", Kind.ENTITLEMENT, "switched off"),
            ("access_revoked", Kind.ENTITLEMENT, "switched off"),
            ("spammy_user", Kind.ENTITLEMENT, "flagged"),
            ("trade_restricted", Kind.ENTITLEMENT, "another provider"),
            ("trade_restricted_country", Kind.ENTITLEMENT, "another provider"),
            ("codespaces_demo_inactive", Kind.ENTITLEMENT, "codespace"),
            ("snippy_not_configured", Kind.ENTITLEMENT, "public code"),
            ("go_http_client", Kind.ENTITLEMENT, "automaton"),
            ("programmatic_token_generation", Kind.ENTITLEMENT, "automaton"),
            ("server_error", Kind.SERVER, ""),
            ("a_new_reason", Kind.ENTITLEMENT, "for the reason"),
        )
    ),
    Case("too many exchanges", copilot_failures.throttled(), Kind.RATE_LIMIT),
    Case("a server's fault", Answer.of("", 500), Kind.SERVER),
    *(
        Case(
            f"a refusal with {status} that is not GitHub's", Answer.of("No.", status, bare=True), Kind.NETWORK, "proxy"
        )
        for status in (401, 403, 404, 429, 500, 503)
    ),
    Case("a proxy that wants a sign-in", Answer.of("", 407, bare=True), Kind.NETWORK, "user and password"),
    Case("a proxy's page", page(502), Kind.NETWORK, "sign-in page"),
    Case("a portal's 403", page(403), Kind.NETWORK, "sign-in page"),
    Case("a portal's 200", page(200), Kind.NETWORK, "sign-in page"),
    Case("a success without JSON", Answer.of("ok"), Kind.SERVER),
    Case("a success without a token", Answer.of({"token": None}), Kind.SERVER),
    Case("a success with a list", Answer.of([]), Kind.SERVER),
    Case("a success without chat", Answer.of({"token": "t", "chat_enabled": False}), Kind.ENTITLEMENT, "switched off"),
]


class NoToken:
    """A person who never signed in."""

    version = None
    missing = "run the sign-in"

    async def tokens(self) -> tuple[OAuthToken, ...]:
        return ()


def copilot(
    upstream: FakeCopilot, tokens: TokenSource | None = None, *, mode: Literal["auto", "exchange"] = "auto"
) -> CopilotProvider:
    identity = ClientIdentity("Tests", "1.0")
    return CopilotProvider(tokens or GivenToken("ghu_fake"), identity=identity, github_api_url=upstream.url, mode=mode)


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


async def test_an_app_that_may_not_exchange_hears_so_where_the_token_is_of_no_use_otherwise() -> None:
    async with FakeCopilot() as upstream, aclosing(copilot(upstream, mode="exchange")) as provider:
        upstream.offers_exchange = False
        failure = await failure_of(ask(provider))
    assert failure.kind is Kind.ENTITLEMENT
    assert "no access to Copilot" in (failure.hint or "")


def test_every_row_has_its_case() -> None:
    assert_every_row_has_its_case([row for row in COPILOT_ROWS if row not in OPENAI_ROWS], COPILOT_CASES)
    not_offered = Case("no exchange for this app", copilot_failures.not_found(), Kind.ENTITLEMENT)
    assert_every_row_has_its_case(EXCHANGE_ROWS, [*EXCHANGE_CASES, not_offered])


async def test_four_people_hear_four_things_that_they_can_do() -> None:
    """Without a token, with a revoked one, without Copilot, and with the quota spent."""
    heard = []
    async with FakeCopilot() as upstream:
        for tokens, refusal, path in (
            (NoToken(), None, None),
            (GivenToken("ghu_fake"), copilot_failures.bad_credentials(), FakeCopilot.exchange_path),
            (GivenToken("ghu_fake"), copilot_failures.not_entitled(), FakeCopilot.exchange_path),
            (GivenToken("ghu_fake"), copilot_failures.quota_exceeded(), None),
        ):
            if refusal is not None:
                upstream.fault(refusal, path=path)
            async with aclosing(copilot(upstream, tokens)) as provider:
                failure = await failure_of(ask(provider))
            heard.append((failure.kind, failure.hint_for("copilot")))
    kinds, hints = zip(*heard, strict=True)
    assert kinds == (Kind.SIGNED_OUT, Kind.AUTH, Kind.ENTITLEMENT, Kind.QUOTA)
    for hint, words in zip(hints, ("run the sign-in", "sign in again", "sign up", "quota is spent"), strict=True):
        assert words in hint
    assert len(set(hints)) == 4
