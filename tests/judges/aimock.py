"""An upstream that nobody here wrote: aimock, from npm (https://github.com/CopilotKit/aimock).

It is looked for in the folder that AI_GATEWAY_JUDGES names, else in `.judges` of this repository.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from support.raw_server import RawServer, header, response

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("AI_GATEWAY_JUDGES") or ROOT / ".judges")
SCRIPT = FOLDER / "node_modules" / ".bin" / "llmock"
NODE = shutil.which("node")
LISTENING = "listening on "
SECONDS_TO_END = 10
LAST_CHUNK = b"0\r\n\r\n"
"""The end of an answer: aimock chunks them all, and keeps its connections whatever it is told."""

Fixture = Mapping[str, object]


def missing() -> str | None:
    """What has to be done before it can run; None: nothing."""
    if NODE is None:
        return "aimock needs Node 20.15 or newer"
    return None if SCRIPT.exists() else "aimock is not installed; run: make judges"


@contextmanager
def running(fixtures: Sequence[Fixture], folder: Path) -> Iterator[str]:
    """Give the address of an aimock that answers by these fixtures, the first match first; end it afterwards."""
    told = folder / "fixtures.json"
    told.write_text(json.dumps({"fixtures": list(fixtures)}))
    assert NODE is not None
    command = [NODE, str(SCRIPT), "-p", "0", "-h", "127.0.0.1", "-f", str(told), "--validate-on-load"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()
            try:
                process.communicate(timeout=SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()


@asynccontextmanager
async def with_ollamas_models(url: str) -> AsyncIterator[str]:
    """Give the address of something that says of each model that Ollama has it, and relays all else to aimock.

    aimock has no `/api/show`, without which no prompt goes to Ollama.
    """

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = server.heads[-1]
        body = await reader.readexactly(int(header(head, "content-length") or 0))
        if head.startswith("POST /api/show "):
            writer.write(response(b"{}", content_type="application/json"))
            return
        address = urlsplit(url)
        back, forth = await asyncio.open_connection(address.hostname, address.port)
        with suppress(ConnectionError):
            try:
                forth.write(head.encode() + body)
                while chunk := await back.read(65536):
                    writer.write(chunk)
                    if chunk.endswith(LAST_CHUNK):
                        break
            finally:
                writer.close()
                forth.close()
                await forth.wait_closed()

    async with RawServer(relay) as server:
        yield server.url


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if LISTENING in line:
            return line.partition(LISTENING)[2].strip()
    raise RuntimeError(f"aimock did not start: {''.join(said)}")
