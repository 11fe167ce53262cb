"""What the settings say of every query, each part imported only where it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ai_gateway.answering import Rules
from ai_gateway.clock import Clock
from ai_gateway.failures import SettingsError
from ai_gateway.model import PriceClass, Usage
from ai_gateway.privacy.exclusions import Exclusions
from ai_gateway.privacy.path_patterns import PathPatterns
from ai_gateway.settings import Settings
from ai_gateway.store.base import Store
from ai_gateway.tier import ProviderTier

if TYPE_CHECKING:
    from ai_gateway.caching.stored import StoredAnswers
    from ai_gateway.privacy.masking import Masker
    from ai_gateway.telemetry.spans import Telemetry

MEGABYTE = 1024 * 1024


def rules_of(settings: Settings, complain: Callable[[str], None]) -> Rules:
    """Say what holds for every query; what is wrong with it is complained of, and left out."""
    return Rules(
        timeout_seconds=settings.query.timeout_seconds,
        caches=settings.cache.enabled,
        private=settings.privacy.private,
        private_paths=PathPatterns(_fine(settings.privacy.private_paths, "private_paths", complain)),
        exclusions=Exclusions(
            _fine(settings.privacy.exclude, "exclude", complain), use_gitignore=settings.privacy.use_gitignore
        ),
    )


def _fine(patterns: Sequence[str], name: str, complain: Callable[[str], None]) -> Sequence[str]:
    """Leave out the patterns that are none."""
    fine = []
    for pattern in patterns:
        try:
            PathPatterns([pattern])
        except ValueError as error:
            complain(f"privacy.{name}: {error}")
        else:
            fine.append(pattern)
    return fine


def unpriced_tiers(settings: Settings, tiers: Sequence[ProviderTier]) -> tuple[str, ...]:
    """Name what a daily cap does not hold for, as nobody knows what its answers cost."""
    if settings.spending.daily_cap_usd is None:
        return ()
    one = Usage(1, 1)
    unpriced = (
        tier.name
        for tier in tiers
        if tier.disabled is None
        and tier.price_class is PriceClass.METERED
        and tier.cost_usd(tier.default_model, one) is None
    )
    return tuple(
        f"spending.daily_cap_usd does not hold for {name}: nobody knows what its answers cost" for name in unpriced
    )


def masker_of(settings: Settings) -> Masker | None:
    """Make what hides secrets, if it is wanted."""
    if not settings.privacy.mask_secrets:
        return None
    from ai_gateway.privacy.masking import Masker  # noqa: PLC0415

    return Masker()


def stored_answers_of(settings: Settings, store: Store | None, clock: Clock) -> StoredAnswers | None:
    """Make what keeps answers for longer than the process lives, if it is wanted."""
    if store is None or not (settings.cache.enabled and settings.cache.persistent):
        return None
    from ai_gateway.caching.stored import StoredAnswers  # noqa: PLC0415

    return StoredAnswers(store, clock, max_bytes=settings.cache.max_megabytes * MEGABYTE)


def telemetry_of(settings: Settings, complain: Callable[[str], None]) -> Telemetry | None:
    """Make what tells of queries as spans, if it is wanted; that it is not installed is complained of."""
    if not settings.telemetry.otel:
        return None
    from ai_gateway.telemetry.spans import Telemetry  # noqa: PLC0415

    try:
        return Telemetry()
    except SettingsError as error:
        complain(str(error))
        return None
