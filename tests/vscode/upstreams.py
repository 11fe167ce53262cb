"""Fake upstreams beside blocking code: they run in a thread, and are told things from the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import ExitStack
from types import TracebackType
from typing import Self, TypeVar

from ai_gateway.fakes import FakeCopilot, FakeOllama, FakeOpenAI, FakeUpstream
from support.threads import HANG_SECONDS, loop_in_a_thread

T = TypeVar("T")
LOCAL_MODEL = "llama3.2"


class Upstreams:
    """Copilot, OpenAI and Ollama; a context manager.

    `reply`, `fault` and `clear` of each are called as they are; what is awaited goes through `run`:

        upstreams.copilot.fault(Fault.overloaded(), times=None)
        upstreams.run(upstreams.openai.wait_for_calls(1))

    Attributes:
        environ: the variables that point a gateway at them.
    """

    def __init__(self, *, seconds_between_chunks: float = 0.0) -> None:
        self.copilot = FakeCopilot(seconds_between_chunks=seconds_between_chunks)
        self.openai = FakeOpenAI(seconds_between_chunks=seconds_between_chunks)
        self.ollama = FakeOllama(models=(LOCAL_MODEL,), seconds_between_chunks=seconds_between_chunks)
        self._all: tuple[FakeUpstream, ...] = (self.copilot, self.openai, self.ollama)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self._loop = self._running.enter_context(loop_in_a_thread())
        for upstream in self._all:
            self.run(upstream.start())
            self._running.callback(self._stop, upstream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    @property
    def environ(self) -> dict[str, str]:
        return {
            "GITHUB_COPILOT_TOKEN": "ghu_fake",
            "GITHUB_COPILOT_API_URL": self.copilot.base_url,
            "GITHUB_COPILOT_SERVER_URL": self.copilot.base_url,
            "OPENAI_API_KEY": "sk-fake",
            "OPENAI_BASE_URL": self.openai.base_url,
            "OLLAMA_BASE_URL": self.ollama.base_url,
            "LOCAL_MODEL": LOCAL_MODEL,
        }

    def run(self, coroutine: Coroutine[object, object, T]) -> T:
        """Await something of theirs in their own thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(HANG_SECONDS)

    def heal(self) -> None:
        """Forget all faults, and be as they were at first."""
        for upstream in self._all:
            upstream.clear()
            upstream.reply(upstream.greeting)

    def _stop(self, upstream: FakeUpstream) -> None:
        self.run(upstream.stop())
