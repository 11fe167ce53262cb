"""What the gateway says. Plain dictionaries: not validated on their way out, but checked by their types."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from ai_gateway.drill.report import Ending, QuestionOutcome
from ai_gateway.failures import OpenReason
from ai_gateway.health import HealthStatus
from ai_gateway.model import Backend, BreakerState, FinishReason, Outcome, PriceClass, SpendRule
from ai_gateway.routing import Action, Standing
from ai_gateway.trace import CacheVerdict, QueryOutcome


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


class LeftOutResult(TypedDict):
    """A file that was left out of the prompt."""

    path: str
    """Or its URI, if it came without a path."""
    reason: str
    """What keeps it out, in words."""


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
    left_out: list[LeftOutResult]
    """Entries of the context that are kept out of prompts."""
    byline: str
    """Who answered, how long it took, what it cost, and why nobody did before: one line for a person."""


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


class LastAnswerResult(TypedDict):
    """Who answered last, in any window."""

    provider: str
    model: str | None
    age_seconds: float


class NoAnswerData(TypedDict):
    """The `data` of error -32050: why nobody answered, and what to do."""

    attempts: list[AttemptResult]
    retry_after_seconds: float | None
    """When asking again may help; null if waiting will not."""
    hint: str
    hints: dict[str, str]
    """By provider: what can be done about it, where that is known better than the reason of its attempt tells."""
    reason: str | None
    """The failure kind, where a tier refused the query itself so that no other was asked."""
    last_answer: LastAnswerResult | None
    """Whom one could count on last; null where that is not known."""
    query_id: str | None
    """For `ai/explain`."""


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
    price_class: PriceClass
    """What its answers cost."""
    is_emergency: bool
    """Whether it is asked only when nobody else can answer, not even the cache with an old answer."""
    forced: BreakerState | None
    """The state that a person keeps its breaker in by hand; null if it goes by itself."""
    preload_problem: str | None
    """Why its model could not be loaded ahead; null if it was, or nobody tried."""
    reachable: bool | None
    """Known only after a probe."""


class ProcessResult(TypedDict):
    """The server's process."""

    pid: int
    rss_bytes: int
    uptime_seconds: float
    version: str
    simulated: bool
    """Whether nobody is asked for real (`--simulated`)."""


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
    """What is wrong with settings, each with where it came from, and with what is shared with other windows."""
    spent_today_usd: float | None
    """What the metered answers of all windows have cost today, as far as that is known; null if nobody keeps count."""
    daily_cap_usd: float | None
    """How much may be spent in a day; null if there is no limit."""
    private: bool
    """Whether the settings make every query private, so that only local tiers are asked."""


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
    forgotten: int
    """How many answers are kept no more; one that was in memory and on the disk counts twice."""


class ForceResult(TypedDict):
    """The answer to `ai/force`."""

    status: Literal["ok"]
    provider: str
    state: BreakerState
    """What its breaker is kept in."""
    seconds: float
    """For how long."""


class TryResult(TypedDict):
    """One call of an upstream that failed."""

    kind: str
    detail: str
    elapsed_ms: float
    retried_after_ms: float | None
    """How long was waited before the next call; null if there was none."""


class TierFactsResult(TypedDict):
    """What was known of a tier at one moment."""

    provider: str
    backend: Backend
    model: str | None
    state: BreakerState
    reason: OpenReason | None
    reopens_in_seconds: float | None
    may_be_probed_early: bool
    """Whether a waiting person is worth a call before its time."""
    has_probe_out: bool
    """Whether a call was under way that would show how it is."""
    is_configured: bool
    embeds: bool
    context_tokens: int | None
    price_class: PriceClass
    is_emergency: bool
    fills: bool
    """Whether it may be asked where somebody types, and has not asked for anything."""
    standing: Standing
    """What had become of it in this query: not considered yet, turned away by its breaker, or done with."""


class SituationResult(TypedDict):
    """All that a decision was made of."""

    private: bool
    embeds: bool
    too_short_tokens: int
    """A context of so many tokens had proved too short."""
    has_time: bool
    allowed: PriceClass
    """The dearest class of tiers that might answer without asking the person."""
    may_ask_for_more: bool
    is_cap_reached: bool
    fills: bool
    without: list[str]
    """Providers that the query leaves out."""
    tiers: list[TierFactsResult]
    """In the order of asking."""


class ReplayedResult(TypedDict):
    """A decision made again: what to do next, with whom, and why."""

    is_same: bool
    action: Action
    provider: str | None
    model: str | None
    reason: str | None
    others_may_follow: bool
    """Whether somebody else could still take over."""


class StepResult(TypedDict):
    """One decision on the way, and what came of it."""

    action: Action
    provider: str | None
    """Null where nobody was left to ask."""
    backend: Backend | None
    model: str | None
    state: BreakerState | None
    """Of its breaker, at that moment."""
    reason: str | None
    """Why it was not simply asked: an open reason, or why it must not be."""
    outcome: Outcome | None
    """Null where the step asked no tier and skipped none, as when it asked the person."""
    failure: str | None
    """The failure kind, where it failed."""
    at_ms: float
    """Since the query began."""
    elapsed_ms: float
    first_token_ms: float | None
    """Since it was asked."""
    retry_after_seconds: float | None
    address: str | None
    """Where the prompt went; null if it went nowhere."""
    characters: int
    """How much of it."""
    cost_usd: float | None
    is_rehearsal: bool
    """Whether a drill made it fail on purpose."""
    tries: list[TryResult]
    """The calls that failed."""
    situation: SituationResult
    replayed: ReplayedResult | None
    """Null unless a replay was asked for."""


class AskedResult(TypedDict):
    """What a query wanted; nothing of its text."""

    messages: int
    """Or texts, if it wanted vectors."""
    characters: int
    embeds: bool
    fills: bool
    """Whether it was a gap to fill where somebody types."""
    backend: Backend | None
    provider: str | None
    model: str | None
    without: list[str]
    """Providers that were not to be asked."""
    spend: SpendRule | None
    escalate: bool
    timeout_seconds: float | None


class SentTextResult(TypedDict):
    """One text of a prompt."""

    role: str
    """`system`, `user`, `assistant`, `tool`; `input` of texts to embed; `prefix` and `suffix` of a gap to fill."""
    content: str


class SentResult(TypedDict):
    """What one tier was sent, as it saw it: with placeholders, if secrets were masked."""

    provider: str
    backend: Backend
    model: str | None
    address: str | None
    """Where it went; null where only the provider's own code knows."""
    files: list[str]
    """That the query quoted."""
    messages: list[SentTextResult]
    tools: list[str]
    """Names of those whose descriptions were sent as well."""
    omitted_characters: int
    """At the end, because the whole was too long to be kept."""


class ExplainResult(TypedDict):
    """The answer to `ai/explain`: how one query went.

    No text of the query or of its answer is in it, but for what `sent` and `sent_page` tell where that is asked for.
    """

    query_id: str
    asked_at: float
    """Seconds since the epoch."""
    elapsed_ms: float
    outcome: QueryOutcome
    asked: AskedResult
    cache: CacheVerdict
    joined: str | None
    """The query that was being answered already, with the same answer."""
    private: str | None
    """Why only local tiers might see it; null if all might."""
    files: int
    """How many files it quoted, as far as its client said so."""
    left_out: int
    """How many files were left out of it."""
    masked: int
    """Secrets that other machines got placeholders of."""
    provider: str | None
    """Who answered; null if nobody did."""
    backend: Backend | None
    model: str | None
    finish_reason: FinishReason | None
    usage: UsageResult | None
    cost_usd: float | None
    age_seconds: float | None
    """Of an answer from the cache."""
    hint: str | None
    """What to do, where nobody answered."""
    steps: list[StepResult]
    """Every decision on the way, in order."""
    page: str
    """All of it for a person, in Markdown; without any text of the query."""
    sent: list[SentResult]
    """What each tier was sent, in the order of asking; empty where that was not asked for, or is not known."""
    sent_note: str | None
    """Why there is nothing in `sent`, or not all of it; null if all is there, or it was not asked for."""
    sent_page: str | None
    """The same for a person, in Markdown; null if it was not asked for."""


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


class DrillQuestionResult(TypedDict):
    """A question that a drill asked."""

    asked_after_seconds: float
    """Since the drill began."""
    outcome: QuestionOutcome
    """`unfinished`: it was still waiting when the drill ended."""
    elapsed_ms: float
    provider: str | None
    """Who answered; null if nobody did."""
    backend: Backend | None
    model: str | None
    attempts: list[AttemptResult]
    """Every tier that was tried or skipped, in order."""
    was_retracted: bool
    """Whether text was shown that had to be taken back."""
    hint: str | None
    """What to do, where nobody answered."""


class BreakerChangeResult(TypedDict):
    """A change of the rehearsed provider's breaker."""

    after_seconds: float
    """Since the drill began."""
    before: BreakerState
    after: BreakerState
    reason: str | None
    reopens_in_seconds: float | None


class DrillResult(TypedDict):
    """The answer to `ai/drill`: what was seen of an outage that was none."""

    provider: str
    fault: str
    seconds: float
    """How long it was to last."""
    lasted_seconds: float
    ending: Ending
    """`settings_changed`: they made another tier of the provider, which is asked instead."""
    all_answered: bool
    """Whether it did no harm: every question that came to an end got an answer."""
    verdict: str
    """All of it in one line."""
    questions: list[DrillQuestionResult]
    breaker: list[BreakerChangeResult]
    recovery: DrillQuestionResult | None
    """A question asked afterwards; null if none was."""
    advice: list[str]
    """What could be better, the most useful first."""


class DraftResult(TypedDict):
    """Where a draft comes from."""

    generated_by: Literal["llm", "template"]
    model: str | None
    """That wrote it; null if it is the template's."""
    provider: str | None
    """Where that model is."""
    backend: Backend | None
    problem: str | None
    """Why no model wrote it, and what to do; null if one did, or none was asked."""
    query_id: str | None
    """For `ai/explain`; null if nobody answered."""
    cost_usd: float | None
    attempts: list[AttemptResult]
    """Every tier that was tried or skipped, in order."""
    left_out: list[str]
    """Changed files of which no model was told anything, as they are excluded."""
    summarized: list[str]
    """Changed files that were too large: a model was told their size, and the functions in them."""


class PullRequestResult(DraftResult):
    """The answer to `ai/pullRequest`."""

    title: str
    body: str
    """In Markdown; its last line names the model that wrote it."""
    base: str
    """What the branch was compared with, such as `origin/main`."""


class CommitMessageResult(DraftResult):
    """The answer to `ai/commitMessage`."""

    message: str
    """A subject of 72 characters at most, and maybe an empty line and a wrapped body; `git commit -F -` takes it."""


class PromptMessage(TypedDict):
    """One turn, as `ai/query` takes it."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


class PositionResult(TypedDict):
    """As LSP has it, in the units that were agreed upon."""

    line: int
    character: int


class RangeResult(TypedDict):
    """As LSP has it."""

    start: PositionResult
    end: PositionResult


class PromptResult(TypedDict):
    """The answer to `ai/prompt`: `messages` and `paths` are for `ai/query`."""

    messages: list[PromptMessage]
    paths: list[str]
    """The document's URI: it may make the query private."""
    title: str
    """What is asked of what, in one line."""
    range: RangeResult
    """The whole lines that it is about."""
    language_id: str


class SimulateResult(TypedDict):
    """The answer to `ai/simulate`."""

    status: Literal["ok"]
    faults: dict[str, str | None]
    """What is wrong with each provider now; null: nothing."""


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
    escalated: int
    """Of those answered: only asked for a stronger model."""
    retries: dict[str, int]
    """Second calls in one attempt, by the kind of the failure before."""
    transitions: dict[str, int]
    """Of its breaker, by the state that it came to."""
    openings: dict[str, int]
    """Of its breaker, by open reason."""
    latency_ms: LatencyResult
    first_token_ms: FirstTokenResult
    input_tokens: int
    cached_input_tokens: int
    """Of those: read from the upstream's own cache."""
    output_tokens: int
    cost_usd: float | None
    """Of the answers whose cost was known; null while there was none."""


class MetricsResult(TypedDict):
    """The answer to `ai/metrics`."""

    total_requests: int
    cache_hits: int
    cache_misses: int
    """Queries that the cache was asked for, and had no fresh answer to."""
    cache_hit_rate_percent: float
    joined: int
    """Queries that shared the upstream call of an identical one."""
    failures: int
    """Attempts that failed, over all providers."""
    providers_active: int
    """Providers that are configured and whose breaker is not open."""
    retries: int
    """Second calls in one attempt, over all providers."""
    escalations: int
    """Answers that only asked for a stronger model, over all providers."""
    stale_answers: int
    unanswered: int
    cancelled: int
    cost_usd: float | None
    """Of the answers whose cost was known, over all providers; null while there was none."""
    providers: dict[str, ProviderMetricsResult]
