"""The composition root: settings become plans, plans providers, and providers tiers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.clock import Clock
from ai_gateway.config import LoadedSettings
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Backend, LLMResponse
from ai_gateway.pace import Paces
from ai_gateway.plans import Plan, Planner
from ai_gateway.prices import price_list
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.network import Network, is_loopback, is_safe_for_credentials
from ai_gateway.providers.tokens import TokenSource
from ai_gateway.settings import Section, TierSettings
from ai_gateway.tier import LOCAL_DEADLINES, Deadlines, ProviderTier

if TYPE_CHECKING:
    from ai_gateway.providers.editor_models import EditorChat  # only for those whose editor lends its models

PRIORITY_STEP = 10


@dataclass(frozen=True, slots=True)
class Assembly:
    """What a gateway is made of."""

    tiers: tuple[ProviderTier, ...]
    escalation: tuple[ProviderTier, ...]


def assemble(
    loaded: LoadedSettings,
    *,
    copilot_tokens: TokenSource,
    clock: Clock,
    keep: Sequence[ProviderTier] = (),
    editor_chat: EditorChat | None = None,
) -> Assembly:
    """Make the tiers that the settings ask for.

    Args:
        loaded: The settings.
        copilot_tokens: Where Copilot's tokens come from.
        clock: The time.
        keep: Tiers made before; one whose settings are the same is used again, with its breaker and connections.
        editor_chat: Through which the editor's own models are asked; None: it lends none.
    """
    planner = Planner(loaded.settings, copilot_tokens, clock, editor_chat=editor_chat)
    return _Assembler(loaded, planner, clock, keep).assembly()


class _NotConfigured(LLMProvider):
    """Stands where a provider can't be made; its tier is disabled, so nobody asks it."""

    async def chat(self, *_: object, **__: object) -> LLMResponse:
        raise ProviderFailure(FailureKind.SIGNED_OUT, "not configured")


def network_of(loaded: LoadedSettings) -> Network:
    """Say how upstreams are reached."""
    wanted = loaded.settings.network
    return Network(
        connect_seconds=wanted.connect_seconds,
        ca_file=wanted.ca_file,
        client_cert=wanted.client_cert,
        client_key=wanted.client_key,
        proxy=None if wanted.proxy is None else wanted.proxy.get_secret_value(),
        no_proxy=wanted.no_proxy,
    )


class _Assembler:
    def __init__(self, loaded: LoadedSettings, planner: Planner, clock: Clock, keep: Sequence[ProviderTier]) -> None:
        self._loaded = loaded
        self._settings = loaded.settings
        self._planner = planner
        self._clock = clock
        self._keep = keep
        self._network = network_of(loaded)

    def assembly(self) -> Assembly:
        tiers: dict[str, ProviderTier] = {}
        for position, section in enumerate(self._settings.tier_names):
            plan = self._planner.plan(section)
            if plan is not None and plan.settings.enabled and plan.name not in tiers:
                tier = self._tier(plan, section)
                tier.priority = PRIORITY_STEP * (len(self._settings.tier_names) - position)
                tiers[plan.name] = tier
        return Assembly(tuple(tiers.values()), tuple(tier for tier in self._escalation() if tier.disabled is None))

    def _escalation(self) -> list[ProviderTier]:
        stronger = (self._settings.escalation.model, self._settings.escalation.strongest_model)
        plans = [self._planner.cloud(model) for model in stronger if model is not None]
        return [self._tier(plan, "cloud") for plan in plans if plan.settings.enabled]

    def _tier(self, plan: Plan, section: str) -> ProviderTier:
        disabled = self._wrong(section) or plan.missing or self._unsafe(plan)
        is_emergency = section == self._settings.emergency
        shared = (self._settings.network, self._settings.breaker, self._settings.store)
        fingerprint = (plan.name, plan.model, plan.made_of, shared, is_emergency, disabled)
        for kept in self._keep:
            if kept.fingerprint == fingerprint:
                return kept
        breaker, limits = self._settings.breaker, plan.settings
        usual = LOCAL_DEADLINES if plan.backend is Backend.LOCAL else Deadlines()
        deadlines = Deadlines(
            limits.first_token_seconds or usual.first_token_seconds,
            limits.idle_seconds or usual.idle_seconds,
            limits.total_seconds,
        )
        return ProviderTier(
            name=plan.name,
            provider=_NotConfigured() if disabled else plan.make(self._network_for(limits)),
            models=() if plan.model is None else (plan.model,),
            embedding_models=() if plan.embedding_model is None else (plan.embedding_model,),
            completion_models=() if plan.completion_model is None else (plan.completion_model,),
            backend=plan.backend,
            breaker=CircuitBreaker(
                breaker.failure_threshold,
                breaker.recovery_timeout_seconds,
                max_open_seconds=breaker.max_open_seconds,
                probe_lease_seconds=deadlines.first_token_seconds + deadlines.idle_seconds,
                clock=self._clock,
            ),
            deadlines=deadlines,
            context_tokens=plan.settings.context_tokens,
            prices=price_list(plan.name, plan.base_url),
            base_url=plan.base_url,
            price=limits.price,
            is_emergency=is_emergency,
            paces=Paces(ceiling_seconds=deadlines.first_token_seconds) if self._learns(plan) else None,
            shared_name=self._shared_name(plan),
            disabled=disabled,
            fingerprint=fingerprint,
        )

    def _learns(self, plan: Plan) -> bool:
        """Whether first tokens teach the limit: not of a local model, which may have to be loaded first."""
        return plan.settings.learn_first_token and plan.backend is not Backend.LOCAL

    def _network_for(self, limits: TierSettings) -> Network:
        return replace(self._network, connect_seconds=limits.connect_seconds or self._network.connect_seconds)

    def _shared_name(self, plan: Plan) -> str | None:
        """Name what others must have in common with us for its breaker to say something about theirs.

        On a server of the team, an address of this machine would mean another one to each; what an editor lends is
        lent to its own window.
        """
        if not plan.base_url:
            return None
        if self._settings.store.redis_url is not None and is_loopback(urlsplit(plan.base_url).hostname or ""):
            return None
        credentials = [secret.get_secret_value() for section in plan.made_of for secret in _secrets_of(section)]
        parts = json.dumps([plan.name, plan.base_url, plan.other_url, plan.model, credentials])
        return f"{plan.name}-{hashlib.blake2b(parts.encode(), digest_size=12).hexdigest()}"

    def _wrong(self, section: str) -> str | None:
        sections = (section, self._settings.cloud_provider) if section == "cloud" else (section,)
        problem = self._loaded.problem_of(*sections)
        return f"mend the setting {problem}" if problem else None

    def _unsafe(self, plan: Plan) -> str | None:
        allowed = {name.lower() for name in self._settings.network.allow_plain_http}
        for url in filter(None, (plan.base_url, plan.other_url) if plan.has_credential else ()):
            host = urlsplit(url).hostname or ""
            if not is_safe_for_credentials(url) and host not in allowed:
                to_do = "use https, or add the host to network.allow_plain_http"
                return f"a credential is not sent to {host} without TLS; {to_do}"
        return None


def _secrets_of(section: Section) -> Iterator[SecretStr]:
    values = (getattr(section, name) for name in type(section).model_fields)
    return (value for value in values if isinstance(value, SecretStr))
