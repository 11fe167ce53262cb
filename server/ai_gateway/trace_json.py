"""A trace that was written down as JSON, read back."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from ai_gateway.trace import Trace


def trace_of(value: bytes) -> Trace | None:
    """Read a trace; None: it is none, or of another version."""
    try:
        return TypeAdapter(Trace).validate_json(value)
    except ValidationError:
        return None
