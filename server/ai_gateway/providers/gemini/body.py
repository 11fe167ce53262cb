"""A prompt, or texts to embed, in the words of Gemini's API (https://ai.google.dev/api)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict

from ai_gateway.model import Message, Prompt, Tool
from ai_gateway.providers.response_format import schema_of, wants_json
from ai_gateway.providers.wire import parsed

SKIP_VALIDATION = "skip_thought_signature_validator"
"""Stands for the signature of a call that another model made (https://ai.google.dev/gemini-api/docs/thought-signatures)."""
UNSIGNED_GENERATIONS = ("gemini-1", "gemini-2")

Part = dict[str, object]


class Content(TypedDict):
    """One turn: `role` is `user` or `model`."""

    role: str
    parts: list[Part]


def chat_body(prompt: Prompt, model: str, *, instructions_apart: bool = True) -> dict[str, object]:
    """Build the body of a request.

    Args:
        prompt: What is asked.
        model: Its name without `models/`.
        instructions_apart: Whether the model takes them in a field of their own; else they lead the conversation.
    """
    instructions = "\n\n".join(message.content for message in prompt.messages if message.role == "system")
    lead: list[Part] = [{"text": instructions}] if instructions.strip() else []
    body: dict[str, object] = {"contents": _contents(prompt, model, [] if instructions_apart else lead)}
    if lead and instructions_apart:
        body["systemInstruction"] = {"parts": lead}
    if config := dict(_generation_config(prompt)):
        body["generationConfig"] = config
    if prompt.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in prompt.tools]}]
        body["toolConfig"] = {"functionCallingConfig": {"mode": "AUTO"}}
    return body


def embedding_body(texts: Sequence[str], name: str, dimensions: int | None) -> dict[str, object]:
    """Build the body of a request for a vector of each text: several parts of one content would become a single one.

    Args:
        texts: What is embedded.
        name: The model's, with `models/`.
        dimensions: How long the vectors are to be; None: as long as the model makes them.
    """
    wanted = {} if dimensions is None else {"outputDimensionality": dimensions}
    return {"requests": [{"model": name, "content": {"parts": [{"text": text}]}, **wanted} for text in texts]}


def _contents(prompt: Prompt, model: str, lead: list[Part]) -> list[Content]:
    """Give the turns, each speaker's in one: the answers to several calls must stand together."""
    contents: list[Content] = [{"role": "user", "parts": lead}] if lead else []
    wants_signatures = _signs_calls(model)
    for role, parts in _turns(prompt, with_ids=wants_signatures):
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    if wants_signatures:
        _sign(contents)
    return contents


def _turns(prompt: Prompt, *, with_ids: bool) -> Iterator[tuple[str, list[Part]]]:
    names: dict[str | None, str] = {}
    for message in prompt.messages:
        names |= {call.id: call.name for call in message.tool_calls}
        if message.role == "tool":
            yield "user", [_function_response(message, names, with_id=with_ids)]
        elif message.role != "system":
            yield ("model" if message.role == "assistant" else "user"), _parts(message, with_ids=with_ids)


def _parts(message: Message, *, with_ids: bool) -> list[Part]:
    parts: list[Part] = [{"text": message.content}] if message.content else []
    for call in message.tool_calls:
        function = {"name": call.name, "args": _object(call.arguments or "{}", "arguments")}
        if with_ids and call.id:
            function["id"] = call.id
        parts.append({"functionCall": function} | ({"thoughtSignature": call.signature} if call.signature else {}))
    return parts


def _function_response(message: Message, names: Mapping[str | None, str], *, with_id: bool) -> Part:
    call_id = message.tool_call_id
    response: dict[str, object] = {
        "name": names.get(call_id) or call_id or "tool",
        "response": _object(message.content, "output"),
    }
    if with_id and call_id:
        response["id"] = call_id
    return {"functionResponse": response}


def _object(text: str, name: str) -> dict[str, object]:
    """Read a JSON object; whatever else it is becomes one under `name`, for Gemini takes nothing but objects."""
    value = parsed(text.encode(errors="replace"))
    return value if isinstance(value, dict) else {name: text}


def _signs_calls(model: str) -> bool:
    """Whether the model numbers its calls and demands its signatures back, as Gemini does from its third generation."""
    return model.startswith("gemini-") and not model.startswith(UNSIGNED_GENERATIONS)


def _sign(contents: list[Content]) -> None:
    """Sign what such a model did not sign itself; of calls made together, only the first is."""
    for content in contents:
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is not None:
            first.setdefault("thoughtSignature", SKIP_VALIDATION)


def _declaration(tool: Tool) -> dict[str, object]:
    """Declare a tool with its JSON Schema as it is; the older `parameters` knows only a part of that language."""
    declaration: dict[str, object] = {"name": tool.name}
    if tool.description:
        declaration["description"] = tool.description
    if tool.parameters:
        declaration["parametersJsonSchema"] = dict(tool.parameters)
    return declaration


def _generation_config(prompt: Prompt) -> Iterator[tuple[str, object]]:
    if prompt.temperature is not None:
        yield "temperature", prompt.temperature
    if prompt.max_tokens is not None:
        yield "maxOutputTokens", prompt.max_tokens
    if prompt.stop:
        yield "stopSequences", list(prompt.stop)
    if wants_json(prompt):
        yield "responseMimeType", "application/json"
    if (schema := schema_of(prompt)) is not None:
        yield "responseJsonSchema", schema
