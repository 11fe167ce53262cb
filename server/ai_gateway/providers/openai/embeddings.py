"""The answers to OpenAI's requests for vectors, of which there may have to be several.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Embedded, Vector
from ai_gateway.providers.openai.reading import cost_usd_in, usage_of
from ai_gateway.providers.vectors import vectors_of
from ai_gateway.providers.wire import objects_in, text_in

MAX_EMBEDDED_TEXTS = 2048
"""In one request (https://platform.openai.com/docs/api-reference/embeddings/create)."""
MAX_EMBEDDED_CHARACTERS = 200_000
"""In one request, which may have 300 000 tokens: a character is seldom more than one."""


def embedded_in(document: object, count: int) -> Embedded:
    """Read the answer to one request for vectors.

    Raises:
        ProviderFailure: There is not one for each text.
    """
    if not isinstance(document, dict):
        raise ProviderFailure(FailureKind.SERVER, "the upstream's answer holds no vectors")
    return Embedded(
        _vectors_in(document, count),
        text_in(document.get("model")) or None,
        usage_of(document.get("usage")),
        cost_usd_in(document),
    )


def _vectors_in(document: Mapping[str, object], count: int) -> tuple[Vector, ...]:
    """Read the vectors in the order of their texts, whatever order they come in."""
    entries = objects_in(document.get("data"))
    rows = {str(entry.get("index", position)): entry.get("embedding") for position, entry in enumerate(entries)}
    return vectors_of([_unpacked(rows.get(str(index))) for index in range(len(entries))], count)


def _unpacked(row: object) -> object:
    """Give the numbers of a vector: some servers know only little-endian 32-bit floats in base64."""
    if not isinstance(row, str):
        return row
    try:
        raw = base64.b64decode(row, validate=True)
        return list(struct.unpack(f"<{len(raw) // 4}f", raw))
    except (ValueError, struct.error):
        return None
