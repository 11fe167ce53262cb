"""How fast and how small, as ratios measured in one run, the two sides in turn: `make bench`.

Absolute times say more about the machine than about the code; a ratio of two medians, taken turn by turn, holds even
when the machine's speed drifts. The table shows min, median and max of each side, so that the noise can be seen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from perf.wire import Client, Json

HERE = Path(__file__).parent
OURS = (sys.executable, "-m", "ai_gateway", "--stdio", "--config", os.devnull)
STOCK = (sys.executable, str(HERE / "stock_server.py"))
QUESTION = {"messages": [{"role": "user", "content": "How fast is this?"}], "model": "m", "stream": True}
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Figure:
    """One line of the table: two sides in the same unit, and what their ratio must not exceed."""

    name: str
    unit: str
    ours: list[float]
    reference: list[float]
    limit: float | None

    @property
    def ratio(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.reference)

    @property
    def holds(self) -> bool:
        return self.limit is None or self.ratio <= self.limit


@contextmanager
def upstream() -> Iterator[int]:
    with subprocess.Popen((sys.executable, str(HERE / "static_upstream.py")), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def gateway(port: int, path: str = "v1") -> Iterator[Client]:
    with tempfile.TemporaryDirectory() as home:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/{path}",
            "AI_GATEWAY_ORDER": "cloud",
        }
        client = Client(OURS, environ)
        try:
            client.initialize()
            client.request("ai/query", {"prompt": "warm up", "cache": "off"})
            yield client
        finally:
            client.close()


@contextmanager
def stock() -> Iterator[Client]:
    client = Client(STOCK)
    try:
        client.initialize()
        yield client
    finally:
        client.close()


def start_up(runs: int) -> Figure:
    sides: dict[tuple[str, ...], list[float]] = {OURS: [], STOCK: []}
    for _ in range(runs):
        for command, seconds in sides.items():
            client = Client(command)
            seconds.append(1000 * client.initialize())
            client.close()
    return Figure("spawn to initialize, against bare pygls", "ms", sides[OURS], sides[STOCK], 1.15)


def cached(rounds: int) -> Figure:
    ours: list[float] = []
    reference: list[float] = []
    with upstream() as port, gateway(port) as client, stock() as bare:
        client.request("ai/query", {"prompt": "again"})
        for _ in range(rounds):
            ours.append(_p50(client.latencies("ai/query", lambda _: {"prompt": "again"}, count=200, concurrent=1)))
            reference.append(
                _p50(bare.latencies("bench/trivial", lambda _: {"prompt": "again"}, count=200, concurrent=1))
            )
    return Figure("cached ai/query, against a trivial request to stock pygls", "ms", ours, reference, 0.6)


def through_the_chain(rounds: int, concurrent: int) -> Figure:
    ours: list[float] = []
    reference: list[float] = []
    count = max(100, 6 * concurrent)
    with upstream() as port, gateway(port) as client:
        for _ in range(rounds):
            ours.append(_p50(client.latencies("ai/query", _uncached, count=count, concurrent=concurrent)))
            reference.append(_p50(asyncio.run(_direct(port, count=count, concurrent=concurrent))))
    return Figure(f"ai/query at {concurrent}, against plain httpx directly", "ms", ours, reference, 1.0)


def first_token(rounds: int) -> Figure:
    ours: list[float] = []
    reference: list[float] = []
    with upstream() as port, gateway(port, "slow/v1") as client:
        for _ in range(rounds):
            ours.append(_p50([client.first_token_seconds(_uncached(0)) for _ in range(30)]))
            reference.append(_p50(asyncio.run(_direct_first_tokens(port, count=30))))
    return Figure("first token of a stream, against plain httpx directly", "ms", ours, reference, 1.2)


def memory(queries: int) -> list[Figure]:
    with upstream() as port, gateway(port) as client:
        process = psutil.Process(client.process.pid)
        client.latencies("ai/query", _distinct(0), count=1_000, concurrent=16)
        early = process.memory_info().rss / MEGABYTE
        client.latencies("ai/query", _distinct(1_000), count=queries - 1_000, concurrent=16)
        late = process.memory_info().rss / MEGABYTE
    return [
        Figure(f"memory after {queries} queries, against after 1000", "MB", [late], [early], 1.10),
        Figure("memory, against 70 MB", "MB", [late], [70.0], 1.0),
    ]


async def _direct(port: int, *, count: int, concurrent: int) -> list[float]:
    elapsed: list[float] = []
    limits = httpx.Limits(max_connections=concurrent, max_keepalive_connections=concurrent)
    async with httpx.AsyncClient(limits=limits, base_url=f"http://127.0.0.1:{port}/v1") as client:
        await _whole_answer(client)

        async def work(share: int) -> None:
            for _ in range(share):
                asked_at = time.perf_counter()
                await _whole_answer(client)
                elapsed.append(time.perf_counter() - asked_at)

        await asyncio.gather(*(work(count // concurrent) for _ in range(concurrent)))
    return elapsed


async def _direct_first_tokens(port: int, *, count: int) -> list[float]:
    elapsed: list[float] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/slow/v1") as client:
        await _whole_answer(client)
        for _ in range(count):
            asked_at = time.perf_counter()
            firsts: list[float] = []
            await _whole_answer(client, firsts)
            elapsed.append(firsts[0] - asked_at)
    return elapsed


async def _whole_answer(client: httpx.AsyncClient, firsts: list[float] | None = None) -> str:
    texts: list[str] = []
    headers = {"Authorization": "Bearer sk-bench"}
    async with client.stream("POST", "/chat/completions", json=QUESTION, headers=headers) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                text = json.loads(line[6:])["choices"][0]["delta"].get("content", "")
                if text and not texts and firsts is not None:
                    firsts.append(time.perf_counter())
                texts.append(text)
    return "".join(texts)


def _uncached(_: int) -> Json:
    return {"prompt": "How fast is this?", "cache": "off"}


def _distinct(offset: int) -> Callable[[int], Json]:
    return lambda number: {"prompt": f"Question {offset + number}"}


def _p50(seconds: list[float]) -> float:
    return 1000 * statistics.median(seconds)


def _show(figures: list[Figure]) -> None:
    table = Table(title="min / median / max", title_justify="left")
    for column in ("figure", "ours", "reference", "ratio", "limit", ""):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for figure in figures:
        limit = f"{figure.limit:.2f}" if figure.limit else "-"
        verdict = "[green]holds[/]" if figure.holds else "[red]too much[/]"
        table.add_row(
            figure.name, _spread(figure.ours, figure.unit), _spread(figure.reference, figure.unit),
            f"{figure.ratio:.2f}", limit, verdict,
        )  # fmt: skip
    Console(width=140).print(table)


def _spread(values: list[float], unit: str) -> str:
    if len(values) == 1:
        return f"{values[0]:.1f} {unit}"
    return f"{min(values):.2f} / {statistics.median(values):.2f} / {max(values):.2f} {unit}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure speed and size as ratios.")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each side (default: 15)")
    parser.add_argument("--queries", type=int, default=10_000, help="queries of the memory figure (default: 10000)")
    parser.add_argument("--output", type=Path, default=Path("bench.json"), help="where to write JSON")
    arguments = parser.parse_args()
    figures = [
        start_up(arguments.rounds),
        cached(arguments.rounds),
        *(through_the_chain(arguments.rounds, concurrent) for concurrent in (1, 16, 64)),
        first_token(arguments.rounds),
        *memory(arguments.queries),
    ]
    _show(figures)
    rows = [{**asdict(figure), "ratio": figure.ratio, "holds": figure.holds} for figure in figures]
    arguments.output.write_text(json.dumps(rows, indent=2) + "\n")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
