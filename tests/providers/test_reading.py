"""What every reader makes of an answer in which the model thinks before it speaks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

import httpx
import pytest

from ai_gateway.model import Delta
from ai_gateway.providers.anthropic.reading import chat_pieces as anthropic_pieces
from ai_gateway.providers.http import UpstreamResponse
from ai_gateway.providers.ollama.reading import chat_pieces as ollama_pieces
from ai_gateway.providers.openai.reading import chat_pieces as openai_pieces
from support.reading import Reader


def event(value: object) -> bytes:
    return b"data: %b\n\n" % json.dumps(value).encode()


def openai(**delta: object) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})


def anthropic(**delta: object) -> bytes:
    return event({"type": "content_block_delta", "index": 0, "delta": delta})


def ollama(**message: object) -> bytes:
    return json.dumps({"message": {"role": "assistant", **message}, "done": False}).encode() + b"\n"


THINKING = [
    pytest.param(partial(openai_pieces, rows=()), [openai(reasoning_content="hm"), openai(content="Hi")], id="openai"),
    pytest.param(
        anthropic_pieces,
        [anthropic(type="thinking_delta", thinking="hm"), anthropic(type="text_delta", text="Hi")],
        id="anthropic",
    ),
    pytest.param(partial(ollama_pieces, model="m"), [ollama(thinking="hm"), ollama(content="Hi")], id="ollama"),
]
KEEPING_ALIVE = [
    pytest.param(partial(openai_pieces, rows=()), b": PROCESSING\n\n", openai(content="Hi"), id="openai"),
    pytest.param(anthropic_pieces, event({"type": "ping"}), anthropic(type="text_delta", text="Hi"), id="anthropic"),
]


async def deltas_of(reader: Reader, *chunks: bytes) -> list[str]:
    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    deltas: list[str] = []
    async with aclosing(reader(UpstreamResponse(httpx.Response(200, content=body())))) as pieces:
        while not any(deltas):
            piece = await anext(pieces)
            assert isinstance(piece, Delta)
            deltas.append(piece.text)
    return deltas


@pytest.mark.parametrize(("reader", "chunks"), THINKING)
async def test_a_model_that_thinks_is_not_silent(reader: Reader, chunks: list[bytes]) -> None:
    assert await deltas_of(reader, *chunks) == ["", "Hi"]


@pytest.mark.parametrize(("reader", "kept", "said"), KEEPING_ALIVE)
async def test_what_only_keeps_the_connection_says_nothing_of_the_model(
    reader: Reader, kept: bytes, said: bytes
) -> None:
    assert await deltas_of(reader, kept, kept, said) == ["Hi"]
