"""The pictures in the documentation, taken of what they show. `make pictures` puts them there."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ai_gateway.failures import OpenReason
from ai_gateway.fakes import Fault
from ai_gateway.history.days import SPACE as DAYS
from ai_gateway.history.days import Page, Tally, model_of
from ai_gateway.history.transitions import SPACE as TRANSITIONS
from ai_gateway.history.transitions import PastTransition
from ai_gateway.model import Backend, BreakerState
from ai_gateway.store.sqlite import SqliteStore
from vscode.asking import ask
from vscode.code_server import Options
from vscode.status_item import StatusItem
from vscode.themes import Theme
from vscode.upstreams import Upstreams
from vscode.window import Window
from vscode.workbench import Workbench

STATUS = "ai-gateway.ai-gateway.aiGateway.status"
FILE = "cart.py"
CODE = '''"""A shopping cart."""

from dataclasses import dataclass


@dataclass
class Item:
    name: str
    price: float
    quantity: int = 1


def total(items: list[Item]) -> float:
    result = 0.0
    for item in items:
        result += item.price * item.quantity
    return result


def cheapest(items: list[Item]) -> Item:
    best = items[0]
    for item in items:
        if item.price < best.price:
            best = item
    return best
'''
FIRST, LAST = 20, 25
QUESTION = "What if the cart is empty?"
ANSWER = """Then `items[0]` raises an **IndexError** before the loop begins. Nobody who calls it can tell that from a
fault of the list itself.

`min` says the same in one line, and lets you choose what an empty cart means:

```python
def cheapest(items: list[Item]) -> Item | None:
    return min(items, key=lambda item: item.price, default=None)
```

With `default=None` the caller has to think of the empty cart, and a type checker reminds them.
"""
DAYS_SHOWN = 30
HOUR_SECONDS = 3600.0
MODELS = (
    ("copilot", Backend.COPILOT, "gpt-4o", 30),
    ("openai", Backend.CLOUD, "gpt-4o-mini", 9),
    ("ollama", Backend.LOCAL, "llama3.2", 6),
)
OUTAGES = (
    ("copilot", 20.0, 19.2, OpenReason.RATE),
    ("openai", 13.0, 12.6, OpenReason.OUTAGE),
    ("copilot", 6.5, 5.2, OpenReason.OUTAGE),
)
"""Provider, and how many hours ago it opened and closed again, and why."""


@pytest.fixture(scope="module")
def upstreams() -> Iterator[Upstreams]:
    """They take their time, as people know it."""
    with Upstreams(seconds_between_chunks=0.02) as upstreams:
        yield upstreams


@pytest.fixture(scope="module")
def options(upstreams: Upstreams) -> Options:
    return Options(environ=upstreams.environ, theme=Theme.DARK)


@pytest.fixture(scope="module")
def shared(workbench: Workbench, upstreams: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    upstreams.run(live_through_a_month(workbench.server.home / "state/ai-gateway/gateway.db"))
    with workbench.window(tmp_path_factory.mktemp("pictures") / "shop", {FILE: CODE}) as window:
        expect(StatusItem(window.page, STATUS).item).to_have_text("Copilot")
        yield window


async def live_through_a_month(path: Path) -> None:
    """Leave a past in the store: some questions on most days, and an outage now and then."""
    store, chance = SqliteStore(path), random.Random(6)
    for ago in range(1, DAYS_SHOWN):
        day = date.today() - timedelta(days=ago)
        page = Page(hits=chance.randrange(12), misses=20 + chance.randrange(30))
        for name, backend, model, most in MODELS:
            queries = chance.randrange(most // 3, most) if day.weekday() < 5 else chance.randrange(3)
            cost = round(queries * 0.004, 6) if backend is not Backend.LOCAL else 0.0
            page.count(model_of(name, backend, model), Tally(queries, queries * 900, queries * 350, cost))
        await store.put(DAYS, day.isoformat(), page.to_bytes(), expires_at=math.inf)
    for number, (provider, opened, closed, reason) in enumerate(OUTAGES):
        changes = (
            (opened, BreakerState.CLOSED, BreakerState.OPEN, reason),
            (closed, BreakerState.OPEN, BreakerState.CLOSED, None),
        )
        for hours, before, after, why in changes:
            transition = PastTransition(time.time() - hours * HOUR_SECONDS, provider, before, after, why)
            await store.put(TRANSITIONS, f"{number}-{after}", transition.to_bytes(), expires_at=math.inf)
    await store.aclose()


def test_a_question_about_code_and_its_answer(shared: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.reply(ANSWER)
    shared.editor.open(FILE)
    shared.editor.select_lines(FIRST, LAST)
    ask(shared, QUESTION)
    expect(shared.webview("Answer").get_by_role("article", name=QUESTION)).to_contain_text("IndexError")
    shared.screenshot("picture-answer")


def test_the_dashboard_after_a_month(shared: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.fault(Fault.rate_limited(1800), times=None)
    upstreams.openai.reply("A breaker leaves a failing service alone for a while.")
    ask(shared, "What does a circuit breaker do?")
    ask(shared, "And who closes it again?")
    shared.command("View: Toggle Secondary Side Bar Visibility")
    shared.command("AI Gateway: Show the Dashboard")
    shared.command("View: Toggle Maximized Panel")
    expect(
        shared.webview("Dashboard").get_by_role("region", name="Use by day", exact=True).locator(".mark").first
    ).to_be_visible()
    shared.screenshot("picture-dashboard")
    shared.command("View: Toggle Maximized Panel")
    shared.command("View: Toggle Panel Visibility")


def test_the_status_bar_says_who_is_out_and_until_when(shared: Window, upstreams: Upstreams) -> None:
    upstreams.copilot.fault(Fault.rate_limited(1800), times=None)
    ask(shared, "Who answers now?")
    expect(shared.status_item(STATUS).item).to_contain_text("OpenAI (Copilot limited until")
    expect(shared.status_item(STATUS).hover()).to_contain_text("OpenAI would answer now")
    shared.screenshot("picture-status")
