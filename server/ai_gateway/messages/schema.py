"""JSON Schemas of all messages, generated from the models."""

from __future__ import annotations

import json
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
    _, definitions = models_json_schema(models)
    document = {
        "$schema": DIALECT,
        "title": "AI Gateway messages",
        "methods": {
            method: {part: {"$ref": f"#/$defs/{model.__name__}"} for part, model in parts.items()}
            for method, parts in METHODS.items()
        },
        **definitions,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
