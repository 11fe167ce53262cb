"""The gateway's own values, said as results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from ai_gateway.explaining.byline import byline
from ai_gateway.failures import NoTierAnswered, QueryRefused
from ai_gateway.health import Health, ProviderHealth
from ai_gateway.messages.results import (
    AllowanceResult,
    AttemptResult,
    CommitMessageResult,
    DraftResult,
    DrillQuestionResult,
    DrillResult,
    EmbedResult,
    HealthResult,
    HealthSummary,
    LastAnswerResult,
    MetricsResult,
    ModelResult,
    ModelsResult,
    NoAnswerData,
    ProviderHealthResult,
    ProviderMetricsResult,
    PullRequestResult,
    QueryResult,
    SignInResult,
    UsageResult,
)
from ai_gateway.model import Allowance, Answer, Attempt, Embedding, LastAnswer, ModelInfo, Usage
from ai_gateway.telemetry.metrics import MetricsSnapshot, ProviderMetrics
from ai_gateway.tier import ProviderTier

if TYPE_CHECKING:
    from ai_gateway.credentials.device_flow import DeviceCode
    from ai_gateway.drafting.draft import CommitDraft, Origin, PullRequestDraft
    from ai_gateway.drill.report import DrillQuestion, DrillReport


def query_result(answer: Answer, left_out: Mapping[str, str] = MappingProxyType({})) -> QueryResult:
    """Say an answer, and which files were left out of its query, each with the reason."""
    return {
        "response": answer.content,
        "backend": answer.backend,
        "state": answer.state,
        "provider": answer.provider,
        "model": answer.model,
        "finish_reason": answer.finish_reason,
        "usage": usage_result(answer.usage),
        "cost_usd": answer.cost_usd,
        "cached": answer.cached,
        "stale": answer.stale,
        "age_seconds": answer.age_seconds,
        "query_id": answer.query_id,
        "elapsed_ms": answer.elapsed_ms,
        "attempts": _attempts(answer.attempts),
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": call.arguments, "signature": call.signature}
            for call in answer.tool_calls
        ],
        "left_out": [{"path": path, "reason": reason} for path, reason in left_out.items()],
        "byline": byline(answer),
    }


def embed_result(embedding: Embedding) -> EmbedResult:
    """Say vectors."""
    return {
        "vectors": list(embedding.vectors),
        "backend": embedding.backend,
        "provider": embedding.provider,
        "model": embedding.model,
        "usage": usage_result(embedding.usage),
        "cost_usd": embedding.cost_usd,
        "query_id": embedding.query_id,
        "elapsed_ms": embedding.elapsed_ms,
        "attempts": _attempts(embedding.attempts),
    }


def no_answer_data(error: NoTierAnswered) -> NoAnswerData:
    """Say why nobody answered."""
    return {
        "attempts": _attempts(error.attempts),
        "retry_after_seconds": error.retry_after_seconds,
        "hint": error.hint,
        "hints": dict(error.hints),
        "reason": error.kind if isinstance(error, QueryRefused) else None,
        "last_answer": None if error.last_answer is None else _last_answer(error.last_answer),
        "query_id": error.query_id,
    }


def health_summary(health: Health) -> HealthSummary:
    """Say how things are."""
    return {
        "status": health.status,
        "copilot_available": health.copilot_available,
        "cloud_available": health.cloud_available,
        "local_available": health.local_available,
        "circuit_state": health.circuit_state,
        "providers": [_provider_health(provider) for provider in health.providers],
        "recommended_local_model": health.recommended_local_model,
        "problems": list(health.problems),
        "spent_today_usd": health.spent_today_usd,
        "daily_cap_usd": health.daily_cap_usd,
        "private": health.private,
    }


def health_result(health: Health, *, simulated: bool = False) -> HealthResult:
    """Say how things are, and how the process is."""
    process = health.process
    return {
        **health_summary(health),
        "process": {
            "pid": process.pid,
            "rss_bytes": process.rss_bytes,
            "uptime_seconds": process.uptime_seconds,
            "version": process.version,
            "simulated": simulated,
        },
    }


def sign_in_result(code: DeviceCode | None) -> SignInResult:
    """Say what a person has to do to sign in; None: nothing."""
    if code is None:
        return {"status": "signed_in", "user_code": None, "verification_uri": None, "expires_in_seconds": None}
    return {
        "status": "pending",
        "user_code": code.user_code,
        "verification_uri": code.verification_uri,
        "expires_in_seconds": code.expires_in_seconds,
    }


def drill_result(report: DrillReport) -> DrillResult:
    """Say what a drill has shown."""
    return {
        "provider": report.provider,
        "fault": report.fault,
        "seconds": report.seconds,
        "lasted_seconds": report.lasted_seconds,
        "ending": report.ending,
        "all_answered": report.all_answered,
        "verdict": report.verdict,
        "questions": [_drill_question(question) for question in report.questions],
        "breaker": [
            {
                "after_seconds": change.after_seconds,
                "before": change.before,
                "after": change.after,
                "reason": change.reason,
                "reopens_in_seconds": change.reopens_in_seconds,
            }
            for change in report.breaker
        ],
        "recovery": None if report.recovery is None else _drill_question(report.recovery),
        "advice": list(report.advice),
    }


def models_result(found: Iterable[tuple[ProviderTier, ModelInfo]], problems: Iterable[str]) -> ModelsResult:
    """Say which models there are."""
    return {"models": [_model(tier, model) for tier, model in found], "problems": list(problems)}


def metrics_result(figures: MetricsSnapshot, *, providers_active: int) -> MetricsResult:
    """Say the figures."""
    return {
        "total_requests": figures.total_requests,
        "cache_hits": figures.cache_hits,
        "cache_misses": figures.cache_misses,
        "cache_hit_rate_percent": figures.cache_hit_rate_percent,
        "joined": figures.joined,
        "failures": figures.failures,
        "providers_active": providers_active,
        "retries": figures.retries,
        "escalations": figures.escalations,
        "stale_answers": figures.stale_answers,
        "unanswered": figures.unanswered,
        "cancelled": figures.cancelled,
        "cost_usd": figures.cost_usd,
        "providers": _providers(figures.providers),
    }


def _attempts(attempts: Iterable[Attempt]) -> list[AttemptResult]:
    return [
        {
            "provider": attempt.provider,
            "backend": attempt.backend,
            "model": attempt.model,
            "outcome": attempt.outcome,
            "reason": attempt.reason,
            "elapsed_ms": attempt.elapsed_ms,
            "retry_after_seconds": attempt.retry_after_seconds,
        }
        for attempt in attempts
    ]


def _drill_question(question: DrillQuestion) -> DrillQuestionResult:
    return {
        "asked_after_seconds": question.asked_after_seconds,
        "outcome": question.outcome,
        "elapsed_ms": question.elapsed_ms,
        "provider": question.provider,
        "backend": question.backend,
        "model": question.model,
        "attempts": _attempts(question.attempts),
        "was_retracted": question.was_retracted,
        "hint": question.hint,
    }


def _last_answer(last: LastAnswer) -> LastAnswerResult:
    return {"provider": last.provider, "model": last.model, "age_seconds": last.age_seconds}


def usage_result(usage: Usage) -> UsageResult:
    """Say what was read and written."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "estimated": usage.estimated,
    }


def _provider_health(provider: ProviderHealth) -> ProviderHealthResult:
    return {
        "name": provider.name,
        "backend": provider.backend,
        "state": provider.state,
        "reason": provider.reason,
        "retry_after_seconds": provider.retry_after_seconds,
        "last_error": provider.last_error,
        "hint": provider.hint,
        "model": provider.model,
        "credential": provider.credential,
        "allowance": None if provider.allowance is None else _allowance(provider.allowance),
        "is_loading": provider.is_loading,
        "price_class": provider.price_class,
        "is_emergency": provider.is_emergency,
        "forced": provider.forced,
        "preload_problem": provider.preload_problem,
        "reachable": provider.reachable,
    }


def pull_request_result(draft: PullRequestDraft) -> PullRequestResult:
    """Say a pull request's draft."""
    return {"title": draft.title, "body": draft.body, "base": draft.base, **_origin(draft.origin)}


def commit_message_result(draft: CommitDraft) -> CommitMessageResult:
    """Say a commit message's draft."""
    return {"message": draft.message, **_origin(draft.origin)}


def _origin(origin: Origin) -> DraftResult:
    writer = origin.answer if origin.generated_by == "llm" else None
    return {
        "generated_by": origin.generated_by,
        "model": origin.model,
        "provider": None if writer is None else writer.provider,
        "backend": None if writer is None else writer.backend,
        "problem": origin.problem,
        "query_id": origin.query_id,
        "cost_usd": None if origin.answer is None else origin.answer.cost_usd,
        "attempts": _attempts(origin.attempts),
        "left_out": list(origin.left_out),
        "summarized": list(origin.summarized),
    }


def _allowance(allowance: Allowance) -> AllowanceResult:
    return {
        "remaining_percent": allowance.remaining_percent,
        "resets_at": allowance.resets_at,
        "may_overrun": allowance.may_overrun,
    }


def _model(tier: ProviderTier, model: ModelInfo) -> ModelResult:
    defaults = (*tier.models[:1], *tier.embedding_models[:1])
    return {
        "provider": tier.name,
        "backend": tier.backend,
        "id": model.id,
        "context_tokens": model.context_tokens,
        "embeds": model.embeds,
        "is_default": _short(model.id) in map(_short, defaults),
    }


def _short(model: str) -> str:
    """Leave out what a name means without it too: Ollama's usual tag, Gemini's collection."""
    return model.removeprefix("models/").removesuffix(":latest")


def _providers(providers: Mapping[str, ProviderMetrics]) -> dict[str, ProviderMetricsResult]:
    return {
        name: {
            "attempts": figures.attempts,
            "answered": figures.answered,
            "failures": dict(figures.failures),
            "skipped": figures.skipped,
            "cancelled": figures.cancelled,
            "escalated": figures.escalated,
            "retries": dict(figures.retries),
            "transitions": dict(figures.transitions),
            "openings": dict(figures.openings),
            "latency_ms": {
                "p50": figures.latency_ms.p50,
                "p95": figures.latency_ms.p95,
                "p99": figures.latency_ms.p99,
            },
            "first_token_ms": {"p50": figures.first_token_ms.p50, "p95": figures.first_token_ms.p95},
            "input_tokens": figures.input_tokens,
            "cached_input_tokens": figures.cached_input_tokens,
            "output_tokens": figures.output_tokens,
            "cost_usd": figures.cost_usd,
        }
        for name, figures in providers.items()
    }
