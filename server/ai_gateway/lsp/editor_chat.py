"""The conversation with a client that lends its editor's own models: `ai/editor/models`, `ai/editor/chat`."""

from __future__ import annotations

import itertools
from asyncio import Queue
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ai_gateway.lsp.protocol import ClientError
from ai_gateway.lsp.rpc_errors import Code
from ai_gateway.messages.editor import EditorModelsParams
from ai_gateway.providers.editor_models import EditorModel, EditorRefused, Loan, line_of
from ai_gateway.run import MAX_ANSWER_CHARACTERS

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

CHAT = "ai/editor/chat"


class ClientChat:
    """Asks the models of one client's editor. Everything in it happens in the event loop.

    Attributes:
        loan: What is lent; None: the client has not said yet.
    """

    def __init__(self, server: GatewayServer) -> None:
        self.loan: Loan | None = None
        self._server = server
        self._numbers = itertools.count(1)
        self._streams: dict[object, _Stream] = {}

    @property
    def lender(self) -> str:
        """What the client calls itself."""
        return line_of(self._server.client_name) or "the editor"

    def take_models(self, params: Mapping[str, object]) -> None:
        """Take in what is lent now.

        Raises:
            InvalidQuery: It is not as it should be; what was lent before holds.
        """
        told = EditorModelsParams.parse(params)
        models = (EditorModel(one.id, one.vendor, one.family, one.name, one.max_input_tokens) for one in told.models)
        self.loan = Loan(tuple(models), line_of(told.problem))

    def take_progress(self, params: Mapping[str, object]) -> None:
        """Take in what the client streams; under a token that is not ours, or not any more, it is nothing."""
        token = params.get("token")
        stream = self._streams.get(token) if isinstance(token, str) else None
        if stream is not None:
            stream.take(params.get("value"))

    async def chat(self, wanted: Mapping[str, object]) -> AsyncGenerator[str | Mapping[str, object], None]:
        """Have a model asked: yields text as it comes, and at last the reply. Leaving it cancels the request.

        Raises:
            EditorRefused: The client answers with an error, or streams what is no text.
        """
        token = f"editor-chat-{next(self._numbers)}"
        stream = self._streams[token] = _Stream()
        answer = self._server.protocol.send_request(CHAT, {"token": token, **wanted})
        answer.add_done_callback(lambda _: stream.end())
        try:
            while (text := await stream.next()) is not None:
                yield text
            yield _reply_in(answer)
        finally:
            del self._streams[token]
            answer.cancel()


class _Stream:
    """What the client has streamed of one answer and nobody has read yet."""

    def __init__(self) -> None:
        self._queue: Queue[str | None] = Queue()
        self._characters = 0
        self._is_well = True

    def take(self, value: object) -> None:
        match value:
            case {"kind": "delta", "text": str(text)} if self._characters <= MAX_ANSWER_CHARACTERS:
                self._characters += len(text)
                self._queue.put_nowait(text)
            case _:
                self._is_well = False
                self.end()

    def end(self) -> None:
        self._queue.put_nowait(None)

    async def next(self) -> str | None:
        """Wait for more; None: there is none.

        Raises:
            EditorRefused: What came is no text, or has no end.
        """
        text = await self._queue.get()
        if text is None and not self._is_well:
            raise EditorRefused
        return text


def _reply_in(answer: Future[object]) -> Mapping[str, object]:
    try:
        reply = answer.result(timeout=0)
    except ClientError as error:
        raise _refusal_in(error.told) from error
    return reply if isinstance(reply, Mapping) else {}


def _refusal_in(told: object) -> EditorRefused:
    """Read an error; only one of the code that was agreed says what it is about."""
    match told:
        case {"code": Code.REQUEST_FAILED, "data": {"kind": str(kind), **data}, **error}:
            return EditorRefused(kind, error.get("message"), data.get("retry_after_seconds"))
        case _:
            return EditorRefused()
