"""One id, one reply: against the real process, with every kind of nonsense that JSON can carry, and some it can't."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.rpc import HANG_SECONDS, ServerProcess, framed

pytestmark = pytest.mark.asyncio(loop_scope="module")

METHODS = [
    "ai/query",
    "ai/health",
    "ai/reset",
    "ai/metrics",
    "ai/unknown",
    "initialize",
    "initialized",
    "workspace/executeCommand",
    "workspace/didChangeWorkspaceFolders",
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/hover",
    "$/cancelRequest",
    "$/setTrace",
    "",
]
QUERY_FIELDS = ["prompt", "messages", "context", "cache", "timeout_seconds", "partialResultToken", "jsonrpc", "id"]

texts = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts | st.sampled_from(QUERY_FIELDS), inner, max_size=3)
    ),
    max_leaves=8,
)
ids = st.integers(0, 5) | st.sampled_from(["1", "a", None]) | values
calls = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0", "2.0", "2.0", "1.0", None, 2]),
        "id": ids,
        "method": st.sampled_from(METHODS) | values,
        "params": values | st.dictionaries(st.sampled_from(QUERY_FIELDS), values, max_size=4),
        "result": values,
        "error": values,
    },
)
requests = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": ids, "method": st.sampled_from(METHODS)}, optional={"params": values}
)


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data.decode())
    except ValueError:
        return False
    return True


noise = st.binary(max_size=40).filter(lambda data: not _is_json(data))
NO_REPLY = object()


def due(message: object) -> object:
    """The id that a message has to be answered under, or `NO_REPLY`."""
    if not isinstance(message, dict):
        return None
    if "method" not in message and ("result" in message or "error" in message):
        return NO_REPLY
    if "id" in message:
        is_id = isinstance(message["id"], str | int | float) and not isinstance(message["id"], bool)
        return message["id"] if is_id else None
    is_call = message.get("jsonrpc") == "2.0" and isinstance(message.get("method"), str)
    return NO_REPLY if is_call else None


def spelled(msg_id: object) -> str:
    """An id as JSON, so that 1, 1.0 and "1" differ."""
    return json.dumps(msg_id)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(requests | calls | values | noise, max_size=12))
async def test_every_id_is_answered_exactly_once(server: ServerProcess, messages: list[Any]) -> None:
    expected = Counter(spelled(msg_id) for message in messages if (msg_id := due(message)) is not NO_REPLY)
    server.send_bytes(b"".join(framed(message) for message in messages))
    async with asyncio.timeout(HANG_SECONDS):
        found: Counter[str] = Counter()
        while sum(found.values()) < sum(expected.values()):
            reply = await server.wait_for(lambda message: "method" not in message)
            assert ("result" in reply) != ("error" in reply)
            found[spelled(reply["id"])] += 1
    surplus = [message for message in await server.synchronized() if "method" not in message]
    assert (found, surplus) == (expected, [])
