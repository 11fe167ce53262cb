"""A person with three upstreams and as many windows as they like: one in a plan, a dear one, and one at home."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest

from ai_gateway.config import LoadedSettings, load_settings
from ai_gateway.fakes import FakeOpenAI, Fault
from ai_gateway.gateway import Gateway
from ai_gateway.model import Answer, Delta, Query, Reset, Usage
from support.fake_clock import FakeClock

DEAD = Fault.overloaded()
"""An upstream that is not asked a second time, and opens its breaker at once."""


class Dollars:
    """A price list: a dollar for each answer."""

    def cost_usd(self, model: str, usage: Usage) -> float:
        del model, usage
        return 1.0


@dataclass
class Person:
    """Whose upstreams are `plan` (included in what they pay), `dear` (metered) and `home` (local), asked in this order.

    All windows share one store, in the home that each test has, and one clock.
    """

    plan: FakeOpenAI
    dear: FakeOpenAI
    home: FakeOpenAI
    clock: FakeClock
    windows: AsyncExitStack

    def services(self) -> dict[str, dict[str, object]]:
        """The section of the settings that describes the upstreams."""
        upstreams: dict[str, dict[str, object]] = {
            "plan": {"base_url": self.plan.base_url, "price": "included"},
            "dear": {"base_url": self.dear.base_url},
            "home": {"base_url": self.home.base_url, "backend": "local"},
        }
        return {name: {"model": f"{name}-model", "api_key": "k", **each} for name, each in upstreams.items()}

    def loaded(self, **more: object) -> LoadedSettings:
        """The person's settings, and more."""
        tree: dict[str, object] = {"order": ["plan", "dear", "home"], "services": self.services(), **more}
        loaded = load_settings(environ={}, editor=tree)
        assert not loaded.problems, loaded.problems
        return loaded

    async def window(self, *, clock: FakeClock | None = None, **more: object) -> Gateway:
        """Open a window; it is closed with the others, if not before."""
        gateway = Gateway.from_settings(self.loaded(**more), clock=clock or self.clock)
        return await self.windows.enter_async_context(gateway)

    def priced(self, window: Gateway) -> Gateway:
        """Let each answer of the dear one cost a dollar."""
        for tier in window.tiers:
            if tier.name == "dear":
                tier.prices = Dollars()
        return window

    def die(self, *upstreams: FakeOpenAI) -> None:
        """Let these fail from now on."""
        for upstream in upstreams:
            upstream.fault(DEAD, times=None)

    def called(self) -> tuple[int, int, int]:
        """How often each was asked: plan, dear, home."""
        return self.plan.calls, self.dear.calls, self.home.calls


@asynccontextmanager
async def a_person(clock: FakeClock) -> AsyncIterator[Person]:
    """Start their upstreams; at the end, close their windows and stop all."""
    models = ("plan-model", "dear-model", "home-model")
    async with (
        FakeOpenAI(models=models) as plan,
        FakeOpenAI(models=models) as dear,
        FakeOpenAI(models=models) as home,
        AsyncExitStack() as windows,
    ):
        for name, upstream in (("plan", plan), ("dear", dear), ("home", home)):
            upstream.reply(f"from {name}")
        yield Person(plan, dear, home, clock, windows)


class Asker:
    """Somebody who asks, sees each piece as it comes, and discards what is taken back."""

    def __init__(self, window: Gateway, query: Query) -> None:
        self.text = ""
        self.has_text = asyncio.Event()
        self.task = asyncio.create_task(self._ask(window, query))

    async def _ask(self, window: Gateway, query: Query) -> Answer:
        async with aclosing(window.stream(query)) as events:
            async for event in events:
                if isinstance(event, Reset):
                    self.text = ""
                if isinstance(event, Delta):
                    self.text += event.text
                    self.has_text.set()
                if isinstance(event, Answer):
                    return event
        raise AssertionError("there is an answer or an error")

    async def leave(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task
