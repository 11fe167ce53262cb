"""What each tier is to be made of, as the settings have it. Providers are imported only where one is planned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from ai_gateway import __version__
from ai_gateway.clock import Clock
from ai_gateway.model import Backend
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.http import CLIENT_NAME
from ai_gateway.providers.network import Network
from ai_gateway.providers.tokens import TokenSource
from ai_gateway.settings import CopilotSettings, Section, Settings, TierSettings

if TYPE_CHECKING:
    from ai_gateway.providers.editor_models import EditorChat  # only for those whose editor lends its models


@dataclass(frozen=True, slots=True)
class Plan:
    """A tier to be, before its provider is made."""

    name: str
    backend: Backend
    model: str | None
    settings: TierSettings
    base_url: str
    """Empty where nothing but its provider knows it."""
    made_of: tuple[Section, ...]
    """The settings that decide what it is; with others it is another."""
    make: Callable[[Network], LLMProvider]
    embedding_model: str | None = None
    completion_model: str | None = None
    has_credential: bool = False
    """Whether a credential is sent to `base_url`."""
    other_url: str | None = None
    """Another address that the credential is sent to."""
    missing: str | None = None
    """What to do first, if it can't be made."""


class Planner:
    """Plans tiers.

    Args:
        settings: What is wanted.
        copilot_tokens: Where Copilot's tokens come from.
        clock: The time.
        editor_chat: Through which the editor's own models are asked; None: it lends none.
    """

    def __init__(
        self,
        settings: Settings,
        copilot_tokens: TokenSource,
        clock: Clock,
        *,
        editor_chat: EditorChat | None = None,
    ) -> None:
        self._settings = settings
        self._editor_chat = editor_chat
        self._copilot_tokens = copilot_tokens
        self._clock = clock

    def plan(self, section: str) -> Plan | None:
        """Plan the tier that a section of the settings is about; None: there is no such section, or nothing is lent."""
        match section:
            case "editor":
                return self._editor()
            case "copilot":
                return self._copilot()
            case "cloud":
                return self.cloud(self._settings.cloud.model)
            case "openai" | "anthropic" | "gemini" | "azure":
                return self._of_provider(section, None)
            case "local":
                return self._local()
            case _:
                return self._service(section)

    def cloud(self, model: str | None) -> Plan:
        """Plan the cloud tier, with another model than its provider's own if one is named."""
        wanted = self._settings.cloud
        plan = self._of_provider(self._settings.cloud_provider, model)
        own = plan.settings
        limits = TierSettings(
            enabled=wanted.enabled and own.enabled,
            connect_seconds=wanted.connect_seconds or own.connect_seconds,
            first_token_seconds=wanted.first_token_seconds or own.first_token_seconds,
            idle_seconds=wanted.idle_seconds or own.idle_seconds,
            total_seconds=wanted.total_seconds or own.total_seconds,
            learn_first_token=wanted.learn_first_token or own.learn_first_token,
            context_tokens=wanted.context_tokens or own.context_tokens,
            price=wanted.price or own.price,
        )
        return replace(plan, settings=limits, made_of=(wanted, *plan.made_of))

    def _of_provider(self, name: str, model: str | None) -> Plan:
        match name:
            case "anthropic":
                return self._anthropic(model)
            case "gemini":
                return self._gemini(model)
            case "azure":
                return self._azure(model)
            case _:
                return self._openai(model)

    def _copilot(self) -> Plan:
        settings, tokens = self._settings.copilot, self._copilot_tokens

        def make(network: Network) -> LLMProvider:
            from ai_gateway.providers.copilot.provider import ClientIdentity, CopilotProvider  # noqa: PLC0415 - see the module

            return CopilotProvider(
                tokens,
                identity=ClientIdentity(CLIENT_NAME, __version__, settings.integration_id, settings.api_version),
                github_api_url=settings.rest_url,
                chat_url=settings.chat_url,
                mode=settings.mode,
                usd_per_credit=settings.usd_per_credit,
                network=network,
                clock=self._clock,
            )

        return Plan(
            name="copilot",
            backend=Backend.COPILOT,
            model=settings.model,
            embedding_model=settings.embedding_model,
            settings=settings,
            base_url=settings.rest_url,
            other_url=settings.chat_url,
            has_credential=True,
            made_of=(settings,),
            make=make,
        )

    def _editor(self) -> Plan | None:
        settings, chat = self._settings.editor, self._editor_chat
        if chat is None:
            return None
        family = self._settings.copilot.model

        def make(_network: Network) -> LLMProvider:
            from ai_gateway.providers.editor_models import EditorModelsProvider  # noqa: PLC0415

            return EditorModelsProvider(chat, vendor=settings.vendor, family=family)

        return Plan(
            name="editor",
            backend=Backend.COPILOT,
            model=settings.model,
            settings=settings,
            base_url="",
            made_of=(settings, CopilotSettings(model=family)),
            make=make,
        )

    def _openai(self, model: str | None) -> Plan:
        settings = self._settings.openai

        def make(network: Network) -> LLMProvider:
            from ai_gateway.providers.openai.provider import OpenAIProvider  # noqa: PLC0415

            return OpenAIProvider(
                _shown(settings.api_key),
                base_url=settings.base_url,
                organization=settings.organization,
                project=settings.project,
                network=network,
            )

        return Plan(
            name="openai",
            backend=Backend.CLOUD,
            model=model or settings.model,
            embedding_model=settings.embedding_model,
            completion_model=settings.completion_model,
            settings=settings,
            base_url=settings.base_url,
            has_credential=bool(settings.api_key),
            missing=None if settings.is_configured else "set OPENAI_API_KEY, or OPENAI_BASE_URL of a server of yours",
            made_of=(settings,),
            make=make,
        )

    def _anthropic(self, model: str | None) -> Plan:
        settings = self._settings.anthropic

        def make(network: Network) -> LLMProvider:
            from ai_gateway.providers.anthropic.provider import AnthropicProvider  # noqa: PLC0415

            return AnthropicProvider(
                _shown(settings.api_key) or "",
                base_url=settings.base_url,
                default_max_tokens=settings.max_tokens,
                network=network,
            )

        return Plan(
            name="anthropic",
            backend=Backend.CLOUD,
            model=model or settings.model,
            settings=settings,
            base_url=settings.base_url,
            has_credential=True,
            missing=None if settings.is_configured else "set ANTHROPIC_API_KEY",
            made_of=(settings,),
            make=make,
        )

    def _gemini(self, model: str | None) -> Plan:
        settings = self._settings.gemini

        def make(network: Network) -> LLMProvider:
            from ai_gateway.providers.gemini.provider import GeminiProvider  # noqa: PLC0415

            return GeminiProvider(_shown(settings.api_key) or "", base_url=settings.base_url, network=network)

        return Plan(
            name="gemini",
            backend=Backend.CLOUD,
            model=model or settings.model,
            embedding_model=settings.embedding_model,
            settings=settings,
            base_url=settings.base_url,
            has_credential=True,
            missing=None if settings.is_configured else "set GEMINI_API_KEY",
            made_of=(settings,),
            make=make,
        )

    def _azure(self, model: str | None) -> Plan:
        settings = self._settings.azure
        deployment = model or settings.model
        missing = None
        if not settings.is_configured:
            missing = "set AZURE_OPENAI_ENDPOINT, and AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN"
        elif deployment is None:
            missing = "set AZURE_OPENAI_DEPLOYMENT to the name of a deployment"

        def make(network: Network) -> LLMProvider:
            from ai_gateway.providers.openai.azure import AzureOpenAIProvider  # noqa: PLC0415

            return AzureOpenAIProvider(
                settings.endpoint or "",
                api_key=_shown(settings.api_key),
                entra_token=_shown(settings.entra_token),
                api_version=settings.api_version,
                network=network,
            )

        return Plan(
            name="azure",
            backend=Backend.CLOUD,
            model=deployment,
            embedding_model=settings.embedding_model,
            settings=settings,
            base_url=settings.endpoint or "",
            has_credential=settings.is_configured,
            missing=missing,
            made_of=(settings,),
            make=make,
        )

    def _local(self) -> Plan:
        settings = self._settings.local

        def make(network: Network) -> LLMProvider:
            from ai_gateway.providers.ollama.provider import OllamaProvider  # noqa: PLC0415

            return OllamaProvider(base_url=settings.base_url, context_tokens=settings.context_tokens, network=network)

        return Plan(
            name="ollama",
            backend=Backend.LOCAL,
            model=settings.model,
            embedding_model=settings.embedding_model,
            completion_model=settings.completion_model,
            settings=settings,
            base_url=settings.base_url,
            made_of=(settings,),
            make=make,
        )

    def _service(self, name: str) -> Plan | None:
        settings = self._settings.services.get(name)
        if settings is None:
            return None

        def make(network: Network) -> LLMProvider:
            from ai_gateway.providers.openai.provider import OpenAIProvider  # noqa: PLC0415

            return OpenAIProvider(_shown(settings.api_key), base_url=settings.base_url, network=network)

        return Plan(
            name=name,
            backend=settings.backend,
            model=settings.model,
            embedding_model=settings.embedding_model,
            completion_model=settings.completion_model,
            settings=settings,
            base_url=settings.base_url,
            has_credential=bool(settings.api_key),
            made_of=(settings,),
            make=make,
        )


def _shown(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
