"""A prompt as Anthropic's Messages API wants it (https://platform.claude.com/docs/en/api/messages/create).

The API is stricter than others about a conversation: instructions stand apart from it, the user has the first word and
(since Claude 4.6, which take no prefill) the last, no text is blank, and a call's id is its own in the whole
conversation. Conversations come here from editors and other providers, so they are put right, not refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypedDict

from ai_gateway.model import Message, Prompt, Tool
from ai_gateway.providers.response_format import schema_of, wants_json
from ai_gateway.providers.wire import object_in, parsed

GO_ON = "Continue."
"""What the user says where the API wants a word and the conversation has none."""
JSON_INSTRUCTION = "Answer with one JSON object and nothing else."
SCHEMA_INSTRUCTION = "Answer with one JSON value that this JSON Schema describes, and nothing else: "

Block = dict[str, object]


class Turn(TypedDict):
    """What one side says at a time."""

    role: str
    content: list[Block]


def chat_body(
    prompt: Prompt, model: str | None, *, max_tokens: int, format_is_refused: bool = False
) -> dict[str, object]:
    """Build the body of a streaming request.

    The temperature is left out without a word: version 2026-10-21 of the API, and Claude since 4.7 in any version,
    refuse a request that names one, even the default. An answer at the model's own serves better than a refusal.

    Args:
        prompt: What is asked; its `max_tokens` is not looked at.
        model: Who is asked.
        max_tokens: The longest answer, which the API must be told.
        format_is_refused: Whether the API has refused the prompt's JSON Schema before; then the model is asked for it
            in words.
    """
    schema = schema_of(prompt)
    is_native = schema is not None and not format_is_refused
    body: dict[str, object] = {"max_tokens": max_tokens, "messages": turns(prompt.messages), "stream": True}
    if model is not None:
        body["model"] = model
    if system := _system(prompt, None if is_native else _instruction(prompt, schema)):
        body["system"] = system
    if is_native:
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
    if stops := [stop for stop in prompt.stop if stop.strip()]:  # a blank one is refused
        body["stop_sequences"] = stops
    return body


def turns(messages: Iterable[Message]) -> list[Turn]:
    """Give the conversation, its two sides taking turns."""
    conversation = _Conversation()
    for message in messages:
        conversation.add(message)
    return conversation.between_words_of_the_user()


class _Conversation:
    def __init__(self) -> None:
        self._turns: list[Turn] = []
        self._unanswered: list[tuple[str, str]] = []
        self._calls = 0

    def add(self, message: Message) -> None:
        """Take in the next message; one of the same side as the last joins it."""
        blocks = self._blocks(message)
        if not blocks:
            return
        role = "assistant" if message.role == "assistant" else "user"
        if self._turns and self._turns[-1]["role"] == role:
            blocks = self._turns.pop()["content"] + blocks
        blocks.sort(key=lambda block: block["type"] != "tool_result")  # results come first, or are refused
        self._turns.append({"role": role, "content": blocks})

    def between_words_of_the_user(self) -> list[Turn]:
        """Give the turns, the first and the last of them the user's."""
        first = [] if self._turns and self._turns[0]["role"] == "user" else [_go_on()]
        last = [_go_on()] if self._turns and self._turns[-1]["role"] == "assistant" else []
        return [*first, *self._turns, *last]

    def _blocks(self, message: Message) -> list[Block]:
        if message.role == "system":
            return []
        if message.role == "tool":
            return self._result(message)
        text = [_text(message.content)] if message.content.strip() else []
        return [*text, *(self._call(call.id, call.name, call.arguments) for call in message.tool_calls)]

    def _call(self, call_id: str, name: str, arguments: str) -> Block:
        """Give a call an id of our own: other providers' are reused, empty, or in letters that are refused."""
        self._calls += 1
        own_id = f"call_{self._calls}"
        self._unanswered.append((call_id, own_id))
        given = object_in(parsed(arguments.encode(errors="replace")))
        return {"type": "tool_use", "id": own_id, "name": name, "input": given}

    def _result(self, message: Message) -> list[Block]:
        """Give a result to its call; one whose call is not there is no more than text."""
        answered = next((pair for pair in self._unanswered if pair[0] == message.tool_call_id), None)
        if answered is None:
            return [_text(message.content)] if message.content.strip() else []
        self._unanswered.remove(answered)
        said = {"content": message.content} if message.content.strip() else {}
        return [{"type": "tool_result", "tool_use_id": answered[1], **said}]


def _go_on() -> Turn:
    return {"role": "user", "content": [_text(GO_ON)]}


def _text(content: str) -> Block:
    return {"type": "text", "text": content}


def _system(prompt: Prompt, instruction: str | None) -> str:
    """Join all instructions, wherever they stand, as Anthropic's own OpenAI-compatible API does.

    Few models take them within the conversation, most refuse them there, and one ignores them
    (https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages).
    """
    said = [message.content for message in prompt.messages if message.role == "system"]
    return "\n\n".join(text for text in (*said, instruction or "") if text.strip())


def _instruction(prompt: Prompt, schema: Mapping[str, object] | None) -> str | None:
    """Ask in words for the JSON that the API can't be made to enforce: it has no mode for any object."""
    if schema is not None:
        return SCHEMA_INSTRUCTION + json.dumps(schema)
    return JSON_INSTRUCTION if wants_json(prompt) else None


def _tool(tool: Tool) -> dict[str, object]:
    described = {"description": tool.description} if tool.description else {}
    return {"name": tool.name, **described, "input_schema": {"type": "object", **tool.parameters}}
