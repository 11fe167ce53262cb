"""What the gateway says, built from its own values."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from ai_gateway.failures import NoTierAnswered
from ai_gateway.gateway import Gateway
from ai_gateway.health import Health, HealthStatus
from ai_gateway.model import Answer, Backend, BreakerState, FinishReason, Outcome
from ai_gateway.tier import ProviderTier


class Result(BaseModel):
    """Something that goes to a client."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        from_attributes=True,
        validate_by_name=True,
        json_schema_serialization_defaults_required=True,
    )

    def as_dict(self) -> dict[str, object]:
        """Give it as plain JSON values."""
        return self.model_dump(mode="json")


class AttemptResult(Result):
    """One tier tried or skipped."""

    provider: str
    backend: Backend
    model: str | None
    outcome: Outcome
    reason: str | None
    """A failure kind or an open reason; null if it answered."""
    elapsed_ms: float
    retry_after_seconds: float | None


class UsageResult(Result):
    """Tokens read and written."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    estimated: bool
    """The upstream did not count; this is a guess from the characters."""


class ToolCallResult(Result):
    """A call that the model asks for."""

    id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""


class QueryResult(Result):
    """The answer to `ai/query`."""

    response: Annotated[str, Field(validation_alias="content")]
    backend: Backend
    state: BreakerState
    """Of the first tier's breaker."""
    provider: str
    model: str | None
    finish_reason: FinishReason
    usage: UsageResult
    cost_usd: float | None
    """Null where it is unknown."""
    cached: bool
    stale: bool
    """Given from the cache past its time, because nobody else could answer."""
    age_seconds: float | None
    """How long ago a cached answer was given first."""
    query_id: str
    elapsed_ms: float
    attempts: list[AttemptResult]
    """Every tier that was tried or skipped, in order."""
    tool_calls: list[ToolCallResult]

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Say it on the wire."""
        return cls.model_validate(answer)


class NoAnswerData(Result):
    """The `data` of error -32050: why nobody answered, and what to do."""

    attempts: list[AttemptResult]
    retry_after_seconds: float | None
    """When asking again may help; null if waiting will not."""
    hint: str
    reason: str | None
    """The failure kind, where a tier refused the query itself so that no other was asked."""

    @classmethod
    def of(cls, error: NoTierAnswered) -> Self:
        """Say it on the wire."""
        return cls(
            attempts=[AttemptResult.model_validate(attempt) for attempt in error.attempts],
            retry_after_seconds=error.retry_after_seconds,
            hint=error.hint,
            reason=getattr(error, "kind", None),
        )


class ProviderHealthResult(Result):
    """One provider."""

    name: str
    backend: Backend
    state: BreakerState
    reason: str | None
    """Why it is not asked now; null if it is."""
    retry_after_seconds: float | None
    last_error: str | None
    hint: str | None
    """What a person can do about it."""
    model: str | None
    reachable: bool | None
    """Known only after a probe."""


class ProcessResult(Result):
    """The server's process."""

    pid: int
    rss_bytes: int
    uptime_seconds: float
    version: str


class HealthSummary(Result):
    """The parameters of `ai/status`, pushed at every change."""

    status: HealthStatus
    copilot_available: bool
    cloud_available: bool
    local_available: bool
    circuit_state: BreakerState
    """Of the first configured tier."""
    providers: list[ProviderHealthResult]
    """In the order of asking."""
    recommended_local_model: str
    problems: list[str]
    """Settings that are wrong, each with where it came from."""

    @classmethod
    def of(cls, health: Health) -> Self:
        """Say it on the wire."""
        return cls.model_validate(health)


class HealthResult(HealthSummary):
    """The answer to `ai/health`."""

    process: ProcessResult


class ResetResult(Result):
    """The answer to `ai/reset`."""

    status: Literal["ok"]
    state: BreakerState
    """Of the first configured tier, now."""
    reset: list[str]
    """The providers whose breakers were closed."""


class LatencyResult(Result):
    """Milliseconds from asking to the last token; null while there is no sample."""

    p50: float | None
    p95: float | None
    p99: float | None


class FirstTokenResult(Result):
    """Milliseconds from asking to the first token; null while there is no sample."""

    p50: float | None
    p95: float | None


class ProviderMetricsResult(Result):
    """What one provider did so far."""

    attempts: int
    answered: int
    failures: dict[str, int]
    """By failure kind."""
    skipped: int
    cancelled: int
    latency_ms: LatencyResult
    first_token_ms: FirstTokenResult
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


class MetricsResult(Result):
    """The answer to `ai/metrics`."""

    total_requests: int
    cache_hits: int
    cache_hit_rate_percent: float
    failures: int
    """Attempts that failed, over all providers."""
    providers_active: int
    """Providers that are configured and whose breaker is not open."""
    stale_answers: int
    unanswered: int
    cancelled: int
    providers: dict[str, ProviderMetricsResult]

    @classmethod
    def of(cls, gateway: Gateway) -> Self:
        """Say it on the wire."""
        figures = gateway.metrics()
        return cls(
            total_requests=figures.total_requests,
            cache_hits=figures.cache_hits,
            cache_hit_rate_percent=figures.cache_hit_rate_percent,
            failures=figures.failures,
            providers_active=sum(_may_be_asked(tier) for tier in gateway.tiers),
            stale_answers=figures.stale_answers,
            unanswered=figures.unanswered,
            cancelled=figures.cancelled,
            providers={name: ProviderMetricsResult.model_validate(its) for name, its in figures.providers.items()},
        )


def _may_be_asked(tier: ProviderTier) -> bool:
    return tier.disabled is None and tier.breaker.state is not BreakerState.OPEN
