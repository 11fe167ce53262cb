"""JSON Schemas of all messages, generated from their types."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, with_config
from pydantic.json_schema import JsonSchemaMode

from ai_gateway.messages import commands, doctor, editor, history, params, progress, results

CHECKED_IN = Path(__file__).with_name("schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"

METHODS: dict[str, dict[str, type]] = {
    "ai/query": {
        "params": params.QueryParams,
        "result": results.QueryResult,
        "error_data": results.NoAnswerData,
        "started": progress.StartedProgress,
        "delta": progress.DeltaProgress,
        "reset": progress.ResetProgress,
    },
    "ai/health": {"params": params.HealthParams, "result": results.HealthResult},
    "ai/doctor": {"params": doctor.DoctorParams, "result": doctor.DoctorResult},
    "ai/embed": {
        "params": params.EmbedParams,
        "result": results.EmbedResult,
        "error_data": results.NoAnswerData,
    },
    "ai/models": {"params": params.ModelsParams, "result": results.ModelsResult},
    "ai/signIn": {"params": params.SignInParams, "result": results.SignInResult},
    "ai/signOut": {"params": params.SignOutParams, "result": results.SignOutResult},
    "ai/reset": {"params": params.ResetParams, "result": results.ResetResult},
    "ai/force": {"params": params.ForceParams, "result": results.ForceResult},
    "ai/explain": {"params": params.ExplainParams, "result": results.ExplainResult},
    "ai/drill": {"params": params.DrillParams, "result": results.DrillResult},
    "ai/pullRequest": {"params": params.PullRequestParams, "result": results.PullRequestResult},
    "ai/commitMessage": {"params": params.CommitMessageParams, "result": results.CommitMessageResult},
    "ai/prompt": {"params": commands.PromptParams, "result": results.PromptResult},
    "ai/simulate": {"params": params.SimulateParams, "result": results.SimulateResult},
    "ai/metrics": {"params": params.MetricsParams, "result": results.MetricsResult},
    "ai/history": {"params": history.HistoryParams, "result": history.HistoryResult},
    "ai/status": {"params": results.HealthSummary},
    "ai/editor/models": {"params": editor.EditorModelsParams},
    "ai/editor/chat": {
        "params": editor.EditorChatParams,
        "result": editor.EditorChatResult,
        "error_data": editor.EditorChatErrorData,
        "delta": progress.DeltaProgress,
    },
    "ai/editor/input": {"params": editor.EditorInputParams, "result": editor.EditorInputResult},
}
"""What belongs to each method. `started`, `delta` and `reset` are values of `$/progress`."""


def schema() -> str:
    """Give all schemas as one JSON document: `methods` refers to the messages in `$defs`."""
    messages = dict.fromkeys(message for parts in METHODS.values() for message in parts.values())
    modes: list[tuple[type, JsonSchemaMode, TypeAdapter[object]]] = [
        (message, "validation" if issubclass(message, params.Params) else "serialization", adapter_of(message))
        for message in messages
    ]
    definitions = TypeAdapter.json_schemas(modes)[1]["$defs"]
    for message in _all_messages():
        if message.__name__ not in definitions:
            continue  # it is only what others have in common
        for name, text in _field_docstrings(message):
            definitions[message.__name__]["properties"][_on_the_wire(message, name)]["description"] = text
    methods = {
        method: {part: {"$ref": f"#/$defs/{message.__name__}"} for part, message in parts.items()}
        for method, parts in METHODS.items()
    }
    document = {"$schema": DIALECT, "title": "AI Gateway messages", "methods": methods, "$defs": definitions}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def adapter_of(message: type) -> TypeAdapter[object]:
    """Give what validates a message and knows its schema; a dictionary may hold nothing but what its type names."""
    for each in _all_messages():
        if not issubclass(each, BaseModel):
            with_config(ConfigDict(extra="forbid"))(each)
    return TypeAdapter(message)


def _all_messages() -> Iterator[type]:
    for module in (params, commands, progress, results, editor, history, doctor):
        for _, message in inspect.getmembers(module, inspect.isclass):
            if message.__module__ == module.__name__ and message is not params.Params:
                yield message


def _on_the_wire(message: type, name: str) -> str:
    return message.model_fields[name].alias or name if issubclass(message, BaseModel) else name


def _field_docstrings(message: type) -> Iterator[tuple[str, str]]:
    """Read the docstrings of fields; pydantic could, but would do so at each start of the server."""
    for ancestor in (*getattr(message, "__orig_bases__", message.__bases__), message):
        if getattr(ancestor, "__module__", None) == message.__module__:
            [definition] = ast.parse(textwrap.dedent(inspect.getsource(ancestor))).body
            for field, text in pairwise(ast.iter_child_nodes(definition)):
                match field, text:
                    case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(value))):
                        yield name, value
