"""A chat on Ollama's wire: NDJSON, tool arguments as objects, counters left out where they are zero.

https://docs.ollama.com/api/chat
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import Delta, Finish, FinishReason, Message, Piece, Prompt, ToolCall, Usage
from ai_gateway.providers.http import UpstreamResponse, read_to_end
from ai_gateway.providers.lines import LineDecoder, objects_in, parsed
from ai_gateway.providers.ollama.models import refuse_remote
from ai_gateway.providers.ollama.server import refuse_error

CLOSE_SECONDS = 0.05
"""How long the end of the body may take after the last line."""
LONGEST_MEAN_TOKEN = 8
"""Characters. Prose has about four to a token and code three, so a prompt with more than this for each can't fit."""
FINISH_REASONS = {"length": FinishReason.LENGTH}
ONLY_LOADED = frozenset({"load", "unload"})


def chat_body(prompt: Prompt, model: str, context_tokens: int | None) -> dict[str, object]:
    """Put a prompt as `/api/chat` wants it.

    `truncate` and `shift` forbid it to drop the beginning of a long conversation without a word, which releases before
    0.12.6 do all the same. `think` is left to the model: what it thinks comes apart from what it says.
    """
    body: dict[str, object] = {
        "model": model,
        "messages": _message_bodies(prompt),
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": _options(prompt, context_tokens),
    }
    if prompt.tools:
        body["tools"] = [tool.as_dict() for tool in prompt.tools]
    form = _format_of(prompt.response_format or {})
    if form is not None:
        body["format"] = form
    return body


def refuse_hopeless(prompt: Prompt, context_tokens: int | None) -> None:
    """Refuse a prompt that can't fit however its tokens fall, before a model is loaded for it.

    An older Ollama would shorten it without a word. Counting afterwards would not show that: `prompt_eval_count` leaves
    out what was cached, and never exceeds the context.

    Raises:
        ProviderFailure: It can't.
    """
    if context_tokens is not None and prompt.characters() > LONGEST_MEAN_TOKEN * context_tokens:
        hint = "shorten the prompt, or raise local.context_tokens"
        detail = f"the prompt can't fit into {context_tokens} tokens"
        raise ProviderFailure(FailureKind.CONTEXT_TOO_LONG, detail, hint=hint)


async def chat_pieces(response: UpstreamResponse, model: str) -> AsyncGenerator[Piece, None]:
    """Read a streamed chat.

    Raises:
        ProviderFailure: It says so, broke off, or was answered elsewhere.
    """
    reading = _Reading(model)
    async with aclosing(response.batches(LineDecoder())) as batches:
        async for batch in batches:
            if text := "".join([reading.text_of(line) for line in batch]):
                yield Delta(text)
            if reading.finish is not None:
                await read_to_end(batches, within_seconds=CLOSE_SECONDS)
                yield reading.finish
                return
    raise ProviderFailure(FailureKind.STREAM_BROKEN, "the stream ended without its terminal marker")


class _Reading:
    """What a chat has said so far, besides its text."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._has_text = False
        self._calls: list[ToolCall] = []
        self.finish: Finish | None = None

    def text_of(self, line: bytes) -> str:
        """Take in one line, and give its text."""
        value = parsed(line)
        if not isinstance(value, dict):
            return ""  # one malformed line does not make the stream unsound; a missing terminal marker does
        refuse_error(value, self._model)
        refuse_remote(value)
        text = self._text_of_message(value.get("message"))
        self._has_text = self._has_text or bool(text)
        if value.get("done") is True:
            self.finish = self._finish(value)
        return text

    def _text_of_message(self, message: object) -> str:
        if not isinstance(message, dict):
            return ""
        for call in objects_in(message.get("tool_calls")):
            function = call.get("function")
            if isinstance(function, dict):
                call_id = str(call.get("id") or f"call_{len(self._calls)}")
                arguments = json.dumps(function.get("arguments") or {})
                self._calls.append(ToolCall(call_id, str(function.get("name")), arguments))
        content = message.get("content")
        return content if isinstance(content, str) else ""

    def _finish(self, value: Mapping[str, object]) -> Finish:
        reason, model = str(value.get("done_reason")), value.get("model")
        if reason in ONLY_LOADED and not self._has_text:
            raise ProviderFailure(FailureKind.EMPTY, f"Ollama did no more than {reason} the model")
        usual = FinishReason.TOOL_CALLS if self._calls else FinishReason.STOP
        return Finish(
            FINISH_REASONS.get(reason, usual),
            usage_of(value),
            model if isinstance(model, str) else None,
            tuple(self._calls),
        )


def usage_of(value: Mapping[str, object]) -> Usage | None:
    """Read the counters; Ollama leaves out one that is zero."""
    read, written = value.get("prompt_eval_count"), value.get("eval_count")
    if not isinstance(read, int) and not isinstance(written, int):
        return None
    return Usage(read if isinstance(read, int) else 0, written if isinstance(written, int) else 0)


def _options(prompt: Prompt, context_tokens: int | None) -> dict[str, object]:
    options = {
        "num_ctx": context_tokens,
        "temperature": prompt.temperature,
        "num_predict": prompt.max_tokens,
        "stop": list(prompt.stop) or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _message_bodies(prompt: Prompt) -> list[dict[str, object]]:
    """Spell the messages; a tool's result names its tool, which the call before it had under the same id."""
    tool_names: dict[str | None, str] = {}
    bodies = []
    for message in prompt.messages:
        tool_names |= {call.id: call.name for call in message.tool_calls}
        bodies.append(_message_body(message, tool_names.get(message.tool_call_id)))
    return bodies


def _message_body(message: Message, tool_name: str | None) -> dict[str, object]:
    body: dict[str, object] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "function": {"index": index, "name": call.name, "arguments": _arguments(call)}}
            for index, call in enumerate(message.tool_calls)
        ]
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    if message.role == "tool" and tool_name is not None:
        body["tool_name"] = tool_name
    return body


def _arguments(call: ToolCall) -> dict[str, object]:
    """Give the arguments as the object that Ollama insists on; none where the model wrote no object."""
    value = parsed(call.arguments.encode())
    return value if isinstance(value, dict) else {}


def _format_of(response_format: Mapping[str, object]) -> object:
    """Turn OpenAI's response format into Ollama's: `"json"`, or a schema."""
    schema = response_format.get("json_schema")
    if isinstance(schema, Mapping):
        return schema.get("schema", "json")
    return "json" if response_format.get("type") in {"json_object", "json_schema"} else None
