"""The wire is what its schemas say, and the schemas that are checked in are current."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ai_gateway.messages.schema import CHECKED_IN, METHODS, schema

PROMISED = {
    ("ai/query", "params"): {
        "prompt", "messages", "system", "context", "backend", "provider", "model", "temperature", "max_tokens", "stop",
        "tools", "response_format", "private", "cache", "ttl_seconds", "timeout_seconds", "escalate",
        "spend", "paths", "without", "partialResultToken", "workDoneToken",
    },
    ("ai/query", "result"): {
        "response", "backend", "state", "provider", "model", "finish_reason", "usage", "cost_usd", "cached", "stale",
        "age_seconds", "query_id", "elapsed_ms", "attempts",
    },
    ("ai/query", "error_data"): {"attempts", "retry_after_seconds", "hint", "last_answer"},
    ("ai/health", "params"): {"probe"},
    ("ai/health", "result"): {
        "status", "copilot_available", "cloud_available", "local_available", "circuit_state", "providers", "process",
        "recommended_local_model",
    },
    ("ai/reset", "params"): {"provider", "cache"},
    ("ai/force", "params"): {"provider", "state", "seconds"},
    ("ai/explain", "params"): {"query_id", "replay"},
    ("ai/explain", "result"): {
        "query_id", "asked_at", "elapsed_ms", "outcome", "cache", "joined", "private", "masked", "provider", "backend",
        "model", "finish_reason", "usage", "cost_usd", "age_seconds", "hint", "steps", "page",
    },
    ("ai/history", "params"): {"days", "queries", "hours"},
    ("ai/history", "result"): {"queries", "transitions", "states", "days", "cache"},
    ("ai/reset", "result"): {"status", "state", "reset"},
    ("ai/editor/models", "params"): {"models", "problem"},
    ("ai/editor/chat", "params"): {"token", "model", "messages", "tools", "temperature", "max_tokens", "stop"},
    ("ai/editor/chat", "result"): {"text", "model", "finish_reason", "usage", "tool_calls"},
    ("ai/editor/chat", "error_data"): {"kind", "retry_after_seconds"},
    ("ai/metrics", "result"): {
        "total_requests", "cache_hits", "cache_hit_rate_percent", "failures", "providers_active", "providers",
    },
}  # fmt: skip
"""The names that clients rely on."""


def definition(method: str, part: str) -> Any:
    document = json.loads(CHECKED_IN.read_text("utf-8"))
    reference = document["methods"][method][part]["$ref"]
    return document["$defs"][reference.rpartition("/")[2]]


def test_the_schemas_that_are_checked_in_are_current() -> None:
    assert CHECKED_IN.read_text("utf-8") == schema(), "run: python -m ai_gateway.messages"


@pytest.mark.parametrize(("method", "part"), PROMISED)
def test_no_promised_name_is_missing(method: str, part: str) -> None:
    assert definition(method, part)["properties"].keys() >= PROMISED[method, part]


@pytest.mark.parametrize(("method", "part"), [(method, part) for method, parts in METHODS.items() for part in parts])
def test_nothing_but_what_is_named_may_be_said_and_results_leave_nothing_out(method: str, part: str) -> None:
    found = definition(method, part)
    assert found["additionalProperties"] is False
    if part != "params" or method == "ai/status":
        assert set(found["required"]) == found["properties"].keys()


def test_every_field_that_has_a_docstring_says_so_in_the_schema() -> None:
    assert definition("ai/query", "params")["properties"]["partialResultToken"]["description"].startswith("LSP's own")
    assert definition("ai/health", "result")["properties"]["providers"]["description"] == "In the order of asking."
