"""What can be wrong with a simulated upstream, until that is taken back."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

from ai_gateway.fakes import Answer, FakeCopilot, FakeUpstream, Fault, copilot_failures, openai_failures
from ai_gateway.fakes.upstream import HOST
from ai_gateway.simulation.upstreams import OAUTH_TOKEN, Upstreams

RETRY_AFTER_SECONDS = 20
WORDS_BEFORE_THE_BREAK = 12
LASTING = frozenset({"quota", "signed_out"})
"""Faults for which a circuit stays open long after they are gone, if nobody closes it."""

Trouble = Callable[[], AbstractAsyncContextManager[None]]
"""A fault that an upstream has for the length of a block."""


def troubles_of(upstreams: Upstreams) -> Mapping[str, Mapping[str, Trouble]]:
    """Give the faults that each provider can have, by their names."""
    copilot, openai, ollama = upstreams.copilot, upstreams.openai, upstreams.ollama
    return {
        "copilot": {
            "rate_limited": partial(_refusing, copilot, copilot_failures.rate_limited(retry_after=RETRY_AFTER_SECONDS)),
            "quota": partial(_refusing, copilot, copilot_failures.quota_exceeded()),
            "signed_out": partial(_signed_out, copilot),
            **_of_anybody(copilot),
        },
        "openai": {
            "rate_limited": partial(_refusing, openai, openai_failures.rate_limited(RETRY_AFTER_SECONDS)),
            "quota": partial(_refusing, openai, openai_failures.insufficient_quota()),
            "signed_out": partial(_refusing, openai, openai_failures.invalid_api_key("sk-simulated")),
            **_of_anybody(openai),
        },
        "ollama": _of_anybody(ollama),
    }


def _of_anybody(upstream: FakeUpstream) -> Mapping[str, Trouble]:
    return {
        "down": partial(_down, upstream),
        "broken_off": partial(_failing, upstream, Fault.cut(after=WORDS_BEFORE_THE_BREAK)),
        "slow": partial(_failing, upstream, Fault.hang()),
    }


def _refusing(upstream: FakeUpstream, answer: Answer) -> AbstractAsyncContextManager[None]:
    return _failing(upstream, Fault.answer(answer))


@asynccontextmanager
async def _failing(upstream: FakeUpstream, fault: Fault) -> AsyncGenerator[None, None]:
    upstream.fault(fault, times=None)
    try:
        yield
    finally:
        upstream.clear()


@asynccontextmanager
async def _down(upstream: FakeUpstream) -> AsyncGenerator[None, None]:
    """Refuse every connection; the port stays ours, so that nobody else comes to listen there."""
    await upstream.stop()
    with socket.socket() as place:
        if sys.platform != "win32":
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind((HOST, urlsplit(upstream.url).port))
        try:
            yield
        finally:
            place.close()
            await upstream.start()


@asynccontextmanager
async def _signed_out(copilot: FakeCopilot) -> AsyncGenerator[None, None]:
    """Take back all tokens that were given; whoever signs in now gets a new one, which is good."""
    copilot.oauth_tokens.clear()
    copilot.expire_session()
    copilot.device_flow.access_token = f"ghu_simulated{copilot.next_serial()}"
    try:
        yield
    finally:
        copilot.oauth_tokens.add(OAUTH_TOKEN)
