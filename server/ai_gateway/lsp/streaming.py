"""An answer told while it comes in, by LSP's own means: partial results and work-done progress."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.chain import final_answer
from ai_gateway.lsp.coalescing import Coalescer
from ai_gateway.lsp.work_done import ASKING, who_answered, who_answers, work_done
from ai_gateway.messages.params import ProgressToken, QueryParams
from ai_gateway.messages.progress import DeltaProgress, ResetProgress, StartedProgress
from ai_gateway.model import Answer, Delta, Event, Reset, Started

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

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
    """Tell who answers, under LSP's `workDoneToken`."""

    def listen(event: Event) -> None:
        match event:
            case Started():
                work.report(who_answers(event))
            case Answer():
                work.outcome = who_answered(event)

    with work_done(server, token, message=ASKING) as work:
        work.outcome = "no answer"
        yield listen
