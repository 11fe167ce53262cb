"""The last transitions of breakers, each written down by the process that made it."""

from __future__ import annotations

import json
import secrets
from collections import deque
from dataclasses import asdict, dataclass

from ai_gateway.clock import Clock
from ai_gateway.failures import OpenReason
from ai_gateway.model import BreakerState
from ai_gateway.store.base import Store, StoreUnavailable
from ai_gateway.store.reading import as_number, as_text, parsed, text_if_known

SPACE = "transitions"
KEPT = 1000
KEPT_SECONDS = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class PastTransition:
    """A breaker's change of state."""

    at: float
    """Seconds since the epoch. One that time alone made is known only with the next, and has its time."""
    provider: str
    before: BreakerState
    after: BreakerState
    reason: OpenReason | None
    """Why it is not closed after it."""

    def to_bytes(self) -> bytes:
        """Write it."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> PastTransition | None:
        """Read it; None: it is none, or of another version."""
        try:
            row = parsed(value)
            reason = text_if_known(row.get("reason"))
            return cls(
                at=as_number(row.get("at")),
                provider=as_text(row.get("provider")),
                before=BreakerState(as_text(row.get("before"))),
                after=BreakerState(as_text(row.get("after"))),
                reason=None if reason is None else OpenReason(reason),
            )
        except ValueError:
            return None


class Transitions:
    """Keeps them.

    Args:
        clock: The time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._own: deque[PastTransition] = deque(maxlen=KEPT)
        self._unwritten: deque[PastTransition] = deque(maxlen=KEPT)

    def add(self, transition: PastTransition) -> None:
        """Take in one that this process made."""
        self._own.append(transition)
        self._unwritten.append(transition)

    async def write(self, store: Store) -> None:
        """Write what is not written yet.

        Raises:
            StoreUnavailable: It can't be now; what is unwritten stays so.
        """
        if not self._unwritten:
            return
        while self._unwritten:
            transition = self._unwritten.popleft()
            try:
                until = transition.at + KEPT_SECONDS
                await store.put(SPACE, secrets.token_hex(8), transition.to_bytes(), expires_at=until)
            except StoreUnavailable:
                self._unwritten.appendleft(transition)
                raise
        await store.keep_within(SPACE, max_entries=KEPT)

    async def read(self, store: Store | None, hours: float) -> list[PastTransition]:
        """Give those of so many hours up to now, the oldest first; of None, this process's own.

        Raises:
            StoreUnavailable: They can't be read now.
        """
        since = self._clock.time() - hours * 3600.0
        found = list(self._own) if store is None else [*await _written(store), *self._unwritten]
        return sorted((each for each in found if each.at >= since), key=lambda each: each.at)


async def _written(store: Store) -> list[PastTransition]:
    """Give those in the store, in the order in which they were written."""
    entries = await store.entries(SPACE, newest=KEPT)
    read = [PastTransition.from_bytes(entry.value) for entry in entries.values()]
    return [transition for transition in reversed(read) if transition is not None]
