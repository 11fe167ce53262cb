"""Work that goes on after its request was answered: editors give up requests that take as long as a model does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lsprotocol import types

from ai_gateway.failures import GatewayError, NoTierAnswered
from ai_gateway.lsp.editing.abilities import Abilities
from ai_gateway.lsp.editing.progress import Progress, shown_progress
from ai_gateway.lsp.editing.showing import say
from ai_gateway.lsp.rpc_errors import error_object

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

FINISH_SECONDS = 1.0
"""How long a job may take to end once it is cancelled."""

T = TypeVar("T")
Work = Callable[[Progress], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a job does, and to which lines; a newer one of the same kind on any of them takes its place.

    Attributes:
        uri: Of a document or a folder; None: it is about none, and nothing takes its place.
    """

    kind: str
    uri: str | None = None
    first_line: int = 0
    last_line: int = 0

    def overlaps(self, other: Subject) -> bool:
        """Whether both do the same to the same place."""
        return (
            self.uri is not None
            and (self.kind, self.uri) == (other.kind, other.uri)
            and self.first_line <= other.last_line
            and other.first_line <= self.last_line
        )


class Jobs:
    """Runs the jobs of one client."""

    def __init__(self, server: GatewayServer) -> None:
        self._server = server
        self._running: dict[asyncio.Task[object], Subject] = {}

    def start(self, title: str | None, subject: Subject, work: Work[object]) -> None:
        """Begin a job; how it fails is told to the person. One without a title takes no time worth showing."""
        self._cancel(subject.overlaps)
        task: asyncio.Task[object] = asyncio.create_task(self._told(title, work))
        self._running[task] = subject
        task.add_done_callback(lambda done: self._running.pop(done, None))

    async def within(self, title: str, subject: Subject, work: Work[T]) -> T:
        """Do the work of a job within the request that waits for it, which is told how it fails."""
        self._cancel(subject.overlaps)
        with self._registered(subject):
            return await self._shown(title, work)

    @property
    def are_running(self) -> bool:
        """Whether there are any that have not been cancelled."""
        return any(not task.cancelling() for task in self._running)

    def stop(self) -> int:
        """Cancel all; say how many there were."""
        return self._cancel(lambda _: True)

    def closed(self, uri: str) -> None:
        """Cancel those about a document that the person has closed."""
        self._cancel(lambda subject: subject.uri == uri)

    async def aclose(self) -> None:
        """Cancel all, and wait, for a moment, until they have ended."""
        self.stop()
        if running := list(self._running):
            await asyncio.wait(running, timeout=FINISH_SECONDS)

    def _cancel(self, concerns: Callable[[Subject], bool]) -> int:
        meant = [task for task, subject in self._running.items() if concerns(subject) and not task.cancelling()]
        return sum(task.cancel() for task in meant)

    @contextmanager
    def _registered(self, subject: Subject) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a request is handled in one
        self._running[task] = subject
        try:
            yield
        finally:
            self._running.pop(task, None)

    async def _told(self, title: str | None, work: Work[object]) -> None:
        await asyncio.sleep(0)  # the reply to the request that began this goes first
        try:
            await self._shown(title, work)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is waiting
            say(self._server, in_words(error), _weight(error))

    async def _shown(self, title: str | None, work: Work[T]) -> T:
        is_shown = title is not None and Abilities.of(self._server.client_capabilities).shows_progress
        async with shown_progress(self._server, title or "", is_shown=is_shown) as progress:
            try:
                return await work(progress)
            except Exception:
                progress.outcome = "failed"
                raise


def _weight(error: Exception) -> types.MessageType:
    """Give less to what was refused on purpose than to what went wrong."""
    is_refusal = isinstance(error, GatewayError) and not isinstance(error, NoTierAnswered)
    return types.MessageType.Warning if is_refusal else types.MessageType.Error


def in_words(error: Exception) -> str:
    """Say what went wrong and what to do, with nothing that the wire would not carry."""
    told = error_object(error)
    data = told.get("data")
    more = data.get("hint") or data.get("incident") if isinstance(data, dict) else None
    return f"{told['message']}; {more}" if more else str(told["message"])
