"""A person's Copilot account, as the settings have it: where its tokens come from, signing in, signing out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from platformdirs import user_data_path

from ai_gateway.clock import Clock
from ai_gateway.config import LoadedSettings
from ai_gateway.credentials.finder import CopilotTokenFinder
from ai_gateway.credentials.folders import copilot_folders
from ai_gateway.credentials.github_cli import GitHubCLI
from ai_gateway.credentials.own_store import TokenStore
from ai_gateway.failures import GatewayError
from ai_gateway.providers.network import Network, is_loopback
from ai_gateway.settings import CopilotSettings

if TYPE_CHECKING:
    from ai_gateway.credentials.device_flow import DeviceCode
    from ai_gateway.credentials.sign_in import SignIn

EDITOR = "the editor's GitHub session"


class CopilotAccount:
    """Finds tokens, and obtains one where there is none.

    Args:
        loaded: The settings.
        network: How GitHub is reached.
        clock: The time.
        on_sign_in: Told how a sign-in in the background ended.
    """

    def __init__(
        self,
        loaded: LoadedSettings,
        *,
        network: Network,
        clock: Clock,
        on_sign_in: Callable[[GatewayError | None], None],
    ) -> None:
        settings = loaded.settings.copilot
        self._made_of = _what_matters(settings, network)
        self._host = host = authority_of(settings)
        self._handed_over: str | None = None
        self.finder = CopilotTokenFinder(
            store=TokenStore(user_data_path("ai-gateway", appauthor=False) / "credentials"),
            folders=copilot_folders(),
            host=host,
            given=settings.token.get_secret_value() if settings.token else None,
            given_source=loaded.sources.get("copilot.token", "the setting copilot.token"),
            github_cli=GitHubCLI(host) if settings.ask_github_cli else None,
            clock=clock,
        )
        self._settings = settings
        self._network = network
        self._clock = clock
        self._on_sign_in = on_sign_in
        self._sign_in: SignIn | None = None

    def is_made_of(self, loaded: LoadedSettings, network: Network) -> bool:
        """Whether it would be the same with these settings."""
        return self._made_of == _what_matters(loaded.settings.copilot, network)

    @property
    def is_signing_in(self) -> bool:
        """Whether a person is expected to enter a code."""
        return self._sign_in is not None and self._sign_in.is_pending

    def hand_over(self, token: str, host: str | None = None) -> None:
        """Use the token of the editor's own session, for this process only.

        Args:
            token: The token.
            host: The web host that it belongs to; None: this account's.

        Raises:
            SignInFailed: It can be none, or another is used whoever signs in, or it belongs elsewhere.
        """
        signing_in = self._signing_in()
        if host is not None and host.lower() != self._host.lower():
            raise _misdirected(host, self._host)
        signing_in.take(token, EDITOR)
        self._handed_over = token

    def follow(self, before: CopilotAccount) -> None:
        """Stand in for the account before: keep the editor's session, unless it belongs to another host."""
        if before._host == self._host:
            self._handed_over = before._handed_over
            self.finder.hand_over(self._handed_over, EDITOR)

    async def begin_sign_in(self) -> DeviceCode:
        """Get a code to show, and wait for the person in the background.

        Raises:
            SignInFailed: There is no code to be had, or signing in would change nothing.
        """
        self._refuse_if_not_for_the_api()
        return await self._signing_in().begin()

    async def signed_in(self) -> None:
        """Return when the sign-in that was begun has succeeded.

        Raises:
            SignInFailed: It has not, and no longer will.
            NotKept: It has, but the token can't be kept.
        """
        await self._signing_in().wait()

    def forget_session(self) -> Sequence[str]:
        """Forget the editor's session alone; say where others remain."""
        self._handed_over = None
        self.finder.hand_over(None, EDITOR)
        return self.finder.remaining()

    async def sign_out(self) -> Sequence[str]:
        """Forget our own token and the editor's; say where others remain.

        Raises:
            NotKept: The disk would not let go of it.
        """
        self._handed_over = None
        return await self._signing_in().sign_out()

    async def aclose(self) -> None:
        """End a sign-in that is still waited for."""
        if self._sign_in is not None:
            await self._sign_in.aclose()

    def _refuse_if_not_for_the_api(self) -> None:
        web = urlsplit(self._settings.server_url).netloc
        if web != self._host:
            raise _misdirected(web, self._host)

    def _signing_in(self) -> SignIn:
        if self._sign_in is None:
            from ai_gateway.credentials.device_flow import DeviceFlow  # noqa: PLC0415 - few people sign in, and once
            from ai_gateway.credentials.sign_in import SignIn  # noqa: PLC0415

            flow = DeviceFlow(
                server_url=self._settings.server_url,
                client_id=self._settings.client_id,
                network=self._network,
                clock=self._clock,
            )
            self._sign_in = SignIn(flow, self.finder, on_done=self._on_sign_in)
        return self._sign_in


def _misdirected(belongs_to: str, host: str) -> GatewayError:
    from ai_gateway.credentials.device_flow import SignInFailed  # noqa: PLC0415 - as above

    return SignInFailed(
        f"a token of {belongs_to} must not go to {host}; set GITHUB_COPILOT_SERVER_URL to the web host that "
        "GITHUB_COPILOT_API_URL belongs to"
    )


def _what_matters(settings: CopilotSettings, network: Network) -> object:
    """Give what an account depends on; another model, say, must not cost a person their sign-in."""
    return (
        settings.token,
        settings.server_url,
        settings.rest_url,
        settings.client_id,
        settings.ask_github_cli,
        network,
    )


def authority_of(settings: CopilotSettings) -> str:
    """Name the host whose tokens may be used: GitHub's web host, unless the API is somewhere that is not its own.

    A token that was found on the disk must not go to another host because only the API's address was changed.
    """
    web, api = urlsplit(settings.server_url), urlsplit(settings.rest_url)
    own = web.hostname or ""
    host = api.hostname or ""
    is_its_own = host == own or host.endswith(f".{own}") or is_loopback(host)
    return web.netloc if is_its_own else api.netloc
