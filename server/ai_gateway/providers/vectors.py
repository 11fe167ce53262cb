"""Embeddings, whatever the wire: texts cut into requests, their vectors read, and the answers put together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Embedded, Usage, Vector


def batches_of(texts: Sequence[str], max_texts: int, max_characters: float = math.inf) -> Iterator[Sequence[str]]:
    """Cut texts into as few requests as their limits allow; a text that is too long goes alone."""
    start = characters = 0
    for position, text in enumerate(texts):
        characters += len(text)
        if position - start == max_texts or (position > start and characters > max_characters):
            yield texts[start:position]
            start, characters = position, len(text)
    if start < len(texts):
        yield texts[start:]


def vectors_of(rows: Sequence[object], count: int) -> tuple[Vector, ...]:
    """Read vectors, each a list of numbers.

    Raises:
        ProviderFailure: There is not one for each of `count` texts.
    """
    vectors = tuple(vector for row in rows if (vector := _vector(row)))
    if not len(rows) == len(vectors) == count:
        raise ProviderFailure(FailureKind.SERVER, "the upstream did not make one vector for each text")
    return vectors


def joined(found: Sequence[Embedded]) -> Embedded:
    """Put the answers to several requests together.

    Raises:
        ProviderFailure: They are of different models.
    """
    models = {part.model for part in found}
    if len(models) > 1:
        raise ProviderFailure(FailureKind.SERVER, "the upstream changed its model between two requests")
    usages = [part.usage for part in found if part.usage is not None]
    costs = [part.cost_usd for part in found if part.cost_usd is not None]
    return Embedded(
        vectors=tuple(vector for part in found for vector in part.vectors),
        model=next(iter(models), None),
        usage=Usage(sum(usage.input_tokens for usage in usages), 0) if len(usages) == len(found) else None,
        cost_usd=sum(costs) if costs else None,
    )


def _vector(row: object) -> Vector | None:
    try:
        vector = tuple(map(float, row)) if isinstance(row, list) else ()
    except (TypeError, ValueError, OverflowError):
        return None
    return vector if all(map(math.isfinite, vector)) else None
