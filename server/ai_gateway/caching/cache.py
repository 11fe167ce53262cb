"""Answers kept for a while: least recently used out first, each with its own time to live.

An answer past its time is not given, but stays until it is pushed out: it is better than nothing when no tier
answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cachetools import LRUCache

from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.model import Answer, FinishReason, Prompt, Query

DEFAULT_TTL_SECONDS = 3600.0
DEFAULT_MAX_ENTRIES = 1000
CHARACTERS_PER_ENTRY = 16 * 1024
"""A longer answer takes the room of several entries, so that the cache is bounded in bytes too."""
CACHEABLE = frozenset({FinishReason.STOP, FinishReason.TOOL_CALLS})


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer with its age; `stale` once it is past its time."""

    answer: Answer
    age_seconds: float
    stale: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    answer: Answer
    stored_at: float
    expires_at: float


class AnswerCache:
    """Answers by the key of their query.

    Args:
        ttl_seconds: How long an answer is fresh, where its query does not say.
        max_entries: How many answers are kept; long ones count several times.
        clock: The time.
    """

    def __init__(
        self,
        *,
        ttl_seconds: float = DEFAULT_TTL_SECONDS,
        max_entries: int = DEFAULT_MAX_ENTRIES,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.ttl_seconds = ttl_seconds
        self._clock = clock
        self._entries: LRUCache[bytes, _Entry] = LRUCache(max_entries, getsizeof=_room)

    def __len__(self) -> int:
        """Count the answers kept, fresh or stale."""
        return len(self._entries)

    def get(self, key: bytes) -> CachedAnswer | None:
        """Give the answer under `key`, fresh or stale, and mark it as used."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock.monotonic()
        return CachedAnswer(entry.answer, now - entry.stored_at, stale=now >= entry.expires_at)

    def put(self, key: bytes, answer: Answer, *, ttl_seconds: float | None = None) -> None:
        """Keep a whole answer; another is not worth it, and is ignored."""
        if not is_worth_keeping(answer):
            return
        now = self._clock.monotonic()
        ttl = self.ttl_seconds if ttl_seconds is None else ttl_seconds
        entry = _Entry(replace(answer, attempts=()), stored_at=now, expires_at=now + ttl)
        if _room(entry) <= self._entries.maxsize:
            self._entries[key] = entry

    def resize(self, *, ttl_seconds: float, max_entries: int) -> None:
        """Take on new limits; what still fits is kept, with the time to live that it was given."""
        self.ttl_seconds = ttl_seconds
        kept, self._entries = self._entries, LRUCache(max_entries, getsizeof=_room)
        while kept:
            key, entry = kept.popitem()  # the least recently used first
            if _room(entry) <= max_entries:
                self._entries[key] = entry

    def clear(self) -> int:
        """Forget everything; say how many answers there were."""
        count = len(self._entries)
        self._entries.clear()
        return count


def is_worth_keeping(answer: Answer) -> bool:
    """Say whether an answer may be given again: it is whole, neither cut nor refused, and says something."""
    return answer.finish_reason in CACHEABLE and bool(answer.tool_calls or answer.content.strip())


def key_of(query: Query, tiers: Sequence[Sequence[object]] = ()) -> bytes:
    """Derive the cache key from all that shapes the answer: the prompt, the routing that was asked for, and the chain.

    Args:
        query: What is asked.
        tiers: What makes each tier there is answer as it does: its name, its address, its models. No secret.

    Raises:
        TypeError: The query asks for vectors, or holds what JSON can't.
        ValueError: Likewise.
    """
    prompt = query.prompt
    if not isinstance(prompt, Prompt):
        raise TypeError("only answers in words are kept")
    parts = [
        [message.as_dict() for message in prompt.messages],
        [call.signature for message in prompt.messages for call in message.tool_calls],
        prompt.options(),
        [[tool.name, tool.description, tool.parameters] for tool in prompt.tools],
        [query.backend, query.provider, query.model, query.preferred_model, query.private, query.escalate, query.spend],
        tiers,
    ]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=dict)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _room(entry: _Entry) -> int:
    calls = sum(len(call.arguments) for call in entry.answer.tool_calls)
    return 1 + (len(entry.answer.content) + calls) // CHARACTERS_PER_ENTRY
