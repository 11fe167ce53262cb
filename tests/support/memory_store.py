"""A store in this process's memory, which can be made to fail; for tests of what is built on a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count, islice

from ai_gateway.clock import Clock
from ai_gateway.store.base import Entry, StoreUnavailable


@dataclass
class MemoryStore:
    """Keeps what it is given, as `ai_gateway.store.base.Store` has it."""

    clock: Clock
    holder: str = "memory"
    problem: str | None = None
    """While it has one, it can't be used."""
    times: dict[tuple[str, str], float] = field(default_factory=dict)
    """Until when each value is kept."""
    trimmed: list[int | None] = field(default_factory=list)
    """The limits that it was told to keep within."""
    _kept: dict[tuple[str, str], Entry] = field(default_factory=dict)
    _versions: count[int] = field(default_factory=lambda: count(1))

    async def get(self, space: str, name: str) -> Entry | None:
        self._check()
        is_there = self.times.get((space, name), 0.0) > self.clock.time()
        return self._kept[space, name] if is_there else None

    async def entries(self, space: str, *, newest: int | None = None) -> Mapping[str, Entry]:
        self._check()
        names = [name for within, name in reversed(self._kept) if within == space]
        found = {name: entry for name in names if (entry := await self.get(space, name)) is not None}
        return dict(islice(found.items(), newest))

    async def put(
        self, space: str, name: str, value: bytes, *, expires_at: float, if_version: int | None = None
    ) -> int | None:
        before = await self.get(space, name)
        if if_version is not None and if_version != (before.version if before is not None else 0):
            return None
        self._kept.pop((space, name), None)
        self._kept[space, name] = entry = Entry(value, next(self._versions))
        self.times[space, name] = expires_at
        return entry.version

    async def remove(self, space: str, name: str | None = None) -> int:
        found = [kept for kept in await self.entries(space) if name in {None, kept}]
        for kept in found:
            del self._kept[space, kept], self.times[space, kept]
        return len(found)

    async def keep_within(self, space: str, *, max_bytes: int | None = None, max_entries: int | None = None) -> None:
        self.trimmed.append(max_bytes)
        kept_bytes = 0
        for position, (name, entry) in enumerate((await self.entries(space)).items(), start=1):
            kept_bytes += len(entry.value)
            is_too_much = max_bytes is not None and kept_bytes > max_bytes
            if is_too_much or (max_entries is not None and position > max_entries):
                await self.remove(space, name)

    def has_news(self) -> bool:
        return False

    def is_gone(self, holder: str) -> bool:
        return holder != self.holder

    async def aclose(self) -> None:
        return None

    def _check(self) -> None:
        if self.problem is not None:
            raise StoreUnavailable(self.problem)
