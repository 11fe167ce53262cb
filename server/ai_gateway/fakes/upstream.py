"""A fake upstream: a loopback HTTP server that records what it is asked and can be told to fail."""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import TracebackType
from typing import ClassVar, Self

from aiohttp import web

from ai_gateway.fakes.answers import Answer, Piece, Reply, ToolCall
from ai_gateway.fakes.delivery import Delivery, SeveredError
from ai_gateway.fakes.faults import BEFORE_HEADERS, Fault
from ai_gateway.fakes.requests import RecordedRequest

HOST = "127.0.0.1"


Handler = Callable[[RecordedRequest], Awaitable[Answer]]
ReplySource = Callable[[RecordedRequest], "str | Reply"]


@dataclass(slots=True)
class _PlannedFault:
    fault: Fault
    left: int | None
    suffixes: tuple[str, ...]

    def take(self) -> Fault:
        if self.left is not None:
            self.left -= 1
        return self.fault


class FakeUpstream(ABC):
    """The part that all fake upstreams share; a subclass speaks one provider's wire.

    Attributes:
        requests: every request so far, in order of arrival.
        calls: how many of them asked for a chat.
        open_streams: chat requests being answered right now.
        disconnects: chat requests whose client went away before the answer was finished.
        seconds_between_chunks: the pace of streamed answers.
    """

    chat_paths: ClassVar[tuple[str, ...]]
    """How the paths of chat requests end."""
    greeting: ClassVar[str]
    """The reply of an upstream that was told no other."""

    def __init__(self, *, port: int = 0, seconds_between_chunks: float = 0.0) -> None:
        self.requests: list[RecordedRequest] = []
        self.calls = 0
        self.open_streams = 0
        self.disconnects = 0
        self.seconds_between_chunks = seconds_between_chunks
        self._port = port
        self._reply: ReplySource = lambda _: self.greeting
        self._faults: list[_PlannedFault] = []
        self._runner: web.ServerRunner | None = None
        self._changed = asyncio.Event()
        self._serial = itertools.count(1)

    @abstractmethod
    def routes(self) -> Mapping[str, Handler]:
        """`"POST /v1/chat/completions"` → handler. `*` in a path stands for anything; first match wins."""

    @abstractmethod
    def failure(self, status: int, message: str | None = None) -> Answer:
        """A failure in the words of this wire."""

    @abstractmethod
    def not_found(self, request: RecordedRequest) -> Answer:
        """What the upstream says of a path it doesn't know."""

    def headers(self, request: RecordedRequest) -> Mapping[str, str]:  # noqa: ARG002 - subclasses use it
        """Headers that every answer of this upstream carries."""
        return {}

    def bearers_at(self, path: str) -> list[str]:
        """The credentials of the requests so far whose path ends in `path`."""
        return [request.bearer for request in self.requests if request.path.endswith(path)]

    async def start(self) -> None:
        """Listen; after a `stop`, on the same port again.

        Raises:
            OSError: the port is taken.
        """
        server = web.Server(self._serve, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, HOST, self._port, reuse_address=True).start()
        self._port = runner.addresses[0][1]
        self._runner = runner

    async def stop(self) -> None:
        """Stop as a killed process does: every connection closes, and new ones are refused."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in runner.sites:
            await site.stop()
        for connection in runner.server.connections if runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()
        await runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, also while it is stopped.

        Raises:
            RuntimeError: no port is known yet.
        """
        if not self._port:
            raise RuntimeError("the fake upstream has no address before its first start")
        return f"http://{HOST}:{self._port}"

    @property
    def base_url(self) -> str:
        """What a client is configured with."""
        return self.url

    def reply(
        self,
        text: str | ReplySource = "",
        *,
        chunks: Iterable[Piece] | None = None,
        thinking: str = "",
        tool_calls: Sequence[ToolCall] = (),
        finish_reason: str | None = None,
        model: str | None = None,
    ) -> None:
        """The answer to every chat from now on.

        It is streamed word by word, or in exactly these `chunks`: text, JSON payloads, or raw bytes. A
        function in place of the text is asked for each request.
        """
        if callable(text):
            self._reply = text
            return
        fixed = Reply.of(
            text,
            chunks=chunks,
            thinking=thinking,
            tool_calls=tool_calls,
            finish_reason=finish_reason,
            model=model,
        )
        self._reply = lambda _: fixed

    def fault(self, fault: Fault | Answer, times: int | None = 1, path: str | None = None) -> None:
        """The next `times` requests meet this fault, after those planned before; None: until cleared.

        It meets requests whose path ends in `path`: `""` is every request, None every chat request.
        """
        self._faults.append(
            _PlannedFault(
                Fault.answer(fault) if isinstance(fault, Answer) else fault,
                times,
                self.chat_paths if path is None else (path,),
            )
        )

    def clear(self) -> None:
        """Forget all planned faults."""
        self._faults.clear()

    def reply_to(self, request: RecordedRequest) -> Reply:
        """What the model says to this request."""
        said = self._reply(request)
        return Reply.of(said) if isinstance(said, str) else said

    def next_serial(self) -> int:
        """1, 2, 3 …: for ids."""
        return next(self._serial)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return as soon as the condition holds; it is looked at when a request comes or goes."""
        while not condition():
            await self._changed.wait()

    async def wait_for_calls(self, count: int) -> None:
        """Return when at least `count` chat requests have arrived."""
        await self.wait_for(lambda: self.calls >= count)

    async def wait_until_idle(self) -> None:
        """Return when no chat request is being answered: answers ended, or their clients left."""
        await self.wait_for(lambda: not self.open_streams)

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _serve(self, incoming: web.BaseRequest) -> web.StreamResponse:
        request = await RecordedRequest.of(incoming)
        self.requests.append(request)
        fault = self._next_fault(request)
        delivery = Delivery(incoming, fault, self.seconds_between_chunks)
        with suppress(SeveredError, ConnectionError), self._counted(request):
            await delivery.reach(BEFORE_HEADERS)
            await delivery.send(await self._answer(request, fault))
        return delivery.response

    def _next_fault(self, request: RecordedRequest) -> Fault:
        for planned in self._faults:
            if planned.left != 0 and request.path.endswith(planned.suffixes):
                return planned.take()
        return Fault()

    @contextmanager
    def _counted(self, request: RecordedRequest) -> Iterator[None]:
        chat = request.path.endswith(self.chat_paths)
        self.calls += chat
        self.open_streams += chat
        self._announce()
        try:
            yield
        except (asyncio.CancelledError, ConnectionError):
            self.disconnects += chat and self._runner is not None
            raise
        finally:
            self.open_streams -= chat
            self._announce()

    async def _answer(self, request: RecordedRequest, fault: Fault) -> Answer:
        answer = await self._natural_answer(request) if fault.instead is None else fault.instead
        if isinstance(answer, int):
            answer = self.failure(answer)
        own = {} if answer.bare else self.headers(request)
        return replace(answer, headers={**own, **answer.headers, **fault.headers})

    async def _natural_answer(self, request: RecordedRequest) -> Answer:
        wanted = f"{request.method} {request.path}"
        for pattern, handler in self.routes().items():
            if fnmatchcase(wanted, pattern):
                return await handler(request)
        return self.not_found(request)
