"""What a prompt's response format, which is in OpenAI's shape, asks for."""

from __future__ import annotations

from collections.abc import Mapping

from ai_gateway.model import Prompt


def wants_json(prompt: Prompt) -> bool:
    """Whether the answer is to be JSON."""
    return (prompt.response_format or {}).get("type") in {"json_object", "json_schema"}


def schema_of(prompt: Prompt) -> Mapping[str, object] | None:
    """Give the JSON Schema that the answer is to follow; None: there is none."""
    described = (prompt.response_format or {}).get("json_schema")
    schema = described.get("schema") if isinstance(described, Mapping) else None
    return schema if isinstance(schema, Mapping) else None
