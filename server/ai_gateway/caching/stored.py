"""Answers that outlive the process: the second level of the cache, in a store that several processes may share.

Answers alone are kept, under the hash of their query; no prompt is. Whoever can read the store can read them.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TypeVar

from ai_gateway.caching.cache import CachedAnswer, is_worth_keeping
from ai_gateway.clock import Clock
from ai_gateway.model import Answer, Backend, BreakerState, FinishReason, ToolCall, Usage
from ai_gateway.store.base import Store, StoreUnavailable

log = logging.getLogger(__name__)

SPACE = "answers"
FORMAT = 1
STALE_SECONDS = 30 * 24 * 3600.0
"""How long an answer past its time is kept, for when nobody can give a new one."""
MAX_SKEW_SECONDS = 60.0
"""How far the clocks of two machines may differ; an answer from later than that is of a clock that was wrong."""
TRIMS_PER_FILLING = 16
"""How often room is made while as much is written as may be kept: between two times, the limit may be exceeded."""

T = TypeVar("T")


class StoredAnswers:
    """Answers by the key of their query, in a store; what can't be kept or found there is simply not there.

    Args:
        store: Where they are kept.
        clock: The time.
        max_bytes: How much is kept, more or less; the oldest goes first.
    """

    def __init__(self, store: Store, clock: Clock, *, max_bytes: int) -> None:
        self._store = store
        self._clock = clock
        self._max_bytes = max_bytes
        self._untrimmed_bytes = max_bytes
        """Written since room was made; at first nobody knows what is there."""
        self._is_away = False

    async def get(self, key: bytes) -> CachedAnswer | None:
        """Give the answer under `key`, fresh or stale, with its age by the wall clock."""
        try:
            entry = await self._store.get(SPACE, key.hex())
            self._is_away = False
            if entry is None:
                return None
            kept = _read(entry.value, self._clock.time())
            if kept is None:
                await self._store.remove(SPACE, key.hex())
        except StoreUnavailable as error:
            self._tell_away(error)
            return None
        return kept

    async def put(self, key: bytes, answer: Answer, *, stored_at: float, expires_at: float) -> None:
        """Keep a whole answer, as the cache in memory does.

        Args:
            key: Of its query.
            answer: Not of a private query, and with nothing restored in it that was masked before.
            stored_at: When it was given, in seconds since the epoch.
            expires_at: Until when it is fresh, likewise.
        """
        if not is_worth_keeping(answer):
            return
        value = _written(answer, stored_at, expires_at)
        if len(value) > self._max_bytes:
            return
        try:
            await self._store.put(SPACE, key.hex(), value, expires_at=expires_at + STALE_SECONDS)
            self._untrimmed_bytes += len(value)
            if self._untrimmed_bytes >= self._max_bytes / TRIMS_PER_FILLING:
                await self._store.keep_within(SPACE, max_bytes=self._max_bytes)
                self._untrimmed_bytes = 0
        except StoreUnavailable as error:
            self._tell_away(error)
        else:
            self._is_away = False

    async def clear(self) -> int:
        """Forget everything; say how many answers there were.

        Raises:
            StoreUnavailable: They can't be reached now, so they are still there.
        """
        return await self._store.remove(SPACE)

    def _tell_away(self, error: StoreUnavailable) -> None:
        if not self._is_away:
            log.warning("answers can be neither kept nor found in the store for now: %s", error)
        self._is_away = True


def _written(answer: Answer, stored_at: float, expires_at: float) -> bytes:
    fields = {
        "format": FORMAT,
        "stored_at": stored_at,
        "expires_at": expires_at,
        "content": answer.content,
        "backend": answer.backend,
        "provider": answer.provider,
        "model": answer.model,
        "state": answer.state,
        "finish_reason": answer.finish_reason,
        "usage": asdict(answer.usage),
        "query_id": answer.query_id,
        "elapsed_ms": answer.elapsed_ms,
        "tool_calls": [asdict(call) for call in answer.tool_calls],
        "cost_usd": answer.cost_usd,
    }
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _read(value: bytes, now: float) -> CachedAnswer | None:
    """Read what was written; None: it was written by another version, or is damaged."""
    try:
        fields = _of(dict, json.loads(value))
        if fields["format"] != FORMAT:
            return None
        stored_at, expires_at = _number(fields["stored_at"]), _number(fields["expires_at"])
        answer = _answer_of(fields)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    is_fresh = stored_at - MAX_SKEW_SECONDS <= now < expires_at
    return CachedAnswer(answer, age_seconds=max(0.0, now - stored_at), stale=not is_fresh)


def _answer_of(fields: Mapping[str, object]) -> Answer:
    model, cost_usd = fields["model"], fields["cost_usd"]
    return Answer(
        content=_of(str, fields["content"]),
        backend=Backend(_of(str, fields["backend"])),
        provider=_of(str, fields["provider"]),
        model=None if model is None else _of(str, model),
        state=BreakerState(_of(str, fields["state"])),
        finish_reason=FinishReason(_of(str, fields["finish_reason"])),
        usage=_usage_of(_of(dict, fields["usage"])),
        query_id=_of(str, fields["query_id"]),
        elapsed_ms=_number(fields["elapsed_ms"]),
        attempts=(),
        tool_calls=tuple(_tool_call_of(_of(dict, call)) for call in _of(list, fields["tool_calls"])),
        cost_usd=None if cost_usd is None else _number(cost_usd),
    )


def _usage_of(fields: Mapping[str, object]) -> Usage:
    return Usage(
        input_tokens=_of(int, fields["input_tokens"]),
        output_tokens=_of(int, fields["output_tokens"]),
        cached_input_tokens=_of(int, fields["cached_input_tokens"]),
        cache_write_tokens=_of(int, fields["cache_write_tokens"]),
        estimated=_of(bool, fields["estimated"]),
    )


def _tool_call_of(fields: Mapping[str, object]) -> ToolCall:
    signature = fields["signature"]
    return ToolCall(
        id=_of(str, fields["id"]),
        name=_of(str, fields["name"]),
        arguments=_of(str, fields["arguments"]),
        signature=None if signature is None else _of(str, signature),
    )


def _number(value: object) -> float:
    number = float(_of((int, float), value))
    if not math.isfinite(number):
        raise ValueError("not a number")
    return number


def _of(kind: type[T] | tuple[type[T], ...], value: object) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"a {type(value).__name__} where something else was expected")
    return value
