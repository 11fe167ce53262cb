"""`ai-gateway history`: day by day, what all gateways of this person were asked, who answered and what that took."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say
from ai_gateway.cli.settings import settings_of
from ai_gateway.failures import GatewayError
from ai_gateway.gateway import Gateway
from ai_gateway.health import ProviderHealth
from ai_gateway.history.days import SPACE, Page, Tally
from ai_gateway.history.past import History
from ai_gateway.messages.past import history_result
from ai_gateway.printing import printable

STORE_IS_OFF = "no history is kept, for the store is off; set store.enabled to true"
COLUMNS = ("day", "queries", "answered by", "failed", "tokens", "cost", "cache")
NOTHING = "-"


def history(arguments: Arguments) -> int:
    """Print what was; exit code 1 if that can't be had."""
    try:
        past, providers = event_loop.run(_found(arguments))
    except GatewayError as error:
        say(f"ai-gateway: {error}")
        return Exit.FAILED
    if arguments.json:
        print(json.dumps(history_result(past, providers), indent=2))
    else:
        show(past.days, arguments.days, Console(highlight=False))
    return Exit.OK


async def _found(arguments: Arguments) -> tuple[History, tuple[ProviderHealth, ...]]:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        if gateway.store is None:
            raise GatewayError(STORE_IS_OFF)
        health = await gateway.health()
        await gateway.store.entries(SPACE, newest=1)  # where it can't be read, this says why
        past = await gateway.history(days=arguments.days)
    return past, tuple(health.providers)


def show(days: Mapping[str, Page], wanted: int, console: Console) -> None:
    """Show so many days to a person, but for those on which nothing was."""
    if not days:
        since = "today" if wanted == 1 else f"in the last {wanted} days"
        console.print(f"nothing was asked {since}", soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column == COLUMNS[0])
    for day, page in days.items():
        table.add_row(day, *_row(page))
    console.print(table)


def _row(page: Page) -> tuple[str, ...]:
    total = Tally()
    for tally in page.tallies.values():
        total += tally
    return (
        f"{total.queries + page.hits:,}",
        _answers(page),
        f"{total.failures:,}" if total.failures else NOTHING,
        f"{total.input_tokens:,}+{total.output_tokens:,}" if total.input_tokens or total.output_tokens else NOTHING,
        _cost(total),
        f"{page.hits:,} of {page.hits + page.misses:,}" if page.hits else NOTHING,
    )


def _answers(page: Page) -> str:
    """Say who answered how often, whoever did most first."""
    by_name: Counter[str] = Counter()
    for model, tally in page.tallies.items():
        name = model.provider if model.name is None else f"{model.provider} ({model.name})"
        by_name[printable(name)] += tally.queries
    return ", ".join(f"{count:,} {name}" for name, count in by_name.most_common() if count) or NOTHING


def _cost(total: Tally) -> str:
    if total.cost_usd is not None:
        return f"${total.cost_usd:,.4f}"
    return "unknown" if total.queries else NOTHING
