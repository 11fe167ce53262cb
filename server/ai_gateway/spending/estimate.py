"""What a query will cost, guessed before it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ai_gateway.model import AnyPrompt, EmbeddingInput, Usage

ASSUMED_OUTPUT_TOKENS = 1000
"""A long answer; most are shorter. `max_tokens` is no guess: people set it far above what they expect."""


def estimate_usd(
    cost_usd: Callable[[str | None, Usage], float | None], model: str | None, prompt: AnyPrompt
) -> float | None:
    """Guess what an answer will cost, in US$.

    Args:
        cost_usd: What so many tokens of a model cost; a tier's own `cost_usd`.
        model: The one to be asked.
        prompt: Read at four characters to a token; what is written is taken to be `ASSUMED_OUTPUT_TOKENS`, or
            `max_tokens` where that is less. Vectors are not charged as output.

    Returns:
        None where the price is unknown.
    """
    output_tokens = 0
    if not isinstance(prompt, EmbeddingInput):
        most = ASSUMED_OUTPUT_TOKENS if prompt.max_tokens is None else prompt.max_tokens
        output_tokens = min(most, ASSUMED_OUTPUT_TOKENS)
    return cost_usd(model, replace(Usage.estimate(prompt, ""), output_tokens=output_tokens))
