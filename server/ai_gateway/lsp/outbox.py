"""Where messages to a client wait until they are written."""

from __future__ import annotations

from typing import Protocol

CONGESTED_BYTES = 1024 * 1024
"""With more than this unsent, whoever makes messages bit by bit should wait."""
FULL_BYTES = 16 * 1024 * 1024
"""With more than this unsent, no more requests are read: a client that never reads shall not fill the memory."""


class Outbox(Protocol):
    """A queue to one client that never holds up the event loop; each transport has its own."""

    @property
    def unsent_bytes(self) -> int:
        """How much waits."""
        ...

    def send(self, body: bytes) -> None:
        """Send a body after all that was sent before; to a client that is gone, to nowhere."""
        ...

    async def drained(self) -> None:
        """Wait until no more than `CONGESTED_BYTES` wait, or the client is gone."""
        ...

    async def aclose(self) -> None:
        """Write what waits, if that does not take long, and take no more."""
        ...
