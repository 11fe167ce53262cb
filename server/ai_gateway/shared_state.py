"""What this process shares with others, as the settings have it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from platformdirs import user_state_path

from ai_gateway.breakers.sharing import SharedBreakers
from ai_gateway.clock import Clock
from ai_gateway.settings import StoreSettings
from ai_gateway.store.base import Store
from ai_gateway.tier import ProviderTier


class SharedState:
    """The stores that the settings ask for, and the breakers shared through one of them.

    Args:
        settings: Where they are.
        clock: The time.
    """

    def __init__(self, settings: StoreSettings, clock: Clock) -> None:
        self.made_of = settings
        self.own = _own_store(settings, clock)
        """Of this person on this machine; None: nothing is kept."""
        self._missing: tuple[str, ...] = ()
        self.team = self._team_store(settings, clock)
        """Of a team; None: there is none."""
        common = self.common
        self.breakers = None if common is None else SharedBreakers(common, clock)

    @property
    def common(self) -> Store | None:
        """Where breakers and answers are shared."""
        return self.team or self.own

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person should know about the stores."""
        return (*self._missing, *(store.problem for store in self._stores if store.problem is not None))

    def share(self, tiers: Iterable[ProviderTier]) -> None:
        """Share the breakers of these tiers."""
        if self.breakers is not None:
            self.breakers.share((tier.shared_name, tier.breaker) for tier in tiers if tier.shared_name is not None)

    async def refresh(self) -> None:
        """Take over what others have found out."""
        if self.breakers is not None:
            await self.breakers.refresh()

    async def aclose(self) -> None:
        """Tell others what is untold, and let go."""
        if self.breakers is not None:
            await self.breakers.aclose()
        for store in self._stores:
            await store.aclose()

    def _team_store(self, settings: StoreSettings, clock: Clock) -> Store | None:
        if settings.redis_url is None:
            return None
        try:
            from ai_gateway.store.redis_store import RedisStore  # noqa: PLC0415 - an extra
        except ImportError:
            self._missing = ("store.redis_url: needs another package: pip install 'ai-gateway-lsp[redis]'",)
            return None
        return RedisStore(settings.redis_url.get_secret_value(), clock=clock)

    @property
    def _stores(self) -> tuple[Store, ...]:
        return tuple(store for store in (self.own, self.team) if store is not None)


def store_file(settings: StoreSettings) -> Path:
    """Say where the store of this person is."""
    if settings.path is not None:
        return Path(settings.path).expanduser()
    return user_state_path("ai-gateway", appauthor=False) / "gateway.db"


def _own_store(settings: StoreSettings, clock: Clock) -> Store | None:
    if not settings.enabled:
        return None
    from ai_gateway.store.sqlite import SqliteStore  # noqa: PLC0415 - only for those who share

    return SqliteStore(store_file(settings), clock=clock)
