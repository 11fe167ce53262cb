"""What the gateway says. Plain dictionaries: not validated on their way out, but checked by their types."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from ai_gateway.health import HealthStatus
from ai_gateway.model import Backend, BreakerState, FinishReason, Outcome


class AttemptResult(TypedDict):
    """One tier tried or skipped."""

    provider: str
    backend: Backend
    model: str | None
    outcome: Outcome
    reason: str | None
    """A failure kind or an open reason; null if it answered."""
    elapsed_ms: float
    retry_after_seconds: float | None


class UsageResult(TypedDict):
    """Tokens read and written."""

    input_tokens: int
    """All that was read, also from the upstream's own cache or into it."""
    output_tokens: int
    """All that was written, also in thought."""
    cached_input_tokens: int
    """Of `input_tokens`: read from the upstream's own cache."""
    cache_write_tokens: int
    """Of `input_tokens`: written to the upstream's own cache."""
    estimated: bool
    """The upstream did not count; this is a guess from the characters."""


class ToolCallResult(TypedDict):
    """A call that the model asks for."""

    id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""
    signature: str | None
    """The provider's own seal; give it back with the call."""


class QueryResult(TypedDict):
    """The answer to `ai/query`."""

    response: str
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


class EmbedResult(TypedDict):
    """The answer to `ai/embed`."""

    vectors: list[tuple[float, ...]]
    """One for each text, in order, all of one model."""
    backend: Backend
    provider: str
    model: str | None
    """Vectors of two models can't be compared."""
    usage: UsageResult
    cost_usd: float | None
    """Null where it is unknown."""
    query_id: str
    elapsed_ms: float
    attempts: list[AttemptResult]
    """Every tier that was tried or skipped, in order."""


class NoAnswerData(TypedDict):
    """The `data` of error -32050: why nobody answered, and what to do."""

    attempts: list[AttemptResult]
    retry_after_seconds: float | None
    """When asking again may help; null if waiting will not."""
    hint: str
    reason: str | None
    """The failure kind, where a tier refused the query itself so that no other was asked."""


class AllowanceResult(TypedDict):
    """What is left of an account's quota, as its upstream said last."""

    remaining_percent: float
    resets_at: float | None
    """Seconds since the epoch; null where it did not say."""
    may_overrun: bool
    """Whether more is sold when it is spent."""


class ProviderHealthResult(TypedDict):
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
    credential: str | None
    """Where the credential in use was found, where that is not a setting."""
    allowance: AllowanceResult | None
    """Null where it is unknown."""
    is_loading: bool
    """Whether it is silent now because it loads a model."""
    reachable: bool | None
    """Known only after a probe."""


class ProcessResult(TypedDict):
    """The server's process."""

    pid: int
    rss_bytes: int
    uptime_seconds: float
    version: str


class HealthSummary(TypedDict):
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


class HealthResult(HealthSummary):
    """The answer to `ai/health`."""

    process: ProcessResult


class ResetResult(TypedDict):
    """The answer to `ai/reset`."""

    status: Literal["ok"]
    state: BreakerState
    """Of the first configured tier, now."""
    reset: list[str]
    """The providers whose breakers were closed."""


class ModelResult(TypedDict):
    """A model that may be asked."""

    provider: str
    backend: Backend
    id: str
    context_tokens: int | None
    """The longest prompt that it reads; null where it is unknown."""
    embeds: bool
    """Whether it makes vectors, and not text."""
    is_default: bool
    """Whether it is asked where a query names none."""


class ModelsResult(TypedDict):
    """The answer to `ai/models`."""

    models: list[ModelResult]
    problems: list[str]
    """Providers that would not say, and why."""


class SignInResult(TypedDict):
    """The answer to `ai/signIn`. How it ends is told by a message and by `ai/status`."""

    status: Literal["pending", "signed_in"]
    user_code: str | None
    """To be typed at `verification_uri`; null once signed in."""
    verification_uri: str | None
    expires_in_seconds: float | None


class SignOutResult(TypedDict):
    """The answer to `ai/signOut`."""

    status: Literal["ok"]
    remaining: list[str]
    """Where a token still is that is not the gateway's to remove."""


class LatencyResult(TypedDict):
    """Milliseconds from asking to the last token; null while there is no sample."""

    p50: float | None
    p95: float | None
    p99: float | None


class FirstTokenResult(TypedDict):
    """Milliseconds from asking to the first token; null while there is no sample."""

    p50: float | None
    p95: float | None


class ProviderMetricsResult(TypedDict):
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
    """Of the answers whose cost was known; null while there was none."""


class MetricsResult(TypedDict):
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
