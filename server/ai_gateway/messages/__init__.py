"""The wire: what `ai/*` messages look like, on the JSON-RPC connection and in the command line's `--json`.

Field names are part of the interface and never change their meaning. `schema.json` is generated from these models.
"""

from ai_gateway.messages.params import (
    ContextEntry,
    HealthParams,
    MessageParam,
    MetricsParams,
    Params,
    ProgressToken,
    QueryParams,
    ResetParams,
)
from ai_gateway.messages.progress import DeltaProgress, ResetProgress, StartedProgress
from ai_gateway.messages.results import (
    AttemptResult,
    HealthResult,
    HealthSummary,
    MetricsResult,
    NoAnswerData,
    ProcessResult,
    ProviderHealthResult,
    ProviderMetricsResult,
    QueryResult,
    ResetResult,
    Result,
    ToolCallResult,
    UsageResult,
)

__all__ = [
    "AttemptResult",
    "ContextEntry",
    "DeltaProgress",
    "HealthParams",
    "HealthResult",
    "HealthSummary",
    "MessageParam",
    "MetricsParams",
    "MetricsResult",
    "NoAnswerData",
    "Params",
    "ProcessResult",
    "ProgressToken",
    "ProviderHealthResult",
    "ProviderMetricsResult",
    "QueryParams",
    "QueryResult",
    "ResetParams",
    "ResetProgress",
    "ResetResult",
    "Result",
    "StartedProgress",
    "ToolCallResult",
    "UsageResult",
]
