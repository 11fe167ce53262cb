"""`ai-gateway drill`: see what an outage would be like, before there is one."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from ai_gateway import event_loop
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say
from ai_gateway.cli.settings import settings_of
from ai_gateway.drill.faults import FAULTS
from ai_gateway.drill.rehearsal import Drill
from ai_gateway.drill.report import DrillQuestion, DrillReport, Ending, QuestionOutcome, spent
from ai_gateway.failures import GatewayError
from ai_gateway.gateway import Gateway
from ai_gateway.messages.encode import drill_result

ENDINGS = {
    Ending.IN_TIME: "",
    Ending.STOPPED: ", stopped by hand",
    Ending.SETTINGS_CHANGED: ", ended by other settings",
}


def drill(arguments: Arguments) -> int:
    """Let one tier fail and print the report; exit code 0 if every question was answered all the same.

    What happens meanwhile goes to standard error. Ctrl-C ends the drill, and the report comes all the same.
    """
    if arguments.list:
        _list(as_json=arguments.json)
        return Exit.OK
    try:
        report = event_loop.run(_held(arguments))
    except GatewayError as error:
        say(f"ai-gateway: {error}")
        return Exit.USAGE
    if arguments.json:
        print(json.dumps(drill_result(report), indent=2))
    else:
        _print(report)
    return Exit.OK if report.all_answered else Exit.FAILED


async def _held(arguments: Arguments) -> DrillReport:
    async with Gateway.from_settings(settings_of(arguments)) as gateway:
        drill = Drill(gateway, arguments.provider, arguments.fault, arguments.seconds, tell=say)
        with _ended_by_interrupt(drill):
            return await drill.run()


@contextmanager
def _ended_by_interrupt(drill: Drill) -> Iterator[None]:
    """Let the first Ctrl-C end the drill, and the second one the program, as any does."""
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)

    def interrupted(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        loop.call_soon_threadsafe(drill.stop)

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _list(*, as_json: bool) -> None:
    if as_json:
        print(json.dumps({name: fault.meaning for name, fault in FAULTS.items()}, indent=2))
        return
    table = _table("fault", "what it does")
    for name, fault in FAULTS.items():
        table.add_row(name, fault.meaning)
    Console(highlight=False).print(table)


def _print(report: DrillReport) -> None:
    console = Console(highlight=False)
    lasted = f"{report.lasted_seconds:.1f} s{ENDINGS[report.ending]}"
    console.print(f"{report.provider} {FAULTS[report.fault].past} for {lasted}\n", markup=False, soft_wrap=True)
    console.print(_questions(report))
    for change in report.breaker:
        told = f"{change.after_seconds:5.1f} s  breaker of {report.provider}: {change.told}"
        console.print(told, markup=False, soft_wrap=True)
    console.print(f"\n{report.verdict}", style="green" if report.all_answered else "red", markup=False, soft_wrap=True)
    for advice in report.advice:
        console.print(f"- {advice}", markup=False, soft_wrap=True)


def _questions(report: DrillReport) -> Table:
    table = _table("asked at", "answered by", "after", "on the way")
    for question in report.questions:
        table.add_row(f"{question.asked_after_seconds:.1f} s", *_cells(question))
    if report.recovery is not None:
        table.add_row("afterwards", *_cells(report.recovery))
    return table


def _cells(question: DrillQuestion) -> tuple[str, str, str]:
    on_the_way = question.why
    if question.was_retracted:
        on_the_way += ", text taken back"
    if question.outcome is QuestionOutcome.UNFINISHED:
        return "-", spent(question.elapsed_ms), "still waiting when the drill ended"
    who = question.provider or "nobody"
    return f"{who} ({question.model})" if question.model else who, spent(question.elapsed_ms), on_the_way


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
