"""The three upstreams: somebody's Copilot, a cloud provider and an Ollama."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ai_gateway.fakes import FakeCopilot, FakeOllama, FakeOpenAI, FakeUpstream, RecordedRequest
from ai_gateway.fakes.requests import objects_in

OAUTH_TOKEN = "ghu_fake"  # noqa: S105 - the fake one's


@dataclass(frozen=True, slots=True)
class Upstreams:
    """What there is to be asked."""

    copilot: FakeCopilot
    openai: FakeOpenAI
    ollama: FakeOllama

    @property
    def elsewhere(self) -> tuple[FakeUpstream, ...]:
        """Those that stand for other machines."""
        return self.copilot, self.openai


@asynccontextmanager
async def simulated_upstreams(
    *, local_models: Sequence[str], seconds_between_words: float
) -> AsyncGenerator[Upstreams, None]:
    """Let them listen, for the length of a block."""
    async with AsyncExitStack() as running:
        pace = seconds_between_words
        yield Upstreams(
            await running.enter_async_context(FakeCopilot(oauth_tokens=(OAUTH_TOKEN,), seconds_between_chunks=pace)),
            await running.enter_async_context(FakeOpenAI(seconds_between_chunks=pace)),
            await running.enter_async_context(FakeOllama(models=local_models, seconds_between_chunks=pace)),
        )


def first_words(request: RecordedRequest) -> str:
    """Give the first message that a model was sent: what it was told to be, where it was told so."""
    messages = objects_in(request.fields.get("messages"))
    return str(messages[0].get("content", "")) if messages else ""


def last_words(request: RecordedRequest) -> str:
    """Give the last message that a model was sent."""
    messages = objects_in(request.fields.get("messages"))
    return str(messages[-1].get("content", "")) if messages else ""
