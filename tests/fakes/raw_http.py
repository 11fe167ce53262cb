"""An HTTP/1.1 reader of its own, on bare sockets, that shows what a fake really put on the wire."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ai_gateway.fakes import FakeUpstream

End = Literal["complete", "closed", "reset"]


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response, chunk by chunk, and how it ended."""

    status: int
    headers: Mapping[str, str]
    chunks: tuple[bytes, ...]
    end: End

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def payloads(self) -> list[bytes]:
        """What the events or lines carry, without looking into it."""
        lines = self.body.replace(b"\r\n", b"\n").split(b"\n")
        fields = (line.removeprefix(b"data:").lstrip() for line in lines)
        return [field for field in fields if field and not field.startswith((b":", b"event:"))]

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(payload) for payload in self.payloads if payload != b"[DONE]"]


class RawConnection:
    """One connection, used by hand. A reset shows only after all data that came before it."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._received = b""
        self._end: End | None = None

    @classmethod
    async def to(cls, upstream: FakeUpstream) -> "RawConnection":
        sock = socket.socket()
        sock.setblocking(False)
        port = int(upstream.url.rpartition(":")[2])
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    async def ask(
        self, path: str, body: object = None, *, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> None:
        data = json.dumps(body).encode() if body is not None else b""
        fields = {"Host": "fake", "Content-Length": str(len(data)), **(headers or {})}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n"
        await asyncio.get_running_loop().sock_sendall(self._socket, head.encode() + data)

    async def _more(self) -> bool:
        try:
            data = await asyncio.get_running_loop().sock_recv(self._socket, 65536)
        except ConnectionResetError:
            self._end = "reset"
            return False
        if not data:
            self._end = "closed"
        self._received += data
        return bool(data)

    async def until(self, marker: bytes) -> bytes:
        """All that came, up to and including the first `marker`, and no longer to be read."""
        while marker not in self._received:
            if not await self._more():
                raise EOFError(self._end)
        before, _, self._received = self._received.partition(marker)
        return before + marker

    async def take(self, count: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._received) < count:
            if not await self._more():
                raise EOFError(self._end)
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    async def response(self) -> RawResponse:
        """The next response, to its end.

        Raises:
            EOFError: the connection ended before the headers did; its argument says how.
        """
        head = (await self.until(b"\r\n\r\n")).decode().split("\r\n")
        status = int(head[0].split()[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        chunks: list[bytes] = []
        try:
            if headers.get("transfer-encoding") == "chunked":
                await self._read_chunks(chunks)
            else:
                chunks.append(await self.take(int(headers["content-length"])))
        except EOFError:
            assert self._end
            return RawResponse(status, headers, (*chunks, self._received), self._end)
        return RawResponse(status, headers, tuple(chunks), "complete")

    async def _read_chunks(self, chunks: list[bytes]) -> None:
        while size := int(await self.until(b"\r\n"), 16):
            chunks.append(await self.take(size))
            await self.take(2)
        await self.take(2)

    async def ends(self) -> End:
        """How the connection ends, when nothing more is to come."""
        assert not await self._more(), self._received
        assert self._end
        return self._end

    def close(self) -> None:
        self._socket.close()

    def reset(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


async def ask(
    upstream: FakeUpstream,
    path: str,
    body: object = None,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> RawResponse:
    """One request on a connection of its own."""
    connection = await RawConnection.to(upstream)
    try:
        await connection.ask(path, body, method=method, headers=headers)
        return await connection.response()
    finally:
        connection.close()
