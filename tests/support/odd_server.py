"""The real server, with one more thing that goes wrong in it. Its argument says which."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import AsyncGenerator, Mapping

from ai_gateway.config import LoadedSettings, load_settings
from ai_gateway.logs import log_to_stderr
from ai_gateway.lsp import handlers
from ai_gateway.lsp.run import run
from ai_gateway.lsp.server import GatewayServer

SECRET = "sk-secret-of-an-exception"


def load(editor: Mapping[str, object] | None, _workspaces: object) -> LoadedSettings:
    if "loading-fails" in sys.argv:
        raise RuntimeError(SECRET)
    if "a-provider" in sys.argv:
        spoil_a_provider()
        return load_settings(editor=editor)
    return load_settings(environ={"AI_GATEWAY_ORDER": "copilot"})


def spoil_a_provider() -> None:
    """Let somebody's provider tell the world all that it knows."""
    from ai_gateway.providers.openai.provider import OpenAIProvider  # noqa: PLC0415 - the server imports it when it loads, too

    def tell(told: str) -> None:
        raise RuntimeError(told)

    async def stream(provider: object, prompt: object, model: str | None) -> AsyncGenerator[None, None]:
        told = f"{SECRET} {vars(provider)} {prompt} {model}"
        logging.getLogger("somebody.else").error("asked %s", told)
        warnings.warn(told, stacklevel=1)
        threading.Thread(target=tell, args=(told,)).start()
        asyncio.get_running_loop().call_soon(tell, told)
        tell(told)
        yield  # an async generator, as providers' streams are

    OpenAIProvider.stream = stream  # type: ignore[method-assign,assignment]


async def fail(ls: GatewayServer, params: Mapping[str, object]) -> None:  # noqa: ARG001
    raise RuntimeError(SECRET)


def fail_at_once(ls: GatewayServer, params: Mapping[str, object]) -> None:  # noqa: ARG001
    raise RuntimeError(SECRET)


def stray(ls: GatewayServer, params: Mapping[str, object]) -> None:
    asyncio.get_running_loop().call_soon(fail_at_once, ls, params)


def hang(ls: GatewayServer, params: Mapping[str, object]) -> None:  # noqa: ARG001
    time.sleep(3600)


def not_json(ls: GatewayServer, params: Mapping[str, object]) -> float:  # noqa: ARG001
    return float("nan")


def chatter(ls: GatewayServer, params: Mapping[str, object]) -> str:  # noqa: ARG001
    print("Content-Length: 5")
    sys.stdout.flush()
    os.write(1, b"Content-Length: 7\r\n\r\n")
    subprocess.run([sys.executable, "-c", "import sys; print('noise', len(sys.stdin.read()))"], check=True)
    return "well"


ODD_HANDLERS = {
    "ai/fail": fail,
    "ai/failAtOnce": fail_at_once,
    "ai/hang": hang,
    "ai/stray": stray,
    "ai/notJson": not_json,
    "ai/chatter": chatter,
    "textDocument/didSave": fail_at_once,
}

if __name__ == "__main__":
    handlers.HANDLERS |= ODD_HANDLERS
    if "a-provider" in sys.argv:
        log_to_stderr("debug")
    else:  # what our own code lets out is to be seen
        logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
    sys.exit(run(load=load))
