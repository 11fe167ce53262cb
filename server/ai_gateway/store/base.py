"""What a store is: a small memory that several processes share, and that may fail at any time.

Values lie in spaces under names. Each write gives its value a new version, greater than any before it in the whole
store, so that a version names one write and the latest written has the greatest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ai_gateway.failures import GatewayError


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and the write that it comes from."""

    value: bytes
    version: int


class StoreUnavailable(GatewayError):
    """Nothing can be read or kept there now; the text says why. Go on in memory: it is tried again by itself."""


class Store(Protocol):
    """Named values in spaces, each until its time is over.

    Every method but `has_news` may raise `StoreUnavailable`; while the store rests after a failure, at once. The clock
    that decides what has expired is the caller's.
    """

    @property
    def holder(self) -> str:
        """The name of this process, for leases: no other process has it, now or later."""
        ...

    @property
    def problem(self) -> str | None:
        """What a person should know: why it can't be used, or what was set aside; safe to show."""
        ...

    async def get(self, space: str, name: str) -> Entry | None:
        """Give what is kept under a name; None: nothing, or its time is over."""
        ...

    async def entries(self, space: str, *, newest: int | None = None) -> Mapping[str, Entry]:
        """Give a whole space by name, the latest written first; only so many, if `newest` says so."""
        ...

    async def put(
        self, space: str, name: str, value: bytes, *, expires_at: float, if_version: int | None = None
    ) -> int | None:
        """Keep a value, if nobody else was first.

        Args:
            space: Where.
            name: Under which name.
            value: What; no secret, as others can read it.
            expires_at: Until when, in seconds since the epoch; it may be infinite.
            if_version: The version that has to be there still; 0: nothing may be there; None: whatever is there.

        Returns:
            The new version, at least 1; None: something else is there, and stays.
        """
        ...

    async def remove(self, space: str, name: str | None = None) -> int:
        """Forget one name, or a space with all that may be left of it on the disk; say how many values there were."""
        ...

    async def keep_within(self, space: str, *, max_bytes: int | None = None, max_entries: int | None = None) -> None:
        """Forget what was written longest ago, until what is left is no more than this; values alone are counted."""
        ...

    def has_news(self) -> bool:
        """Whether another instance may have changed something since this was last asked; own writes are no news.

        It takes some microseconds and raises nothing. True as well as long as it can't be known and reading is worth
        it, as before the first use; False while the store rests after a failure. Time running out is no news.
        """
        ...

    def is_gone(self, holder: str) -> bool:
        """Whether that process is known to have ended, so that its leases are void."""
        ...

    async def aclose(self) -> None:
        """Let go of it; what is kept stays."""
        ...
