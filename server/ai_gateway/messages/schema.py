"""JSON Schemas of all messages, generated from the models."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from ai_gateway.messages import params, progress, results

CHECKED_IN = Path(__file__).with_name("schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"

METHODS: dict[str, dict[str, type[BaseModel]]] = {
    "ai/query": {
        "params": params.QueryParams,
        "result": results.QueryResult,
        "error_data": results.NoAnswerData,
        "started": progress.StartedProgress,
        "delta": progress.DeltaProgress,
        "reset": progress.ResetProgress,
    },
    "ai/health": {"params": params.HealthParams, "result": results.HealthResult},
    "ai/reset": {"params": params.ResetParams, "result": results.ResetResult},
    "ai/metrics": {"params": params.MetricsParams, "result": results.MetricsResult},
    "ai/status": {"params": results.HealthSummary},
}
"""What belongs to each method. `started`, `delta` and `reset` are values of `$/progress`."""


def schema() -> str:
    """Give all schemas as one JSON document: `methods` refers to the models in `$defs`."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "validation" if issubclass(model, params.Params) else "serialization")
        for parts in METHODS.values()
        for model in parts.values()
    ]
    definitions = models_json_schema(models)[1]["$defs"]
    for model in _all_models():
        for name, text in _field_docstrings(model):
            definitions[model.__name__]["properties"][model.model_fields[name].alias or name]["description"] = text
    methods = {
        method: {part: {"$ref": f"#/$defs/{model.__name__}"} for part, model in parts.items()}
        for method, parts in METHODS.items()
    }
    document = {"$schema": DIALECT, "title": "AI Gateway messages", "methods": methods, "$defs": definitions}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _all_models() -> Iterator[type[BaseModel]]:
    for module in (params, progress, results):
        for _, model in inspect.getmembers(module, inspect.isclass):
            if issubclass(model, BaseModel) and model.model_fields and model.__module__ == module.__name__:
                yield model


def _field_docstrings(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Read the docstrings of fields; pydantic could, but would do so at each start of the server."""
    for ancestor in reversed(model.__mro__):
        if issubclass(ancestor, BaseModel) and ancestor.__module__ == model.__module__:
            [definition] = ast.parse(textwrap.dedent(inspect.getsource(ancestor))).body
            for field, text in pairwise(ast.iter_child_nodes(definition)):
                match field, text:
                    case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(value))):
                        yield name, value
