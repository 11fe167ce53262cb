"""GitHub Copilot: an OAuth token is exchanged for a short-lived session token, which asks the chat API.

Neither API has a public contract; what is relied on is what GitHub's own clients do. Requests name this product.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Piece, Prompt
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.failure_rows import Row, read_failure
from ai_gateway.providers.http import Network, RefusedByUpstream, Upstream, is_safe_for_credentials
from ai_gateway.providers.openai_chat import OPENAI_ROWS, chat_body, chat_pieces

GITHUB_API_URL = "https://api.github.com"
COPILOT_API_URL = "https://api.githubcopilot.com"
GITHUB_API_VERSION = "2025-04-01"
COPILOT_API_VERSION = "2025-10-01"
RENEWAL_MARGIN_SECONDS = 300.0
"""A session is renewed this long before it ends, by this machine's clock and not by the date it names."""
SESSION_GRACE_SECONDS = 60.0

EXCHANGE_ROWS = (
    Row(FailureKind.AUTH, 401, hint="GitHub no longer accepts the Copilot token; sign in again, then reset"),
    Row(FailureKind.RATE_LIMIT, 403, text="^API rate limit exceeded"),
    Row(
        FailureKind.AUTH,
        403,
        text="personal access token",
        hint="a personal access token can't be used for Copilot; use the OAuth token of an editor's sign-in",
    ),
    Row(
        FailureKind.ENTITLEMENT,
        (403, 404),
        html=False,
        hint="this GitHub account has no access to Copilot; see https://github.com/settings/copilot",
    ),
)

COPILOT_ROWS = (
    Row(FailureKind.AUTH, 400, text="personal access tokens are not supported"),
    Row(FailureKind.ENTITLEMENT, 400, codes=("model_not_supported", "unsupported_api_for_model")),
    Row(FailureKind.CONTENT_FILTER, 400, text="off_topic"),
    Row(FailureKind.CONTENT_FILTER, 422),
    Row(
        FailureKind.QUOTA,
        402,
        hint="the Copilot quota is spent; it resets with the month, see https://github.com/settings/copilot",
    ),
    Row(FailureKind.QUOTA, 429, codes=("user_weekly_rate_limited",)),
    Row(FailureKind.BAD_REQUEST, 421),
    Row(FailureKind.ENTITLEMENT, 466, hint="Copilot wants a newer client; update AI Gateway"),
    Row(FailureKind.OVERLOADED, 503, html=False),
    *OPENAI_ROWS,
)


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """How requests name the product that sends them."""

    name: str
    version: str
    integration_id: str = "vscode-chat"

    def headers(self) -> dict[str, str]:
        """Give the headers that Copilot expects of an editor."""
        product = f"{self.name}/{self.version}"
        return {"editor-version": product, "editor-plugin-version": product, "user-agent": product}


@dataclass(frozen=True, slots=True)
class _Session:
    token: str
    upstream: Upstream
    renew_at: float


class CopilotProvider(LLMProvider):
    """Chat through Copilot with a person's OAuth token.

    Args:
        oauth_token: As an editor's sign-in gave it (`ghu_…` or `gho_…`).
        identity: How requests name the product.
        github_api_url: GitHub's REST API, where tokens are exchanged.
        network: How both hosts are reached.
        clock: The time.
    """

    def __init__(
        self,
        oauth_token: str,
        *,
        identity: ClientIdentity,
        github_api_url: str = GITHUB_API_URL,
        network: Network | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._oauth_token = oauth_token
        self._identity = identity
        self._network = network or Network()
        self._clock = clock
        self._github = Upstream(github_api_url, self._network)
        self._upstreams: dict[str, Upstream] = {}
        self._session: _Session | None = None
        self._exchange_lock = asyncio.Lock()
        self._exchange_failure: ProviderFailure | None = None

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask for a streamed completion, exchanging or renewing the session token first if it is time."""
        fresh = self._session is None
        session = await self._current_session()
        try:
            async with (
                session.upstream.request(
                    "POST", "/chat/completions", headers=self._chat_headers(session), payload=chat_body(prompt, model)
                ) as response,
                aclosing(chat_pieces(response, COPILOT_ROWS)) as pieces,
            ):
                async for piece in pieces:
                    yield piece
        except RefusedByUpstream as refusal:
            failure = read_failure(COPILOT_ROWS, refusal.response)
            if refusal.response.status in {401, 403, 421}:
                failure.mended = not fresh
                self._forget(session)
            raise failure from refusal

    async def check(self, model: str | None) -> None:  # noqa: ARG002 - Copilot says at the first query what it offers
        """Exchange the token, if there is no session yet."""
        await self._current_session()

    async def aclose(self) -> None:
        """Close its connections."""
        for upstream in (self._github, *self._upstreams.values()):
            await upstream.aclose()

    async def _current_session(self) -> _Session:
        is_waiting = self._exchange_lock.locked()
        async with self._exchange_lock:
            if self._session is not None and self._clock.monotonic() < self._session.renew_at:
                return self._session
            if is_waiting and self._exchange_failure is not None:
                raise self._exchange_failure.bare()  # of the exchange waited for: not one more for each who waited
            self._exchange_failure = None
            try:
                self._session = await self._exchange()
            except ProviderFailure as failure:
                self._exchange_failure = failure.bare()
                raise
            return self._session

    async def _exchange(self) -> _Session:
        headers = {
            "authorization": f"token {self._oauth_token}",
            "x-github-api-version": GITHUB_API_VERSION,
            **self._identity.headers(),
        }
        try:
            reply = await self._github.get_json("/copilot_internal/v2/token", headers=headers)
        except RefusedByUpstream as refusal:
            raise read_failure(EXCHANGE_ROWS, refusal.response) from refusal
        return self._session_of(reply)

    def _session_of(self, reply: object) -> _Session:
        if not isinstance(reply, dict) or not isinstance(reply.get("token"), str):
            raise ProviderFailure(FailureKind.SERVER, "GitHub's token exchange answered without a token")
        refresh_in = reply.get("refresh_in")
        lives = float(refresh_in) if isinstance(refresh_in, int | float) else 0.0
        endpoints = reply.get("endpoints")
        named = endpoints.get("api") if isinstance(endpoints, dict) else None
        url = named if isinstance(named, str) else COPILOT_API_URL
        if not is_safe_for_credentials(url):
            raise ProviderFailure(FailureKind.SERVER, "GitHub's token exchange names a host without TLS")
        renew_in = max(0.0, lives + SESSION_GRACE_SECONDS - RENEWAL_MARGIN_SECONDS)
        return _Session(
            reply["token"],
            self._upstream_at(url),
            renew_at=self._clock.monotonic() + renew_in,
        )

    def _upstream_at(self, url: str) -> Upstream:
        return self._upstreams.setdefault(url, Upstream(url, self._network))

    def _chat_headers(self, session: _Session) -> Mapping[str, str]:
        return {
            "authorization": f"Bearer {session.token}",
            "copilot-integration-id": self._identity.integration_id,
            "openai-intent": "conversation-panel",
            "x-github-api-version": COPILOT_API_VERSION,
            "x-initiator": "user",
            "x-request-id": str(uuid.uuid4()),
            **self._identity.headers(),
        }

    def _forget(self, session: _Session) -> None:
        if self._session is session:
            self._session = None
