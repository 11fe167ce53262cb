from __future__ import annotations

import time

from ai_gateway.clock import SYSTEM_CLOCK


def test_the_system_clock_tells_the_machines_time() -> None:
    before = time.monotonic(), time.time()
    told = SYSTEM_CLOCK.monotonic(), SYSTEM_CLOCK.time()
    after = time.monotonic(), time.time()
    assert before[0] <= told[0] <= after[0]
    assert before[1] <= told[1] <= after[1]


async def test_the_system_clock_sleeps_at_least_as_long_as_told() -> None:
    before = SYSTEM_CLOCK.monotonic()
    await SYSTEM_CLOCK.sleep(0.01)
    assert SYSTEM_CLOCK.monotonic() - before >= 0.009
