"""An answer told while it comes in, by LSP's own means: partial results and work-done progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from ai_gateway.chain import final_answer
from ai_gateway.lsp.coalescing import Coalescer
from ai_gateway.messages.params import ProgressToken, QueryParams
from ai_gateway.messages.progress import DeltaProgress, ResetProgress, StartedProgress
from ai_gateway.model import Answer, Delta, Event, Reset, Started

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

TITLE = "AI Gateway"

Listener = Callable[[Event], None]


async def followed(server: GatewayServer, events: AsyncGenerator[Event, None], params: QueryParams) -> Answer:
    """Run a query to its end, and tell the client of it on the way, as far as it asked to be told.

    A client that does not read holds up the query, and nothing else.
    """
    with ExitStack() as stack:
        listeners: list[Listener] = []
        if params.work_done_token is not None:
            listeners.append(stack.enter_context(_work_done(server, params.work_done_token)))
        if params.partial_result_token is not None:
            listeners.append(stack.enter_context(_partial_results(server, params.partial_result_token)))
        if not listeners:
            return await final_answer(events)
        async with aclosing(events):
            async for event in events:
                for listener in listeners:
                    listener(event)
                if isinstance(event, Answer):
                    return event
                await server.outbox.drained()
    raise AssertionError("a stream of events ends in an answer or an error")


@contextmanager
def told(server: GatewayServer, token: ProgressToken | None) -> Iterator[Callable[[str], None]]:
    """Tell of long work line by line, under LSP's `workDoneToken` if there is one; the client may cancel by it."""
    if token is None:
        yield lambda _line: None
        return

    def tell(kind: str, **more: object) -> None:
        server.protocol.notify(types.PROGRESS, {"token": token, "value": {"kind": kind, **more}})

    cancellable = server.protocol.progress.tokens
    cancellable[token] = asyncio.current_task()  # type: ignore[assignment]  # a task is cancelled as a future is
    tell("begin", title=TITLE, cancellable=True)
    try:
        yield lambda line: tell("report", message=line)
    finally:
        cancellable.pop(token, None)
        tell("end")


@contextmanager
def _partial_results(server: GatewayServer, token: ProgressToken) -> Iterator[Listener]:
    """Stream the text, under LSP's `partialResultToken`."""

    def tell(value: StartedProgress | DeltaProgress | ResetProgress) -> None:
        server.protocol.notify(types.PROGRESS, {"token": token, "value": value})

    def listen(event: Event) -> None:
        match event:
            case Started(provider, backend, model):
                tell({"kind": "started", "provider": provider, "backend": backend, "model": model})
            case Delta(text):
                deltas.add(text)
            case Reset(reason):
                deltas.discard()
                tell({"kind": "reset", "reason": reason})
            case Answer():
                deltas.flush()

    deltas = Coalescer(lambda text: tell({"kind": "delta", "text": text}))
    try:
        yield listen
    finally:
        deltas.discard()


@contextmanager
def _work_done(server: GatewayServer, token: ProgressToken) -> Iterator[Listener]:
    """Tell of begin and end, under LSP's `workDoneToken`; the client may cancel by it."""
    outcome = "no answer"

    def tell(kind: str, message: str, **more: Any) -> None:
        server.protocol.notify(types.PROGRESS, {"token": token, "value": {"kind": kind, "message": message, **more}})

    def listen(event: Event) -> None:
        nonlocal outcome
        match event:
            case Started():
                tell("report", f"{event.backend}: {event.model or event.provider} answers")
            case Answer():
                outcome = f"{event.backend}: {event.model or event.provider} answered"

    cancellable = server.protocol.progress.tokens
    cancellable[token] = asyncio.current_task()  # type: ignore[assignment]  # a task is cancelled as a future is
    tell("begin", "asking", title=TITLE, cancellable=True)
    try:
        yield listen
    finally:
        cancellable.pop(token, None)
        tell("end", outcome)
