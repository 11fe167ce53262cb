"""What a soak does, decided by its seed alone: the queries, what strikes the upstreams meanwhile, and who gives up."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from matrix.faults import TABLE, Row
from matrix.wires import ANTHROPIC, COPILOT, GEMINI, OLLAMA, OPENAI, Wire

WIRES = (COPILOT, OPENAI, ANTHROPIC, GEMINI, OLLAMA)
HEAVY = {"an endless body", "an endless line"}
"""Faults of many megabytes, so that they are rarer than the others."""
ASIDE = {"refused", "an answer without text", "cut off by the content filter"}
"""They change more of an upstream than one answer."""
RECENT = 40
"""How many of the last prompts may be asked again."""


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that an upstream is to have, at its next so many chats."""

    wire: Wire
    row: Row
    times: int


@dataclass(frozen=True, slots=True)
class Planned:
    """One query, and what happens just before it."""

    prompt: str
    private: bool
    cache: str
    streamed: bool
    provider: str | None
    timeout_seconds: float | None
    leaves_after: int | None
    """How many events a reader stays for."""
    cancelled_after_seconds: float | None
    strike: Strike | None
    resets: bool
    power_cut: Wire | None
    """Who is killed, and started again."""


def planned(queries: int, seed: int) -> Iterator[Planned]:
    """Plan so many queries."""
    rng = random.Random(seed)
    rows = [(wire, row) for wire in WIRES for row in _rows(wire)]
    recent: list[tuple[str, bool]] = []
    for number in range(queries):
        if recent and rng.random() < 0.2:
            prompt, private = rng.choice(recent)
        else:
            private = rng.random() < 0.1
            prompt = f"query {number} {'secret' if private else 'open'}."
            recent = [*recent[-RECENT:], (prompt, private)]
        pinned = rng.choice(WIRES).name if not private and rng.random() < 0.05 else None
        wire, row = rng.choice(rows)
        strikes = rng.random() < (0.05 if row.name in HEAVY else 0.5)
        yield Planned(
            prompt=prompt,
            private=private,
            cache=rng.choice(("on", "on", "off", "refresh", "read")),
            streamed=rng.random() < 0.6,
            provider=pinned,
            timeout_seconds=rng.choice((None,) * 14 + (0.1, 1.0)),
            leaves_after=rng.choice((None,) * 12 + (1, 2, 4)),
            cancelled_after_seconds=rng.uniform(0.0, 0.3) if rng.random() < 0.15 else None,
            strike=Strike(wire, row, rng.choice((1, 1, 2, 5))) if strikes else None,
            resets=rng.random() < 0.02,
            power_cut=rng.choice(WIRES) if rng.random() < 0.005 else None,
        )


def _rows(wire: Wire) -> list[Row]:
    return [row for template in TABLE if (row := template.on(wire)) is not None and row.name not in ASIDE]
