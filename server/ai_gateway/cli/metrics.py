"""`ai-gateway metrics`: what all gateways of this person have done so far, those that run and those that have ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say
from ai_gateway.cli.settings import settings_of
from ai_gateway.failures import GatewayError
from ai_gateway.gateway import Gateway
from ai_gateway.messages.encode import metrics_result
from ai_gateway.model import BreakerState
from ai_gateway.telemetry.figures import gathered
from ai_gateway.telemetry.metrics import MetricsSnapshot, Percentiles, ProviderMetrics
from ai_gateway.telemetry.prometheus import exposition

STORE_IS_OFF = "no figures are kept, for the store is off; set store.enabled to true"
COLUMNS = ("tier", "breaker", "answered", "failed", "skipped", "took, s", "first, s", "tokens", "cost")


@dataclass(frozen=True, slots=True)
class Found:
    """The figures, and how the breakers are now."""

    figures: MetricsSnapshot
    states: Mapping[str, BreakerState]
    providers_active: int


def metrics(arguments: Arguments) -> int:
    """Print the figures; exit code 1 if none can be had."""
    try:
        found = event_loop.run(_found(arguments))
    except GatewayError as error:
        say(f"ai-gateway: {error}")
        return Exit.FAILED
    if arguments.prometheus:
        print(exposition(found.figures, found.states), end="")
    elif arguments.json:
        print(json.dumps(metrics_result(found.figures, providers_active=found.providers_active), indent=2))
    else:
        show(found, Console(highlight=False))
    return Exit.OK


async def _found(arguments: Arguments) -> Found:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        if gateway.store is None:
            raise GatewayError(STORE_IS_OFF)
        figures = await gathered(gateway.store)
        health = await gateway.health()
        active = sum(tier.is_active for tier in gateway.tiers)
    states = {provider.name: provider.state for provider in health.providers if provider.reason != "not_configured"}
    return Found(figures, states, active)


def show(found: Found, console: Console) -> None:
    """Show the figures to a person."""
    figures = found.figures
    rare = {
        "shared a call": figures.joined,
        "with an old answer": figures.stale_answers,
        "unanswered": figures.unanswered,
        "cancelled": figures.cancelled,
    }
    said = [f"{figures.total_requests:,} queries", f"{figures.cache_hit_rate_percent:g} % answered by the cache"]
    said += [f"{count:,} {what}" for what, count in rare.items() if count]
    console.print(", ".join(said), soft_wrap=True)
    if figures.providers:
        console.print(_table(found))


def _table(found: Found) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column == COLUMNS[0])
    for name, its in sorted(found.figures.providers.items()):
        state = found.states.get(name)
        table.add_row(
            name,
            "-" if state is None else state.replace("_", "-"),
            f"{its.answered:,}",
            _failures(its),
            f"{its.skipped:,}",
            _times(its.latency_ms),
            _times(its.first_token_ms),
            f"{its.input_tokens:,}+{its.output_tokens:,}",
            "unknown" if its.cost_usd is None else f"${its.cost_usd:,.4f}",
        )
    return table


def _failures(figures: ProviderMetrics) -> str:
    by_count = sorted(figures.failures.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{count:,} {kind}" for kind, count in by_count) or "0"


def _times(percentiles: Percentiles) -> str:
    """Say what half of them took at most, and what nearly all (95 %)."""
    if percentiles.p50 is None or percentiles.p95 is None:
        return "-"
    return f"{percentiles.p50 / 1000:.1f}-{percentiles.p95 / 1000:.1f}"
