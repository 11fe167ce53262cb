"""What GitHub's REST API says of an account's Copilot: a session for its token, its host, its standing.

None of it but GraphQL is documented; it is what GitHub's own clients ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.copilot.hosts import is_copilots
from ai_gateway.providers.copilot.refusals import SETTINGS_URL
from ai_gateway.providers.http import Upstream
from ai_gateway.providers.network import Network
from ai_gateway.providers.wire import amount_in, object_in

GITHUB_API_VERSION = "2025-04-01"
ENDPOINT_QUERY = {"query": "query { viewer { copilotEndpoints { api } } }"}
RENEWAL_MARGIN_SECONDS = 300.0
"""A session is renewed this long before it ends, by this machine's clock and not by the date it names."""
SESSION_GRACE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """How requests name the product that sends them, and the interface that it expects."""

    name: str
    version: str
    integration_id: str = "vscode-chat"
    """Which of the integrations that Copilot knows it calls itself."""
    api_version: str = "2025-10-01"
    """Of the chat API; it decides the shape of the list of models."""

    def headers(self) -> dict[str, str]:
        """Give the headers that Copilot expects of an editor."""
        product = f"{self.name}/{self.version}"
        return {"editor-version": product, "editor-plugin-version": product, "user-agent": product}


@dataclass(frozen=True, slots=True)
class Session:
    """What a token is exchanged for."""

    token: str = field(repr=False)
    renew_in_seconds: float
    api_url: str | None
    """Copilot's host for the account's plan; None: GitHub did not say."""


class GitHub:
    """GitHub's REST API, asked with a person's OAuth token.

    Every method raises `RefusedByUpstream` where GitHub refuses, and `ProviderFailure` where it can't be reached or
    makes no sense.
    """

    def __init__(self, api_url: str, *, identity: ClientIdentity, network: Network) -> None:
        self.api_url = api_url
        self._upstream = Upstream(api_url, network)
        self._headers = {"x-github-api-version": GITHUB_API_VERSION, **identity.headers()}

    async def exchange(self, oauth_token: str) -> Session:
        """Exchange a token for a session's."""
        reply = object_in(await self._get("/copilot_internal/v2/token", oauth_token))
        token = reply.get("token")
        if not isinstance(token, str) or not token:
            raise ProviderFailure(FailureKind.SERVER, "GitHub's token exchange answered without a token")
        if reply.get("chat_enabled") is False:
            hint = f"chat is switched off for this account's Copilot; see {SETTINGS_URL}, or ask its administrator"
            raise ProviderFailure(
                FailureKind.ENTITLEMENT, "Copilot has no chat for this account", hint=hint, is_about_model=False
            )
        return Session(token, _renew_in_seconds(reply.get("refresh_in")), self._endpoint_in(reply.get("endpoints")))

    async def endpoint(self, oauth_token: str) -> str | None:
        """Find Copilot's host for the token's account without an exchange; None: GitHub did not say."""
        headers = {"authorization": f"Bearer {oauth_token}", **self._headers}
        async with self._upstream.request("POST", "/graphql", headers=headers, payload=ENDPOINT_QUERY) as response:
            reply = object_in(await response.json())
        viewer = object_in(object_in(reply.get("data")).get("viewer"))
        return self._endpoint_in(viewer.get("copilotEndpoints"))

    async def account(self, oauth_token: str) -> Mapping[str, object]:
        """Ask for the account's plan and what is left of its quotas."""
        return object_in(await self._get("/copilot_internal/user", oauth_token))

    async def aclose(self) -> None:
        """Close its connections."""
        await self._upstream.aclose()

    async def _get(self, path: str, oauth_token: str) -> object:
        return await self._upstream.get_json(path, headers={"authorization": f"token {oauth_token}", **self._headers})

    def _endpoint_in(self, endpoints: object) -> str | None:
        url = object_in(endpoints).get("api")
        if not isinstance(url, str):
            return None
        if not is_copilots(url, github_api_url=self.api_url):
            hint = "somebody on the way may have changed GitHub's answer; check network.proxy and copilot.api_url"
            raise ProviderFailure(FailureKind.SERVER, "GitHub names a host that is not Copilot's", hint=hint)
        return url


def _renew_in_seconds(refresh_in: object) -> float:
    return max(0.0, (amount_in(refresh_in) or 0.0) + SESSION_GRACE_SECONDS - RENEWAL_MARGIN_SECONDS)
