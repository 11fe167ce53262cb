"""A trace, said as a result."""

from __future__ import annotations

from collections.abc import Sequence

from ai_gateway.explaining.page import page_of
from ai_gateway.explaining.what_was_sent import note_of, sent_page_of
from ai_gateway.failures import InvalidQuery
from ai_gateway.gateway import Gateway
from ai_gateway.messages.encode import usage_result
from ai_gateway.messages.results import (
    AskedResult,
    ExplainResult,
    ReplayedResult,
    SentResult,
    SituationResult,
    StepResult,
    TierFactsResult,
)
from ai_gateway.model import Outcome
from ai_gateway.recorder import KEPT_HERE, KEPT_SECONDS, KEPT_THERE
from ai_gateway.routing import Situation, Standing, TierFacts
from ai_gateway.sent import Sent, SentByQuery
from ai_gateway.trace import Asked, Replayed, Step, Trace, replay

DAY_SECONDS = 24 * 3600.0


async def trace_of(gateway: Gateway, query_id: str | None) -> Trace:
    """Find the trace of a query; of None, that of the last one.

    Raises:
        InvalidQuery: It is not known; the error says what is.
    """
    trace = await gateway.explain(query_id)
    if trace is None:
        kept = f"the last {KEPT_HERE} queries of this process"
        if gateway.store is not None:
            days = KEPT_SECONDS / DAY_SECONDS
            kept += f", and the last {KEPT_THERE} of all windows for {days:.0f} days"
        else:
            kept += " alone, for the store is off (store.enabled)"
        which = "no query is known yet" if query_id is None else f"there is no query {query_id!r}"
        raise InvalidQuery(f"{which}; kept are {kept}", field="query_id")
    return trace


def explain_result(
    trace: Trace, *, replayed: bool = False, shows_sent: bool = False, sent: SentByQuery | None = None
) -> ExplainResult:
    """Say how a query went.

    Args:
        trace: What is known of it.
        replayed: Whether every decision is made again.
        shows_sent: Whether it is told what was sent.
        sent: That; None: it is not known.
    """
    given = trace.given
    return {
        "query_id": trace.query_id,
        "asked_at": trace.asked_at,
        "elapsed_ms": trace.elapsed_ms,
        "outcome": trace.outcome,
        "asked": _asked(trace.asked),
        "cache": trace.cache,
        "joined": trace.joined,
        "private": trace.asked.private,
        "files": trace.asked.files,
        "left_out": trace.asked.left_out,
        "masked": trace.masked,
        "provider": given.provider if given else None,
        "backend": given.backend if given else None,
        "model": given.model if given else None,
        "finish_reason": given.finish_reason if given else None,
        "usage": usage_result(given.usage) if given else None,
        "cost_usd": given.cost_usd if given else None,
        "age_seconds": given.age_seconds if given else None,
        "hint": trace.hint,
        "steps": [_step(each.step, each if replayed else None) for each in replay(trace.steps)],
        "page": page_of(trace, replayed=replayed),
        "sent": [_sent(tier, sent.files) for tier in sent.tiers] if shows_sent and sent else [],
        "sent_note": note_of(trace, sent) if shows_sent else None,
        "sent_page": sent_page_of(trace, sent) if shows_sent else None,
    }


def _sent(sent: Sent, files: Sequence[str]) -> SentResult:
    return {
        "provider": sent.provider,
        "backend": sent.backend,
        "model": sent.model,
        "address": sent.address,
        "files": list(files),
        "messages": [{"role": text.role, "content": text.content} for text in sent.texts],
        "tools": list(sent.tools),
        "omitted_characters": sent.omitted_characters,
    }


def _asked(asked: Asked) -> AskedResult:
    return {
        "messages": asked.messages,
        "characters": asked.characters,
        "embeds": asked.embeds,
        "fills": asked.fills,
        "backend": asked.backend,
        "provider": asked.provider,
        "model": asked.model,
        "without": list(asked.without),
        "spend": asked.spend,
        "escalate": asked.escalate,
        "timeout_seconds": asked.timeout_seconds,
    }


def _step(step: Step, replayed: Replayed | None) -> StepResult:
    tier, attempt = step.tier, step.attempt
    has_failed = attempt is not None and attempt.outcome is Outcome.FAILED
    reason = step.decision.reason or (None if attempt is None or has_failed else attempt.reason)
    return {
        "action": step.decision.action,
        "provider": tier.name if tier else None,
        "backend": tier.backend if tier else None,
        "model": attempt.model if attempt and attempt.model else tier.model if tier else None,
        "state": tier.state if tier else None,
        "reason": reason or (tier.reason if tier else None),
        "outcome": attempt.outcome if attempt else None,
        "failure": attempt.reason if attempt and has_failed else None,
        "at_ms": step.at_ms,
        "elapsed_ms": attempt.elapsed_ms if attempt else 0.0,
        "first_token_ms": step.first_token_ms,
        "retry_after_seconds": attempt.retry_after_seconds if attempt else None,
        "address": step.address,
        "characters": step.characters,
        "cost_usd": step.cost_usd,
        "is_rehearsal": step.is_rehearsal,
        "tries": [
            {
                "kind": failed.kind,
                "detail": failed.detail,
                "elapsed_ms": failed.elapsed_ms,
                "retried_after_ms": failed.retried_after_ms,
            }
            for failed in step.tries
        ],
        "situation": _situation(step.situation),
        "replayed": None if replayed is None else _replayed(replayed),
    }


def _situation(situation: Situation) -> SituationResult:
    question = situation.question
    return {
        "private": question.private,
        "embeds": question.embeds,
        "too_short_tokens": question.too_short_tokens,
        "has_time": question.has_time,
        "allowed": question.allowed,
        "may_ask_for_more": question.may_ask_for_more,
        "is_cap_reached": question.is_cap_reached,
        "fills": question.fills,
        "without": list(question.without),
        "tiers": [_tier(tier, standing) for tier, standing in zip(situation.tiers, situation.standings, strict=True)],
    }


def _tier(tier: TierFacts, standing: Standing) -> TierFactsResult:
    return {
        "provider": tier.name,
        "backend": tier.backend,
        "model": tier.model,
        "state": tier.state,
        "reason": tier.reason,
        "reopens_in_seconds": tier.reopens_in_seconds,
        "may_be_probed_early": tier.may_be_probed_early,
        "has_probe_out": tier.has_probe_out,
        "is_configured": tier.is_configured,
        "embeds": tier.embeds,
        "context_tokens": tier.context_tokens,
        "price_class": tier.price_class,
        "is_emergency": tier.is_emergency,
        "fills": tier.fills,
        "standing": standing,
    }


def _replayed(replayed: Replayed) -> ReplayedResult:
    decision = replayed.decision
    tier = None if decision.position < 0 else replayed.step.situation.tiers[decision.position]
    return {
        "is_same": replayed.is_same,
        "action": decision.action,
        "provider": tier.name if tier else None,
        "model": tier.model if tier else None,
        "reason": decision.reason,
        "others_may_follow": decision.others_may_follow,
    }
