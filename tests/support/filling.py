"""How the tests of providers have a gap filled."""

from __future__ import annotations

from contextlib import aclosing

from ai_gateway.model import Infill, LLMResponse
from ai_gateway.providers.base import LLMProvider, whole_response

GAP = Infill("def add(a, b):\n    return ", "\n\nadd(1, 2)\n", language_id="python", path="add.py", max_tokens=32)


async def fill(provider: LLMProvider, model: str | None, given: Infill = GAP) -> LLMResponse:
    """Have a gap filled."""
    async with aclosing(provider.fill(given, model)) as pieces:
        return await whole_response(pieces)
