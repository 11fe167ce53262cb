"""Which models an Ollama has, and which of them are really on its machine.

Ollama passes the prompts for its cloud models on to the internet, through the same port and, if a person copied or
created one so, under any name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import ModelInfo
from ai_gateway.providers.ollama.names import canonical, is_cloud_name, near_models
from ai_gateway.providers.ollama.refusals import CLOUD_HINT, NAME_HINT, PULL_HINT, PULL_SECONDS, about
from ai_gateway.providers.ollama.server import OllamaServer
from ai_gateway.providers.wire import count_in, object_in, objects_in


class LocalModels:
    """The models on Ollama's own machine.

    Args:
        server: The Ollama that has them.
    """

    def __init__(self, server: OllamaServer) -> None:
        self._server = server
        self._known: dict[str, bool] = {}
        """Each model that is known to be here, and whether it fills gaps."""

    async def ensure(self, model: str) -> None:
        """See that prompts for `model` stay on the machine, before one is sent.

        Ollama is asked once for each model, by the name that it will be asked by, so that it resolves it alike. That
        takes a small request, some milliseconds, where the first use of a model takes seconds.

        Raises:
            ProviderFailure: It is elsewhere, or not here, or Ollama would not say.
        """
        refuse_cloud_name(model)
        if model in self._known:
            return
        try:
            shown = await self._server.json("POST", "/api/show", payload={"model": model}, model=model)
        except ProviderFailure as failure:
            if failure.hint == about(PULL_HINT, model):
                await self._name_near_ones(failure, model)
            raise
        refuse_remote(shown)
        self._known[model] = _may_insert(shown)

    def may_insert(self, model: str) -> bool:
        """Say whether `model` fills gaps between a prompt and a suffix, as far as is known since `ensure`."""
        return self._known.get(model, False)

    def inserts_not(self, model: str) -> None:
        """Take in that it does not, though an Ollama that tells no capabilities let it be tried."""
        self._known[model] = False

    def forget(self, model: str) -> None:
        """Look at the model again before its next use: something about it may have changed."""
        self._known.pop(model, None)

    async def check(self, model: str | None) -> None:
        """Look for `model` in the list.

        Raises:
            ProviderFailure: It is elsewhere, or not here, or Ollama would not say.
        """
        if model is not None:
            refuse_cloud_name(model)
        entries = await self._entries()
        if model is None:
            return
        entry = _entry_of(model, entries)
        if entry is None:
            hint = _missing_hint(model, entries)
            detail = "the model was not pulled"
            raise ProviderFailure(FailureKind.MODEL_NOT_FOUND, detail, hint=hint, retry_after_seconds=PULL_SECONDS)
        refuse_remote(entry)

    async def size_bytes(self, model: str) -> int:
        """Give the size of `model`'s file, about what it takes in memory at least; 0: unknown; raises as `check`."""
        return count_in((_entry_of(model, await self._entries()) or {}).get("size"))

    async def infos(self) -> Sequence[ModelInfo]:
        """List them; raises as `check` does."""
        return tuple(_info_of(entry) for entry in await self._entries() if _is_local(entry))

    async def _entries(self) -> list[dict[str, object]]:
        return objects_in((await self._server.json("GET", "/api/tags")).get("models"))

    async def _name_near_ones(self, failure: ProviderFailure, model: str) -> None:
        with suppress(ProviderFailure):  # the hint that there is already will do
            failure.hint = _missing_hint(model, await self._entries())


def _entry_of(model: str, entries: Sequence[dict[str, object]]) -> dict[str, object] | None:
    return next((entry for entry in entries if canonical(str(entry.get("name"))) == canonical(model)), None)


def named(model: str | None) -> str:
    """Insist on a model: Ollama has no choice of its own.

    Raises:
        ProviderFailure: None was named.
    """
    if not model:
        raise ProviderFailure(FailureKind.MODEL_NOT_FOUND, "no model was named", hint=NAME_HINT)
    return model


def refuse_remote(value: Mapping[str, object]) -> None:
    """Refuse a model, or an answer of one, that is elsewhere.

    Raises:
        ProviderFailure: It is.
    """
    if _says_remote(value):
        raise _elsewhere()


def refuse_cloud_name(model: str) -> None:
    """Refuse a model whose name says that it is elsewhere.

    Raises:
        ProviderFailure: It does.
    """
    if is_cloud_name(model):
        raise _elsewhere()


def _elsewhere() -> ProviderFailure:
    return ProviderFailure(FailureKind.ENTITLEMENT, "this model is not on this machine", hint=CLOUD_HINT)


def _says_remote(value: Mapping[str, object]) -> bool:
    return bool(value.get("remote_host") or value.get("remote_model"))


def _is_local(entry: Mapping[str, object]) -> bool:
    name = entry.get("name")
    return isinstance(name, str) and not is_cloud_name(name) and not _says_remote(entry)


def _may_insert(shown: Mapping[str, object]) -> bool:
    """Find the capability `insert`, which templates with a place for a suffix have; before 0.6.4 nothing tells."""
    can = shown.get("capabilities")
    return "insert" in can if isinstance(can, list) else True


def _info_of(entry: Mapping[str, object]) -> ModelInfo:
    details, capabilities = object_in(entry.get("details")), entry.get("capabilities")
    can = capabilities if isinstance(capabilities, list) else []
    return ModelInfo(
        id=str(entry["name"]),
        context_tokens=count_in(details.get("context_length")) or None,
        embeds="embedding" in can and "completion" not in can,
    )


def _missing_hint(model: str, entries: Sequence[Mapping[str, object]]) -> str:
    near = near_models(model, [str(entry["name"]) for entry in entries if _is_local(entry)])
    here = f"; here already: {', '.join(near)}" if near else ""
    return about(PULL_HINT, model) + here
