"""What Copilot charges: AI credits, told with an answer or reckoned from the catalogue's prices.

https://docs.github.com/copilot/concepts/billing; the fields are those that GitHub's own clients read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ai_gateway.model import Usage
from ai_gateway.providers.wire import amount_in, object_in

NANO = 1e-9


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """A model's prices, in credits for a token."""

    input: float
    output: float
    cached_input: float
    cache_write: float

    def credits_for(self, usage: Usage) -> float:
        """Reckon what an answer costs."""
        read_anew = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        return (
            max(0, read_anew) * self.input
            + usage.cached_input_tokens * self.cached_input
            + usage.cache_write_tokens * self.cache_write
            + usage.output_tokens * self.output
        )


@dataclass(frozen=True, slots=True)
class Tariff:
    """A model's prices, which may rise for long prompts."""

    usual: TokenPrices
    long: TokenPrices | None = None
    long_from_tokens: float | None = None

    def credits_for(self, usage: Usage) -> float:
        """Reckon what an answer costs."""
        is_long = self.long_from_tokens is not None and usage.input_tokens > self.long_from_tokens
        return (self.long if self.long and is_long else self.usual).credits_for(usage)


def credits_told(chunk: Mapping[str, object]) -> float | None:
    """Find in a chunk of an answer what the whole of it costs."""
    nano = amount_in(object_in(chunk.get("copilot_usage")).get("total_nano_aiu"))
    return None if nano is None else nano * NANO


def tariff_in(token_prices: object) -> Tariff | None:
    """Read a model's `billing.token_prices`; None where it has none."""
    priced = object_in(token_prices)
    batch, usual = amount_in(priced.get("batch_size")), object_in(priced.get("default"))
    prices = _prices_in(usual, batch)
    if prices is None:
        return None
    return Tariff(prices, _prices_in(object_in(priced.get("long_context")), batch), amount_in(usual.get("context_max")))


def _prices_in(prices: Mapping[str, object], batch: float | None) -> TokenPrices | None:
    read, written, from_cache, to_cache = (
        amount_in(prices.get(f"{name}_price")) for name in ("input", "output", "cache", "cache_write")
    )
    if not batch or read is None or written is None:
        return None
    from_cache = read if from_cache is None else from_cache
    return TokenPrices(read / batch, written / batch, from_cache / batch, (to_cache or read) / batch)
