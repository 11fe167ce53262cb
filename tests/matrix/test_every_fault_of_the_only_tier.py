"""Every fault where nobody else is left: what the person is told, what to do, and when to ask again."""

from __future__ import annotations

import pytest

from ai_gateway.failures import NoTierAnswered, QueryRefused
from ai_gateway.model import Outcome
from ai_gateway.reasons import in_words
from matrix.faults import Row, rows_on
from matrix.stage import PROMPT, TEXT, staged
from matrix.wires import KEY, ROLES, TOKEN, Wire


@pytest.mark.parametrize(
    ("wire", "row"),
    [
        pytest.param(wire, row, id=f"{wire.name}: {row.name}")
        for wire in ROLES
        for row in rows_on(wire)
        if row.kind is not None
    ],
)
async def test_a_failure_of_the_only_tier_says_what_happened_and_what_to_do(wire: Wire, row: Row) -> None:
    async with staged(wire, row=row) as stage:
        stage.strike(row, wire)
        seen = await stage.ask(temperature=row.temperature)
        error = seen.error
        assert isinstance(error, NoTierAnswered)
        assert isinstance(error, QueryRefused) is row.is_final
        said = str(error)
        assert said.startswith(f"{wire.name} refused the query: " if row.is_final else "no tier answered: ")
        assert wire.name in said
        assert (str(row.kind) if row.is_final else in_words(str(row.kind))) in said
        assert row.hint in error.hint
        assert error.hint
        assert not any(secret in said + error.hint for secret in (TOKEN, KEY, PROMPT, TEXT))
        assert [(attempt.outcome, attempt.reason) for attempt in error.attempts] == [(Outcome.FAILED, row.kind)]
        assert error.retry_after_seconds == stage.tier.breaker.reopens_in_seconds
        assert seen.text == ""
        assert stage.faulty.calls == row.calls


@pytest.mark.parametrize("wire", ROLES, ids=lambda wire: wire.name)
async def test_the_only_tier_answers_again_as_soon_as_it_is_well(wire: Wire) -> None:
    async with staged(wire) as stage:
        await stage.faulty.stop()
        for _ in range(4):
            assert isinstance((await stage.ask()).error, NoTierAnswered)
        await stage.faulty.start()
        seen = await stage.ask()
        assert seen.answer.content == TEXT
        assert [(attempt.outcome, attempt.reason) for attempt in seen.answer.attempts] == [
            (Outcome.SKIPPED, "outage"),
            (Outcome.ANSWERED, None),
        ]
