"""`ai-gateway metrics`: the figures of all processes, for people and for programs."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from ai_gateway.cli.metrics import Found, show
from ai_gateway.model import Answer, Attempt, Backend, BreakerState, FinishReason, Outcome, Usage
from ai_gateway.telemetry.metrics import Metrics, MetricsSnapshot
from cli.command import run
from cli.conftest import World


def shown(figures: MetricsSnapshot, **states: BreakerState) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    show(Found(figures, states, 0), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_person_sees_what_became_of_the_queries_and_how_each_provider_did() -> None:
    metrics = Metrics()
    metrics.asked()
    metrics.asked()
    metrics.unanswered()
    metrics.answered(
        Answer("yes", Backend.CLOUD, "openai", "m", BreakerState.CLOSED, FinishReason.STOP, Usage(1, 1), "1", 1.0, (),
               cached=True)
    )  # fmt: skip
    metrics.attempted(Attempt("openai", Backend.CLOUD, Outcome.ANSWERED, elapsed_ms=1500), 250)
    for kind in ("network", "quota", "network"):
        metrics.attempted(Attempt("openai", Backend.CLOUD, Outcome.FAILED, reason=kind))
    metrics.spent("openai", Usage(12_000, 30), 0.25)
    lines = shown(metrics.snapshot(), openai=BreakerState.HALF_OPEN).splitlines()
    assert lines[0] == "2 queries, 50 % answered by the cache, 1 unanswered"
    [row] = [" ".join(line.split()) for line in lines if line.startswith("openai")]
    assert row == ("openai half-open 1 2 network, 1 quota 0 1.5-1.5 0.2-0.2 12,000+30 $0.2500")


def test_before_anything_was_asked_there_is_no_table() -> None:
    assert shown(MetricsSnapshot()).splitlines() == ["0 queries, 0 % answered by the cache"]


async def test_the_figures_of_a_process_that_has_ended_are_there(world: World) -> None:
    assert (await run("ask", "Hello", "-q", environ=world.environ)).code == 0
    await world.copilot.stop()
    assert (await run("ask", "Hello again", "-q", environ=world.environ)).code == 0
    found = await run("metrics", "--json", environ=world.environ)
    assert found.code == 0, found.err
    figures = json.loads(found.out)
    assert figures["total_requests"] == 2
    assert figures["providers"]["copilot"]["failures"] == {"network": 1}
    assert figures["providers"]["openai"]["answered"] == 1


async def test_prometheus_gets_its_own_format_with_the_state_of_each_breaker(world: World) -> None:
    assert (await run("ask", "Hello", "-q", environ=world.environ)).code == 0
    found = await run("metrics", "--prometheus", environ=world.environ)
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert "ai_gateway_queries_total 1" in lines
    assert 'ai_gateway_breaker_state{provider="copilot",state="closed"} 1' in lines
    assert found.out.endswith("\n")


async def test_without_a_store_it_says_how_to_have_figures(world: World, tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text("[store]\nenabled = false\n")
    found = await run("metrics", "--config", str(config), environ=world.environ)
    assert (found.code, found.out) == (1, "")
    assert "store.enabled" in found.err
