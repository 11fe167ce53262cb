"""What a person could do so that an outage hurts less, as far as a drill has shown it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ai_gateway.drill.report import DrillReport
from ai_gateway.drill.stand_in import section_of
from ai_gateway.failures import POLICIES, Effect, Failover, FailureKind, Policy
from ai_gateway.model import Attempt, Backend, Outcome
from ai_gateway.reasons import in_words
from ai_gateway.routing import Exclusion
from ai_gateway.tier import ProviderTier

LONG_SECONDS = 5.0
"""A wait that a person notices."""


def advice_for(report: DrillReport, tier: ProviderTier, others: Sequence[ProviderTier]) -> tuple[str, ...]:
    """Give advice, the most useful first.

    Args:
        report: What was seen.
        tier: The one that was rehearsed.
        others: The rest of the chain.
    """
    return tuple(
        dict.fromkeys(
            (
                *_about_refusals(report),
                *_about_others(report, others),
                *_about_waiting(report, tier),
                *_about_breaker(report, tier),
                *_about_order(report),
                *_about_local(tier, others),
            )
        )
    )


def _about_refusals(report: DrillReport) -> Iterator[str]:
    """Explain what is no outage: a refusal of the query itself."""
    for attempt in _failures(report):
        if _policy(attempt).failover is not Failover.NEXT:
            yield (
                f"{attempt.reason} is about the query and not about {report.provider}: it is passed on to nobody"
                " who would refuse it as well, and no breaker opens"
            )


def _about_others(report: DrillReport, others: Sequence[ProviderTier]) -> Iterator[str]:
    """Name whoever could not take over, and what to do about that; who is not configured was never meant to."""
    if not any(other.missing is None for other in others):
        yield f"there is nobody but {report.provider} to ask: 'ai-gateway doctor' says how to configure more tiers"
    hints = {other.name: other.hint for other in others}
    for attempt in _attempts(report):
        if attempt.provider in hints and _was_missed(attempt):
            hint = hints.pop(attempt.provider)
            why = in_words(str(attempt.reason))
            yield f"{attempt.provider} could not answer either, for it {why}{f': {hint}' if hint else ''}"


def _was_missed(attempt: Attempt) -> bool:
    return attempt.outcome in {Outcome.FAILED, Outcome.SKIPPED} and attempt.reason != Exclusion.NOT_CONFIGURED


def _about_waiting(report: DrillReport, tier: ProviderTier) -> Iterator[str]:
    """Name the limit that a person waited for."""
    name, seconds = "first_token_seconds", tier.limits.first_token_seconds
    if report.fault == "stall":
        name, seconds = "idle_seconds", tier.limits.idle_seconds
    setting = f"{section_of(tier.name)}.{name} (now {seconds:g})"
    waits = [attempt.elapsed_ms / 1000 for attempt in _failures(report) if attempt.reason == FailureKind.TIMEOUT]
    if report.questions and not report.finished:
        yield f"it was too short to see an end: rehearse for longer than {seconds:g} s, or lower {setting}"
    elif waits and max(waits) >= LONG_SECONDS:
        yield f"a question waited {max(waits):.0f} s for {tier.name}: lower {setting} if answers usually come sooner"


def _about_breaker(report: DrillReport, tier: ProviderTier) -> Iterator[str]:
    """Say how long a drill would show the breaker open."""
    counted = [attempt for attempt in _failures(report) if _policy(attempt).effect is Effect.COUNT]
    threshold = tier.breaker.limits.failure_threshold
    if report.breaker or not counted or len(counted) >= threshold:
        return
    needed = threshold * max(attempt.elapsed_ms for attempt in counted) / 1000
    yield (
        f"{tier.name}'s breaker opens after {threshold} failures in a row and has seen {len(counted)}: rehearse for"
        f" {max(needed + LONG_SECONDS, 2 * report.seconds):.0f} s to see it, or lower breaker.failure_threshold"
    )


def _about_order(report: DrillReport) -> Iterator[str]:
    if not report.was_met:
        first = report.finished[0].provider
        yield (
            f"{report.provider} is asked only if those before it fail: rehearse with {first} as well, by putting"
            f" {section_of(report.provider)} first in AI_GATEWAY_ORDER for the length of the drill"
        )


def _about_local(tier: ProviderTier, others: Sequence[ProviderTier]) -> Iterator[str]:
    if not any(each.backend is Backend.LOCAL and each.missing is None for each in (tier, *others)):
        yield "no local tier is configured; with one, questions are answered without a network too"


def _attempts(report: DrillReport) -> Iterator[Attempt]:
    for question in report.questions:
        yield from question.attempts


def _failures(report: DrillReport) -> list[Attempt]:
    """Give the failures of the rehearsed tier, one for each question that met it."""
    return [attempt for attempt in _attempts(report) if _is_failure(attempt, report.provider)]


def _is_failure(attempt: Attempt, provider: str) -> bool:
    return attempt.provider == provider and attempt.outcome is Outcome.FAILED


def _policy(attempt: Attempt) -> Policy:
    return POLICIES[FailureKind(str(attempt.reason))]
