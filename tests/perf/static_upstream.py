"""An OpenAI-compatible upstream that costs next to nothing: every answer is the same bytes. Prints its port."""

from __future__ import annotations

import asyncio
import json

WORDS = ["A", *(f" word{number}" for number in range(19))]


def _event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n"
FIRST = _event({"content": WORDS[0]})
REST = b"".join(_event({"content": word}) for word in WORDS[1:]) + _event({}, "stop") + b"data: [DONE]\n\n"
ANSWER = HEAD % len(FIRST + REST) + FIRST
SECONDS_AFTER_FIRST = 0.02


class Connection(asyncio.Protocol):
    """Answers each request on a connection; a path that ends in `/slow/…` waits after its first event."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            _, _, length = head.partition(b"content-length:")
            total = end + 4 + int(length.split(b"\r\n", 1)[0] or 0)
            if len(self._received) < total:
                return
            self._received = self._received[total:]
            self._answer(is_slow=b"/slow/" in head.split(b"\r\n", 1)[0])

    def _answer(self, *, is_slow: bool) -> None:
        if is_slow:
            self._transport.write(ANSWER)
            asyncio.get_running_loop().call_later(SECONDS_AFTER_FIRST, self._transport.write, REST)
        else:
            self._transport.write(ANSWER + REST)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
