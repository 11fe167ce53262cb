"""Self-escalation: a model that can't do a task says so with its very first token."""

from __future__ import annotations

MARKER = "[ESCALATE]"
INSTRUCTION = (
    f"If this task is beyond you, reply with {MARKER} and nothing else; a stronger model will take over. "
    "Otherwise answer as usual and never mention this."
)


MAX_LEADING_SPACE = 64
"""What follows more of it is no beginning any more, and a text of nothing else is not held back for ever."""


class MarkerGuard:
    """Watches the beginning of a text: holds it back while it may still become the marker, and never lets that out.

    The white space around a marker goes with it, and so do markers that follow it at once. A marker anywhere but at the
    very beginning is text like any other.
    """

    def __init__(self) -> None:
        self._held = ""
        self._decided = False
        self.found = False

    def feed(self, text: str) -> str:
        """Take in a piece; give what may be shown."""
        if self._decided:
            return text
        self._held += text
        begun = self._held.lstrip()
        is_beginning = self.found or len(self._held) - len(begun) <= MAX_LEADING_SPACE
        while is_beginning and begun.startswith(MARKER):
            self.found = True
            begun = begun[len(MARKER) :].lstrip()
        if self.found:
            self._held = begun
        if is_beginning and MARKER.startswith(begun):
            return ""
        self._decided = True
        return self._held

    def end(self) -> str:
        """Give what was held back, now that it did not become the marker."""
        return "" if self._decided else self._held
