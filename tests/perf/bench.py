"""How fast and how small, as ratios measured in one run, the two sides in turn: `make bench`.

Absolute times say more about the machine than about the code; a ratio of two medians, taken turn by turn, holds even
when the machine's speed drifts. The table shows min, median and max of each side, so that the noise can be seen. Where
a limit is a time or a size, that is the reference.

The gateway is measured as it comes: with its store, breakers shared through it, and a trace of every query in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.breakers.sharing import SharedBreakers
from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.model import BreakerState
from ai_gateway.store.sqlite import SqliteStore
from perf.figures import Figure, report
from perf.wire import Client, Json

HERE = Path(__file__).parent
OURS = (sys.executable, "-m", "ai_gateway", "--stdio", "--config", os.devnull)
STOCK = (sys.executable, str(HERE / "stock_server.py"))
QUESTION = {"messages": [{"role": "user", "content": "How fast is this?"}], "model": "m", "stream": True}
MEGABYTE = 1_000_000


@contextmanager
def upstream() -> Iterator[int]:
    with subprocess.Popen((sys.executable, str(HERE / "static_upstream.py")), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def gateway(environ: Mapping[str, str]) -> Iterator[Client]:
    with tempfile.TemporaryDirectory() as home:
        store = Path(home) / "shared.db"
        client = Client(
            OURS, {"PATH": os.environ["PATH"], "HOME": home, "AI_GATEWAY_STORE__PATH": str(store), **environ}
        )
        try:
            client.initialize()
            client.request("ai/query", {"prompt": "warm up", "cache": "off"})
            yield client
            assert store.exists(), "nothing was shared"
        finally:
            client.close()


def one_tier(port: int, path: str = "v1") -> dict[str, str]:
    """One upstream and no other."""
    return {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/{path}", "AI_GATEWAY_ORDER": "cloud"}


def two_tiers(first: int, second: int) -> dict[str, str]:
    """Two upstreams, by their ports."""
    return {
        f"{name}_OPENAI_{field}": value
        for name, port in (("PRIMARY", first), ("FALLBACK", second))
        for field, value in (("BASE_URL", f"http://127.0.0.1:{port}/v1"), ("API_KEY", "sk-bench"), ("MODEL", "m"))
    }


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
    with upstream() as port, gateway(one_tier(port)) as client, stock() as bare:
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
    with upstream() as port, gateway(one_tier(port)) as client:
        for _ in range(rounds):
            ours.append(_p50(client.latencies("ai/query", _uncached, count=count, concurrent=concurrent)))
            reference.append(_p50(asyncio.run(_direct(port, count=count, concurrent=concurrent))))
    return Figure(f"ai/query at {concurrent}, against plain httpx directly", "ms", ours, reference, 1.0)


def first_token(rounds: int) -> Figure:
    ours: list[float] = []
    reference: list[float] = []
    with upstream() as port, gateway(one_tier(port, "slow/v1")) as client:
        for _ in range(rounds):
            ours.append(_p50([client.first_token_seconds(_uncached(0)) for _ in range(30)]))
            reference.append(_p50(asyncio.run(_direct_first_tokens(port, count=30))))
    return Figure("first token of a stream, against plain httpx directly", "ms", ours, reference, 1.2)


def code_actions(rounds: int) -> list[Figure]:
    """Ask what can be done with a selection: first of all, and after an edit of a long document."""
    first: list[float] = []
    edited: list[float] = []
    with tempfile.TemporaryDirectory() as folder, upstream() as port:
        (Path(folder) / ".git").mkdir()
        (Path(folder) / ".git" / "HEAD").touch()
        (Path(folder) / ".gitignore").write_text("*.log\nbuild/\n")
        for _ in range(rounds):
            with gateway(one_tier(port)) as client:
                first += _offers(client, f"{Path(folder).as_uri()}/short.py", lines=300, count=1)
                edited += [_p50(_offers(client, f"{Path(folder).as_uri()}/long.py", lines=20_000, count=20)) / 1000]
    return [
        Figure("code actions, the first of a process, against 5 ms", "ms", _in_ms(first), [5.0], 1.0),
        Figure("code actions after an edit, 20 000 lines, against 5 ms", "ms", _in_ms(edited), [5.0], 1.0),
    ]


def _offers(client: Client, uri: str, *, lines: int, count: int) -> list[float]:
    """Ask for code actions in a document, each time but the first after an edit; give the seconds that it took."""
    text = "".join(f"def f{number}(x):\n    return x + {number}\n" for number in range(lines // 2))
    opened = {"uri": uri, "languageId": "python", "version": 0, "text": text}
    client.send({"method": "textDocument/didOpen", "params": {"textDocument": opened}})
    client.request("ai/metrics", {})
    here, there = {"line": 200, "character": 0}, {"line": 202, "character": 0}
    wanted: Json = {
        "textDocument": {"uri": uri},
        "range": {"start": here, "end": there},
        "context": {"diagnostics": []},
    }
    seconds: list[float] = []
    edit = {"range": {"start": here, "end": here}, "text": "#\n"}
    for version in range(count):
        begun_at = time.perf_counter()
        if version:
            changed = {"textDocument": {"uri": uri, "version": version}, "contentChanges": [edit]}
            client.send({"method": "textDocument/didChange", "params": changed})
        offered = client.request("textDocument/codeAction", wanted)
        seconds.append(time.perf_counter() - begun_at)
        assert offered["result"], offered
    return seconds


def _in_ms(seconds: list[float]) -> list[float]:
    return [1000 * each for each in seconds]


def ending(rounds: int) -> Figure:
    """Kill the editor in mid-answer, and wait until its server is gone."""
    seconds = []
    with tempfile.TemporaryDirectory() as home, upstream() as port:
        environ = {"PATH": os.environ["PATH"], "HOME": home, "AI_GATEWAY_STORE__ENABLED": "false"}
        command = (sys.executable, str(HERE.parent / "support" / "editor.py"), "own", *OURS)
        for _ in range(rounds):
            editor = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**environ, **one_tier(port, "slow/v1")}
            )
            with editor:
                assert editor.stdout is not None
                server = psutil.Process(int(editor.stdout.readline().split()[0]))
                while not server.net_connections():  # it has begun to ask
                    time.sleep(0.01)
                editor.kill()
                begun_at = time.perf_counter()
                while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(0.001)
                seconds.append(time.perf_counter() - begun_at)
    return Figure("the server ends after its editor was killed, against 2 s", "ms", _in_ms(seconds), [2000.0], 1.0)


def memory(queries: int) -> list[Figure]:
    with upstream() as port, gateway(one_tier(port)) as client:
        process = psutil.Process(client.process.pid)
        client.latencies("ai/query", _distinct(0), count=1_000, concurrent=16)
        early = process.memory_info().rss / MEGABYTE
        client.latencies("ai/query", _distinct(1_000), count=queries - 1_000, concurrent=16)
        late = process.memory_info().rss / MEGABYTE
    return [
        Figure(f"memory after {queries} queries, against after 1000", "MB", [late], [early], 1.10),
        Figure("memory, against 70 MB", "MB", [late], [70.0], 1.0),
    ]


def failing_over(rounds: int) -> list[Figure]:
    """Ask a pair of tiers whose first is dead, and in turn the second alone."""
    refused = _added(rounds, "failed", {"FAILURE_THRESHOLD": "1000000"})
    skipped = _added(rounds, "skipped", {"FAILURE_THRESHOLD": "1", "RECOVERY_TIMEOUT": "3600"})
    return [
        Figure("failing over from a refused upstream adds, against 5 ms", "ms", refused, [5.0], 1.0),
        Figure("failing over from an open breaker adds, against 0.2 ms", "ms", skipped, [0.2], 1.0),
    ]


def shared_store(rounds: int) -> list[Figure]:
    """Look in the shared store before a query: where others have found nothing out, and where they have."""
    unchanged, changed = asyncio.run(_looks(rounds))
    return [
        Figure("a look at the shared store, no news, against 0.1 ms", "ms", unchanged, [0.1], 1.0),
        Figure("a look at the shared store, a breaker changed, against 0.1 ms", "ms", changed, [0.1], 1.0),
    ]


def _added(rounds: int, outcome: str, breakers: Mapping[str, str]) -> list[float]:
    added: list[float] = []
    with upstream() as port, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        with gateway({**two_tiers(nobody.getsockname()[1], port), **breakers}) as client:
            assert f'"outcome": "{outcome}"' in json.dumps(client.request("ai/query", _uncached(0)))
            for _ in range(rounds):
                both = _p50(client.latencies("ai/query", _uncached, count=100, concurrent=1))
                second = _p50(client.latencies("ai/query", _of_the_second, count=100, concurrent=1))
                added.append(both - second)
    return added


async def _looks(rounds: int) -> tuple[list[float], list[float]]:
    unchanged: list[float] = []
    changed: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        stores = [SqliteStore(Path(folder) / "shared.db") for _ in range(2)]
        ours, theirs = (SharedBreakers(store, SYSTEM_CLOCK) for store in stores)
        breakers = [CircuitBreaker() for _ in range(3)]
        ours.share((f"tier {number}", CircuitBreaker()) for number in range(3))
        theirs.share((f"tier {number}", breaker) for number, breaker in enumerate(breakers))
        for turn in range(100 * rounds):
            state = BreakerState.OPEN if turn % 2 else BreakerState.CLOSED
            breakers[turn % 3].force(state, seconds=60)
            await theirs.aclose()  # it is written
            changed.append(await _seconds_of(ours))
            unchanged.append(await _seconds_of(ours))
        for store in stores:
            await store.aclose()
    return _p50_by_round(unchanged, rounds), _p50_by_round(changed, rounds)


async def _seconds_of(shared: SharedBreakers) -> float:
    begun_at = time.perf_counter()
    await shared.refresh()
    return time.perf_counter() - begun_at


def _p50_by_round(seconds: list[float], rounds: int) -> list[float]:
    each = len(seconds) // rounds
    return [_p50(seconds[begin : begin + each]) for begin in range(0, len(seconds), each)]


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


def _of_the_second(number: int) -> Json:
    return {**_uncached(number), "provider": "fallback"}


def _distinct(offset: int) -> Callable[[int], Json]:
    return lambda number: {"prompt": f"Question {offset + number}"}


def _p50(seconds: list[float]) -> float:
    return 1000 * statistics.median(seconds)


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
        *failing_over(arguments.rounds),
        *shared_store(arguments.rounds),
        *code_actions(arguments.rounds),
        ending(arguments.rounds),
        *memory(arguments.queries),
    ]
    return 0 if report(figures, arguments.output) else 1


if __name__ == "__main__":
    sys.exit(main())
