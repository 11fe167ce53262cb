"""What an editor is asked, and what it says, where it has more than LSP knows of: models, and a box to type into."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from ai_gateway.messages.params import Name, Params, ProgressToken
from ai_gateway.model import Role

Label = Annotated[str, Field(max_length=200)]
"""May be empty: an editor's extensions call their models what they like."""


class EditorModelParam(Params):
    """A model that the editor lends, as VS Code's `LanguageModelChat` describes it."""

    id: Name
    vendor: Label
    family: Label
    name: Label
    max_input_tokens: Annotated[int, Field(ge=0)] | None = None


class EditorModelsParams(Params):
    """Of `ai/editor/models`: all that the editor lends now, in place of what it said before."""

    models: Annotated[list[EditorModelParam], Field(max_length=1000)]
    problem: Annotated[str, Field(max_length=4096)] | None = None
    """Why there are none, and what a person can do, as far as the editor can tell."""


class CalledFunction(TypedDict):
    """A function with its arguments."""

    name: str
    arguments: str
    """JSON text."""


class EditorToolCall(TypedDict):
    """A call that an assistant's turn asked for."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class EditorMessage(TypedDict):
    """One turn of the conversation."""

    role: Role
    content: str
    tool_calls: NotRequired[list[EditorToolCall]]
    tool_call_id: NotRequired[str]
    """Which call a tool's turn answers."""


class EditorFunction(TypedDict):
    """A function that the model may call."""

    name: str
    description: str
    parameters: dict[str, object]
    """A JSON Schema."""


class EditorTool(TypedDict):
    """The same in OpenAI's shape."""

    type: Literal["function"]
    function: EditorFunction


class EditorChatParams(TypedDict):
    """Of `ai/editor/chat`."""

    token: ProgressToken
    """Of the `$/progress` by which the editor streams the text."""
    model: str
    """The id of one that it lends."""
    messages: list[EditorMessage]
    tools: list[EditorTool]
    temperature: float | None
    max_tokens: int | None
    stop: list[str]


class EditorUsage(TypedDict):
    """Tokens that were read and written."""

    input_tokens: int
    output_tokens: int


class EditorAnsweredCall(TypedDict):
    """A call that the model asks for."""

    id: str
    name: str
    arguments: str
    """JSON text."""


class EditorChatResult(TypedDict):
    """What the editor's model answered."""

    text: str
    """All of it; it begins with what was streamed."""
    model: str
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"]
    usage: EditorUsage | None
    tool_calls: list[EditorAnsweredCall]


class EditorChatErrorData(TypedDict):
    """Of the error `-32803`, whose message is for a person."""

    kind: str
    """A kind of failure, as the routing has them: `auth`, `quota`, `model_not_found`, …"""
    retry_after_seconds: float | None


class EditorInputParams(TypedDict):
    """Of `ai/editor/input`."""

    title: str
    placeholder: str


class EditorInputResult(TypedDict):
    """What a person typed; null in its place: nothing."""

    text: str
