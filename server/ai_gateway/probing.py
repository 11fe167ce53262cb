"""Asking upstreams about themselves, without asking a model: are they there, and which models do they offer?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ai_gateway.failures import FailureKind, OpenReason, ProviderFailure, where
from ai_gateway.model import ModelInfo
from ai_gateway.tier import ProviderTier

log = logging.getLogger(__name__)

PROBE_SECONDS = 5.0
MENDED_BY_A_PERSON = frozenset({OpenReason.NOT_CONFIGURED, OpenReason.AUTH, OpenReason.BLOCKED})
"""What a check finds out as well as a query would: the credential, and the model."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The models that there are."""

    models: tuple[tuple[ProviderTier, ModelInfo], ...]
    problems: tuple[str, ...]
    """Providers that would not say, and why."""


async def check(tier: ProviderTier) -> bool:
    """See whether a tier's upstream can be reached now; if not, its `last_failure` says why.

    A breaker that waits for a person to put something right is closed if that was done: a model was pulled, a key
    allowed. An outage, a rate limit and a quota are for a query to find over: listing models proves nothing of them.
    """
    _, failure = await _probed(tier.provider.check(tier.default_model))
    if failure is not None:
        tier.last_failure = failure
        return False
    if tier.breaker.reason in MENDED_BY_A_PERSON:
        tier.breaker.reset()
    if tier.breaker.reason is None:
        tier.last_failure = None
    return True


async def catalogue_of(tiers: Sequence[ProviderTier]) -> Catalogue:
    """Ask each tier for its models, all at once."""
    found = await asyncio.gather(*(_probed(tier.provider.models()) for tier in tiers))
    models = [(tier, model) for tier, (listed, _) in zip(tiers, found, strict=True) for model in listed or ()]
    problems = [
        f"{tier.name}: {failure.kind} ({failure.detail}); {failure.hint_for(tier.name)}"
        for tier, (_, failure) in zip(tiers, found, strict=True)
        if failure is not None
    ]
    return Catalogue(tuple(models), tuple(problems))


async def _probed(answer: Awaitable[T]) -> tuple[T | None, ProviderFailure | None]:
    """Wait for a provider's own code, which is anybody's, and call what it does by its kind."""
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await answer, None
    except ProviderFailure as failure:
        return None, failure.bare()
    except TimeoutError:
        return None, ProviderFailure(FailureKind.TIMEOUT, "nothing arrived in time")
    except OSError as error:
        return None, ProviderFailure(FailureKind.NETWORK, f"the connection failed ({type(error).__name__})")
    except Exception as error:  # noqa: BLE001 - it is whatever the provider's own code raises
        log.error("a provider's own code failed: %s", where(error))  # noqa: TRY400 - the text may quote a key
        return None, ProviderFailure(FailureKind.CRASHED, f"the provider raised {type(error).__name__}")
