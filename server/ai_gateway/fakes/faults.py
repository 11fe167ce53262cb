"""What can go wrong with one answer of a fake upstream.

A fault has four independent parts: another answer instead of the right one, damage to the frames that are
sent, a script of what happens at which point, and a pace. Two faults join with `|`:
`Fault.crlf() | Fault.stall(after=2)`.
"""

import asyncio
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from ai_gateway.fakes import edits
from ai_gateway.fakes.answers import Answer, Kind, RetryAfter, encode, retry_headers
from ai_gateway.fakes.edits import Edit

Pause = float | asyncio.Event
"""Seconds (`math.inf`: until the client leaves or the server stops), or an event to wait for."""

BEFORE_HEADERS = -1
AFTER_LAST_FRAME = sys.maxsize
AFTER_ANSWER = math.inf


class Sever(Enum):
    """How a connection is closed."""

    FIN = "an orderly close"
    RST = "a reset"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens at a point of the answer.

    The point is a number of deltas sent (0: the headers are out and nothing else), or one of
    `BEFORE_HEADERS`, `AFTER_LAST_FRAME`, `AFTER_ANSWER`. A number the answer never reaches means
    `AFTER_LAST_FRAME`.
    """

    at: float
    action: Pause | Sever


_PROXY_PAGE = """<html>
<head><title>{status} Bad Gateway</title></head>
<body><center><h1>{status} Bad Gateway</h1></center><hr><center>nginx</center></body>
</html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way for an answer to go wrong.

    The constructors stand in this order: another answer, before the headers, within the answer, damage to
    the body, and at last what is unusual but legal.

    `instead` is an answer, or a status for which the upstream finds its own words. `headers` are added to
    whatever answer is sent. `seconds_between_frames` replaces the upstream's own pace. `after=n` always
    means: when the reader has been sent n deltas.
    """

    instead: Answer | int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    steps: tuple[Step, ...] = ()
    seconds_between_frames: float | None = None

    def __or__(self, other: Self) -> Self:
        """Both faults at once; where only one can be, the other's."""
        return type(self)(
            instead=self.instead if other.instead is None else other.instead,
            headers={**self.headers, **other.headers},
            edits=self.edits + other.edits,
            steps=self.steps + other.steps,
            seconds_between_frames=(
                self.seconds_between_frames if other.seconds_between_frames is None else other.seconds_between_frames
            ),
        )

    @classmethod
    def answer(cls, answer: Answer) -> Self:
        """This answer instead of the right one."""
        return cls(instead=answer)

    @classmethod
    def status(
        cls,
        status: int,
        body: object = None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: RetryAfter | None = None,
        retry_after_ms: int | None = None,
    ) -> Self:
        """A status with a body of text, bytes or JSON; without one, in the words of the wire."""
        return cls(
            instead=status if body is None else Answer.of(body, status, content_type=content_type),
            headers={**(headers or {}), **retry_headers(retry_after, milliseconds=retry_after_ms)},
        )

    @classmethod
    def rate_limited(cls, retry_after: RetryAfter | None = None, *, retry_after_ms: int | None = None) -> Self:
        """429."""
        return cls.status(429, retry_after=retry_after, retry_after_ms=retry_after_ms)

    @classmethod
    def overloaded(cls, retry_after: RetryAfter | None = None) -> Self:
        """503."""
        return cls.status(503, retry_after=retry_after)

    @classmethod
    def proxy_error(cls, status: int = 502) -> Self:
        """An HTML page from a proxy on the way, without any header of the upstream's own."""
        page = _PROXY_PAGE.format(status=status)
        return cls(instead=Answer.of(page, status, content_type="text/html", bare=True))

    @classmethod
    def error_with_200(cls, body: object = None) -> Self:
        """Status 200 and a JSON error where a stream was expected."""
        default = {"error": {"message": "Internal error", "type": "server_error", "code": 500}}
        return cls.status(200, default if body is None else body)

    @classmethod
    def empty_body(cls) -> Self:
        """Status 200 and not one byte of body."""
        return cls.status(200, b"", content_type="text/event-stream")

    @classmethod
    def with_headers(cls, headers: Mapping[str, str]) -> Self:
        """The right answer with more headers."""
        return cls(headers=headers)

    @classmethod
    def gzip_garbage(cls) -> Self:
        """The right answer, said to be gzip and not."""
        return cls(headers={"Content-Encoding": "gzip"})

    @classmethod
    def hang(cls) -> Self:
        """Read the request and never answer."""
        return cls.slow_headers(math.inf)

    @classmethod
    def hold(cls, until: asyncio.Event) -> Self:
        """Answer only when the event is set: for a test that needs several requests waiting at once."""
        return cls.slow_headers(until)

    @classmethod
    def slow_headers(cls, seconds: Pause) -> Self:
        """Wait before the headers."""
        return cls(steps=(Step(BEFORE_HEADERS, seconds),))

    @classmethod
    def reset(cls) -> Self:
        """Read the request and reset the connection without a byte of answer."""
        return cls(steps=(Step(BEFORE_HEADERS, Sever.RST),))

    @classmethod
    def drop(cls) -> Self:
        """Read the request and close the connection in order, without a byte of answer."""
        return cls(steps=(Step(BEFORE_HEADERS, Sever.FIN),))

    @classmethod
    def slow_first_token(cls, seconds: Pause) -> Self:
        """Send the headers at once and wait before anything else."""
        return cls.stall(after=0, until=seconds)

    @classmethod
    def stall(cls, after: int = 0, *, until: Pause = math.inf) -> Self:
        """Fall silent with the connection open, for ever or for a time."""
        return cls(steps=(Step(after, until),))

    @classmethod
    def cut(cls, after: int = 0, *, reset: bool = False) -> Self:
        """Close the connection in the middle of the body, in order or by a reset."""
        return cls(steps=(Step(after, Sever.RST if reset else Sever.FIN),))

    @classmethod
    def trickle(cls, seconds: float = 0.01, *, size: int = 1) -> Self:
        """Send `size` bytes at a time, `seconds` apart."""
        return cls(edits=(edits.reslice(size),), seconds_between_frames=seconds)

    @classmethod
    def close_after_answer(cls) -> Self:
        """Close the connection after the whole answer, though the answer had promised to keep it."""
        return cls(steps=(Step(AFTER_ANSWER, Sever.FIN),))

    @classmethod
    def malformed(cls, after: int = 1) -> Self:
        """One event of broken JSON among good ones."""
        broken = b'{"choices":[{"delta":{"content":"unfin'
        return cls(edits=(edits.insert(lambda spelling: spelling.event(broken), after),))

    @classmethod
    def error_event(cls, error: str | Mapping[str, object] = "Internal error", *, after: int = 1) -> Self:
        """Status 200, then an error within the stream, and the end.

        Text is put as the wire puts it; a mapping is the whole payload.
        """
        return cls(
            edits=(
                edits.end_with(
                    lambda spelling: spelling.error(error) if isinstance(error, str) else spelling.event(encode(error)),
                    after,
                ),
            )
        )

    @classmethod
    def without(cls, *kinds: Kind) -> Self:
        """Leave out the frames of these kinds; `"end"` is `[DONE]`."""
        return cls(edits=(edits.leave_out(*kinds),))

    @classmethod
    def unterminated(cls) -> Self:
        """End in order, but with no finish reason, usage or terminal marker."""
        return cls.without("finish", "usage", "end")

    @classmethod
    def invalid_utf8(cls, after: int = 1) -> Self:
        """One delta whose text is not UTF-8."""
        return cls(edits=(edits.insert(lambda spelling: spelling.delta("\udcff\udcfe"), after),))

    @classmethod
    def giant_line(cls, size: int = 10_000_000, *, after: int = 1) -> Self:
        """One delta of `size` characters."""
        return cls(edits=(edits.insert(lambda spelling: spelling.delta("x" * size), after),))

    @classmethod
    def endless(cls, *, one_line: bool = False) -> Self:
        """Send deltas, or a single line, until the client leaves."""
        return cls(edits=(edits.endless_line if one_line else edits.endless_chunks,))

    @classmethod
    def split_characters(cls) -> Self:
        """Cut every character outside ASCII across two chunks."""
        return cls(edits=(edits.split_characters,))

    @classmethod
    def sliced(cls, size: int = 7) -> Self:
        """Cut the body into chunks of `size` bytes, in the middle of lines and of characters."""
        return cls(edits=(edits.reslice(size),))

    @classmethod
    def coalesced(cls) -> Self:
        """Send the whole body as one chunk."""
        return cls.sliced(sys.maxsize)

    @classmethod
    def crlf(cls) -> Self:
        """End lines with CRLF."""
        return cls(edits=(edits.rewrite(edits.use_crlf),))

    @classmethod
    def no_field_space(cls) -> Self:
        """Server-sent events as `data:x` instead of `data: x`."""
        return cls(edits=(edits.rewrite(edits.drop_field_space),))

    @classmethod
    def comments(cls, text: str = "OPENROUTER PROCESSING") -> Self:
        """A server-sent comment before every event."""
        return cls(edits=(edits.precede(b": " + text.encode() + b"\n\n"),))
