"""Asynchronous code for callers without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import TypeVar

from ai_gateway.failures import GatewayError

T = TypeVar("T")


class BlockingLoop:
    """One event loop for all blocking calls, so that connections outlive each of them. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runner: asyncio.Runner | None = None

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine to its end.

        Raises:
            GatewayError: An event loop runs in this thread already, and would be blocked.
        """
        if _is_loop_running():
            coroutine.close()
            raise GatewayError("an event loop runs in this thread; await the asynchronous method instead")
        with self._lock:
            if self._runner is None:
                self._runner = asyncio.Runner()
            return self._runner.run(coroutine)

    def close(self) -> None:
        """End the loop; the next call begins a new one."""
        with self._lock:
            if self._runner is not None:
                self._runner.close()
                self._runner = None


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
