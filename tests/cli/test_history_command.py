"""`ai-gateway history`: what was day by day, for people and for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from ai_gateway.cli.history import show
from ai_gateway.history.days import Model, Page, Tally
from ai_gateway.messages.history import HistoryResult
from ai_gateway.messages.schema import adapter_of
from ai_gateway.model import Backend
from cli.command import run
from cli.conftest import World

COPILOT = Model("copilot", Backend.COPILOT, "gpt-4o")
OLLAMA = Model("ollama", Backend.LOCAL, None)


def shown(days: Mapping[str, Page], wanted: int = 30) -> list[str]:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    show(days, wanted, console)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_a_person_sees_for_each_day_who_answered_and_what_that_took() -> None:
    days = {
        "2026-11-20": Page({OLLAMA: Tally(1, 900, 100, 0.0), COPILOT: Tally(1200, 4000, 30, 1.25, failures=2)}, 5, 15),
        "2026-11-21": Page({COPILOT: Tally(1, 10, 2)}),
    }
    assert shown(days)[1:] == [
        "2026-11-20 1,206 1,200 copilot (gpt-4o), 1 ollama 2 4,900+130 $1.2500 5 of 20",
        "2026-11-21 1 1 copilot (gpt-4o) - 10+2 unknown -",
    ]


def test_where_there_is_nothing_nothing_is_shown() -> None:
    assert shown({"2026-11-21": Page({COPILOT: Tally(failures=1)}, misses=1)})[1:] == ["2026-11-21 0 - 1 - - -"]
    assert shown({}, 7) == ["nothing was asked in the last 7 days"]
    assert shown({}, 1) == ["nothing was asked today"]


async def test_what_processes_did_that_have_ended_is_there(world: World) -> None:
    assert (await run("ask", "Hello", "-q", environ=world.environ)).code == 0
    await world.copilot.stop()
    assert (await run("ask", "Hello again", "-q", environ=world.environ)).code == 0
    found = await run("history", "--json", environ=world.environ)
    assert found.code == 0, found.err
    told = json.loads(found.out)
    adapter_of(HistoryResult).validate_python(told)
    assert [(day["provider"], day["queries"], day["failures"]) for day in told["days"]] == [
        ("copilot", 1, 1),
        ("openai", 1, 0),
    ]
    assert [query["provider"] for query in told["queries"]] == ["openai", "copilot"]
    page = await run("history", "--days", "2", environ=world.environ)
    assert page.code == 0, page.err
    assert "1 copilot" in page.out
    assert "1 openai" in page.out


@pytest.mark.parametrize("days", ["0", "91", "a week"])
async def test_more_days_than_are_kept_can_t_be_asked_for(world: World, days: str) -> None:
    found = await run("history", "--days", days, environ=world.environ)
    assert found.code == 2
    assert "from 1 to 90" in found.err


@pytest.mark.parametrize(
    ("setting", "said"), [("enabled = false", "store.enabled"), ("path = '/proc/nowhere/gateway.db'", "can't be used")]
)
async def test_without_a_store_it_says_why_there_is_nothing(
    world: World, tmp_path: Path, setting: str, said: str
) -> None:
    config = tmp_path / "own.toml"
    config.write_text(f"[store]\n{setting}\n")
    found = await run("history", "--config", str(config), environ=world.environ)
    assert (found.code, found.out) == (1, "")
    assert said in found.err
