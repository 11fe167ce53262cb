"""`ai-gateway health`: which tiers can be reached now."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.settings import settings_of
from ai_gateway.doctor.standings import is_well, standing_in_words
from ai_gateway.gateway import Gateway
from ai_gateway.health import Health, HealthStatus, ProviderHealth
from ai_gateway.messages.encode import health_result
from ai_gateway.spending.words import usd_in_words

STYLES = {HealthStatus.OK: "green", HealthStatus.DEGRADED: "yellow", HealthStatus.DOWN: "red"}


def health(arguments: Arguments) -> int:
    """Ask every upstream whether it is there, and print what it says; exit code 1 if no tier could answer."""
    found = event_loop.run(_found(arguments))
    if arguments.json:
        print(json.dumps(health_result(found), indent=2))
    else:
        _print(found)
    return Exit.FAILED if found.status is HealthStatus.DOWN else Exit.OK


async def _found(arguments: Arguments) -> Health:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        return await gateway.health(probe=True)


def _print(found: Health) -> None:
    console = Console(highlight=False)
    console.print(Text.assemble("AI Gateway: ", (found.status, STYLES.get(found.status, ""))))
    console.print(provider_table(found.providers))
    if spending := _spending(found):
        console.print(spending)
    for problem in found.problems:
        console.print(Text.assemble(("setting ", "yellow"), problem), soft_wrap=True)


def provider_table(providers: tuple[ProviderHealth, ...]) -> Table:
    """Show one line for each provider: what it is, how it is, what to do."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("tier", "provider", "model", "now", "what to do"):
        table.add_column(column, overflow="fold")
    for provider in providers:
        table.add_row(provider.backend, provider.name, provider.model or "-", _now(provider), _to_do(provider))
    return table


def _now(provider: ProviderHealth) -> Text:
    return Text(standing_in_words(provider), _style(provider))


def _style(provider: ProviderHealth) -> str:
    if provider.reason == "not_configured":
        return "dim"
    if not provider.reachable:
        return "red"
    return "green" if is_well(provider) and provider.forced is None else "yellow"


def _to_do(provider: ProviderHealth) -> str:
    return "" if is_well(provider) else provider.hint or ""


def _spending(found: Health) -> str:
    if not found.spent_today_usd and found.daily_cap_usd is None:
        return ""
    cap = "" if found.daily_cap_usd is None else f" of {usd_in_words(found.daily_cap_usd)}"
    return f"spent today: {usd_in_words(found.spent_today_usd or 0.0)}{cap}"
