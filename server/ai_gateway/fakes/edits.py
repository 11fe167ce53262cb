"""What a fault does to the frames of an answer: small generators, each one kind of damage."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import repeat

from ai_gateway.fakes.answers import Frame, Kind, Spelling

Edit = Callable[[Iterable[Frame], Spelling], Iterator[Frame]]


def _through_delta(frames: Iterator[Frame], count: int) -> Iterator[Frame]:
    while count > 0 and (frame := next(frames, None)) is not None:
        yield frame
        count -= frame.kind == "delta"


def insert(make: Callable[[Spelling], Frame], after: int) -> Edit:
    """Slip one frame in after `after` deltas, or at the end of a shorter answer."""

    def edit(frames: Iterable[Frame], spelling: Spelling) -> Iterator[Frame]:
        rest = iter(frames)
        yield from _through_delta(rest, after)
        yield make(spelling)
        yield from rest

    return edit


def end_with(make: Callable[[Spelling], Frame], after: int) -> Edit:
    """Put one frame in place of all that follows `after` deltas."""

    def edit(frames: Iterable[Frame], spelling: Spelling) -> Iterator[Frame]:
        yield from _through_delta(iter(frames), after)
        yield make(spelling)

    return edit


def leave_out(*kinds: Kind) -> Edit:
    """Drop the frames of these kinds."""
    return lambda frames, _: (frame for frame in frames if frame.kind not in kinds)


def rewrite(change: Callable[[bytes], bytes]) -> Edit:
    """Change the bytes of every frame."""
    return lambda frames, _: (replace(frame, data=change(frame.data)) for frame in frames)


def precede(comment: bytes) -> Edit:
    """Put the same bytes before every frame."""

    def edit(frames: Iterable[Frame], _: Spelling) -> Iterator[Frame]:
        for frame in frames:
            yield Frame(comment)
            yield frame

    return edit


def reslice(size: int) -> Edit:
    """Cut the same bytes into writes of `size`, wherever events and lines may end.

    A slice counts as a delta if one ended in it.
    """

    def edit(frames: Iterable[Frame], _: Spelling) -> Iterator[Frame]:
        pending, ended = b"", False
        for frame in frames:
            pending += frame.data
            whole = (len(pending) - 1) // size * size
            for start in range(0, whole, size):
                yield Frame(pending[start : start + size], "delta" if ended else "other")
                ended = False
            pending = pending[whole:]
            ended = ended or frame.kind == "delta"
        yield Frame(pending, "delta" if ended else "other")

    return edit


def split_characters(frames: Iterable[Frame], _: Spelling) -> Iterator[Frame]:
    """Cut every character outside ASCII after its first byte: legal, if the reader joins before decoding."""
    for frame in frames:
        *heads, tail = re.split(rb"(?<=[\xc2-\xf4])", frame.data)
        yield from map(Frame, heads)
        yield Frame(tail, frame.kind)


def endless_chunks(frames: Iterable[Frame], spelling: Spelling) -> Iterator[Frame]:
    """After the first delta, more deltas for ever."""
    yield from _through_delta(iter(frames), 1)
    yield from repeat(spelling.delta("more and "))


def endless_line(frames: Iterable[Frame], spelling: Spelling) -> Iterator[Frame]:
    """After the first delta, one line that never ends."""
    yield from _through_delta(iter(frames), 1)
    yield Frame(spelling.event(b'{"endless":"').data.rstrip(b"\n"))
    yield from repeat(Frame(b"x" * 65536))


def use_crlf(data: bytes) -> bytes:
    """End the lines with CRLF."""
    return data.replace(b"\n", b"\r\n")


def drop_field_space(data: bytes) -> bytes:
    """Write `data:x` for `data: x`; the space is optional (WHATWG HTML, server-sent events)."""
    return re.sub(rb"^(data|event): ", rb"\1:", data, flags=re.MULTILINE)
