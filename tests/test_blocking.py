from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ai_gateway.blocking import BlockingLoop
from ai_gateway.failures import GatewayError


@pytest.fixture
def blocking() -> Iterator[BlockingLoop]:
    loop = BlockingLoop()
    yield loop
    loop.close()


async def current_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def test_a_coroutine_runs_to_its_end(blocking: BlockingLoop) -> None:
    assert blocking.run(double(21)) == 42


def test_what_a_coroutine_raises_comes_through(blocking: BlockingLoop) -> None:
    async def fail() -> None:
        raise LookupError("nothing here")

    with pytest.raises(LookupError, match="nothing here"):
        blocking.run(fail())
    assert blocking.run(double(1)) == 2


def test_all_calls_share_one_loop_so_that_connections_live_on(blocking: BlockingLoop) -> None:
    assert blocking.run(current_loop()) is blocking.run(current_loop())


def test_after_a_close_the_next_call_begins_a_new_loop(blocking: BlockingLoop) -> None:
    before = blocking.run(current_loop())
    blocking.close()
    assert before.is_closed()
    assert blocking.run(current_loop()) is not before


def test_closing_what_never_ran_does_nothing() -> None:
    loop = BlockingLoop()
    loop.close()
    loop.close()


async def test_inside_a_running_loop_it_refuses_and_says_what_to_do(blocking: BlockingLoop) -> None:
    with pytest.raises(GatewayError, match="await"):
        blocking.run(double(21))


def test_threads_take_turns(blocking: BlockingLoop) -> None:
    running = threading.Semaphore(1)
    together = threading.Barrier(8)

    async def alone(number: int) -> int:
        assert running.acquire(blocking=False)
        result = await double(number)
        running.release()
        return result

    def call(number: int) -> int:
        together.wait(timeout=10)
        return blocking.run(alone(number))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(call, range(8))) == [0, 2, 4, 6, 8, 10, 12, 14]
