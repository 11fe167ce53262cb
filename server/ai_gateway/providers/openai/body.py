"""A prompt, or texts to embed, as OpenAI's API wants them; whatever speaks it takes these words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ai_gateway.model import Infill, Prompt

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


def infill_body(
    given: Infill, model: str | None, *, stream_options: Mapping[str, object] = USAGE_WANTED
) -> dict[str, object]:
    """Build the body of a streaming request to fill a gap (https://platform.openai.com/docs/api-reference/completions)."""
    wanted = {
        "model": model,
        "prompt": given.prefix or "\n",
        "suffix": given.suffix or None,
        "max_tokens": given.max_tokens,
        "temperature": 0.0,
        "stop": list(given.stop) or None,
        "stream": True,
        "stream_options": stream_options,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def embedding_body(texts: Sequence[str], dimensions: int | None, model: str | None) -> dict[str, object]:
    """Build the body of a request for vectors."""
    wanted = {"model": model, "input": texts, "encoding_format": "float", "dimensions": dimensions}
    return {name: value for name, value in wanted.items() if value is not None}
