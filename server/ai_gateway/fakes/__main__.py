"""`python -m ai_gateway.fakes`: run all fakes until interrupted, to try the gateway without credentials.

Prints the settings that point the gateway at them, one `NAME=value` to a line, fit for a `.env` file.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack

from ai_gateway.fakes import FakeAnthropic, FakeAzure, FakeCopilot, FakeGemini, FakeOllama, FakeOpenAI, FakeUpstream

SECONDS_BETWEEN_CHUNKS = 0.03
LOCAL_MODEL = "llama3.2"
DEPLOYMENT = "our-gpt"
NAMES = ("copilot", "openai", "anthropic", "gemini", "azure", "ollama")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ai_gateway.fakes", description=__doc__)
    for name in NAMES:
        parser.add_argument(f"--{name}", type=int, default=0, metavar="PORT", help="default: any free port")
    return parser.parse_args()


async def _run(ports: argparse.Namespace) -> None:
    pace = SECONDS_BETWEEN_CHUNKS
    upstreams = {
        "copilot": FakeCopilot(port=ports.copilot, seconds_between_chunks=pace),
        "openai": FakeOpenAI(port=ports.openai, seconds_between_chunks=pace),
        "anthropic": FakeAnthropic(port=ports.anthropic, seconds_between_chunks=pace),
        "gemini": FakeGemini(port=ports.gemini, seconds_between_chunks=pace),
        "azure": FakeAzure(port=ports.azure, seconds_between_chunks=pace),
        "ollama": FakeOllama(port=ports.ollama, models=(LOCAL_MODEL,), seconds_between_chunks=pace),
    }
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with AsyncExitStack() as running:
        for upstream in upstreams.values():
            await running.enter_async_context(upstream)
        sys.stdout.write("".join(f"{name}={value}\n" for name, value in _settings(upstreams).items()))
        sys.stdout.flush()
        await stop.wait()


def _settings(upstreams: Mapping[str, FakeUpstream]) -> dict[str, str]:
    return {
        "GITHUB_COPILOT_TOKEN": "ghu_fake",
        "GITHUB_COPILOT_API_URL": upstreams["copilot"].base_url,
        "GITHUB_COPILOT_SERVER_URL": upstreams["copilot"].base_url,
        "OPENAI_API_KEY": "sk-fake",
        "OPENAI_BASE_URL": upstreams["openai"].base_url,
        "ANTHROPIC_API_KEY": "sk-ant-fake",
        "ANTHROPIC_BASE_URL": upstreams["anthropic"].base_url,
        "GEMINI_API_KEY": "AIza-fake",
        "GEMINI_ENDPOINT": upstreams["gemini"].base_url,
        "AZURE_OPENAI_API_KEY": "fake",
        "AZURE_OPENAI_ENDPOINT": upstreams["azure"].base_url,
        "AZURE_OPENAI_DEPLOYMENT": DEPLOYMENT,
        "OLLAMA_BASE_URL": upstreams["ollama"].base_url,
        "LOCAL_MODEL": LOCAL_MODEL,
    }


if __name__ == "__main__":
    asyncio.run(_run(_parse()))
