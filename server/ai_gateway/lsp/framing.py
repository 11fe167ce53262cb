"""Messages on a stream of bytes: headers, a blank line, then `Content-Length` bytes of JSON (LSP 3.17, base protocol).

Without any input or output of its own: bytes come in, bodies come out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 8 * 1024
KEPT_BYTES = 64
"""Of an endless header: enough to hold a `Content-Length` that has not fully arrived."""

_NEWLINES = re.compile(rb"[\r\n]+")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_HEADER_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:")
_CONTENT_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class FramingError(Exception):
    """What arrived is no message; the text says why and is safe to show."""


def frame(body: bytes) -> bytes:
    """Put the headers before a body."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class FrameDecoder:
    """Cuts a stream into bodies, and finds its feet again after a faulty frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body_bytes: int | None = None
        self._skip_bytes = 0
        self._is_lost = False

    def feed(self, data: bytes) -> Iterator[bytes | FramingError]:
        """Take in what arrived; give each body that is complete, and an error for each frame that is none."""
        self._buffer += data
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> bytes | FramingError | None:
        """Give what comes next, or None until more has arrived."""
        if self._skip_bytes:
            skipped = min(self._skip_bytes, len(self._buffer))
            del self._buffer[:skipped]
            self._skip_bytes -= skipped
            if self._skip_bytes:
                return None
        if self._body_bytes is None:
            block = self._take_headers()
            if not isinstance(block, bytes):
                return block
            if (fault := self._begin_body(block)) is not None:
                return fault
        return self._take_body()

    def _take_headers(self) -> bytes | FramingError | None:
        if (newlines := _NEWLINES.match(self._buffer)) is not None:
            del self._buffer[: newlines.end()]
        end = _BLANK_LINE.search(self._buffer)
        if end is not None:
            block = bytes(self._buffer[: end.start()])
            del self._buffer[: end.end()]
            return block
        if len(self._buffer) <= MAX_HEADER_BYTES:
            return None
        del self._buffer[:-KEPT_BYTES]
        was_lost, self._is_lost = self._is_lost, True
        return None if was_lost else FramingError("a header without an end")

    def _begin_body(self, block: bytes) -> FramingError | None:
        """Read the length, wherever it stands: before it may be the rest of a body whose own length was wrong."""
        lengths: list[bytes] = _CONTENT_LENGTH.findall(block)
        if not lengths:
            return FramingError("a message without a valid Content-Length")
        size = int(lengths[-1])
        if size > MAX_BODY_BYTES:
            self._skip_bytes = size
            return FramingError(f"a message of {size} bytes; the most is {MAX_BODY_BYTES}")
        self._body_bytes = size
        is_sound = len(block) <= MAX_HEADER_BYTES and all(_HEADER_LINE.match(line) for line in block.splitlines())
        return None if is_sound else FramingError("a malformed header")

    def _take_body(self) -> bytes | None:
        size = self._body_bytes
        if size is None or len(self._buffer) < size:
            return None
        body = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._body_bytes = None
        self._is_lost = False
        return body
