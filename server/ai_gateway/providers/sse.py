"""Server-sent events, as the streams of model upstreams use them (WHATWG HTML, §9.2).

No library: the stock ones decode every line to text first, split on characters that JSON may hold, and know no bound.
"""

from __future__ import annotations

from ai_gateway.providers.lines import Decoder, LineDecoder, WholeDecoder


class SseDecoder:
    """Gives the data of each event, its lines joined.

    Comments, event names, ids and retry times are passed over: every upstream repeats in the data what matters.
    """

    def __init__(self) -> None:
        self._lines = LineDecoder()
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take in the next chunk; raises as `LineDecoder.feed` does."""
        return self._events(self._lines.feed(chunk))

    def end(self) -> list[bytes]:
        """Give an event that was cut off."""
        return self._events([*self._lines.end(), b""])

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        return events


class EventsOrDocument:
    """Tells a stream of events from a whole document by how it begins, for some servers call either by a wrong type."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take in the next chunk."""
        if self._decoder is None and (begun := chunk.lstrip()):
            self._decoder = WholeDecoder() if begun.startswith((b"{", b"[")) else SseDecoder()
        return self._decoder.feed(chunk) if self._decoder else []

    def end(self) -> list[bytes]:
        """The body is over."""
        return self._decoder.end() if self._decoder else []
