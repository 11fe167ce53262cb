"""What Anthropic's Messages API refuses in a body, rule by rule; the first one broken is told."""

import re
from collections.abc import Callable, Iterator, Mapping

from ai_gateway.fakes.answers import Answer
from ai_gateway.fakes.anthropic import failures
from ai_gateway.fakes.requests import objects_in

SAMPLING = ("temperature", "top_p", "top_k")
STRICT_VERSION = "2026-10-21"
VERSIONS = ("2023-01-01", "2023-06-01", STRICT_VERSION)

_KNOWN = frozenset(
    (
        *("model", "messages", "max_tokens", "system", "stream", "stop_sequences", "tools", "tool_choice"),
        *("thinking", "output_config", "metadata", "cache_control", "service_tier", "container", "speed"),
        *("context_management", "inference_geo", "diagnostics"),
        *SAMPLING,
    )
)
_NEWER_MODEL = re.compile(r"claude-(?:[a-z]+-(?:[5-9]|\d\d)|opus-4-[78])")
_MODEL_WITHOUT_PREFILL = re.compile(r"claude-(?:[a-z]+-(?:[5-9]|\d\d|4-[6-9]))")
_CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")

Body = Mapping[str, object]
Rule = Callable[[Body], Answer | None]


def refuse_body(body: object, *, version: str, most_tokens: int) -> Answer | None:
    """The refusal of a body, if there is anything wrong with it."""
    if not isinstance(body, Mapping):
        return failures.bad_request("The request body is not valid JSON")
    rules: tuple[Rule, ...] = (
        _required,
        lambda body: _sampling(body, version),
        _unknown_fields,
        lambda body: _length(body, most_tokens),
        _roles,
        _contents,
        _calls,
        _last_turn,
        _stop_sequences,
        _schema,
    )
    return next((refusal for rule in rules if (refusal := rule(body)) is not None), None)


def _required(body: Body) -> Answer | None:
    missing = next((name for name in ("model", "messages", "max_tokens") if body.get(name) is None), None)
    if missing is not None:
        return failures.field_required(missing)
    return None if _turns(body) else failures.bad_request("messages: at least one message is required")


def _sampling(body: Body, version: str) -> Answer | None:
    name = next((name for name in SAMPLING if name in body), None)
    if name is None:
        return None
    if version == STRICT_VERSION:
        return failures.extra_input(name)
    return failures.deprecated_parameter(name) if _NEWER_MODEL.match(str(body["model"])) else None


def _unknown_fields(body: Body) -> Answer | None:
    unknown = sorted(body.keys() - _KNOWN)
    return failures.extra_input(unknown[0]) if unknown else None


def _length(body: Body, most_tokens: int) -> Answer | None:
    asked = body["max_tokens"]
    if not isinstance(asked, int):
        return failures.bad_request("max_tokens: Input should be a valid integer")
    if asked < 1:
        return failures.bad_request("max_tokens: must be greater than or equal to 1")
    return failures.too_many_output_tokens(asked, most_tokens, str(body["model"])) if asked > most_tokens else None


def _roles(body: Body) -> Answer | None:
    turns = _turns(body)
    if any(turn.get("role") == "system" for turn in turns):
        return failures.bad_request("role 'system' is not supported on this model")
    if any(turn.get("role") not in {"user", "assistant"} for turn in turns):
        return failures.bad_request("messages: roles must be 'user' or 'assistant'")
    if turns[0]["role"] != "user":
        return failures.bad_request('messages: first message must use the "user" role')
    return None


def _contents(body: Body) -> Answer | None:
    for place, turn in enumerate(_turns(body)):
        blocks = _blocks(turn)
        if not blocks:
            return failures.bad_request(f"messages.{place}: user messages must have non-empty content")
        for text in (block.get("text") for block in blocks if block.get("type") == "text"):
            if not text:
                return failures.bad_request("messages: text content blocks must be non-empty")
            if not str(text).strip():
                return failures.bad_request("messages: text content blocks must contain non-whitespace text")
    return None


def _calls(body: Body) -> Answer | None:
    """Each call has an id of its own, and its result at the beginning of the next turn; each result has its call."""
    seen: set[str] = set()
    open_calls: set[str] = set()
    for place, turn in enumerate(_turns(body)):
        answered = set(_leading_results(turn))
        if unexpected := sorted(set(_ids(turn, "tool_result", "tool_use_id")) - open_calls):
            return failures.bad_request(
                f"messages.{place}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {unexpected[0]}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if unanswered := sorted(open_calls - answered):
            return failures.unanswered_tool_call(unanswered[0])
        calls = list(_ids(turn, "tool_use", "id"))
        if len({*calls, *seen}) < len(calls) + len(seen):
            return failures.bad_request("messages: `tool_use` ids must be unique")
        if not all(map(_CALL_ID.fullmatch, calls)):
            pattern = f"'^{_CALL_ID.pattern}$'"
            return failures.bad_request(
                f"messages.{place}.content.0.tool_use.id: String should match pattern {pattern}"
            )
        seen |= set(calls)
        open_calls = set(calls)
    return failures.unanswered_tool_call(min(open_calls)) if open_calls else None


def _last_turn(body: Body) -> Answer | None:
    last = _turns(body)[-1]
    if last["role"] == "user":
        return None
    if _MODEL_WITHOUT_PREFILL.match(str(body["model"])):
        return failures.bad_request(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    text = str(_blocks(last)[-1].get("text", ""))
    if text != text.rstrip():
        return failures.bad_request("messages: final assistant content cannot end with trailing whitespace")
    return None


def _stop_sequences(body: Body) -> Answer | None:
    stops = body.get("stop_sequences")
    if isinstance(stops, list) and not all(str(stop).strip() for stop in stops):
        return failures.bad_request("stop_sequences: each stop sequence must contain non-whitespace")
    return None


def _schema(body: Body) -> Answer | None:
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, Mapping) else None
    return failures.open_schema() if isinstance(wanted, Mapping) and _is_open(wanted.get("schema")) else None


def _is_open(schema: object) -> bool:
    """Whether an object of it may have fields that it does not name."""
    if isinstance(schema, list):
        return any(map(_is_open, schema))
    if not isinstance(schema, Mapping):
        return False
    is_object = schema.get("type") == "object"
    return (is_object and schema.get("additionalProperties") is not False) or any(map(_is_open, schema.values()))


def _turns(body: Body) -> list[Body]:
    return objects_in(body.get("messages"))


def _blocks(turn: Body) -> list[Body]:
    content = turn.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return objects_in(content)


def _ids(turn: Body, kind: str, name: str) -> Iterator[str]:
    return (str(block.get(name)) for block in _blocks(turn) if block.get("type") == kind)


def _leading_results(turn: Body) -> Iterator[str]:
    for block in _blocks(turn):
        if block.get("type") != "tool_result":
            return
        yield str(block.get("tool_use_id"))
