"""What Copilot's refusals mean.

Neither the token exchange nor the chat API has a public contract: these are the answers that GitHub's own clients
look for (what a 402 or 429 means is what their language server tells people), and those that people have reported.
"""

from __future__ import annotations

from string import ascii_lowercase

from ai_gateway.failures import FailureKind
from ai_gateway.providers.openai.refusals import OPENAI_ROWS
from ai_gateway.providers.refusals import Row

SETTINGS_URL = "https://github.com/settings/copilot"
BILLING_URL = "https://github.com/settings/billing"
SIGN_IN = "sign in again with 'ai-gateway login'"
REPLACE = "sign in again: set another where it comes from, or take it out there and run 'ai-gateway login'"
PLAN_SECONDS = 60.0
"""How long a model is taken for one outside the plan: Copilot is known to say so now and then without reason."""

INTERCEPTED = Row(
    FailureKind.NETWORK,
    tuple(status for status in range(400, 600) if status not in {407, 511}),
    hint="a proxy or a sign-in page of the network answered instead of GitHub; sign in there, or set network.proxy",
)
"""A refusal without GitHub's `X-GitHub-Request-Id` is not GitHub's."""

NOT_OFFERED = Row(
    FailureKind.ENTITLEMENT,
    (403, 404),
    html=False,
    hint=f"this GitHub account has no access to Copilot with this token; see {SETTINGS_URL}, or {SIGN_IN}",
)
"""The exchange is not for this app or host, or not for this account: it does not say which."""

EXCHANGE_ROWS = (
    Row(FailureKind.AUTH, 401, hint=f"GitHub no longer accepts the Copilot token; {REPLACE}"),
    Row(FailureKind.RATE_LIMIT, 403, text="^API rate limit exceeded"),
    Row(
        FailureKind.AUTH,
        403,
        text="personal access token",
        hint=f"a personal access token can't be used for Copilot; {SIGN_IN}, or give the OAuth token of an editor",
    ),
    Row(FailureKind.SERVER, 403, codes=("server_error",)),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("no_copilot_access", "not_signed_up"),
        hint="this GitHub account has no Copilot; sign up at https://github.com/github-copilot/signup, or ask the "
        "organisation's administrator for a seat",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("subscription_ended", "expired_coupon", "revoked_coupon"),
        hint=f"the Copilot subscription of this account has ended; renew it at {SETTINGS_URL}",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("billing_locked",),
        hint=f"GitHub has locked this account's billing; settle it at {BILLING_URL}",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("enterprise_managed_user_account",),
        hint="an enterprise manages this account and gave it no Copilot seat; ask its administrator for one",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("access_revoked", "feature_flag_blocked"),
        hint="Copilot was switched off for this account; ask the organisation's administrator, or GitHub's support",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("spammy_user",),
        hint="GitHub has flagged this account; have it reviewed at https://support.github.com",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("trade_restricted",),
        hint="trade controls keep GitHub from offering Copilot here; use another provider",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("codespaces_demo_inactive",),
        hint="Copilot's demo in this codespace is over; sign up at https://github.com/github-copilot/signup",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("snippy_not_configured",),
        hint=f"Copilot waits for a choice about suggestions that match public code; make it at {SETTINGS_URL}",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=("go_http_client", "programmatic_token_generation"),
        hint="GitHub takes this client for an automaton and gives it no sessions; wait, then reset, "
        "and report it to AI Gateway if it stays so",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        codes=tuple(ascii_lowercase),  # any other word: a reason that is new
        hint=f"GitHub lets this account use no Copilot; see {SETTINGS_URL} for the reason",
    ),
    NOT_OFFERED,
)
"""Of the session-token exchange. A 403 tells its reason as `error_details.notification_id`.

What GitHub takes for automation opens the breaker: asking again at each query would only look more like it.
"""

COPILOT_ROWS = (
    Row(
        FailureKind.BAD_REQUEST,
        400,
        text="editor-version",
        hint="Copilot does not accept how this client names itself; update AI Gateway",
    ),
    Row(
        FailureKind.BAD_REQUEST,
        400,
        text="integration-id",
        hint="Copilot does not know the integration id; set copilot.integration_id to one that it knows",
    ),
    Row(
        FailureKind.AUTH,
        400,
        text="personal access tokens are not supported",
        hint=f"a personal access token can't be used for Copilot; {SIGN_IN}, or give the OAuth token of an editor",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        400,
        codes=("model_not_supported",),
        hint=f"the plan or a policy of this account leaves this model out; enable it at {SETTINGS_URL}/features, "
        "or set copilot.model to another",
        wait_seconds=PLAN_SECONDS,
    ),
    Row(
        FailureKind.ENTITLEMENT,
        400,
        codes=("unsupported_api_for_model",),
        hint="Copilot offers this model on another API only; set copilot.model to one for chat completions",
    ),
    Row(FailureKind.CONTENT_FILTER, 400, codes=("off_topic",)),
    Row(FailureKind.CONTENT_FILTER, 400, text="off_topic"),
    Row(FailureKind.BAD_REQUEST, 400, codes=("invalid_request_body", "previous_response_not_found")),
    Row(
        FailureKind.AUTH,
        401,
        text="authorize_url",
        hint="Copilot asks for consent to an agent, which this gateway never uses; set copilot.model to a model",
    ),
    Row(FailureKind.AUTH, 401, hint=f"Copilot no longer accepts this sign-in; {SIGN_IN}"),
    Row(
        FailureKind.QUOTA,
        402,
        codes=("free_quota_exceeded",),
        hint=f"the allowance of Copilot Free is spent; wait for its monthly reset, or upgrade at {SETTINGS_URL}",
    ),
    Row(
        FailureKind.QUOTA,
        402,
        codes=("overage_limit_reached", "additional_spend_limit_reached"),
        hint=f"the limit on paid use beyond the plan is reached; raise it at {BILLING_URL}/budgets, or wait for the "
        "monthly reset",
        is_about_model=True,
    ),
    Row(
        FailureKind.QUOTA,
        402,
        codes=("billing_not_configured",),
        hint=f"several organisations give this account Copilot; choose who is billed, at {SETTINGS_URL}",
    ),
    Row(
        FailureKind.QUOTA,
        402,
        hint=f"the Copilot quota is spent; it resets with the month, see {SETTINGS_URL}",
        is_about_model=True,
    ),
    Row(
        FailureKind.BAD_REQUEST,
        421,
        hint="this host of Copilot serves another plan; leave copilot.chat_url unset, and GitHub names the right one",
    ),
    Row(
        FailureKind.QUOTA,
        429,
        codes=("user_weekly_rate_limited",),
        hint=f"Copilot's weekly limit is reached; wait for its end, or upgrade at {SETTINGS_URL}",
    ),
    Row(
        FailureKind.RATE_LIMIT,
        429,
        codes=("extension_blocked",),
        hint="Copilot blocks clients with this integration id; set copilot.integration_id, or update AI Gateway",
    ),
    Row(
        FailureKind.RATE_LIMIT,
        429,
        codes=("integration_rate_limited",),
        hint="all clients with this integration id together are too fast for Copilot; wait, or set another one",
    ),
    Row(
        FailureKind.RATE_LIMIT,
        429,
        codes=("user_global_rate_limited",),
        hint="Copilot's limit for one session is reached; wait until it reopens",
    ),
    Row(
        FailureKind.RATE_LIMIT,
        429,
        codes=("rate_limited", "agent_mode_limit_exceeded"),
        hint="Copilot limits how often this account may ask; wait until it reopens",
    ),
    Row(
        FailureKind.RATE_LIMIT,
        429,
        codes=("user_model_rate_limited",),
        hint="Copilot limits this model for this account; wait until it reopens, or set copilot.model to another",
        is_about_model=True,
    ),
    Row(
        FailureKind.OVERLOADED,
        429,
        codes=("model_overloaded", "upstream_provider_rate_limit"),
        hint="the vendor of this model is overloaded; wait until it reopens, or set copilot.model to another",
        is_about_model=True,
    ),
    Row(
        FailureKind.ENTITLEMENT,
        466,
        hint="Copilot wants a newer client; update AI Gateway, or set copilot.api_version",
        is_about_model=False,
    ),
    Row(FailureKind.OVERLOADED, 503, html=False),
    Row(FailureKind.OVERLOADED, (500, 502), codes=("429", "RESOURCE_EXHAUSTED", "rate_limit")),
    *OPENAI_ROWS,
    Row(
        FailureKind.MODEL_NOT_FOUND,
        404,
        html=False,
        hint="Copilot has no such model; set copilot.model to one that 'ai-gateway models' lists",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        403,
        html=False,
        hint=f"Copilot refuses this account: its organisation's policy, its plan, or its country; see {SETTINGS_URL}",
        is_about_model=False,
    ),
    Row(FailureKind.CONTENT_FILTER, 422),
)
"""Of the chat API. Bodies are often plain text, or JSON that calls itself so.

The quota of a 402 may be one of costly models only: a model that the plan includes goes on answering.
"""
