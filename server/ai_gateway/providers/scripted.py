"""A provider that says what it was told to: for tests, and for trying a chain without any upstream."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence

from ai_gateway.model import Delta, Finish, Piece, Prompt
from ai_gateway.providers.base import LLMProvider

Step = Piece | BaseException
"""A piece to yield, or an error to raise."""


class ScriptedProvider(LLMProvider):
    """Plays one script for each call, and the last one over and over.

    Args:
        scripts: Each a text, which is streamed word by word, an error to raise, or the exact steps.
    """

    def __init__(self, *scripts: str | BaseException | Sequence[Step]) -> None:
        self._scripts = [list(_steps(script)) for script in scripts or ("",)]
        self.prompts: list[Prompt] = []
        self.models_asked: list[str | None] = []

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Play the next script."""
        script = self._scripts[min(len(self.prompts), len(self._scripts) - 1)]
        self.prompts.append(prompt)
        self.models_asked.append(model)
        for step in script:
            if isinstance(step, BaseException):
                raise step
            yield step


def _steps(script: str | BaseException | Sequence[Step]) -> Iterable[Step]:
    if isinstance(script, BaseException):
        return [script]
    if not isinstance(script, str):
        return script
    head, *words = script.split(" ")
    return [Delta(head), *(Delta(f" {word}") for word in words), Finish()]
