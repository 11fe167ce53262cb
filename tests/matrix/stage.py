"""A gateway made from settings over fakes on real sockets: one tier that fails, and maybe one after it that is well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field

from ai_gateway.config import load_settings
from ai_gateway.failures import GatewayError, OpenReason
from ai_gateway.fakes import FakeUpstream, Fault
from ai_gateway.gateway import Gateway
from ai_gateway.model import Answer, BreakerState, CacheMode, Delta, Started
from ai_gateway.options import query_of
from ai_gateway.tier import ProviderTier
from matrix.faults import LONG_SECONDS, Row
from matrix.wires import Wire
from support.chains import Seen
from support.fake_clock import FakeClock

HANG_SECONDS = 30.0
"""A test that waits this long for something has failed."""
ROUNDING_SECONDS = 0.001
"""What is kept in a store is kept in seconds since the epoch, which are less exact than those of a process."""
PROMPT = "Say it"
TEXT = "one två three 🙂 four"
WELL = "All is well here, thank you."


@dataclass
class Stage:
    """What a test of the matrix looks at."""

    gateway: Gateway
    clock: FakeClock
    faulty: FakeUpstream
    healthy: FakeUpstream | None
    has_shown: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as the consumer has seen text: what strikes in the middle of an answer waits for it."""

    @property
    def tier(self) -> ProviderTier:
        """The one that fails."""
        return self.gateway.tiers[0]

    @property
    def state(self) -> BreakerState:
        """Of its breaker."""
        return self.tier.breaker.state

    def strike(self, row: Row, wire: Wire) -> None:
        """Let the upstream fail as the row says."""
        fault = wire.refusals[row.fault] if isinstance(row.fault, str) else row.fault
        if not isinstance(fault, Fault):
            fault = Fault() if fault is None else Fault.answer(fault)
        if row.shows_text:
            fault = Fault.stall(after=1, until=self.has_shown) | fault
        self.faulty.reply(TEXT if row.says is None else row.says, finish_reason=row.finish)
        self.faulty.fault(fault, times=row.times)

    async def half_open(self) -> None:
        """Have the tier fail once before; while it is open somebody asks, and then its time is over."""
        self.tier.breaker.trip(OpenReason.OUTAGE)
        assert self.healthy is not None
        assert (await self.ask("Who is there?", streamed=False)).answer.content == WELL
        self.has_shown.clear()
        self.healthy.calls = 0
        assert self.state is BreakerState.OPEN
        self.let_its_time_pass()

    def let_its_time_pass(self) -> None:
        """Go on to when the tier may be tried again, if there is such a time."""
        reopens_in = self.tier.breaker.reopens_in_seconds
        self.clock.advance(0.0 if reopens_in is None else reopens_in + ROUNDING_SECONDS)

    async def ask(self, prompt: str = PROMPT, *, temperature: float | None = None, streamed: bool = True) -> Seen:
        """Ask as somebody does who reads along, or who waits for the whole."""
        seen = Seen()
        try:
            async with asyncio.timeout(HANG_SECONDS):
                if streamed:
                    await self._read_along(seen, prompt, temperature)
                else:
                    self.has_shown.set()
                    answer = await self.gateway.query(prompt, temperature=temperature, cache="off")
                    seen.events.append(answer)
        except GatewayError as error:
            seen.error = error
        return seen

    async def _read_along(self, seen: Seen, prompt: str, temperature: float | None) -> None:
        query = query_of(prompt, temperature=temperature, cache=CacheMode.OFF)
        async with aclosing(self.gateway.stream(query)) as events:
            async for event in events:
                seen.events.append(event)
                if isinstance(event, Delta):
                    self.has_shown.set()


@asynccontextmanager
async def staged(wire: Wire, after: Wire | None = None, row: Row | None = None) -> AsyncIterator[Stage]:
    """Start the upstreams of a wire, and of the one after it, and the gateway before them.

    Args:
        wire: Of the tier that fails.
        after: Of the tier that is well; None: there is none.
        row: What is to strike, if its limits differ from the usual ones or it is that nobody listens.
    """
    clock, wires = FakeClock(), [each for each in (wire, after) if each is not None]
    async with AsyncExitStack() as stack:
        fakes = [await stack.enter_async_context(each.fake()) for each in wires]
        for fake, text in zip(fakes, (TEXT, WELL), strict=False):
            fake.reply(text)
        limits = {
            "first_token_seconds": LONG_SECONDS if row is None else row.first_token_seconds,
            "idle_seconds": LONG_SECONDS if row is None else row.idle_seconds,
        }
        usual = {"first_token_seconds": LONG_SECONDS, "idle_seconds": LONG_SECONDS}
        sections = {
            each.section: {**each.settings(fake), **(limits if each is wire else usual)}
            for each, fake in zip(wires, fakes, strict=True)
        }
        loaded = load_settings(environ={}, editor={"order": [each.section for each in wires], **sections})
        assert not loaded.problems
        gateway = await stack.enter_async_context(Gateway.from_settings(loaded, clock=clock))
        if row is not None and row.fault is None:
            await fakes[0].stop()
        yield Stage(gateway, clock, fakes[0], fakes[1] if after else None)


def starts_of(seen: Seen) -> list[str]:
    """Who began to answer, in order."""
    return [event.provider for event in seen.events if isinstance(event, Started)]


def answers_of(seen: Seen) -> list[Answer]:
    """The answers among what was seen."""
    return [event for event in seen.events if isinstance(event, Answer)]
