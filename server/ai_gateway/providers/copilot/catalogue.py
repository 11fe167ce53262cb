"""The models that Copilot offers to an account, as `GET /models` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import ModelInfo
from ai_gateway.near import near_names
from ai_gateway.providers.copilot.credits import Tariff, tariff_in
from ai_gateway.providers.copilot.refusals import SETTINGS_URL
from ai_gateway.providers.wire import amount_in, object_in, objects_in

CHAT_ENDPOINT = "/chat/completions"
MAX_INPUTS = 256
"""How many texts Copilot embeds at once, where it does not say."""


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One entry; what it leaves out does not hold it back."""

    id: str
    embeds: bool = False
    chats: bool = True
    """Whether it answers chat completions, and not another API only."""
    is_enabled: bool = True
    """Whether the account's policy allows it."""
    is_in_picker: bool = True
    is_charged: bool = False
    """Whether its use counts against a quota."""
    context_tokens: int | None = None
    max_inputs: int = MAX_INPUTS
    tariff: Tariff | None = None

    @property
    def is_offered(self) -> bool:
        """Whether it is one to choose."""
        return self.is_enabled and (self.embeds or (self.chats and self.is_in_picker))

    @property
    def info(self) -> ModelInfo:
        """What everybody may know of it."""
        return ModelInfo(self.id, self.context_tokens, self.embeds)


class Catalogue:
    """All that the account is told of; a malformed entry is skipped.

    Args:
        document: What `GET /models` answered.
    """

    def __init__(self, document: object) -> None:
        models = [_model_in(entry) for entry in objects_in(object_in(document).get("data"))]
        self._models = {model.id: model for model in models if model is not None}

    def get(self, model: str | None) -> CatalogueModel | None:
        """Find a model by its name."""
        return self._models.get(model or "")

    def infos(self) -> tuple[ModelInfo, ...]:
        """List those to choose from."""
        return tuple(model.info for model in self._models.values() if model.is_offered)

    def fault_of(self, model: str) -> ProviderFailure | None:
        """Say why a model would not answer; None: nothing speaks against it."""
        entry = self._models.get(model)
        others = self._instead_of(model)
        if entry is None:
            return ProviderFailure(
                FailureKind.MODEL_NOT_FOUND, "Copilot has no such model", hint=f"set copilot.model to one of: {others}"
            )
        if not entry.is_enabled:
            hint = f"enable this model at {SETTINGS_URL}/features, or set copilot.model to one of: {others}"
            return ProviderFailure(FailureKind.ENTITLEMENT, "a policy of the account has this model off", hint=hint)
        if not entry.chats:
            hint = f"this model does not answer chat completions; set copilot.model to one of: {others}"
            return ProviderFailure(FailureKind.ENTITLEMENT, "the model is offered on another API only", hint=hint)
        return None

    def _instead_of(self, model: str) -> str:
        offered = [entry.id for entry in self._models.values() if entry.is_offered and not entry.embeds]
        return ", ".join(near_names(model, offered) or offered[:3]) or "none"


def _model_in(entry: Mapping[str, object]) -> CatalogueModel | None:
    name, capabilities = entry.get("id"), object_in(entry.get("capabilities"))
    kind = capabilities.get("type", "chat")
    if not isinstance(name, str) or not name or kind not in {"chat", "embeddings"}:
        return None
    limits, billing = object_in(capabilities.get("limits")), object_in(entry.get("billing"))
    endpoints = entry.get("supported_endpoints")
    tariff = tariff_in(billing.get("token_prices"))
    return CatalogueModel(
        id=name,
        embeds=kind == "embeddings",
        chats=kind == "chat" and (not isinstance(endpoints, list) or CHAT_ENDPOINT in endpoints),
        is_enabled=object_in(entry.get("policy")).get("state", "enabled") == "enabled",
        is_in_picker=entry.get("model_picker_enabled") is True,
        is_charged=tariff is not None or bool(amount_in(billing.get("multiplier"))),
        context_tokens=_count(limits.get("max_prompt_tokens")) or _count(limits.get("max_context_window_tokens")),
        max_inputs=_count(limits.get("max_inputs")) or MAX_INPUTS,
        tariff=tariff,
    )


def _count(value: object) -> int | None:
    found = amount_in(value)
    return int(found) if found else None
