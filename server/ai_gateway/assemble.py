"""The composition root: settings become providers, and providers tiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from ai_gateway import __version__
from ai_gateway.breaker import CircuitBreaker
from ai_gateway.clock import Clock
from ai_gateway.config import LoadedSettings, OpenAISettings, Section, TierSettings
from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Backend, LLMResponse
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.copilot import ClientIdentity, CopilotProvider
from ai_gateway.providers.http import CLIENT_NAME, Network, is_safe_for_credentials
from ai_gateway.providers.ollama import OllamaProvider
from ai_gateway.providers.openai import OpenAIProvider
from ai_gateway.tier import LOCAL_DEADLINES, Deadlines, ProviderTier

PRIORITY_STEP = 10


@dataclass(frozen=True, slots=True)
class Assembly:
    """What a gateway is made of."""

    tiers: tuple[ProviderTier, ...]
    escalation: tuple[ProviderTier, ...]


def assemble(loaded: LoadedSettings, *, clock: Clock, keep: Sequence[ProviderTier] = ()) -> Assembly:
    """Make the tiers that the settings ask for.

    Args:
        loaded: The settings.
        clock: The time.
        keep: Tiers made before; one whose settings are the same is used again, with its breaker and connections.
    """
    return _Assembler(loaded, clock, keep).assembly()


@dataclass(frozen=True, slots=True)
class _Plan:
    """A tier to be, before its provider is made."""

    name: str
    backend: Backend
    model: str
    settings: TierSettings
    base_url: str
    credential: SecretStr | None
    missing: str | None
    """What to do first, if it can't be made."""
    make: Callable[[str | None], LLMProvider]
    """Given the credential."""
    made_of: tuple[Section, ...]


class _NotConfigured(LLMProvider):
    """Stands where a provider can't be made; its tier is disabled, so nobody asks it."""

    async def chat(self, *_: object, **__: object) -> LLMResponse:
        raise ProviderFailure(FailureKind.ENTITLEMENT, "not configured")


class _Assembler:
    def __init__(self, loaded: LoadedSettings, clock: Clock, keep: Sequence[ProviderTier]) -> None:
        self._loaded = loaded
        self._settings = loaded.settings
        self._clock = clock
        self._keep = keep
        network = loaded.settings.network
        proxy = None if network.proxy is None else network.proxy.get_secret_value()
        self._network = Network(network.connect_seconds, network.ca_file, proxy)

    def assembly(self) -> Assembly:
        tiers = []
        for position, section in enumerate(self._settings.tier_names):
            plan = self._plan(section)
            if plan is not None and plan.settings.enabled:
                tier = self._tier(plan, section)
                tier.priority = PRIORITY_STEP * (len(self._settings.tier_names) - position)
                tiers.append(tier)
        return Assembly(tuple(tiers), tuple(tier for tier in self._escalation() if tier.disabled is None))

    def _escalation(self) -> list[ProviderTier]:
        if not self._settings.cloud.enabled:
            return []
        stronger = (self._settings.escalation.model, self._settings.escalation.strongest_model)
        return [self._tier(self._cloud(model), "cloud") for model in stronger if model is not None]

    def _plan(self, section: str) -> _Plan | None:
        match section:
            case "copilot":
                return self._copilot()
            case "cloud":
                return self._cloud(self._settings.cloud.model)
            case "local":
                return self._local()
            case _:
                return self._service(section)

    def _copilot(self) -> _Plan:
        settings = self._settings.copilot
        identity = ClientIdentity(CLIENT_NAME, __version__, settings.integration_id)
        return _Plan(
            name="copilot",
            backend=Backend.COPILOT,
            model=settings.model,
            settings=settings,
            base_url=settings.api_url,
            credential=settings.token,
            missing=None if settings.token else "set GITHUB_COPILOT_TOKEN to the OAuth token of a Copilot sign-in",
            make=lambda token: CopilotProvider(
                token or "",
                identity=identity,
                github_api_url=settings.api_url,
                network=self._network,
                clock=self._clock,
            ),
            made_of=(settings,),
        )

    def _cloud(self, model: str) -> _Plan:
        settings, openai = self._settings.cloud, self._settings.openai
        own_server = openai.base_url != OpenAISettings().base_url
        return _Plan(
            name="openai",
            backend=Backend.CLOUD,
            model=model,
            settings=settings,
            base_url=openai.base_url,
            credential=openai.api_key,
            missing=None
            if openai.api_key or own_server
            else "set OPENAI_API_KEY, or OPENAI_BASE_URL of a server of yours",
            make=lambda key: OpenAIProvider(key, base_url=openai.base_url, network=self._network),
            made_of=(settings, openai),
        )

    def _local(self) -> _Plan:
        settings = self._settings.local
        return _Plan(
            name="ollama",
            backend=Backend.LOCAL,
            model=settings.model,
            settings=settings,
            base_url=settings.base_url,
            credential=None,
            missing=None,
            make=lambda _: OllamaProvider(
                base_url=settings.base_url, context_tokens=settings.context_tokens, network=self._network
            ),
            made_of=(settings,),
        )

    def _service(self, name: str) -> _Plan | None:
        settings = self._settings.services.get(name)
        if settings is None:
            return None
        return _Plan(
            name=name,
            backend=settings.backend,
            model=settings.model,
            settings=settings,
            base_url=settings.base_url,
            credential=settings.api_key,
            missing=None,
            make=lambda key: OpenAIProvider(key, base_url=settings.base_url, network=self._network),
            made_of=(settings,),
        )

    def _tier(self, plan: _Plan, section: str) -> ProviderTier:
        disabled = self._wrong(section) or plan.missing or self._unsafe(plan)
        fingerprint = (plan.name, plan.model, plan.made_of, self._settings.network, self._settings.breaker, disabled)
        for kept in self._keep:
            if kept.fingerprint == fingerprint:
                return kept
        breaker, limits = self._settings.breaker, plan.settings
        usual = LOCAL_DEADLINES if plan.backend is Backend.LOCAL else Deadlines()
        deadlines = Deadlines(
            limits.first_token_seconds or usual.first_token_seconds, limits.idle_seconds or usual.idle_seconds
        )
        credential = plan.credential.get_secret_value() if plan.credential else None
        return ProviderTier(
            name=plan.name,
            provider=_NotConfigured() if disabled else plan.make(credential),
            models=(plan.model,),
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
            base_url=plan.base_url,
            disabled=disabled,
            fingerprint=fingerprint,
        )

    def _wrong(self, section: str) -> str | None:
        sections = (section, self._settings.cloud.provider) if section == "cloud" else (section,)
        problem = self._loaded.problem_of(*sections)
        return f"mend the setting {problem}" if problem else None

    def _unsafe(self, plan: _Plan) -> str | None:
        host = urlsplit(plan.base_url).hostname or ""
        allowed = {name.lower() for name in self._settings.network.allow_plain_http}
        if not plan.credential or is_safe_for_credentials(plan.base_url) or host in allowed:
            return None
        return f"a credential is not sent to {host} without TLS; use https, or add the host to network.allow_plain_http"
