"""How far a long piece of work is, under a token (LSP 3.17, "Work Done Progress"); the client may cancel by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.messages.params import ProgressToken
from ai_gateway.model import Answer, Started

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

TITLE = "AI Gateway"
ASKING = "asking"
"""What is done before anybody answers."""


@dataclass(slots=True)
class WorkDone:
    """What is told of one piece of work.

    Attributes:
        report: Tells how far it is.
        outcome: Is told at its end.
    """

    report: Callable[[str], None]
    outcome: str | None = None


@contextmanager
def work_done(
    server: GatewayServer,
    token: ProgressToken,
    title: str = TITLE,
    *,
    message: str | None = None,
    owner: asyncio.Task[object] | None = None,
) -> Iterator[WorkDone]:
    """Tell of begin and end.

    Args:
        server: Whose client is told.
        token: Which it has chosen, or agreed to.
        title: Of the work.
        message: What is done first.
        owner: The task that is cancelled if the client wishes so; None: the one that runs.
    """

    def tell(kind: str, **more: object) -> None:
        said = {name: value for name, value in more.items() if value is not None}
        server.protocol.notify(types.PROGRESS, {"token": token, "value": {"kind": kind, **said}})

    cancellable = server.protocol.progress.tokens
    cancellable[token] = owner or asyncio.current_task()  # type: ignore[assignment]  # a task is cancelled as a future is
    work = WorkDone(lambda message: tell("report", message=message))
    tell("begin", title=title, message=message, cancellable=True)
    try:
        yield work
    finally:
        cancellable.pop(token, None)
        tell("end", message=work.outcome)


@contextmanager
def reporting(server: GatewayServer, token: ProgressToken | None) -> Iterator[Callable[[str], None]]:
    """Tell of long work line by line, if there is a token."""
    if token is None:
        yield lambda _line: None
        return
    with work_done(server, token) as work:
        yield work.report


def who_answers(started: Started) -> str:
    """Say who has begun to answer."""
    return f"{started.backend}: {started.model or started.provider} answers"


def who_answered(answer: Answer) -> str:
    """Say who has answered, in as few words."""
    return f"{answer.backend}: {answer.model or answer.provider} answered"
