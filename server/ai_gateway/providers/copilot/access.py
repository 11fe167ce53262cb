"""The way in to Copilot: which token, by which road, at which host, and until when.

A token is exchanged for a short-lived session, or used as it is; an account may know only one of the two roads, and a
person may have several tokens, some of them stale. What was refused is remembered until the tokens change.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from ai_gateway.clock import Clock
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.copilot.github import GitHub
from ai_gateway.providers.copilot.hosts import COPILOT_API_URL, residency_url, takes_github_tokens
from ai_gateway.providers.copilot.refusals import EXCHANGE_ROWS, INTERCEPTED, NOT_OFFERED
from ai_gateway.providers.error_response import ErrorResponse
from ai_gateway.providers.http import RefusedByUpstream, Upstream
from ai_gateway.providers.network import Network
from ai_gateway.providers.refusals import Row, first_match, read_failure
from ai_gateway.providers.tokens import OAuthToken, TokenSource

Mode = Literal["exchange", "direct"]
TAKEN_DIRECTLY = ("gho_", "ghu_")
"""The kinds of token that Copilot itself is known to take."""


@dataclass(frozen=True, slots=True)
class Road:
    """One token used in one way."""

    token: OAuthToken
    mode: Mode

    @property
    def source(self) -> str:
        """Where its token is from, for people to know."""
        user = self.token.user
        return f"{self.token.source} ({user})" if user and user not in self.token.source else self.token.source


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """What a request needs: whom to ask, with which credential."""

    road: Road
    bearer: str = field(repr=False)
    upstream: Upstream
    renew_at: float
    """In seconds of the monotonic clock."""


class CopilotAccess:
    """Finds a way in, shares it between queries, and renews it.

    Args:
        tokens: Where the person's tokens come from.
        github: Where they are exchanged.
        chat_url: Copilot's host; None: as GitHub says.
        mode: The road to take; `auto`: whichever is open.
        network: How Copilot is reached.
        clock: The time.
    """

    def __init__(
        self,
        tokens: TokenSource,
        github: GitHub,
        *,
        chat_url: str | None,
        mode: Mode | Literal["auto"],
        network: Network,
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._github = github
        self._chat_url = chat_url
        self._mode = mode
        self._network = network
        self._clock = clock
        self._upstreams: dict[str, Upstream] = {}
        self._lock = asyncio.Lock()
        self._version: object = None
        self._access: Access | None = None
        self._failure: ProviderFailure | None = None
        self._roads: list[Road] = []
        self._closed_roads: set[Road] = set()
        self._last_road: Road | None = None

    def held(self) -> Access | None:
        """Give the access got last, unless it was refused since or the tokens have changed."""
        if self._tokens.version != self._version:
            self._version = self._tokens.version
            self._access = self._failure = self._last_road = None
            self._closed_roads.clear()
        return self._access

    @property
    def source(self) -> str | None:
        """Where the token in use is from, or the one refused last; None: none was used yet."""
        self.held()
        return self._last_road.source if self._last_road else None

    async def current(self) -> Access:
        """Give an access that is good by the clock, getting or renewing it first if need be; once for all who ask.

        Raises:
            ProviderFailure: There is no way in.
        """
        is_waiting = self._lock.locked()
        async with self._lock:
            held = self.held()
            if held is not None and self._clock.monotonic() < held.renew_at:
                return held
            if is_waiting and self._failure is not None:
                raise self._failure.bare()  # of the search waited for: not one more for each who waited
            self._failure, version = None, self._version
            try:
                access = await self._find()
            except ProviderFailure as failure:
                if version == self._version:
                    self._failure = failure.bare()
                raise
            if version == self._version:  # else it is the way in of a token that was in use until now
                self._access = access
            return access

    def refused(self, access: Access, status: int, *, was_new: bool) -> bool:
        """Take in that Copilot refused an access; say whether a second try would go by another.

        Args:
            access: With which it was asked.
            status: The HTTP status.
            was_new: Whether it was got for this very request, so that the same again would help nobody.
        """
        if status not in {401, 403, 421}:
            return False
        if self._access is access:
            self._access = None
        if access.road.mode == "exchange" or status == 421:
            return not was_new
        self._close(access.road, with_token=status == 401)
        return any(self._open_roads())

    async def aclose(self) -> None:
        """Close its connections to Copilot."""
        for upstream in self._upstreams.values():
            await upstream.aclose()

    async def _find(self) -> Access:
        self._roads = [Road(token, mode) for token in await self._tokens.tokens() for mode in self._modes(token)]
        if not any(self._open_roads()):
            self._closed_roads.clear()  # whoever asks again may have mended what closed them
        failure = ProviderFailure(FailureKind.SIGNED_OUT, "there is no Copilot token", hint=self._tokens.missing)
        for road in self._open_roads():
            self._last_road = road
            try:
                return await self._take(road)
            except RefusedByUpstream as refusal:
                row = first_match(_rows_for(refusal.response), refusal.response)
                failure = self._read(refusal.response, road)
                is_of_token = failure.kind is FailureKind.AUTH
                if not is_of_token and row is not NOT_OFFERED:
                    raise failure from refusal
                self._close(road, with_token=is_of_token)
        raise failure

    def _modes(self, token: OAuthToken) -> tuple[Mode, ...]:
        if self._mode != "auto":
            return (self._mode,)
        if residency_url(self._github.api_url) is not None:
            return ("direct", "exchange")
        return ("exchange", "direct") if token.value.startswith(TAKEN_DIRECTLY) else ("exchange",)

    def _open_roads(self) -> Iterator[Road]:
        return (road for road in self._roads if road not in self._closed_roads)

    def _close(self, road: Road, *, with_token: bool) -> None:
        self._closed_roads.add(road)
        if with_token:
            self._closed_roads.update(other for other in self._roads if other.token == road.token)

    async def _take(self, road: Road) -> Access:
        if road.mode == "direct":
            url = self._chat_url or residency_url(self._github.api_url) or await self._discovered(road.token)
            return Access(road, road.token.value, self._upstream(url), math.inf)
        session = await self._github.exchange(road.token.value)
        url = self._chat_url or session.api_url or residency_url(self._github.api_url) or COPILOT_API_URL
        return Access(road, session.token, self._upstream(url), self._clock.monotonic() + session.renew_in_seconds)

    async def _discovered(self, token: OAuthToken) -> str:
        url = None
        try:
            url = await self._github.endpoint(token.value)
        except RefusedByUpstream as refusal:
            if refusal.response.status == 401:
                raise
        except ProviderFailure as failure:
            if failure.kind is not FailureKind.NETWORK:
                raise
        if url is None and not takes_github_tokens(self._github.api_url):
            hint = "set copilot.chat_url to the host of your enterprise's Copilot"
            raise ProviderFailure(FailureKind.ENTITLEMENT, "GitHub does not say where Copilot is", hint=hint)
        return url or COPILOT_API_URL

    def _upstream(self, url: str) -> Upstream:
        return self._upstreams.get(url) or self._upstreams.setdefault(url, Upstream(url, self._network))

    def _read(self, response: ErrorResponse, road: Road) -> ProviderFailure:
        failure = read_failure(_rows_for(response), response)
        failure.is_about_model = False  # nothing here knows of models
        if failure.kind is FailureKind.AUTH:
            failure.hint = f"{failure.hint}. It comes from: {road.source}"
        if failure.kind is FailureKind.RATE_LIMIT and failure.retry_after_seconds is None:
            failure.retry_after_seconds = self._until(response.headers.get("x-ratelimit-reset"))
        return failure

    def _until(self, instant: str | None) -> float | None:
        with suppress(ValueError):
            return max(0.0, float(instant) - self._clock.time()) if instant else None
        return None


def _rows_for(response: ErrorResponse) -> tuple[Row, ...]:
    return EXCHANGE_ROWS if "x-github-request-id" in response.headers else (INTERCEPTED,)
