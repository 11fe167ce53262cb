"""JSON-RPC as it has to be: every request gets exactly one reply, whatever is wrong with it.

pygls stays in charge of the features that LSP defines. What a message is, who answers it and how errors are told is
decided here: pygls 2.1 leaves some requests unanswered, shows tracebacks to clients, keeps a future of each
notification for ever, and loses track of its own requests once they are cancelled.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import math
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from lsprotocol import types
from pygls.exceptions import JsonRpcMethodNotFound
from pygls.protocol import LanguageServerProtocol

from ai_gateway.failures import GatewayError
from ai_gateway.lsp.documents import Documents
from ai_gateway.lsp.framing import FramingError
from ai_gateway.lsp.params import is_request, params_of
from ai_gateway.lsp.rpc_errors import Code, Refused, error_object, incident

if TYPE_CHECKING:
    from cattrs import Converter

    from ai_gateway.lsp.server import GatewayServer

log = logging.getLogger(__name__)

FINISH_SECONDS = 1.0
"""How long a handler may take to end once it is cancelled."""

TEXTS = frozenset({types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE})
"""Notifications without which a document is not known any more."""

Message = Mapping[str, object]
Handler = Callable[..., Any]


class ClientError(Exception):
    """The client answered one of our requests with an error, or with nonsense.

    Args:
        message: That it did; safe to show.
        told: The error as it came, which may be anything; None: there was none.
    """

    def __init__(self, message: str, told: object = None) -> None:
        super().__init__(message)
        self.told = told


class GatewayProtocol(LanguageServerProtocol):
    """One client's side of the conversation. Everything in it happens in the event loop."""

    _server: GatewayServer

    def __init__(self, server: GatewayServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.is_initialized = False
        self.is_shutting_down = False
        self._outbox = server.outbox
        self._next_id = itertools.count(1)
        self._tasks: dict[object, asyncio.Task[Any]] = {}
        self._asked: dict[object, tuple[str, Future[Any]]] = {}
        encoder = partial(json.JSONEncoder, separators=(",", ":"), allow_nan=False, default=self._serialize_message)
        self._encode = encoder(ensure_ascii=False).encode
        self._encode_ascii = encoder(ensure_ascii=True).encode
        self.fm.add_builtin_feature(types.SHUTDOWN, self._shut_down)
        del self.fm.builtin_features[types.WORKSPACE_EXECUTE_COMMAND]  # a cancelled command would get no reply

    def receive(self, body: bytes | FramingError) -> None:
        """Take in one body from the client, or the error that stands where one should be."""
        try:
            message = self._read(body)
            if "method" not in message and ("result" in message or "error" in message):
                self._take_response(message)
            elif "id" in message:
                self._take_request(message)
            else:
                self._take_notification(message)
        except Refused as error:
            self._reply(None, error=error)

    def keep_documents(self) -> None:
        """Keep documents as LSP means it, in place of pygls's way. Once the client has said what it is."""
        self._workspace = Documents.of(self.workspace)

    def cancel_all(self) -> None:
        """Cancel every handler that runs, but for the one that asks."""
        for task in self._running():
            task.cancel()

    async def finished(self) -> None:
        """Wait, for a moment, until every handler but the one that asks has finished, and its reply is sent."""
        if running := self._running():
            await asyncio.wait(running, timeout=FINISH_SECONDS)

    def _running(self) -> list[asyncio.Task[Any]]:
        return [task for task in self._tasks.values() if task is not asyncio.current_task()]

    # From the client

    def _read(self, body: bytes | FramingError) -> Message:
        try:
            return _parsed(body)
        except Refused:
            self._lose_documents()  # it may have been a change of any
            raise

    def _lose_documents(self, uri: object = None) -> None:
        if isinstance(self._workspace, Documents):
            self._workspace.lose(uri)

    def _take_request(self, message: Message) -> None:
        msg_id = message["id"]
        if not _is_id(msg_id):
            raise Refused(Code.INVALID_REQUEST, "an id is a string, a number or null")
        try:
            method = _method_of(message)
            self._admit(method, msg_id)
            handler = self._get_handler(method)
            params = params_of(method, message.get("params"), self._converter)
        except (Refused, JsonRpcMethodNotFound) as error:
            self._reply(msg_id, error=error)
            return
        self.is_initialized |= method == types.INITIALIZE
        self.is_shutting_down |= method == types.SHUTDOWN
        self._execute_handler(msg_id, handler, partial(self._send_handler_result, msg_id=msg_id), (params,))

    def _admit(self, method: str, msg_id: object) -> None:
        if self.is_shutting_down:
            raise Refused(Code.SHUTTING_DOWN, "the server is shutting down")
        if msg_id in self._tasks:
            raise Refused(Code.INVALID_REQUEST, "a request with this id is still running")
        if self.is_initialized and method == types.INITIALIZE:
            raise Refused(Code.INVALID_REQUEST, "the server is initialized already")
        if not self.is_initialized and method != types.INITIALIZE:
            raise Refused(Code.NOT_INITIALIZED, "the first request is initialize")
        if not is_request(method):
            raise Refused(Code.INVALID_REQUEST, f"{method} is a notification and has no id")

    def _take_notification(self, message: Message) -> None:
        method = _method_of(message)
        if method == types.EXIT:
            self._server.on_exit()
        elif not self.is_initialized or self.is_shutting_down or is_request(method):
            log.debug("a notification that is out of place was ignored")
        elif method == types.CANCEL_REQUEST:
            self._cancel(message.get("params"))
        else:
            self._notify_handler(method, message.get("params"))

    def _notify_handler(self, method: str, given: object) -> None:
        try:
            handler = self._get_handler(method)
            params = params_of(method, given, self._converter)
        except JsonRpcMethodNotFound:
            log.debug("an unknown notification was ignored")
        except Refused as error:
            log.warning("%s was ignored: %s", method, error)
            if method in TEXTS:
                self._lose_documents(_uri_in(given))
        else:
            self._execute_handler(str(uuid.uuid4()), handler, self._check_handler_result, (params,))

    def _cancel(self, params: object) -> None:
        msg_id = params.get("id") if isinstance(params, Mapping) else None
        if _is_id(msg_id) and (task := self._tasks.get(msg_id)) is not None:
            task.cancel()

    def _execute_handler(
        self,
        msg_id: Any,
        handler: Handler,
        callback: Callable[[Future[Any]], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Run a handler as pygls does, but keep what runs apart from what was asked, and forget it when it is done."""
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        running: object = self._request_futures.pop(msg_id, None)
        if isinstance(running, asyncio.Task):
            self._tasks[msg_id] = running
            running.add_done_callback(lambda _: self._tasks.pop(msg_id, None))

    def _send_handler_result(self, future: Future[Any], *, msg_id: object) -> None:
        try:
            self._reply(msg_id, result=future.result())
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is, the client is waiting
            self._reply(msg_id, error=error)

    def _check_handler_result(self, future: Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, GatewayError):
            log.warning("a notification was ignored: %s", error)
        elif error is not None:
            incident(error)

    async def _shut_down(self, _params: None) -> None:
        await self._server.stop()

    # To the client

    def _reply(self, msg_id: object, *, result: object = None, error: BaseException | None = None) -> None:
        outcome = {"result": result} if error is None else {"error": error_object(error)}
        self._send_data({"jsonrpc": self.VERSION, "id": msg_id, **outcome})

    def notify(self, method: str, params: Any | None = None) -> None:
        """Send a notification."""
        self._send_data(_call(method, params))

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: Any = None,
    ) -> Future[Any]:
        """Ask the client something.

        Returns:
            A future of its answer: for a method of LSP the typed result, else plain JSON. It fails with `ClientError`.
            Cancelling it tells the client so, and an answer that comes later is ignored.
        """
        msg_id = next(self._next_id) if msg_id is None else msg_id
        answer: Future[Any] = Future()
        self._asked[msg_id] = method, answer
        answer.add_done_callback(partial(self._end_asking, msg_id))
        if callback is not None:
            answer.add_done_callback(partial(_call_back, callback))
        self._send_data({**_call(method, params), "id": msg_id})
        return answer

    def _end_asking(self, msg_id: object, answer: Future[Any]) -> None:
        if self._asked.pop(msg_id, None) is not None and answer.cancelled():
            self.notify(types.CANCEL_REQUEST, {"id": msg_id})

    def _take_response(self, message: Message) -> None:
        msg_id = message.get("id")
        method, answer = self._asked.pop(msg_id, ("", None)) if _is_id(msg_id) else ("", None)
        if answer is None:
            log.debug("an answer to nothing that is still asked was ignored")
            return
        if message.get("error") is not None:
            answer.set_exception(ClientError(f"the client refused {method}", message["error"]))
            return
        try:
            answer.set_result(self._typed_result(method, message))
        except Exception:  # noqa: BLE001 - the converter raises all kinds
            answer.set_exception(ClientError(f"the client's answer to {method} is not what LSP defines"))

    def _typed_result(self, method: str, message: Message) -> Any:
        response_type = types.METHOD_TO_TYPES.get(method, (None, None))[1]
        if response_type is None:
            return message.get("result")
        whole = {"id": message["id"], "jsonrpc": self.VERSION, "result": message.get("result")}
        return self._converter.structure(whole, response_type).result

    def _send_data(self, data: Any) -> None:
        text = self._encode(data)
        try:
            body = text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can carry only escaped
            body = self._encode_ascii(data).encode()
        self._outbox.send(body)


def _call_back(callback: Callable[[Any], None], answer: Future[Any]) -> None:
    if not answer.cancelled() and answer.exception() is None:
        callback(answer.result())


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


def _parsed(body: bytes | FramingError) -> Message:
    if isinstance(body, FramingError):
        raise Refused(Code.INVALID_REQUEST, str(body))
    try:
        message = _decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise Refused(Code.PARSE_ERROR, "this is not JSON in UTF-8") from error
    if not isinstance(message, dict):
        raise Refused(Code.INVALID_REQUEST, "a message is one object; LSP has no batches")
    return message


def _method_of(message: Message) -> str:
    method = message.get("method")
    if message.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise Refused(Code.INVALID_REQUEST, "a message has jsonrpc '2.0' and a method")
    return method


def _uri_in(params: object) -> object:
    document = params.get("textDocument") if isinstance(params, Mapping) else None
    return document.get("uri") if isinstance(document, Mapping) else None


def _is_id(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _call(method: str, params: object) -> dict[str, object]:
    call: dict[str, object] = {"jsonrpc": "2.0", "method": method}
    return call if params is None else {**call, "params": params}
