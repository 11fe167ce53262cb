"""A prompt, or texts to embed, as OpenAI's API wants them; whatever speaks it takes these words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ai_gateway.model import Prompt

USAGE_WANTED: Mapping[str, object] = {"include_usage": True}


def chat_body(
    prompt: Prompt, model: str | None, *, stream_options: Mapping[str, object] = USAGE_WANTED
) -> dict[str, object]:
    """Build the body of a streaming request, in the words that every server knows."""
    body: dict[str, object] = {
        "messages": [message.as_dict() for message in prompt.messages],
        "stream": True,
        "stream_options": stream_options,
    }
    if model is not None:
        body["model"] = model
    body |= prompt.options()
    if prompt.tools:
        body["tools"] = [tool.as_dict() for tool in prompt.tools]
    return body


def embedding_body(texts: Sequence[str], dimensions: int | None, model: str | None) -> dict[str, object]:
    """Build the body of a request for vectors."""
    wanted = {"model": model, "input": texts, "encoding_format": "float", "dimensions": dimensions}
    return {name: value for name, value in wanted.items() if value is not None}
