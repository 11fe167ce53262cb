"""Rehearsing an outage: one tier of a running gateway is made to fail, a few questions are asked, and all is undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from importlib import import_module
from weakref import WeakSet

from ai_gateway.breakers.breaker import Transition
from ai_gateway.clock import SYSTEM_CLOCK, Clock
from ai_gateway.drill.faults import FAULTS, LONGEST_DRILL_SECONDS
from ai_gateway.drill.report import BreakerChange, DrillQuestion, DrillReport, Ending, QuestionOutcome, spent
from ai_gateway.failures import GatewayError, InvalidQuery, NoTierAnswered
from ai_gateway.gateway import Gateway
from ai_gateway.model import Answer, BreakerState, Event, Reset
from ai_gateway.options import query_of
from ai_gateway.tier import ProviderTier

MOST_QUESTIONS = 10
TICK_SECONDS = 0.05
"""How often it is looked whether there is more to see."""
QUESTION = "This is a rehearsal of an outage. Answer with the word OK and nothing else."
MAX_TOKENS = 256
"""Little, and yet enough for a model that thinks first."""

Tell = Callable[[str], None]
"""Told what happens, a line at a time."""

_under_drill: WeakSet[Gateway] = WeakSet()


class DrillUnderWay(GatewayError):
    """Another drill of the same gateway is not over yet."""


async def rehearse(
    gateway: Gateway,
    provider: str | None,
    fault: str,
    seconds: float,
    *,
    tell: Tell | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> DrillReport:
    """Let one tier of a gateway fail for a while, and say what that was like.

    Raises: as `Drill` and its `run` do.
    """
    return await Drill(gateway, provider, fault, seconds, tell=tell, clock=clock).run()


class Drill:
    """An outage of one tier, on purpose.

    While it runs, the tier asks an upstream on this machine with a made-up credential, so that nothing meant for it
    leaves the machine; the code that asks is the real one. Its breaker is the drill's own: the real one learns nothing,
    nor do other processes.

    Args:
        gateway: Whose tier it is; made of settings.
        provider: The tier's name; None: the first that is asked.
        fault: One of `FAULTS`.
        seconds: How long it lasts.
        tell: Told what happens meanwhile.
        clock: The time.

    Raises:
        InvalidQuery: There is no such tier or fault, the tier is not configured, or the time is none.
    """

    def __init__(
        self,
        gateway: Gateway,
        provider: str | None,
        fault: str,
        seconds: float,
        *,
        tell: Tell | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if fault not in FAULTS:
            raise InvalidQuery(f"there is no fault {fault!r}; there is: {', '.join(FAULTS)}", field="fault")
        if not 0 < seconds <= LONGEST_DRILL_SECONDS:
            raise InvalidQuery(f"a drill lasts more than 0 and at most {LONGEST_DRILL_SECONDS:.0f} s", field="seconds")
        self._gateway = gateway
        self._tier = _tier_named(gateway, provider)
        self._fault = fault
        self._seconds = seconds
        self._tell = tell or (lambda _line: None)
        self._clock = clock
        self._began_at = clock.monotonic()
        self._questions: list[DrillQuestion] = []
        self._changes: list[BreakerChange] = []
        self._scope: asyncio.Timeout | None = None
        self._is_stopped = False

    async def run(self) -> DrillReport:
        """Hold the drill, and undo it whatever happens.

        Raises:
            DrillUnderWay: The gateway has another one going on.
            InvalidQuery: The provider never fails so.
            GatewayClosed: The gateway was closed.
        """
        if self._gateway in _under_drill:
            raise DrillUnderWay("a drill is going on already; wait until it is over")
        _under_drill.add(self._gateway)
        try:
            report = await self._run()
        finally:
            _under_drill.discard(self._gateway)
        from ai_gateway.drill.advice import advice_for  # noqa: PLC0415 - it is known by now, see `_run`

        others = [tier for tier in self._gateway.tiers if tier.name != self._tier.name]
        return replace(report, advice=advice_for(report, self._tier, others))

    def stop(self) -> None:
        """End it now; `run` still gives its report."""
        self._is_stopped = True
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def _run(self) -> DrillReport:
        await asyncio.to_thread(import_module, "ai_gateway.drill.stand_in")  # slow, and others are asking meanwhile
        from ai_gateway.drill.stand_in import stand_in_for  # noqa: PLC0415
        from ai_gateway.drill.vendors import failing_upstream  # noqa: PLC0415

        loaded, name = self._gateway.settings, self._tier.name
        assert loaded is not None  # noqa: S101 - `_tier_named` has seen to it
        self._tier = _tier_named(self._gateway, name)  # as these settings have it, which may have changed meanwhile
        async with failing_upstream(name, self._fault, self._tier.default_model) as upstream:
            stand_in = stand_in_for(self._tier, upstream, loaded, clock=self._clock)
            stand_in.breaker.listen(self._note)
            self._announce()
            self._began_at = self._clock.monotonic()
            async with self._gateway.replaced(self._tier, stand_in):
                is_over = await self._for(self._seconds, self._watch(stand_in))
                lasted = self._elapsed()
        self._tell(f"{name} is itself again, after {lasted:.1f} s")
        report = DrillReport(
            provider=name,
            fault=self._fault,
            seconds=self._seconds,
            lasted_seconds=lasted,
            ending=Ending.SETTINGS_CHANGED if is_over else Ending.STOPPED if self._is_stopped else Ending.IN_TIME,
            questions=tuple(self._questions),
            breaker=tuple(self._changes),
        )
        if report.ending is Ending.IN_TIME and report.finished and report.was_met:
            self._tell("one more question, to see how it is now")
            afterwards: list[DrillQuestion] = []
            await self._for(None, self._ask(afterwards))
            return replace(report, recovery=next(iter(afterwards), None))
        return report

    async def _for(self, seconds: float | None, work: Coroutine[None, None, None]) -> bool:
        """Do something for so long at most, None being as long as it takes; say whether it came to its own end."""
        self._scope = scope = asyncio.timeout(0 if self._is_stopped else seconds)
        try:
            async with scope:
                await work
        except TimeoutError:
            if not scope.expired():
                raise
            return False
        finally:
            self._scope = None
        return True

    async def _watch(self, stand_in: ProviderTier) -> None:
        """Ask as long as there is something to be seen, until other settings make another tier."""
        while stand_in in self._gateway.tiers:
            if self._may_see_more(stand_in):
                await self._ask(self._questions)
                if not self._may_see_more(stand_in):
                    self._tell(f"it stays so; {max(0.0, self._seconds - self._elapsed()):.0f} s are left")
            else:
                await self._clock.sleep(TICK_SECONDS)

    def _may_see_more(self, stand_in: ProviderTier) -> bool:
        """Say whether another question is worth its cost.

        It is while the breaker still counts failures, once to see an open one skipped, and when a probe is due.
        """
        asked, name, breaker = len(self._questions), stand_in.name, stand_in.breaker
        if not asked:
            return True
        last = self._questions[-1]
        if asked >= MOST_QUESTIONS or not last.attempts_of(name):
            return False
        match breaker.state:
            case BreakerState.CLOSED:
                return breaker.consecutive_failures > 0
            case BreakerState.OPEN:
                return not last.was_skipped(name)
            case BreakerState.HALF_OPEN:
                return not breaker.has_probe_out

    async def _ask(self, kept: list[DrillQuestion]) -> None:
        """Ask as anybody could, by the person's own rules, and keep what came of it, also if it is cut short."""
        asked_after, seen = self._elapsed(), _Seen()
        query = query_of(QUESTION, max_tokens=MAX_TOKENS, cache="off")
        try:
            async with aclosing(self._gateway.stream(query)) as events:
                async for event in events:
                    seen.take(event)
        except NoTierAnswered as error:
            seen.error = error
        finally:
            kept.append(question := seen.question(asked_after, 1000 * (self._elapsed() - asked_after)))
        who = f"{question.provider} answered" if question.provider else "nobody answered"
        self._tell(f"{who}, after {spent(question.elapsed_ms)}{f': {question.why}' if question.why else ''}")

    def _announce(self) -> None:
        """Say what is about to happen, and whom it will bother."""
        name = self._tier.name
        asked = [tier for tier in self._gateway.tiers if tier is not self._tier and tier.missing is None]
        others = ", ".join(f"{tier.name} ({tier.default_model})" if tier.default_model else tier.name for tier in asked)
        self._tell(f"{name} fails for {self._seconds:g} s from now on ({self._fault}: {FAULTS[self._fault].meaning})")
        self._tell("only here: what is meant for it stays on this machine, and other windows go on as before")
        at_most = f"at most {MOST_QUESTIONS + 1} tiny questions are asked"
        self._tell(f"{at_most}, for real, of {others}" if others else f"{at_most}; there is nobody else to ask")

    def _note(self, transition: Transition) -> None:
        """Keep a change of the breaker."""
        change = BreakerChange(
            after_seconds=self._elapsed(),
            before=transition.before,
            after=transition.after,
            reason=transition.reason,
            reopens_in_seconds=transition.reopens_in_seconds,
        )
        self._changes.append(change)
        self._tell(f"{self._tier.name}'s breaker: {change.told}")

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began_at


def _tier_named(gateway: Gateway, provider: str | None) -> ProviderTier:
    if provider is None:
        provider = next((tier.name for tier in gateway.tiers if tier.missing is None), "")
    tier = next((tier for tier in gateway.tiers if tier.name == provider), None)
    if tier is None:
        known = ", ".join(tier.name for tier in gateway.tiers) or "none"
        raise InvalidQuery(f"there is no provider {provider!r}; there is: {known}", field="provider")
    if tier.fingerprint is None or gateway.settings is None:
        raise InvalidQuery(
            f"{provider} was added by code and not by settings: only who made it can make it fail", field="provider"
        )
    if (missing := tier.missing) is not None:
        raise InvalidQuery(
            f"{provider} is not asked as it is, so there is nothing to rehearse: {missing}", field="provider"
        )
    return tier


@dataclass(slots=True)
class _Seen:
    """What was seen of a question so far."""

    was_retracted: bool = False
    answer: Answer | None = None
    error: NoTierAnswered | None = None

    def take(self, event: Event) -> None:
        if isinstance(event, Reset):
            self.was_retracted = True
        elif isinstance(event, Answer):
            self.answer = event

    def question(self, asked_after_seconds: float, elapsed_ms: float) -> DrillQuestion:
        outcome, ended, answer = QuestionOutcome.UNFINISHED, self.answer or self.error, self.answer
        if ended is not None:
            outcome = QuestionOutcome.UNANSWERED if answer is None else QuestionOutcome.ANSWERED
        return DrillQuestion(
            asked_after_seconds=asked_after_seconds,
            outcome=outcome,
            elapsed_ms=elapsed_ms,
            provider=answer.provider if answer else None,
            backend=answer.backend if answer else None,
            model=answer.model if answer else None,
            attempts=ended.attempts if ended else (),
            was_retracted=self.was_retracted,
            hint=self.error.hint if self.error else None,
        )
