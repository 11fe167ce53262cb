"""What a person sees of a job while it runs: who is answering, and for how long."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.lsp.protocol import ClientError
from ai_gateway.lsp.work_done import ASKING, TITLE, who_answers, work_done
from ai_gateway.model import Event, Reset, Started

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

REPORT_SECONDS = 1.0
PAUSE_SECONDS = 0.1
"""Between two reports, whatever happens."""
CANCELLED = "cancelled"

_numbers = itertools.count(1)


class Progress:
    """How far one job is.

    Attributes:
        outcome: What is told at its end.
    """

    def __init__(self, title: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self.title = title
        self.outcome = CANCELLED
        self.changed = asyncio.Event()
        self._clock = clock
        self._begun_at = clock.monotonic()
        self._doing = ASKING

    @property
    def message(self) -> str:
        """Who does what, and for how long."""
        return f"{self._doing} · {self._clock.monotonic() - self._begun_at:.0f} s"

    def say(self, doing: str) -> None:
        """Tell what is done now."""
        self._doing = doing
        self.changed.set()

    def follow(self, event: Event) -> None:
        """Tell what a query's event means."""
        match event:
            case Started():
                self.say(who_answers(event))
            case Reset():
                self.say(ASKING)


@asynccontextmanager
async def shown_progress(server: GatewayServer, title: str, *, is_shown: bool) -> AsyncIterator[Progress]:
    """Show the progress of the task that runs, where the client can; the person may cancel it there."""
    progress = Progress(title)
    owner = asyncio.current_task()
    assert owner is not None  # noqa: S101 - this is a coroutine of one
    telling = asyncio.create_task(_tell(server, progress, owner)) if is_shown else None
    try:
        yield progress
    finally:
        if telling is not None:
            telling.cancel()
            await asyncio.wait([telling])


async def _tell(server: GatewayServer, progress: Progress, owner: asyncio.Task[object]) -> None:
    token = f"ai-gateway/{next(_numbers)}"
    create = server.protocol.send_request_async(types.WINDOW_WORK_DONE_PROGRESS_CREATE, {"token": token})
    try:
        await create
    except ClientError:  # it shows none after all
        return

    with work_done(server, token, f"{TITLE}: {progress.title}", message=progress.message, owner=owner) as work:
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(REPORT_SECONDS):
                        await progress.changed.wait()
                progress.changed.clear()
                work.report(progress.message)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            work.outcome = progress.outcome
