"""Traces of queries that a real chain answered, or did not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from typing_extensions import override

from ai_gateway.chain import FailoverChain, final_answer
from ai_gateway.failures import NoTierAnswered, QueryRefused
from ai_gateway.model import Answer, Piece, Prompt, Query
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.scripted import ScriptedProvider, Step
from ai_gateway.tier import ProviderTier
from ai_gateway.trace import QueryOutcome, Trace, draft_of
from support.chains import HELLO
from support.fake_clock import FakeClock


class SlowProvider(LLMProvider):
    """Says what a script has; each piece, and each error, takes its time on a clock that stands still otherwise."""

    def __init__(self, clock: FakeClock, seconds: float, *scripts: str | BaseException | Sequence[Step]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._scripted = ScriptedProvider(*scripts)

    @override
    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        self._clock.advance(self._seconds)
        async for piece in self._scripted.stream(prompt, model):
            yield piece
            self._clock.advance(self._seconds)


async def trace_of(
    tiers: Sequence[ProviderTier],
    query: Query = HELLO,
    *,
    clock: FakeClock | None = None,
    escalation: Sequence[ProviderTier] = (),
) -> Trace:
    """Ask a chain of these tiers, and give the trace of it."""
    clock = clock or FakeClock()
    draft = draft_of(query, clock)
    answer: Answer | None = None
    outcome = QueryOutcome.ANSWERED
    try:
        answer = await final_answer(FailoverChain(tiers, escalation=escalation, clock=clock).stream(query, draft))
    except QueryRefused:
        outcome = QueryOutcome.REFUSED
    except NoTierAnswered:
        outcome = QueryOutcome.FAILED
    return draft.ended(outcome, 1000 * (clock.monotonic() - draft.started_at), answer=answer)
