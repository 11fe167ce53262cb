"""One simulation: it runs upstreams, leads the gateway to them and to nobody else, and breaks them when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Self

from ai_gateway.config import LoadedSettings, load_settings
from ai_gateway.failures import InvalidQuery
from ai_gateway.gateway import Gateway
from ai_gateway.simulation.answers import answer_to
from ai_gateway.simulation.faults import LASTING, troubles_of
from ai_gateway.simulation.upstreams import OAUTH_TOKEN, Upstreams, simulated_upstreams

SECONDS_BETWEEN_WORDS = 0.03
SIGN_IN_SECONDS = 2
LOCAL_MODEL, LOCAL_EMBEDDING_MODEL = "llama3.2", "nomic-embed-text"
LIMITS = {"first_token_seconds": 4.0, "idle_seconds": 4.0}
"""Of every tier: nobody wants to watch silence for longer."""
BREAKER = {"failure_threshold": 1, "recovery_timeout_seconds": 10.0, "max_open_seconds": 20.0}
HARMLESS = frozenset({"privacy", "actions", "spending"})
"""Sections that a person's own settings hold for: none of them leads anywhere."""


class Simulation:
    """Three upstreams that answer, and fail, as they are told. Made with `start`."""

    token = OAUTH_TOKEN
    """That of the person, as far as the simulated Copilot knows."""

    def __init__(self, upstreams: Upstreams, running: AsyncExitStack) -> None:
        self.upstreams = upstreams
        self._running = running
        self._known = troubles_of(upstreams)
        self.faults: dict[str, str | None] = dict.fromkeys(self._known)
        """What is wrong with each provider; None: nothing."""
        self._troubles = {provider: AsyncExitStack() for provider in self._known}
        self._one_by_one = asyncio.Lock()

    @classmethod
    async def start(cls, *, seconds_between_words: float = SECONDS_BETWEEN_WORDS) -> Self:
        """Let the upstreams listen.

        Raises:
            OSError: They can't.
        """
        running = AsyncExitStack()
        upstreams = await running.enter_async_context(
            simulated_upstreams(
                local_models=(LOCAL_MODEL, LOCAL_EMBEDDING_MODEL), seconds_between_words=seconds_between_words
            )
        )
        for upstream in (upstreams.copilot, upstreams.openai, upstreams.ollama):
            upstream.reply(answer_to)
        upstreams.copilot.device_flow.interval_seconds = SIGN_IN_SECONDS
        return cls(upstreams, running)

    def load(
        self, editor: Mapping[str, object] | None, workspaces: Sequence[Mapping[str, object]] = ()
    ) -> LoadedSettings:
        """Give settings that lead to the upstreams, with what is harmless of the editor's and the workspace's."""
        return load_settings(
            environ={},
            editor={**_harmless(editor or {}), **self._settings()},
            workspaces=[_harmless(tree) for tree in workspaces],
        )

    @property
    def known_faults(self) -> Mapping[str, Sequence[str]]:
        """How each provider can fail."""
        return {provider: tuple(known) for provider, known in self._known.items()}

    async def break_down(self, gateway: Gateway, provider: str, fault: str | None) -> None:
        """Let a provider fail in one way until told otherwise; None: in none.

        Answers that were kept are forgotten, so that the next question is asked in any case. Where the fault before was
        one for which a circuit stays open for long, that is closed.

        Raises:
            InvalidQuery: There is no such provider, or it never fails so.
        """
        known = self._known.get(provider, {})
        if fault is not None and fault not in known:
            raise InvalidQuery(f"{provider} never fails so; it can by: {', '.join(known)}", field="fault")
        async with self._one_by_one:
            before, self.faults[provider] = self.faults[provider], fault
            await self._troubles[provider].aclose()
            if fault is not None:
                await self._troubles[provider].enter_async_context(known[fault]())
            await gateway.forget_answers()
            if before in LASTING:
                gateway.reset(provider)

    async def aclose(self) -> None:
        """Stop."""
        for trouble in self._troubles.values():
            await trouble.aclose()
        await self._running.aclose()

    def _settings(self) -> Mapping[str, object]:
        copilot = self.upstreams.copilot.url
        return {
            "order": ["copilot", "cloud", "local"],
            "copilot": {"server_url": copilot, "api_url": copilot, "chat_url": copilot, **LIMITS},
            "cloud": {"provider": "openai", **LIMITS},
            "openai": {"base_url": self.upstreams.openai.base_url, "api_key": "sk-simulated"},
            "local": {"base_url": self.upstreams.ollama.base_url, "model": LOCAL_MODEL, **LIMITS},
            "breaker": BREAKER,
            "store": {"enabled": False},
            "network": {"proxy": ""},
        }


def _harmless(settings: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in settings.items() if name in HARMLESS}
