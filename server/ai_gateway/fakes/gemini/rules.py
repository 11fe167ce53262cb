"""What Gemini demands of a conversation (https://ai.google.dev/gemini-api/docs/function-calling)."""

from collections.abc import Iterator, Mapping
from typing import cast

from ai_gateway.fakes.answers import Answer
from ai_gateway.fakes.gemini import failures
from ai_gateway.fakes.gemini.completion import is_signature
from ai_gateway.fakes.requests import objects_in

SIGNING_GENERATION = "gemini-3"
Turn = Mapping[str, object]


def refuse_contents(model: str, contents: object) -> Answer | None:
    """What Google would say to this conversation, if it refuses it."""
    turns = objects_in(contents)
    if not turns:
        return failures.refusal(400, "* GenerateContentRequest.contents: contents is not specified\n")
    said = next((complaint for index, turn in enumerate(turns) for complaint in _complaints(index, turn)), None)
    if said is not None:
        return failures.refusal(400, said)
    return _refuse_unanswered_calls(turns) or _refuse_signatures(model, turns)


def _complaints(index: int, turn: Turn) -> Iterator[str]:
    place = f"GenerateContentRequest.contents[{index}]"
    if turn.get("role", "user") not in {"user", "model"}:
        yield "Please use a valid role: user, model."
    parts = _parts(turn)
    if not parts:
        yield f"* {place}.parts: contents.parts must not be empty.\n"
    for number, part in enumerate(parts):
        if not any(part.get(name) for name in ("text", "functionCall", "functionResponse", "inlineData", "fileData")):
            yield f"* {place}.parts[{number}].data: required oneof field 'data' must have one initialized field\n"
        for name, field in (("functionCall", "args"), ("functionResponse", "response")):
            function = part.get(name)
            if isinstance(function, Mapping) and not isinstance(function.get(field, {}), Mapping):
                yield f"Invalid value at 'contents[{index}].parts[{number}].{field}' (type.googleapis.com/Struct)"


def _parts(turn: Turn) -> list[Mapping[str, object]]:
    return objects_in(turn.get("parts"))


def _count(turn: Turn, name: str) -> int:
    return sum(name in part for part in _parts(turn))


def _refuse_unanswered_calls(turns: list[Turn]) -> Answer | None:
    """Calls are answered at once, all of them, by the next turn."""
    for asked, answered in zip([{}, *turns], [*turns, {}], strict=True):
        calls, responses = _count(asked, "functionCall"), _count(answered, "functionResponse")
        if responses and not calls:
            text = "Please ensure that function response turn comes immediately after a function call turn."
            return failures.refusal(400, text)
        if calls != responses and answered:
            text = "Please ensure that the number of function response parts is equal to the number of function call "
            return failures.refusal(400, text + "parts of the function call turn.")
    return None


def _refuse_signatures(model: str, turns: list[Turn]) -> Answer | None:
    """Each step since the person's last words is signed; whatever signature comes must be a true one."""
    signed = [part.get("thoughtSignature") for turn in turns for part in _parts(turn)]
    if not all(text is None or is_signature(text) for text in signed):
        return failures.refusal(400, "Corrupted thought signature.")
    if not model.startswith(SIGNING_GENERATION):
        return None
    for turn in reversed(turns):
        if turn.get("role", "user") == "user" and _count(turn, "text"):
            return None
        first = next((part for part in _parts(turn) if "functionCall" in part), None)
        if first is not None and "thoughtSignature" not in first:
            return failures.missing_signature(str(cast("Mapping[str, object]", first["functionCall"]).get("name")))
    return None
