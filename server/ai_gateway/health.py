"""What a person wants to know about the gateway at a glance."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import psutil

from ai_gateway import __version__
from ai_gateway.model import Allowance, Backend, BreakerState, PriceClass
from ai_gateway.tier import ProviderTier

GIB = 1024**3
RECOMMENDED_LOCAL_MODELS = ((30 * GIB, "gpt-oss:20b"), (14 * GIB, "llama3"), (7 * GIB, "phi3"), (0, "llama3.2:1b"))
"""The largest model that leaves room for the editor, by the machine's memory (https://ollama.com/library)."""


class HealthStatus(StrEnum):
    """The whole in one word: all well, somebody can answer, nobody can, or too early to say."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    STARTING = "starting"


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """One provider. `reachable` is known only after a probe."""

    name: str
    backend: Backend
    state: BreakerState
    reason: str | None
    retry_after_seconds: float | None
    last_error: str | None
    hint: str | None
    model: str | None
    credential: str | None
    """Where the credential in use was found, where that is not a setting."""
    allowance: Allowance | None
    """What is left of the quota; None: unknown."""
    is_loading: bool
    """Whether it is silent now because it loads a model."""
    price_class: PriceClass
    """What its answers cost."""
    is_emergency: bool
    """Whether it is asked only when nobody else can answer."""
    forced: BreakerState | None
    """The state that a person's hand keeps its breaker in; None: it goes by itself."""
    preload_problem: str | None = None
    """Why its model could not be loaded ahead; None: it was, or nobody tried."""
    reachable: bool | None = None


@dataclass(frozen=True, slots=True)
class ProcessHealth:
    """This process."""

    pid: int
    rss_bytes: int
    uptime_seconds: float
    version: str


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to `ai/health`."""

    status: HealthStatus
    copilot_available: bool
    cloud_available: bool
    local_available: bool
    circuit_state: BreakerState
    """Of the first tier that is configured."""
    providers: tuple[ProviderHealth, ...]
    process: ProcessHealth
    recommended_local_model: str
    problems: tuple[str, ...] = ()
    """Settings that are wrong, each with where it came from."""
    spent_today_usd: float | None = None
    """What the metered answers of all windows have cost today, as far as that is known; None: nobody keeps count."""
    daily_cap_usd: float | None = None
    """How much may be spent in a day; None: there is no limit."""
    private: bool = False
    """Whether the settings make every query private, so that only local tiers are asked."""


def health_of(
    tiers: Sequence[ProviderTier],
    *,
    reachable: dict[str, bool],
    problems: tuple[str, ...],
    starting: bool = False,
    preload_problems: Mapping[str, str | None] = MappingProxyType({}),
    spent_today_usd: float | None = None,
    daily_cap_usd: float | None = None,
    private: bool = False,
) -> Health:
    """Sum up the tiers.

    Args:
        tiers: In the order of asking.
        reachable: What a probe found, by provider.
        problems: Settings that are wrong.
        starting: Whether the tiers are not even known yet.
        preload_problems: Why models could not be loaded ahead, by provider.
        spent_today_usd: What metered answers have cost today; None: nobody keeps count.
        daily_cap_usd: How much may be spent in a day; None: there is no limit.
        private: Whether the settings make every query private.
    """
    asked = [tier for tier in tiers if tier.missing is None]
    available = [
        tier for tier in asked if reachable.get(tier.name, True) and tier.breaker.state is not BreakerState.OPEN
    ]
    backends = {tier.backend for tier in available}
    return Health(
        status=HealthStatus.STARTING if starting else _status(asked, available),
        copilot_available=Backend.COPILOT in backends,
        cloud_available=Backend.CLOUD in backends,
        local_available=Backend.LOCAL in backends,
        circuit_state=asked[0].breaker.state if asked else BreakerState.CLOSED,
        providers=tuple(
            _provider_health(tier, reachable.get(tier.name), preload_problems.get(tier.name)) for tier in tiers
        ),
        process=_process_health(),
        recommended_local_model=recommended_local_model(psutil.virtual_memory().total),
        problems=problems,
        spent_today_usd=spent_today_usd,
        daily_cap_usd=daily_cap_usd,
        private=private,
    )


def recommended_local_model(memory_bytes: int) -> str:
    """Name a model that a machine with this much memory runs well."""
    return next(model for least, model in RECOMMENDED_LOCAL_MODELS if memory_bytes >= least)


def _status(asked: list[ProviderTier], available: list[ProviderTier]) -> HealthStatus:
    if not available:
        return HealthStatus.DOWN
    all_well = available == asked and all(tier.breaker.state is BreakerState.CLOSED for tier in asked)
    return HealthStatus.OK if all_well else HealthStatus.DEGRADED


def _provider_health(tier: ProviderTier, reachable: bool | None, preload_problem: str | None) -> ProviderHealth:
    return ProviderHealth(
        name=tier.name,
        backend=tier.backend,
        state=tier.breaker.state,
        reason=tier.reason,
        retry_after_seconds=tier.breaker.reopens_in_seconds,
        last_error=f"{tier.last_failure.kind}: {tier.last_failure.detail}" if tier.last_failure else None,
        hint=tier.hint,
        model=tier.default_model,
        credential=tier.provider.credential_source,
        allowance=tier.provider.allowance,
        is_loading=tier.provider.is_loading,
        price_class=tier.price_class,
        is_emergency=tier.is_emergency,
        forced=tier.breaker.forced,
        preload_problem=preload_problem,
        reachable=reachable,
    )


def _process_health() -> ProcessHealth:
    process = psutil.Process()
    with process.oneshot():
        return ProcessHealth(
            pid=os.getpid(),
            rss_bytes=process.memory_info().rss,
            uptime_seconds=round(time.time() - process.create_time(), 1),
            version=__version__,
        )
