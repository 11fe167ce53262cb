"""A window of the same person in a process of its own, which does what it is told, line by line.

Run as `python other_window.py`; the first line is its settings, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from support.fake_clock import FakeClock

HERE = Path(__file__).parent
TURNS = 10
"""Of the event loop after a query: by then others are told what it has found out."""


class OtherWindow:
    """One end of it: that of a test. What it says is an answer's text and provider, or why there is none."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, prompt: str, **options: object) -> object:
        """Ask, and wait for what comes of it."""
        await self.begin_to_ask(prompt, **options)
        return await self.said()

    async def begin_to_ask(self, prompt: str, **options: object) -> None:
        """Ask, and go on."""
        await self._tell({"ask": prompt, "options": options})

    async def advance(self, seconds: float) -> None:
        """Let time pass there."""
        await self._tell({"advance": seconds})
        assert await self.said() == "advanced"

    async def force(self, provider: str, state: str, seconds: float) -> None:
        """Keep a breaker in a state there."""
        await self._tell({"force": [provider, state, seconds]})
        assert await self.said() == "forced"

    async def said(self) -> object:
        """Give what it says next."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        return json.loads(line)

    async def close(self) -> None:
        """Close it as a person does."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def kill(self) -> None:
        """End it without a word."""
        self._process.kill()
        await self._process.wait()

    async def _tell(self, command: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()


@asynccontextmanager
async def other_window(settings: Mapping[str, object]) -> AsyncIterator[OtherWindow]:
    """Open one, in the home of this process; it is gone at the end."""
    pipe = asyncio.subprocess.PIPE
    environ = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, stdin=pipe, stdout=pipe, env=environ)
    window = OtherWindow(process)
    try:
        await window._tell(settings)
        assert await window.said() == "open"
        yield window
    finally:
        if process.returncode is None:
            await window.kill()


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


async def main() -> None:
    from ai_gateway.config import load_settings  # noqa: PLC0415 - slow, and no concern of the other end
    from ai_gateway.failures import NoTierAnswered  # noqa: PLC0415
    from ai_gateway.gateway import Gateway  # noqa: PLC0415
    from ai_gateway.model import Answer, BreakerState  # noqa: PLC0415

    clock = FakeClock(monotonic=7.0)

    async def ask(prompt: str, options: dict[str, object]) -> None:
        ended: Answer | NoTierAnswered
        try:
            ended = await gateway.query(prompt, **options)  # type: ignore[arg-type]  # a test names them
        except NoTierAnswered as error:
            ended = error
        for _ in range(TURNS):
            await asyncio.sleep(0)
        provider = ended.provider if isinstance(ended, Answer) else None
        say([provider, [[attempt.provider, attempt.reason] for attempt in ended.attempts]])

    settings = json.loads(await asyncio.to_thread(sys.stdin.readline))
    asking = set()
    async with Gateway.from_settings(load_settings(environ={}, editor=settings), clock=clock) as gateway:
        say("open")
        while line := await asyncio.to_thread(sys.stdin.readline):
            match json.loads(line):
                case {"ask": prompt, "options": options}:
                    asking.add(asyncio.create_task(ask(prompt, options)))
                case {"advance": seconds}:
                    clock.advance(seconds)
                    say("advanced")
                case {"force": [provider, state, seconds]}:
                    gateway.force(provider, BreakerState(state), seconds=seconds)
                    for _ in range(TURNS):
                        await asyncio.sleep(0)
                    say("forced")


if __name__ == "__main__":
    asyncio.run(main())
