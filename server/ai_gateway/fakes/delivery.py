"""One answer on its way over one connection, meeting the steps of a fault."""

import asyncio
import os
import socket
import struct
from collections import deque
from itertools import chain, repeat
from typing import NoReturn

from aiohttp import web

from ai_gateway.fakes.answers import Answer
from ai_gateway.fakes.faults import AFTER_ANSWER, AFTER_LAST_FRAME, Fault, Pause, Sever

_LINGER_ZERO = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class SeveredError(Exception):
    """The fault has closed the connection: there is nothing more to send."""


async def pause(length: Pause) -> None:
    """Wait for so many seconds, or for the event."""
    if isinstance(length, asyncio.Event):
        await length.wait()
    else:
        await asyncio.sleep(length)


class Delivery:
    """Sends the answer to one request.

    `response` is what aiohttp is to be given when all is sent, or the connection is gone.
    """

    def __init__(self, request: web.BaseRequest, fault: Fault, seconds_between_frames: float) -> None:
        self.response: web.StreamResponse = web.Response()
        self._request = request
        self._fault = fault
        self._pace = seconds_between_frames if fault.seconds_between_frames is None else fault.seconds_between_frames
        self._steps = deque(sorted(fault.steps, key=lambda step: step.at))

    async def reach(self, point: float) -> None:
        """Take the steps up to this point.

        Raises:
            SeveredError: one of them closed the connection.
        """
        while self._steps and self._steps[0].at <= point:
            action = self._steps.popleft().action
            if isinstance(action, Sever):
                self._sever(action)
            await pause(action)

    async def send(self, answer: Answer) -> None:
        """Write the answer, frame by frame.

        Raises:
            SeveredError: the fault closed the connection.
            ConnectionError: the client did.
        """
        if not (answer.streamed or self._fault.edits or self._steps):
            self.response = self._at_once(answer)
            return
        self.response = self._headed(answer)
        await self.response.prepare(self._request)
        # With no room to buffer, a drain returns when the kernel has everything, so a reset loses nothing.
        self._transport().set_write_buffer_limits(0)
        await self.reach(0)
        await self._send_frames(answer)
        await self.reach(AFTER_LAST_FRAME)
        await self.response.write_eof()
        await self.reach(AFTER_ANSWER)

    def _at_once(self, answer: Answer) -> web.Response:
        body = b"".join(frame.data for frame in answer.frames)
        return web.Response(body=body, status=answer.status, headers=_headers(answer))

    def _headed(self, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=_headers(answer))
        if not (answer.streamed or self._fault.edits):
            response.content_length = sum(len(frame.data) for frame in answer.frames)
        return response

    async def _send_frames(self, answer: Answer) -> None:
        frames = answer.frames
        for edit in self._fault.edits:
            frames = edit(frames, answer.spelling)
        deltas = 0
        # Nothing is waited for after the last frame: a client may leave once it has read the end.
        for seconds, frame in zip(chain((0.0,), repeat(self._pace)), frames, strict=False):
            await asyncio.sleep(seconds)
            await self.response.write(frame.data)
            await self._request.writer.drain()
            if frame.kind == "delta":
                deltas += 1
                await self.reach(deltas)

    def _sever(self, how: Sever) -> NoReturn:
        transport = self._transport()
        if how is Sever.RST:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            transport.abort()
        else:
            transport.close()
        raise SeveredError

    def _transport(self) -> asyncio.Transport:
        if self._request.transport is None:
            raise ConnectionResetError("the client has left")
        return self._request.transport


def _headers(answer: Answer) -> dict[str, str]:
    return {"Content-Type": answer.content_type, **answer.headers}
