"""Signing in where there is no browser: the device flow of RFC 8628, as GitHub speaks it.

GitHub sends its errors with status 200 (https://docs.github.com/apps/oauth-apps, "Device flow"); servers that keep to
the RFC send them with 400. Both are read.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.credentials.found import why_no_token
from ai_gateway.failures import FailureKind, GatewayError, ProviderFailure
from ai_gateway.providers.http import RefusedByUpstream, Upstream
from ai_gateway.providers.network import Network, is_safe_for_credentials
from ai_gateway.providers.refusals import Row, read_failure

GITHUB_SERVER_URL = "https://github.com"
COPILOT_CLIENT_ID = "Iv1.b507a08c87ecfe98"
"""The app of Copilot's own editor plugins, whose tokens the exchange takes."""
SCOPE = "read:user"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

CODE_SECONDS = 900.0
MAX_CODE_SECONDS = 3600.0
INTERVAL_SECONDS = 5.0
"""Between two questions, where the server names no time (RFC 8628 §3.2), and what `slow_down` adds (§3.5)."""
MAX_INTERVAL_SECONDS = 60.0

USER_CODE = re.compile(r"[!-~]{1,32}")
WEB_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[!-~]{0,2000})?")
"""No user before the host, and no backslash in it: browsers and parsers disagree about whose page that is."""

WAITING, SLOW_DOWN = "authorization_pending", "slow_down"
FINAL: Mapping[str, str] = {
    "expired_token": "the code expired before it was entered; sign in again",
    "access_denied": "the sign-in was refused in the browser; sign in again to allow it",
    "incorrect_device_code": "{host} does not know this sign-in any more; sign in again",
    "invalid_grant": "{host} does not know this sign-in any more; sign in again",
    "incorrect_client_credentials": "{host} does not know the app that signs in; check the client id",
    "invalid_client": "{host} does not know the app that signs in; check the client id",
    "unauthorized_client": "{host} does not let this app sign in; check the client id",
    "device_flow_disabled": "{host} does not allow this app to sign in by code; check the client id",
    "unsupported_grant_type": "{host} does not know this way of signing in; check GITHUB_COPILOT_SERVER_URL",
    "invalid_scope": "{host} does not know what this app asks for; check GITHUB_COPILOT_SERVER_URL",
}
"""Answers after which asking again is no use."""

SIGN_IN_ROWS = (
    Row(FailureKind.BAD_REQUEST, 404, html=False, hint="check the client id and GITHUB_COPILOT_SERVER_URL"),
)


class SignInFailed(GatewayError):
    """Nobody was signed in; says why, and what to do."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person needs to sign in: a page, and the code to enter there."""

    user_code: str
    verification_uri: str
    expires_in_seconds: float


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in that waits for a person."""

    shown: DeviceCode
    secret: str = field(repr=False)
    """The device code: whoever has it gets the token."""
    interval_seconds: float
    expires_at: float
    """By the clock's monotonic time."""


class DeviceFlow:
    """Begins sign-ins, and waits for their tokens.

    Args:
        server_url: GitHub's web host.
        client_id: Which app signs in.
        scope: What it asks for; GitHub Apps such as Copilot's ignore it.
        network: How the host is reached.
        clock: The time.
        request_seconds: How long one answer may take.
    """

    def __init__(
        self,
        *,
        server_url: str = GITHUB_SERVER_URL,
        client_id: str = COPILOT_CLIENT_ID,
        scope: str = SCOPE,
        network: Network | None = None,
        clock: Clock = SYSTEM_CLOCK,
        request_seconds: float = 15.0,
    ) -> None:
        self.host = urlsplit(server_url).netloc.lower()
        self._server_url = server_url
        self._client_id = client_id
        self._scope = scope
        self._clock = clock
        self._request_seconds = request_seconds
        self._upstream = Upstream(server_url, network or Network())

    async def begin(self) -> PendingSignIn:
        """Ask for a code.

        Raises:
            SignInFailed: There is none to be had.
        """
        if not is_safe_for_credentials(self._server_url):
            raise SignInFailed(f"nobody signs in at {self.host} without TLS; set GITHUB_COPILOT_SERVER_URL to https")
        try:
            answer = await self._ask("/login/device/code", {"client_id": self._client_id, "scope": self._scope})
        except _NoAnswer as trouble:
            raise SignInFailed(f"{self.host} gave no code to sign in with: {trouble}") from trouble
        self._raise_if_final(answer)
        return self._pending(answer)

    async def token(self, pending: PendingSignIn) -> str:
        """Wait until the person has entered the code, and give the token.

        While the code is good, an upstream that is down or answers oddly ends nothing; it is asked more rarely then.

        Raises:
            SignInFailed: The person refused, the code expired, or something is wrong with the sign-in itself.
        """
        interval = wait = pending.interval_seconds
        trouble: _NoAnswer | None = None
        while self._clock.monotonic() < pending.expires_at:
            await self._clock.sleep(wait)
            try:
                answer = await self._poll(pending)
            except _NoAnswer as error:
                trouble, wait = error, min(wait * 2, MAX_INTERVAL_SECONDS)  # RFC 8628 §3.5
                continue
            if "access_token" in answer:
                return self._token_of(answer)
            if answer["error"] == SLOW_DOWN:
                named = _seconds(answer.get("interval"), interval + INTERVAL_SECONDS, most=MAX_INTERVAL_SECONDS)
                interval = max(interval, named)
            trouble, wait = None, interval
        if trouble is not None:
            raise SignInFailed(f"the code expired, and {self.host} was no help at the end: {trouble}; sign in again")
        raise SignInFailed(FINAL["expired_token"])

    async def aclose(self) -> None:
        """Close its connection."""
        await self._upstream.aclose()

    async def _poll(self, pending: PendingSignIn) -> Mapping[str, object]:
        asked = {"client_id": self._client_id, "device_code": pending.secret, "grant_type": GRANT_TYPE}
        answer = await self._ask("/login/oauth/access_token", asked)
        self._raise_if_final(answer)
        if "access_token" not in answer and answer.get("error") not in {WAITING, SLOW_DOWN}:
            raise _NoAnswer("it answered with something unknown")
        return answer

    async def _ask(self, path: str, payload: Mapping[str, str]) -> Mapping[str, object]:
        try:
            async with (
                asyncio.timeout(self._request_seconds),
                self._upstream.request("POST", path, headers={"accept": "application/json"}, payload=payload) as reply,
            ):
                answer = await reply.json()
        except TimeoutError as error:
            raise _NoAnswer("it does not answer") from error
        except ProviderFailure as failure:
            raise _NoAnswer(_in_words(failure)) from failure
        except RefusedByUpstream as refusal:
            code = refusal.response.text
            if code in FINAL or code in {WAITING, SLOW_DOWN}:
                return {"error": code}
            raise _NoAnswer(_in_words(read_failure(SIGN_IN_ROWS, refusal.response))) from refusal
        if not isinstance(answer, dict):
            raise _NoAnswer("it answered with something unknown")
        return answer

    def _raise_if_final(self, answer: Mapping[str, object]) -> None:
        reason = FINAL.get(str(answer.get("error")))
        if reason is not None:
            raise SignInFailed(reason.format(host=self.host))

    def _pending(self, answer: Mapping[str, object]) -> PendingSignIn:
        secret, code, page = (answer.get(name) for name in ("device_code", "user_code", "verification_uri"))
        if not (isinstance(secret, str) and secret and isinstance(code, str) and USER_CODE.fullmatch(code)):
            raise SignInFailed(f"{self.host} gave no code to sign in with; check GITHUB_COPILOT_SERVER_URL")
        if not (isinstance(page, str) and self._is_its_own(page)):
            raise SignInFailed(
                f"{self.host} names a page to sign in at that is not its own, so nobody should go there; "
                "check GITHUB_COPILOT_SERVER_URL and your proxy"
            )
        lives = _seconds(answer.get("expires_in"), CODE_SECONDS, most=MAX_CODE_SECONDS)
        return PendingSignIn(
            DeviceCode(code, page, lives),
            secret,
            _seconds(answer.get("interval"), INTERVAL_SECONDS, most=MAX_INTERVAL_SECONDS),
            self._clock.monotonic() + lives,
        )

    def _is_its_own(self, page: str) -> bool:
        if not WEB_ADDRESS.fullmatch(page) or not is_safe_for_credentials(page):
            return False
        host, own = urlsplit(page).hostname or "", urlsplit(self._server_url).hostname or ""
        return host in {own, "github.com"} or host.endswith(f".{own}")

    def _token_of(self, answer: Mapping[str, object]) -> str:
        token = answer["access_token"]
        if not isinstance(token, str) or why_no_token(token):
            raise SignInFailed(f"{self.host} gave something that is no token; check GITHUB_COPILOT_SERVER_URL")
        return token


class _NoAnswer(Exception):
    """An upstream that was no help; its text says how, and goes on after a colon."""


def _in_words(failure: ProviderFailure) -> str:
    return f"{failure.detail}; {failure.hint}" if failure.hint else failure.detail


def _seconds(value: object, default: float, *, most: float) -> float:
    """Read a time that an upstream names: at least a second, and not without end."""
    if not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:  # an integer may be larger
        return default
    return max(1.0, min(float(value), most))
