"""A tier that is all that another is, but asks an upstream on this machine with a made-up credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import SecretStr

from ai_gateway.assemble import network_of
from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.clock import Clock
from ai_gateway.config import LoadedSettings
from ai_gateway.drill.vendors import MADE_UP_TOKEN, PLAYED_BY
from ai_gateway.fakes import FakeUpstream
from ai_gateway.plans import Planner
from ai_gateway.providers.tokens import GivenToken
from ai_gateway.settings import Section, Settings
from ai_gateway.tier import ProviderTier

MADE_UP_KEY = SecretStr("sk-rehearsal")
SECTIONS: Mapping[str, str] = {"ollama": "local"}
"""Of the settings, where a provider's section is not called after it."""


def section_of(provider: str) -> str:
    """Say which section of the settings a provider's own are in."""
    return SECTIONS.get(provider, provider)


def stand_in_for(tier: ProviderTier, upstream: FakeUpstream, loaded: LoadedSettings, *, clock: Clock) -> ProviderTier:
    """Make the tier that is asked in place of another, and shares neither its breaker nor its connections.

    It makes no vectors: invented ones could be kept, and compared with real ones later.
    """
    section = PLAYED_BY.get(tier.name, section_of(tier.name))
    settings = _pointed(loaded.settings, section, upstream.base_url)
    plan = Planner(settings, GivenToken(MADE_UP_TOKEN, source="the drill"), clock).plan(section)
    assert plan is not None  # noqa: S101 - the tier was planned from the same section
    limits = tier.breaker.limits
    return replace(
        tier,
        provider=plan.make(network_of(loaded)),
        models=tier.models or (() if plan.model is None else (plan.model,)),
        breaker=CircuitBreaker(
            limits.failure_threshold,
            limits.recovery_seconds,
            max_open_seconds=limits.max_open_seconds,
            probe_lease_seconds=limits.probe_lease_seconds,
            clock=clock,
        ),
        embedding_models=(),
        base_url=upstream.base_url,
        shared_name=None,
        paces=None,
        is_rehearsal=True,
        last_failure=None,
    )


def _pointed(settings: Settings, name: str, url: str) -> Settings:
    """Give the same settings with another address in one section, and no credential of its own left there."""
    service = settings.services.get(name)
    if service is not None:
        return settings.model_copy(update={"services": {**settings.services, name: _section_at(service, url)}})
    section: Section = getattr(settings, name)
    return settings.model_copy(update={name: _section_at(section, url)})


def _section_at(section: Section, url: str) -> Section:
    """Give the same section with every address in it replaced, and every secret."""
    values = {field: getattr(section, field) for field in type(section).model_fields}
    made_up = {field: MADE_UP_KEY for field, value in values.items() if isinstance(value, SecretStr)}
    addresses = {field: url for field, value in values.items() if field == "api_url" or _is_address(value)}
    return section.model_copy(update={**made_up, **addresses})


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))
