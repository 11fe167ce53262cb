"""A prompt, or texts to embed, as Ollama's API wants them (https://docs.ollama.com/api): tool arguments are objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.model import AnyPrompt, EmbeddingInput, Infill, Message, Prompt, ToolCall
from ai_gateway.providers.response_format import schema_of, wants_json
from ai_gateway.providers.wire import object_in, parsed

KEEP_ALIVE_SECONDS = 900
"""How long a preloaded model stays without being used: as long as a breaker is open at most."""
LONGEST_MEAN_TOKEN = 8
"""Characters. Prose has about four to a token and code three, so a prompt with more than this for each can't fit."""


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
    if (wanted := _format(prompt)) is not None:
        body["format"] = wanted
    return body


def infill_body(given: Infill, model: str, context_tokens: int | None) -> dict[str, object]:
    """Put a gap as `/api/generate` wants it, which is to go by the model's own template for gaps.

    That is chosen by a suffix, so there is one even at the end of a file; an empty prompt would only load the
    model. Context length and `shift` are those of `chat_body`, so that it is not loaded again.
    """
    return {
        "model": model,
        "prompt": given.prefix or "\n",
        "suffix": given.suffix or "\n",
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": _sampling(context_tokens, 0.0, given.max_tokens, given.stop),
    }


def infill_chat_body(given: Infill, model: str, context_tokens: int | None) -> dict[str, object]:
    """Put a gap as `/api/chat` wants it, for models without a template for gaps; nobody waits for thoughts."""
    from ai_gateway.completion.prompts import chat_prompt  # noqa: PLC0415 - only for those who want it

    prompt = replace(chat_prompt(given), temperature=0.0)
    return {**chat_body(prompt, model, context_tokens), "think": False}


def load_body(model: str, context_tokens: int | None) -> dict[str, object]:
    """Ask for nothing, which loads the model (https://docs.ollama.com/faq, "How can I preload a model").

    The context length, and whether it may be shifted, are those of `chat_body`: for another one Ollama would load the
    model again.
    """
    return {
        "model": model,
        "messages": [],
        "stream": False,
        "shift": False,
        "keep_alive": f"{KEEP_ALIVE_SECONDS}s",
        "options": {} if context_tokens is None else {"num_ctx": context_tokens},
    }


def embedding_body(given: EmbeddingInput, model: str) -> dict[str, object]:
    """Put texts as `/api/embed` wants them; it is to refuse one that is too long instead of cutting it."""
    wanted = {} if given.dimensions is None else {"dimensions": given.dimensions}
    return {"model": model, "input": list(given.texts), "truncate": False, **wanted}


def refuse_hopeless(prompt: AnyPrompt, context_tokens: int | None) -> None:
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


def _options(prompt: Prompt, context_tokens: int | None) -> dict[str, object]:
    return _sampling(context_tokens, prompt.temperature, prompt.max_tokens, prompt.stop)


def _sampling(
    context_tokens: int | None, temperature: float | None, max_tokens: int | None, stop: Sequence[str]
) -> dict[str, object]:
    options = {
        "num_ctx": context_tokens,
        "temperature": temperature,
        "num_predict": max_tokens,
        "stop": list(stop) or None,
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
    return object_in(parsed(call.arguments.encode(errors="replace")))


def _format(prompt: Prompt) -> object:
    """Say what the answer is to be: a schema, or `"json"`; None: anything."""
    schema = schema_of(prompt)
    if schema is not None:
        return schema
    return "json" if wants_json(prompt) else None
