"""Deterministic vectors, and OpenAI's embeddings wire.

Shapes: https://platform.openai.com/docs/api-reference/embeddings.
"""

import base64
import hashlib
import math
import struct
from collections.abc import Mapping

from ai_gateway.fakes.answers import count_words

DEFAULT_DIMENSIONS = 16


def vector(text: str, dimensions: int = DEFAULT_DIMENSIONS) -> list[float]:
    """A unit vector that depends on the text alone."""
    noise = hashlib.shake_256(text.encode("utf-8", "replace")).digest(2 * dimensions)
    raw = [value + 0.5 for value in struct.unpack(f"<{dimensions}h", noise)]
    length = math.hypot(*raw)
    return [value / length for value in raw]


def inputs_of(body: Mapping[str, object]) -> list[str]:
    """The texts to embed: the wire takes one or a list."""
    given = body.get("input", "")
    return [str(text) for text in given] if isinstance(given, list) else [str(given)]


def dimensions_of(body: Mapping[str, object]) -> int:
    """The wanted length of the vectors."""
    wanted = body.get("dimensions")
    return wanted if isinstance(wanted, int) else DEFAULT_DIMENSIONS


def embeddings_document(body: Mapping[str, object]) -> dict[str, object]:
    """OpenAI's answer to an embeddings request."""
    texts, dimensions = inputs_of(body), dimensions_of(body)
    spell = _as_base64 if body.get("encoding_format") == "base64" else list
    tokens = count_words(texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": spell(vector(text, dimensions))}
            for index, text in enumerate(texts)
        ],
        "model": body.get("model"),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _as_base64(values: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
