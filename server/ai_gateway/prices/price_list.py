"""The list prices of one service, read from the data file that is shipped for it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from ai_gateway.model import Usage
from ai_gateway.prices.matching import Rule, matches, with_dashed_dates
from ai_gateway.prices.rates import Period, cost_usd, period_at

log = logging.getLogger(__name__)

DATA = Path(__file__).with_name("data")
LONGEST_MODEL_NAME = 256

OWN_SERVICE = {"openai": "openai", "anthropic": "anthropic", "gemini": "google", "azure": "azure"}
"""Whose prices hold where a provider was given no base URL."""

SERVICE_AT_HOST = {
    "api.anthropic.com": "anthropic",
    "api.cerebras.ai": "cerebras",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks",
    "api.groq.com": "groq",
    "api.minimax.io": "minimax",
    "api.mistral.ai": "mistral",
    "api.moonshot.ai": "moonshotai",
    "api.novita.ai": "novita",
    "api.openai.com": "openai",
    "openrouter.ai": "openrouter",
    "api.perplexity.ai": "perplexity",
    "api.together.xyz": "together",
    "api.x.ai": "x-ai",
    "api.z.ai": "zai",
}
SERVICE_BELOW_DOMAIN = {
    ".azure-api.net": "azure",
    ".cognitiveservices.azure.com": "azure",
    ".openai.azure.com": "azure",
    ".services.ai.azure.com": "azure",
    ".googleapis.com": "google",
}
SERVICES = tuple(sorted({*SERVICE_AT_HOST.values(), *SERVICE_BELOW_DOMAIN.values()}))


class Header(TypedDict):
    """The first line of a data file: where it comes from."""

    service: str
    resells: Sequence[str]
    """The services whose models it sells too, at their price."""
    source: str
    license: str
    as_of: str


class Entry(TypedDict):
    """Every further line: a model. The first one that matches a name is meant."""

    model: str
    match: Rule
    prices: Sequence[Period]


@dataclass(frozen=True, slots=True)
class PriceList:
    """What the models of one service cost; its file is read when a model is first asked for."""

    service: str

    def cost_usd(self, model: str, usage: Usage, *, now: datetime | None = None) -> float | None:
        """Reckon what a call cost, in US$.

        Args:
            model: As the upstream names it, also with a date.
            usage: What it counted; cached and cache-written tokens are parts of the input.
            now: When the call was made; prices change on dates, and with some services over the day.

        Returns:
            None where the price is unknown; 0.0 only where the service says that the model is free.
        """
        periods = _periods(self.service, model.lower()) if len(model) <= LONGEST_MODEL_NAME else None
        return cost_usd(period_at(periods, now or datetime.now(UTC)), usage) if periods else None


def price_list(provider: str, base_url: str | None) -> PriceList | None:
    """Give the list by which `provider` charges at `base_url`; None where that is nobody's known address.

    Args:
        provider: The provider's name; it decides only where there is no `base_url`.
        base_url: Where the calls go. Only its host counts, and it must be the service's own.
    """
    service = OWN_SERVICE.get(provider) if base_url is None else _service_at(base_url)
    return PriceList(service) if service else None


def _service_at(base_url: str) -> str | None:
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return None
    below = (service for domain, service in SERVICE_BELOW_DOMAIN.items() if host.endswith(domain))
    return SERVICE_AT_HOST.get(host) or next(below, None)


@lru_cache(maxsize=64)
def _periods(service: str, model: str) -> Sequence[Period] | None:
    dashed = with_dashed_dates(model)
    try:
        return _find(service, model) or (_find(service, dashed) if dashed != model else None)
    except (OSError, ValueError) as error:
        log.warning("the prices of %s can't be read, so its costs are unknown: %s", service, error)
        return None


def _find(service: str, model: str) -> Sequence[Period] | None:
    """Look a model up line by line, so that no whole list ever stands in memory."""
    with (DATA / f"{service}.jsonl").open(encoding="utf-8") as lines:
        header: Header = json.loads(lines.readline())
        for line in lines:
            entry: Entry = json.loads(line)
            if matches(entry["match"], model):
                return entry["prices"]
    resold = (_find(other, model) for other in header["resells"])
    return next((periods for periods in resold if periods), None)
