"""How the tests of providers ask one, and what they want to know of how it failed."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import aclosing

import pytest

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import ProviderFailure
from ai_gateway.model import Delta, Finish, LLMResponse
from ai_gateway.providers.base import LLMProvider, prompt_of
from ai_gateway.tier import ProviderTier

HANG_SECONDS = 20
"""A test that waits this long for something has failed."""
KEY = "sk-very-secret"
SECRET_PROMPT = "my innermost thought"
MESSAGES = [{"role": "user", "content": "Say it"}]


async def ask(
    provider: LLMProvider,
    model: str | None = "gpt-4.1",
    tools: Sequence[Mapping[str, object]] | None = None,
    **options: object,
) -> LLMResponse:
    """The whole answer to one query."""
    return await provider.chat(MESSAGES, tools, model, **options)


async def stream(provider: LLMProvider, model: str | None = "gpt-4.1") -> tuple[list[str], Finish]:
    """The deltas of one query, and how it ended."""
    deltas: list[str] = []
    async with aclosing(provider.stream(prompt_of(MESSAGES), model)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Finish):
                return deltas, piece
            assert isinstance(piece, Delta)
            deltas.append(piece.text)
    raise AssertionError("no Finish")


def chain_of(provider: LLMProvider, *models: str) -> FailoverChain:
    """A chain of one tier, which asks these models."""
    return FailoverChain([ProviderTier("only", provider, models)])


async def failure_of(asking: Awaitable[object]) -> ProviderFailure:
    """How it failed."""
    with pytest.raises(ProviderFailure) as raised:
        await asking
    return raised.value


def all_texts_of(error: BaseException) -> str:
    """Everything that printing an exception in full could show: it, its causes, their places and their repr."""
    texts = traceback.format_exception(error)
    seen: BaseException | None = error
    while seen is not None:
        texts += [str(seen), repr(seen), repr(seen.args)]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(texts)
