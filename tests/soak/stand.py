"""Where a soak takes place: five fakes on real sockets, and a gateway made from settings before them."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from ai_gateway.config import load_settings
from ai_gateway.fakes import FakeUpstream, Fault, RecordedRequest
from ai_gateway.gateway import Gateway
from matrix.wires import Wire
from soak.plan import WIRES, Strike

LIMIT_SECONDS = 0.4
"""What is silent for longer is given up."""
CACHE_ENTRIES = 100
OPEN_SECONDS = 0.1
LONGEST_OPEN_SECONDS = 1.0
PROMPT = re.compile(r"query (\d+) (open|secret)\.")


def said_by(provider: str, prompt: str) -> str:
    """All that a provider has to say about a prompt: nobody else says this, and not about another."""
    number = int(prompt.split()[1])
    words = " ".join(f"word{index}" for index in range(number % 11))
    return f"{provider} has this to say about {prompt} {words} And that is all."


@dataclass
class Stand:
    """The fakes, the gateway, and what the fakes were asked.

    Attributes:
        seen: How often each upstream was asked for a chat about each prompt.
        strangers: Requests that nobody's query explains.
    """

    gateway: Gateway
    fakes: Mapping[str, FakeUpstream]
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    strangers: list[str] = field(default_factory=list)
    _power: asyncio.Lock = field(default_factory=asyncio.Lock)

    def strike(self, strike: Strike) -> None:
        """Let an upstream have a fault, instead of what was planned for it before."""
        row, wire = strike.row, strike.wire
        fault = wire.refusals[row.fault] if isinstance(row.fault, str) else row.fault
        fake = self.fakes[wire.name]
        fake.clear()
        fake.fault(fault or Fault(), times=strike.times)

    async def cut_power(self, wire: Wire) -> None:
        """Kill an upstream, and start it again on the same port."""
        async with self._power:
            await self.fakes[wire.name].stop()
            await self.fakes[wire.name].start()

    def account(self) -> None:
        """Count what the upstreams were asked, and let go of it."""
        for name, fake in self.fakes.items():
            for request in fake.requests:
                if request.path.endswith(fake.chat_paths):
                    self._account(name, request)
            fake.requests.clear()

    def _account(self, name: str, request: RecordedRequest) -> None:
        found = PROMPT.search(json.dumps(request.body, default=repr))
        if found is None:
            self.strangers.append(f"{name} was asked at {request.path} about nothing that is known")
        elif found[2] == "secret" and name != "ollama":
            self.strangers.append(f"{name} was shown a private prompt")
        else:
            self.seen[name, found[0]] += 1


@asynccontextmanager
async def stand() -> AsyncIterator[Stand]:
    """Start everything, and stop it again."""
    async with AsyncExitStack() as stack:
        fakes = {wire.name: await stack.enter_async_context(wire.fake()) for wire in WIRES}
        for name, fake in fakes.items():
            fake.reply(_reply_of(name))
        limits = {"first_token_seconds": LIMIT_SECONDS, "idle_seconds": LIMIT_SECONDS}
        loaded = load_settings(
            environ={},
            editor={
                "order": [wire.section for wire in WIRES],
                "breaker": {"recovery_timeout_seconds": OPEN_SECONDS, "max_open_seconds": LONGEST_OPEN_SECONDS},
                "cache": {"max_entries": CACHE_ENTRIES},
                **{wire.section: {**wire.settings(fakes[wire.name]), **limits} for wire in WIRES},
            },
        )
        assert not loaded.problems
        gateway = await stack.enter_async_context(Gateway.from_settings(loaded))
        yield Stand(gateway, fakes)


def _reply_of(name: str) -> Callable[[RecordedRequest], str]:
    def reply(request: RecordedRequest) -> str:
        found = PROMPT.search(json.dumps(request.body, default=repr))
        return said_by(name, found[0]) if found else "?"

    return reply
