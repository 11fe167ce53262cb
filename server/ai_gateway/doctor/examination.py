"""The examination: every setting that somebody made, the way to each provider, and what a probe finds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psutil
from pydantic import BaseModel, SecretStr

from ai_gateway import __version__
from ai_gateway.assemble import network_of
from ai_gateway.config import LoadedSettings
from ai_gateway.doctor.standings import is_well
from ai_gateway.failures import ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.health import GIB, Health
from ai_gateway.providers.network import CERTIFICATE_VARIABLES, Network
from ai_gateway.settings import Settings
from ai_gateway.tier import ProviderTier

NO_PROXY = "no proxy"


@dataclass(frozen=True, slots=True)
class SettingFound:
    """A setting with its value, or that it is set, and where it came from."""

    path: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Road:
    """How a provider is reached."""

    provider: str
    base_url: str
    proxy: str
    trust: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that the doctor found."""

    version: str
    settings: tuple[SettingFound, ...]
    problems: tuple[str, ...]
    health: Health
    roads: tuple[Road, ...]
    memory_gib: float
    next_steps: tuple[str, ...]

    @property
    def in_short(self) -> str:
        """How things are, and with how much memory: whether a local model runs is mostly a question of it."""
        return f"{self.health.status}, on a machine with {self.memory_gib} GiB of memory"


async def examine(gateway: Gateway) -> Report:
    """Examine a gateway that is made of settings, which takes up to five seconds.

    Raises:
        GatewayClosed: It was closed.
    """
    found = await gateway.health(probe=True)
    loaded = gateway.settings or LoadedSettings(Settings())
    return Report(
        version=__version__,
        settings=tuple(_settings_found(loaded)),
        problems=found.problems,
        health=found,
        roads=tuple(_roads(gateway.tiers, loaded)),
        memory_gib=round(psutil.virtual_memory().total / GIB, 1),
        next_steps=tuple(_next_steps(found, gateway.credential_problems)),
    )


def _settings_found(loaded: LoadedSettings) -> Iterator[SettingFound]:
    for path, value in _leaves(loaded.settings):
        source = loaded.sources.get(path)
        if isinstance(value, SecretStr):
            yield SettingFound(path, "set (not shown)", source or "default")
        elif source is not None:
            yield SettingFound(path, _shown(value), source)


def _leaves(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in section:
        yield from _leaves_of(value, f"{prefix}{name}")


def _leaves_of(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, BaseModel):
        yield from _leaves(value, f"{path}.")
    elif isinstance(value, dict):
        for name, service in value.items():
            yield from _leaves_of(service, f"{path}.{name}")
    else:
        yield path, value


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _roads(tiers: tuple[ProviderTier, ...], loaded: LoadedSettings) -> Iterator[Road]:
    network = network_of(loaded)
    for tier in tiers:
        if tier.base_url:
            yield Road(tier.name, tier.base_url, _proxy_of(tier.base_url, network), _trust_of(tier.base_url, network))


def _proxy_of(url: str, network: Network) -> str:
    try:
        proxy = network.road_to(url)
    except ProviderFailure as failure:
        return failure.detail
    return proxy.address if proxy else NO_PROXY


def _trust_of(url: str, network: Network) -> str:
    if not url.startswith("https:"):
        return "no TLS"
    variables = [name for name in CERTIFICATE_VARIABLES if os.environ.get(name)]
    added = [*([network.ca_file] if network.ca_file else []), *variables]
    trusted = " and ".join(["the operating system's certificates", *added])
    return f"{trusted}; shows {network.client_cert}" if network.client_cert else trusted


def _next_steps(found: Health, remarks: Iterable[str]) -> Iterator[str]:
    yield from (f"mend the setting {problem}" for problem in found.problems)
    hints = [f"{each.name}: {each.hint}" for each in found.providers if each.hint and not is_well(each)]
    yield from hints
    yield from (f"copilot: {remark}" for remark in remarks if not any(remark in step for step in hints))
    if not found.local_available:
        model = found.recommended_local_model
        yield f"for answers without a network: install Ollama, run 'ai-gateway pull {model}', set LOCAL_MODEL={model}"
