"""How one query is answered: from the cache, together with the same query of somebody else, or by the chain.

Whatever way it goes, it leaves a trace.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ai_gateway.caching.cache import AnswerCache, CachedAnswer, key_of
from ai_gateway.caching.flights import Flights
from ai_gateway.chain import FailoverChain
from ai_gateway.clock import Clock
from ai_gateway.failures import FailureKind, FileExcluded, InvalidQuery, NoTierAnswered, QueryRefused
from ai_gateway.model import Answer, Delta, Event, Prompt, Query, Started
from ai_gateway.privacy.exclusions import Exclusions
from ai_gateway.privacy.file_names import known_as
from ai_gateway.privacy.path_patterns import PathPatterns
from ai_gateway.recorder import Recorder
from ai_gateway.run import DEFAULT_QUERY_SECONDS
from ai_gateway.telemetry.metrics import Metrics
from ai_gateway.trace import CacheVerdict, QueryOutcome, TraceDraft, draft_of
from ai_gateway.turns import Turns
from ai_gateway.words import wait_in_words

if TYPE_CHECKING:
    from ai_gateway.caching.stored import StoredAnswers

QUOTES_EXCLUDED = "it quotes a file that is kept out of every prompt; leave that out, or change what says so"
"""Where nothing may be told of the file."""


@dataclass(slots=True)
class Rules:
    """What holds for every query.

    Args:
        timeout_seconds: For a query that names no limit of its own.
        caches: Whether answers are kept at all.
        private: Whether every query is private.
        private_paths: Files that make a query private which quotes one of them.
        exclusions: Files that no query may quote.
    """

    timeout_seconds: float = DEFAULT_QUERY_SECONDS
    caches: bool = True
    private: bool = False
    private_paths: PathPatterns = field(default_factory=lambda: PathPatterns(()))
    exclusions: Exclusions = field(default_factory=Exclusions)


class Answering:
    """Answers queries.

    Args:
        chain: Who is asked.
        rules: What holds for every query.
        cache: The answers so far.
        metrics: What is counted.
        recorder: Takes in the traces.
        clock: The time.
    """

    def __init__(
        self,
        chain: FailoverChain,
        rules: Rules,
        *,
        cache: AnswerCache,
        metrics: Metrics,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self.chain = chain
        self.rules = rules
        self.cache = cache
        self.stored: StoredAnswers | None = None
        """The answers that outlive the process; None: none do."""
        self._metrics = metrics
        self._recorder = recorder
        self._clock = clock
        self._flights = Flights()
        self._asked_by: dict[Hashable, TraceDraft] = {}
        self._left: set[str] = set()
        """Queries that were cancelled while others wait for the same."""

    async def stream(self, query: Query) -> AsyncGenerator[Event, None]:
        """Ask, and yield what happens; the `Answer` comes last.

        Raises:
            InvalidQuery: A part of the query is malformed, or it quotes a file that is kept out of every prompt.
            NoTierAnswered: Nobody could answer; it says why, tier by tier.
        """
        private = self._why_private(query)
        if private is not None:
            query = replace(query, private=True)
        draft = draft_of(query, self._clock, timeout_seconds=self.rules.timeout_seconds)
        draft.private = private
        answer, outcome, hint = None, QueryOutcome.CANCELLED, None
        try:
            await self._refuse_excluded(query)
            async with aclosing(self._answer(draft)) as events:
                async for event in events:
                    if isinstance(event, Answer):
                        answer, outcome = event, QueryOutcome.ANSWERED
                    yield event
        except NoTierAnswered as error:
            outcome = QueryOutcome.REFUSED if isinstance(error, QueryRefused) else QueryOutcome.FAILED
            hint, error.query_id = error.hint, draft.query_id
            raise
        except InvalidQuery as error:
            outcome, hint = QueryOutcome.REFUSED, QUOTES_EXCLUDED if isinstance(error, FileExcluded) else str(error)
            raise
        finally:
            trace = draft.ended(outcome, self._elapsed_ms(draft), answer=answer, hint=hint)
            self._recorder.add(trace, files=query.paths, sent=draft.sent)

    async def aclose(self) -> None:
        """End every query that is still under way."""
        await self._flights.aclose()

    async def _refuse_excluded(self, query: Query) -> None:
        turns = Turns()
        for path in query.paths:
            await turns.give_way()
            if (why := self.rules.exclusions.why(path)) is not None:
                raise FileExcluded(known_as(path, self.rules.exclusions.folders()), why)

    def _why_private(self, query: Query) -> str | None:
        if query.private:
            return "the query says so"
        if self.rules.private:
            return "the setting privacy.private says so"
        if any(self.rules.exclusions.is_named(path, self.rules.private_paths) for path in query.paths):
            return "it quotes a file that privacy.private_paths names"
        return None

    async def _answer(self, draft: TraceDraft) -> AsyncGenerator[Event, None]:
        query, key = draft.query, self._key_of(draft.query)
        kept = await self._kept(draft, key)
        if kept is not None and not kept.stale:
            draft.cache = CacheVerdict.HIT
            for event in self._told(kept, draft):
                yield event
            return
        try:
            if key is None or not query.cache.reads:
                events = self._ask(draft, key, has_spare=False)
            else:
                events = self._join(draft, key, has_spare=kept is not None)
            async with aclosing(events):
                async for event in events:
                    yield event
        except QueryRefused:
            raise
        except NoTierAnswered as error:
            if kept is None:
                await self._tell_who_answered_last(error)
                raise
            draft.cache = CacheVerdict.STALE
            for event in self._told(kept, draft):
                yield replace(event, attempts=error.attempts) if isinstance(event, Answer) else event

    async def _kept(self, draft: TraceDraft, key: bytes | None) -> CachedAnswer | None:
        """Look for an answer, fresh or stale."""
        if key is None or not draft.query.cache.reads:
            return None
        draft.cache = CacheVerdict.MISS
        kept = self.cache.get(key)
        if kept is not None and not kept.stale:
            return kept
        if self.stored is not None and not draft.query.private:
            found = (kept, await self.stored.get(key))
            kept = min(filter(None, found), key=lambda one: (one.stale, one.age_seconds), default=None)
        if kept is None or kept.stale:
            self._metrics.missed()
        return kept

    async def _join(self, draft: TraceDraft, key: bytes, *, has_spare: bool) -> AsyncGenerator[Event, None]:
        """Ask, or wait for the same that is being asked already; then this is no query of its own but in name."""
        query = draft.query
        flight = key, draft.timeout_seconds, query.cache, query.ttl_seconds, frozenset(query.without)
        is_first = flight not in self._flights
        if is_first:
            self._asked_by[flight] = draft
        else:
            draft.cache, draft.joined = CacheVerdict.JOINED, self._asked_by[flight].query_id
            self._metrics.joined()
        first = self._asked_by[flight]
        try:
            events = self._flights.join(flight, lambda: self._ask(draft, key, has_spare=has_spare))
            async with aclosing(events):
                async for event in events:
                    if is_first or not isinstance(event, Answer):
                        yield event
                    else:
                        cost_usd = event.cost_usd if self._take_over(draft, first) else 0.0
                        elapsed_ms = self._elapsed_ms(draft)
                        yield replace(event, query_id=draft.query_id, elapsed_ms=elapsed_ms, cost_usd=cost_usd)
        except NoTierAnswered as error:
            if is_first or not self._may_ask_anew(draft, error):
                raise
            async with aclosing(self._ask(draft, key, has_spare=has_spare)) as events:
                async for event in events:
                    yield event
        finally:
            is_newer = self._asked_by.get(flight) is not first  # what is under this key by now is another flight
            if is_newer or flight not in self._flights:
                if not is_newer:
                    del self._asked_by[flight]
                self._take_over(draft, first)
            elif is_first:
                self._left.add(draft.query_id)

    def _take_over(self, draft: TraceDraft, first: TraceDraft) -> bool:
        """Go on with the record of whom it joined, if they left before that was complete; say whether it does."""
        is_taken = draft.joined is not None and first.query_id in self._left
        self._left.discard(first.query_id)
        if is_taken:
            draft.steps, draft.masked, draft.sent = first.steps, first.masked, first.sent
            draft.cache, draft.joined = CacheVerdict.MISS, None
        return is_taken

    def _may_ask_anew(self, draft: TraceDraft, error: NoTierAnswered) -> bool:
        """Say whether whom it joined ran out of time before this query does; then it is one of its own after all."""
        remaining = (draft.timeout_seconds or 0.0) - self._elapsed_ms(draft) / 1000
        if remaining <= 0 or all(attempt.reason != FailureKind.DEADLINE for attempt in error.attempts):
            return False
        draft.timeout_seconds = remaining
        draft.cache, draft.joined = CacheVerdict.MISS, None
        return True

    async def _ask(self, draft: TraceDraft, key: bytes | None, *, has_spare: bool) -> AsyncGenerator[Event, None]:
        async with aclosing(self.chain.stream(draft.query, draft, has_spare=has_spare)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    await self._keep(event, draft, key)
                yield event

    async def _keep(self, answer: Answer, draft: TraceDraft, key: bytes | None) -> None:
        query = draft.query
        self._metrics.spent(answer.provider, answer.usage, answer.cost_usd)
        if key is None or not query.cache.writes or draft.masked:
            return
        self.cache.put(key, answer, ttl_seconds=query.ttl_seconds)
        if self.stored is not None and not query.private:
            ttl = self.cache.ttl_seconds if query.ttl_seconds is None else query.ttl_seconds
            now = self._clock.time()
            await self.stored.put(key, answer, stored_at=now, expires_at=now + ttl)

    def _told(self, kept: CachedAnswer, draft: TraceDraft) -> tuple[Event, ...]:
        answer = replace(
            kept.answer,
            cached=True,
            stale=kept.stale,
            age_seconds=kept.age_seconds,
            state=self.chain.state,
            cost_usd=0.0,
            query_id=draft.query_id,
            elapsed_ms=self._elapsed_ms(draft),
        )
        return Started(answer.provider, answer.backend, answer.model), Delta(answer.content), answer

    def _key_of(self, query: Query) -> bytes | None:
        if not (self.rules.caches and (query.cache.reads or query.cache.writes) and isinstance(query.prompt, Prompt)):
            return None
        try:
            return key_of(query, self.chain.offers)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidQuery("tools and response_format may hold only what JSON can") from error

    async def _tell_who_answered_last(self, error: NoTierAnswered) -> None:
        error.last_answer = last = await self._recorder.last_answer()
        if last is not None:
            who = f"{last.provider} ({last.model})" if last.model else last.provider
            error.hint += f"; {who} answered last, {wait_in_words(last.age_seconds)} ago"

    def _elapsed_ms(self, draft: TraceDraft) -> float:
        return 1000 * (self._clock.monotonic() - draft.started_at)
