"""A world of fake upstreams for the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeCopilot, FakeOllama, FakeOpenAI
from cli.command import environment


@dataclass(frozen=True)
class World:
    """Three upstreams, and the environment that names them."""

    copilot: FakeCopilot
    openai: FakeOpenAI
    ollama: FakeOllama
    environ: dict[str, str]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with (
        FakeCopilot() as copilot,
        FakeOpenAI(api_key="sk-secret") as openai,
        FakeOllama(models=("llama3",)) as ollama,
    ):
        copilot.reply("Hello from Copilot")
        openai.reply("Hello from the cloud")
        ollama.reply("Hello from here")
        environ = environment(
            tmp_path,
            GITHUB_COPILOT_TOKEN="ghu_fake",
            GITHUB_COPILOT_API_URL=copilot.url,
            OPENAI_API_KEY="sk-secret",
            OPENAI_BASE_URL=openai.base_url,
            OLLAMA_BASE_URL=ollama.base_url,
        )
        yield World(copilot, openai, ollama, environ)
