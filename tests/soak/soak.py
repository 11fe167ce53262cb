"""Many queries at once under random faults and cancels, on real sockets; and then nothing may be left over.

    PYTHONPATH=tests python -m soak.soak [--queries N] [--concurrency N] [--seed N]

What happens is decided by the seed; in which order, by the machine. It ends with 0 if every promise was kept.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import psutil

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.failures import FailureKind, GatewayError, NoTierAnswered
from ai_gateway.model import Answer, Attempt, BreakerState, Delta, Reset
from ai_gateway.options import QueryOptions, query_of
from soak.plan import Planned, planned
from soak.stand import CACHE_ENTRIES, Stand, said_by, stand

QUERIES = 20_000
CONCURRENCY = 64
HANG_SECONDS = 120.0
"""A query that is unanswered for so long, or a thing that is not gone by then, stays so."""
CALLS_PER_QUERY = 4
"""At most two tries, each of which the transport may repeat on a new connection (RFC 9112 §9.3.1)."""
ANSWER = f"{Answer.__module__}.{Answer.__qualname__}"
MOST_GROWN_BYTES = 48 * 1024 * 1024
MOST_GROWN_OBJECTS = 4000
"""Of one type: whatever is kept on purpose has a bound below this; what leaks is more than this in a long soak."""


@dataclass
class Report:
    """How it went.

    Attributes:
        outcomes: How many queries ended how.
        retracted: How many times text was shown that was then taken back.
        failures: How many attempts failed or were skipped, by the reason.
        broken: Every promise that was not kept.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    retracted: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Soak:
    """One soak.

    Args:
        queries: How many.
        concurrency: How many at a time.
        seed: Decides what happens.
    """

    def __init__(self, queries: int, concurrency: int, seed: int) -> None:
        self.report = Report()
        self._queries = queries
        self._concurrency = concurrency
        self._plan = planned(queries, seed)
        self._asked: Counter[str] = Counter()
        self._answered_by: Counter[tuple[str, str]] = Counter()
        self._done = 0
        self._answers_before = 0
        self._baseline_bytes = 0
        self._baseline_objects: Counter[str] = Counter()

    async def run(self) -> Report:
        """Ask everything, and look at what is left."""
        asyncio.get_running_loop().set_exception_handler(self._take_complaint)
        began, sockets_before, self._answers_before = time.monotonic(), _sockets(), _objects()[ANSWER]
        async with stand() as here:
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._concurrency):
                    workers.create_task(self._work(here))
            await self._look_at_the_end(here)
        await self._see_gone("tasks", lambda: len(asyncio.all_tasks()) - 1)
        await self._see_gone("sockets", lambda: len(_sockets() - sockets_before))
        self.report.seconds = time.monotonic() - began
        return self.report

    def _take_complaint(self, _: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        self.report.broken.append(f"the event loop complains: {context}")

    async def _work(self, here: Stand) -> None:
        for plan in self._plan:
            if plan.strike is not None:
                here.strike(plan.strike)
            if plan.resets:
                here.gateway.reset()
                await here.gateway.forget_answers()
            if plan.power_cut is not None:
                await here.cut_power(plan.power_cut)
            await self._ask(here, plan)
            self._done += 1
            self._tell_progress(here)

    async def _ask(self, here: Stand, plan: Planned) -> None:
        self._asked[plan.prompt] += 1
        asking = asyncio.create_task(self._answer(here, plan))
        if plan.cancelled_after_seconds is not None:
            asyncio.get_running_loop().call_later(plan.cancelled_after_seconds, asking.cancel)
        await asyncio.wait([asking], timeout=HANG_SECONDS)
        if not asking.done():
            self._break(plan, "was never answered")
            asking.cancel()
        elif asking.cancelled():
            self.report.outcomes["cancelled"] += 1
        elif (error := asking.exception()) is not None:
            self._take_error(plan, error)
        else:
            self.report.outcomes[asking.result()] += 1

    async def _answer(self, here: Stand, plan: Planned) -> str:
        options = QueryOptions(
            private=plan.private, cache=plan.cache, provider=plan.provider, timeout_seconds=plan.timeout_seconds
        )
        if not plan.streamed:
            self._check(plan, await here.gateway.query(plan.prompt, **options))
            return "answered"
        shown, events = "", 0
        async with aclosing(here.gateway.stream(query_of(plan.prompt, **options))) as stream:
            async for event in stream:
                events += 1
                if isinstance(event, Answer):
                    self._check(plan, event)
                    if shown != event.content:
                        self._break(plan, f"showed {shown!r} and answered {event.content!r}")
                    return "answered"
                if events == plan.leaves_after:
                    return "left"
                if isinstance(event, Reset):
                    self.report.retracted += 1
                    shown = ""
                shown += event.text if isinstance(event, Delta) else ""
        self._break(plan, "ended without an answer")
        return "unanswered"

    def _check(self, plan: Planned, answer: Answer) -> None:
        if answer.content != said_by(answer.provider, plan.prompt):
            self._break(plan, f"was answered with {answer.content!r} by {answer.provider}")
        if plan.private and answer.provider != "ollama":
            self._break(plan, f"is private, and was answered by {answer.provider}")
        if plan.provider not in {None, answer.provider}:
            self._break(plan, f"asked for {plan.provider}, and was answered by {answer.provider}")
        if not answer.cached:
            self._answered_by[answer.provider, plan.prompt] += 1
        self._count(answer.attempts)

    def _take_error(self, plan: Planned, error: BaseException) -> None:
        if not isinstance(error, GatewayError):
            self._break(plan, f"raised {error!r}")
            return
        self.report.outcomes["refused"] += 1
        if isinstance(error, NoTierAnswered):
            self._count(error.attempts)
            if not (str(error) and error.hint):
                self._break(plan, "was refused without a reason")

    def _count(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            if attempt.reason is not None:
                self.report.failures[f"{attempt.outcome} {attempt.reason}"] += 1

    def _break(self, plan: Planned, what: str) -> None:
        self.report.broken.append(f"{plan.prompt} {what} ({plan})")

    def _tell_progress(self, here: Stand) -> None:
        if self._done % 100 == 0:
            here.account()
        if self._done == self._queries // 4:
            self._baseline_bytes, self._baseline_objects = _resident_bytes(), _objects()
        if self._done % max(1, self._queries // 20) == 0:
            outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.report.outcomes.items()))
            tasks, megabytes = len(asyncio.all_tasks()), _resident_bytes() / 1024**2
            sys.stderr.write(f"{self._done:6} of {self._queries}: {outcomes}; {tasks} tasks, {megabytes:.0f} MB\n")

    async def _look_at_the_end(self, here: Stand) -> None:
        for name, fake in here.fakes.items():
            try:
                await asyncio.wait_for(fake.wait_until_idle(), HANG_SECONDS)
            except TimeoutError:
                self.report.broken.append(f"{name} still answers {fake.open_streams} queries that nobody waits for")
        await self._see_gone("tasks of queries", lambda: len(_tasks_of_queries()))
        self._check_calls(here)
        self._check_permits(here)
        self._check_figures(here)
        self._check_memory()

    def _check_calls(self, here: Stand) -> None:
        """Every call that an upstream saw is one that a query explains, and no answer came from nowhere."""
        here.account()
        broken = self.report.broken
        broken += here.strangers
        for (name, prompt), count in here.seen.items():
            if count > CALLS_PER_QUERY * self._asked[prompt]:
                broken.append(f"{name} was asked {count} times about {prompt} for {self._asked[prompt]} queries")
        broken += [
            f"{name} answered {prompt} unasked" for name, prompt in self._answered_by if not here.seen[name, prompt]
        ]
        for name, fake in here.fakes.items():
            counted = sum(count for (asked, _), count in here.seen.items() if asked == name)
            if counted != fake.calls:
                broken.append(f"{name} saw {fake.calls} calls, of which {counted} are accounted for")

    def _check_permits(self, here: Stand) -> None:
        broken = self.report.broken
        broken += [f"{tier.name} lost a permit" for tier in here.gateway.tiers if not _can_be_probed(tier.breaker)]

    def _check_figures(self, here: Stand) -> None:
        """Every query ended in one way, and no failure was one of the gateway's own code."""
        figures, broken = here.gateway.metrics(), self.report.broken
        if self.report.outcomes.total() != self._queries:
            broken.append(f"{self.report.outcomes.total()} of {self._queries} queries have ended")
        broken += [
            f"the code of {name} failed {count} times"
            for name, provider in figures.providers.items()
            if (count := provider.failures.get(FailureKind.CRASHED, 0))
        ]

    def _check_memory(self) -> None:
        grown = _resident_bytes() - self._baseline_bytes
        if grown > MOST_GROWN_BYTES:
            self.report.broken.append(f"the process has grown by {grown / 1024**2:.0f} MB")
        objects = _objects()
        answers = objects[ANSWER] - self._answers_before
        if answers > CACHE_ENTRIES:
            self.report.broken.append(f"{answers} answers are kept, where the cache holds {CACHE_ENTRIES}")
        for name, count in (objects - self._baseline_objects).items():
            if count > MOST_GROWN_OBJECTS:
                self.report.broken.append(f"there are {count} more {name} than after a quarter of the queries")

    async def _see_gone(self, what: str, count_left: Callable[[], int]) -> None:
        ends_at = time.monotonic() + HANG_SECONDS
        while (left := count_left()) and time.monotonic() < ends_at:  # noqa: ASYNC110 - nobody tells when a socket is gone
            await asyncio.sleep(0.02)
        if left:
            self.report.broken.append(f"{left} {what} are left over")


def _tasks_of_queries() -> list[asyncio.Task[object]]:
    """Tasks that are neither this one nor the fakes', which serve one connection each."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return [task for task in others if "RequestHandler" not in getattr(task.get_coro(), "__qualname__", "")]


def _sockets() -> set[int]:
    return {connection.fd for connection in psutil.Process().net_connections(kind="inet")}


def _resident_bytes() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss


def _objects() -> Counter[str]:
    """How many of the gateway's own objects there are, by type; the fakes' are none of its."""
    gc.collect()
    homes = ((str(kind.__module__), kind.__qualname__) for kind in map(type, gc.get_objects()))
    return Counter(
        f"{module}.{name}"
        for module, name in homes
        if module.startswith("ai_gateway.") and not module.startswith("ai_gateway.fakes")
    )


def _can_be_probed(breaker: CircuitBreaker) -> bool:
    if breaker.state is BreakerState.OPEN and not breaker.may_be_probed_early:
        return True
    permit = breaker.acquire(early=True)
    if permit is not None:
        permit.release()
    return permit is not None


def _told(report: Report) -> Iterator[str]:
    yield f"{report.outcomes.total()} queries in {report.seconds:.0f} s: {dict(report.outcomes)}"
    yield f"{report.retracted} times text was taken back"
    yield f"attempts: {dict(report.failures.most_common())}"
    yield from (f"BROKEN: {what}" for what in report.broken[:50])
    yield f"{len(report.broken)} promises broken"


def main() -> int:
    """Soak as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    wanted = parser.parse_args()
    sys.stderr.write(f"{wanted.queries} queries, {wanted.concurrency} at a time, seed {wanted.seed}\n")
    with tempfile.TemporaryDirectory() as home:
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            os.environ[name] = home
        report = asyncio.run(Soak(wanted.queries, wanted.concurrency, wanted.seed).run())
    sys.stderr.write("\n".join(_told(report)) + f"\nseed {wanted.seed}\n")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
