"""Server-sent events, as the streams of model upstreams use them (WHATWG HTML, §9.2).

No library: the stock ones decode every line to text first, split on characters that JSON may hold, and know no bound.
"""

from __future__ import annotations

from ai_gateway.providers.lines import LineDecoder


class SseDecoder:
    """Gives the data of each event, its lines joined.

    Comments, event names, ids and retry times are passed over: every upstream repeats in the data what matters.
    """

    def __init__(self) -> None:
        self._lines = LineDecoder()
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take in the next chunk; raises as `LineDecoder.feed` does."""
        events: list[bytes] = []
        for line in self._lines.feed(chunk):
            self._take(line, events)
        return events

    def end(self) -> list[bytes]:
        """Give an event that was cut off."""
        events: list[bytes] = []
        for line in (*self._lines.end(), b""):
            self._take(line, events)
        return events

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif not line and self._data:
            events.append(b"\n".join(self._data))
            self._data = []
