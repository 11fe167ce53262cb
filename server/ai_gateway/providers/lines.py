"""Bytes as they arrive, cut into lines: NDJSON as it is, and the ground under SSE."""

from __future__ import annotations

from typing import Protocol

from ai_gateway.failures import FailureKind, ProviderFailure

MAX_LINE_BYTES = 8 * 1024 * 1024
"""No honest upstream sends a longer line; a dishonest one would fill the memory."""


class Decoder(Protocol):
    """Turns chunks of a body, cut anywhere, into messages."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take in the next chunk; give the messages that it completes."""
        ...

    def end(self) -> list[bytes]:
        """The body is over; give what was begun, for its reader to judge."""
        ...


class LineDecoder:
    r"""Gives each line without its end, `\n` or `\r\n`."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._kept_bytes = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Cut the chunk into lines.

        Raises:
            ProviderFailure: A line is longer than `MAX_LINE_BYTES`.
        """
        *lines, rest = chunk.split(b"\n")
        if lines and self._kept:
            lines[0] = b"".join((*self._kept, lines[0]))
            self._kept, self._kept_bytes = [], 0
        if rest:
            self._kept.append(rest)
            self._kept_bytes += len(rest)
            if self._kept_bytes > MAX_LINE_BYTES:
                raise ProviderFailure(FailureKind.SERVER, "the upstream sent an endless line")
        return [line.removesuffix(b"\r") for line in lines]

    def end(self) -> list[bytes]:
        """Give a last line that has no end."""
        return [b"".join(self._kept).removesuffix(b"\r")] if self._kept else []


class WholeDecoder:
    """Keeps everything: a document is one message, given at its end."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Keep the chunk."""
        self._chunks.append(chunk)
        return []

    def end(self) -> list[bytes]:
        """Give the document."""
        return [b"".join(self._chunks)]
