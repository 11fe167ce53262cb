"""The fields that Gemini's requests may have; Google refuses any other by name.

Shapes: https://ai.google.dev/api/generate-content, …/api/caching#Content, …/api/embeddings.
"""

from collections.abc import Iterator, Mapping

Shape = Mapping[str, "Shape | None"]
"""Field → what its objects may have, or None for anything. A list is as its elements; `*` is any name, of a map."""

_SCHEMA_LEAVES = (
    "type format title description nullable enum maxItems minItems required minProperties maxProperties "
    "minLength maxLength pattern example propertyOrdering default minimum maximum"
)


def _any(names: str) -> dict[str, Shape | None]:
    return dict.fromkeys(names.split())


_SCHEMA: dict[str, Shape | None] = _any(_SCHEMA_LEAVES)
_SCHEMA |= {"items": _SCHEMA, "anyOf": _SCHEMA, "properties": {"*": _SCHEMA}}
_DECLARATION = _any("name description parametersJsonSchema responseJsonSchema behavior") | {
    "parameters": _SCHEMA,
    "response": _SCHEMA,
}
_TOOL = _any("googleSearch googleSearchRetrieval codeExecution urlContext fileSearch computerUse googleMaps") | {
    "functionDeclarations": _DECLARATION
}
_PART = _any(
    "text inlineData fileData executableCode codeExecutionResult videoMetadata thought thoughtSignature partMetadata "
    "mediaResolution toolCall toolResponse"
) | {
    "functionCall": _any("id name args"),
    "functionResponse": _any("id name response willContinue scheduling parts"),
}
_CONTENT: Shape = {"role": None, "parts": _PART}
_CONFIG = _any(
    "temperature topP topK candidateCount maxOutputTokens stopSequences responseMimeType responseJsonSchema seed "
    "presencePenalty frequencyPenalty responseLogprobs logprobs responseModalities speechConfig thinkingConfig "
    "imageConfig mediaResolution enableEnhancedCivicAnswers"
) | {"responseSchema": _SCHEMA}

GENERATE: Shape = _any("model safetySettings cachedContent serviceTier store") | {
    "contents": _CONTENT,
    "systemInstruction": _CONTENT,
    "tools": _TOOL,
    "toolConfig": {"functionCallingConfig": _any("mode allowedFunctionNames"), "retrievalConfig": None},
    "generationConfig": _CONFIG,
}
EMBED: Shape = _any("model taskType title outputDimensionality") | {"content": _CONTENT}
BATCH_EMBED: Shape = {"requests": EMBED}


def unknown_fields(value: object, shape: Shape | None, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of an object and the name of a field in it that does not exist."""
    if shape is None:
        return
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from unknown_fields(entry, shape, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        for index, (name, inner) in enumerate(value.items()):
            yield from _unknown_in_field(name, inner, shape, path, index)


def _unknown_in_field(name: str, value: object, shape: Shape, path: str, index: int) -> Iterator[tuple[str, str]]:
    if "*" in shape:
        yield from unknown_fields(value, shape["*"], f"{path}[{index}].value")
    elif name not in shape:
        yield path, name
    else:
        yield from unknown_fields(value, shape[name], f"{path}.{_snake(name)}".lstrip("."))


def in_camel_case(value: object, shape: Shape | None) -> object:
    """The same with its fields as documented: Google takes `max_output_tokens` too, and its own clients mix both.

    Spelling: https://protobuf.dev/programming-guides/json.
    """
    if isinstance(value, list):
        return [in_camel_case(entry, shape) for entry in value]
    if shape is None or not isinstance(value, Mapping):
        return value
    if "*" in shape:
        return {name: in_camel_case(inner, shape["*"]) for name, inner in value.items()}
    named = {known if (known := _camel(name)) in shape else name: inner for name, inner in value.items()}
    return {name: in_camel_case(inner, shape.get(name)) for name, inner in named.items()}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
