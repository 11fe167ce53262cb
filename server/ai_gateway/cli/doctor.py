"""`ai-gateway doctor`: what is configured, from where, whether it works, and what to do next. Never shows a secret."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.health import provider_table
from ai_gateway.cli.settings import settings_of
from ai_gateway.config import LoadedSettings
from ai_gateway.doctor.examination import Report, Road, SettingFound, examine
from ai_gateway.gateway import Gateway
from ai_gateway.health import HealthStatus

TRY_IT = 'nothing to mend: try  ai-gateway ask "hello"'


def doctor(arguments: Arguments) -> int:
    """Examine everything, and print the report; exit code 1 if no tier could answer."""
    report = event_loop.run(_examined(settings_of(arguments)))
    if arguments.json:
        print(json.dumps(asdict(report), indent=2, default=str))
    else:
        _print(report)
    return Exit.FAILED if report.health.status is HealthStatus.DOWN else Exit.OK


async def _examined(loaded: LoadedSettings) -> Report:
    async with Gateway.from_settings(loaded) as gateway:
        report = await examine(gateway)
    is_well = report.health.status is HealthStatus.OK and not report.problems
    return replace(report, next_steps=(*report.next_steps, TRY_IT)) if is_well else report


def _print(report: Report) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]AI Gateway {report.version}[/]: {report.in_short}\n")
    _print_section(console, "Tiers", provider_table(report.health.providers))
    _print_section(console, "Settings that are not defaults", _table(("setting", "value", "from"), report.settings))
    _print_section(console, "Roads", _table(("provider", "address", "proxy", "trusts"), report.roads))
    steps = Table.grid(padding=(0, 1))
    for step in report.next_steps:
        steps.add_row("•", Text(step))
    _print_section(console, "What to do next", steps)


def _print_section(console: Console, title: str, table: Table) -> None:
    if table.row_count:
        console.print(f"[bold underline]{title}[/]")
        console.print(table)
        console.print()


def _table(columns: tuple[str, ...], rows: tuple[SettingFound, ...] | tuple[Road, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*asdict(row).values())
    return table
