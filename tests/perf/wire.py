"""A language client that costs next to nothing: one thread, blocking reads, many requests under way."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

Json = dict[str, object]


class Client:
    """A server process and the pipes to it."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        self.spawned_at = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, env=environ
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._write_to = self.process.stdin.fileno()
        self._read_from = self.process.stdout.fileno()
        self._received = b""

    def initialize(self) -> float:
        """Shake hands; give the seconds from spawning the process to its reply."""
        self.send({"id": "initialize", "method": "initialize", "params": {"processId": None, "capabilities": {}}})
        self.read_until("initialize")
        elapsed = time.perf_counter() - self.spawned_at
        self.send({"method": "initialized", "params": {}})
        return elapsed

    def send(self, message: Mapping[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        os.write(self._write_to, b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def read(self) -> list[Json]:
        """Block until at least one message is here."""
        messages: list[Json] = []
        while not messages:
            chunk = os.read(self._read_from, 1 << 16)
            if not chunk:
                raise EOFError("the server ended")
            self._received += chunk
            while (message := self._take()) is not None:
                messages.append(message)
        return messages

    def read_until(self, request_id: object) -> Json:
        while True:
            for message in self.read():
                if message.get("id") == request_id:
                    return message

    def request(self, method: str, params: Json) -> Json:
        self.send({"id": method, "method": method, "params": params})
        return self.read_until(method)

    def latencies(self, method: str, params: Callable[[int], Json], *, count: int, concurrent: int) -> list[float]:
        """Keep `concurrent` requests under way until `count` are answered; give the seconds that each took."""
        sent_at: dict[object, float] = {}
        elapsed: list[float] = []
        begun = 0
        while len(elapsed) < count:
            while begun < count and len(sent_at) < concurrent:
                sent_at[begun] = time.perf_counter()
                self.send({"id": begun, "method": method, "params": params(begun)})
                begun += 1
            for message in self.read():
                if (at := sent_at.pop(message.get("id"), None)) is not None:
                    assert "error" not in message, message
                    elapsed.append(time.perf_counter() - at)
        return elapsed

    def first_token_seconds(self, params: Json) -> float:
        """Ask for a stream; give the seconds to its first piece, and read it to its end."""
        asked_at = time.perf_counter()
        self.send({"id": "stream", "method": "ai/query", "params": {**params, "partialResultToken": "t"}})
        first: float | None = None
        while True:
            for message in self.read():
                if first is None and message.get("method") == "$/progress" and b"delta" in json.dumps(message).encode():
                    first = time.perf_counter() - asked_at
                if message.get("id") == "stream":
                    assert first is not None, message
                    return first

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def _take(self) -> Json | None:
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(rest) < length:
            return None
        self._received = rest[length:]
        message: Json = json.loads(rest[:length])
        return message
