"""The soak, as short as a test may be; `make soak` runs the long one."""

from __future__ import annotations

import asyncio

from soak.soak import Soak

QUERIES = 600
CONCURRENCY = 64
SEED = 20_261_121
LEAST_OF_EACH_OUTCOME = 15
"""Or this were no soak: most queries are answered, and some of each other kind are among them."""
KINDS_OF_FAILURE = 8


def test_after_hundreds_of_queries_under_faults_and_cancels_nothing_is_left_over() -> None:
    report = asyncio.run(Soak(QUERIES, CONCURRENCY, SEED).run())
    assert report.broken == []
    assert report.outcomes.keys() == {"answered", "refused", "cancelled", "left"}
    assert min(report.outcomes.values()) >= LEAST_OF_EACH_OUTCOME
    assert report.outcomes["answered"] > QUERIES // 4
    assert report.retracted > 0
    assert sum(reason.startswith("failed") for reason in report.failures) >= KINDS_OF_FAILURE
