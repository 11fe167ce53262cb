"""Runs the real process, and keeps all that it ever says or writes: frames, standard error, output, files."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ai_gateway.fakes import FakeUpstream
from support.rpc import HANG_SECONDS, Json, ServerProcess, environment

AI_GATEWAY = (sys.executable, "-m", "ai_gateway")
PROMPT = "what nobody else may read"
ANSWER = "An answer of many words, said slowly."


class WatchedServer(ServerProcess):
    """A server, every message of which is kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.said: list[Json] = []
        super().__init__(process)

    async def _take(self, message: Json) -> None:
        self.said.append(message)
        await super()._take(message)

    async def leave(self) -> str:
        """End it as an editor does; give all that it said."""
        await self.result("shutdown")
        self.notify("exit")
        assert await self.exit_code() == 0
        return json.dumps(self.said, ensure_ascii=False) + self.log


@dataclass(frozen=True)
class Scene:
    """A process's surroundings."""

    home: Path
    given: tuple[Path, ...] = ()
    """Files that hold secrets because a person put them there."""

    def environment(self, **own: str) -> dict[str, str]:
        places = {name: str(self.home / name.lower()) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "TMPDIR")}
        for place in places.values():
            Path(place).mkdir(exist_ok=True)
        return environment(self.home, **places, **own)

    def written(self) -> str:
        """What is in files that were not given."""
        files = [path for path in self.home.rglob("*") if path.is_file() and path not in self.given]
        names = [str(path.relative_to(self.home)) for path in self.home.rglob("*")]
        return "\n".join([*names, *(path.read_bytes().decode("utf-8", "replace") for path in files)])


@asynccontextmanager
async def watched_server(
    scene: Scene,
    environ: Mapping[str, str],
    *arguments: str,
    command: Sequence[str] = (*AI_GATEWAY, "--stdio", "--log-level", "debug"),
) -> AsyncIterator[WatchedServer]:
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=scene.environment(**environ)
    )
    server = WatchedServer(process)
    try:
        yield server
    finally:
        await server.aclose()


async def said_by_command(scene: Scene, environ: Mapping[str, str], *arguments: str) -> str:
    """Run a command to its end; give all that it said."""
    process = await asyncio.create_subprocess_exec(
        *AI_GATEWAY, *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=scene.environment(**environ)
    )
    async with asyncio.timeout(2 * HANG_SECONDS):
        out, err = await process.communicate(b"")
    return out.decode() + err.decode()


def credentials_seen_by(upstreams: Iterable[FakeUpstream]) -> set[str]:
    """What was ever shown to them: also the tokens that they gave out themselves."""
    return {request.bearer for upstream in upstreams for request in upstream.requests if request.bearer}
