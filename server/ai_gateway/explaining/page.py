"""One page about one query: who answered and why, what was tried on the way, and what left this machine.

Markdown, for an editor, a terminal or a bug report; no text of the query or of its answer is in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from ai_gateway.explaining.timeline import moments_of, named, place_of, spent
from ai_gateway.failures import FailureKind
from ai_gateway.model import BreakerState, FinishReason, Outcome
from ai_gateway.printing import plain
from ai_gateway.reasons import in_words
from ai_gateway.routing import Action, Decision, TierFacts
from ai_gateway.spending.words import usd_in_words
from ai_gateway.trace import CacheVerdict, Given, QueryOutcome, Replayed, Step, Trace, replay
from ai_gateway.words import wait_in_words


def page_of(trace: Trace, *, replayed: bool = False) -> str:
    """Write the page.

    Args:
        trace: What is known of the query.
        replayed: Whether every decision is made again, and compared.
    """
    sections = [
        f"# {_headline(trace)}",
        *_about_others(trace),
        *_about_finish(trace),
        *_what_to_do(trace),
        "## What happened",
        _bullets(f"`{_at(moment.at_ms, trace)}` {moment.text}" for moment in moments_of(trace)),
        *_tiers(trace),
        "## Where the prompt went",
        _bullets(_ways_out(trace)),
        *([_replay(trace)] if replayed else []),
        _footer(trace, replayed=replayed),
    ]
    return "\n\n".join(sections) + "\n"


def _headline(trace: Trace) -> str:
    took = spent(trace.elapsed_ms)
    match trace.outcome:
        case QueryOutcome.ANSWERED if trace.given is not None:
            return _answered(trace.given, trace.cache, took)
        case QueryOutcome.REFUSED:
            refusing = [step.attempt for step in trace.steps if step.attempt is not None]
            who = plain(refusing[-1].provider) if refusing else "Nobody was asked: the gateway"
            return f"{who} refused the query, after {took}"
        case QueryOutcome.CANCELLED:
            return f"Cancelled after {took}"
        case _:
            return f"Nobody answered, after {took}"


def _answered(given: Given, cache: CacheVerdict, took: str) -> str:
    who = named(given.provider, given.model)
    age = "" if given.age_seconds is None else f"{wait_in_words(given.age_seconds)} ago"
    match cache:
        case CacheVerdict.HIT:
            return f"From the cache, in {took}: the answer that {who} gave {age}"
        case CacheVerdict.STALE:
            return f"An old answer from the cache, after {took}: {who} gave it {age}, and nobody could give a new one"
        case CacheVerdict.JOINED:
            return f"{who} answered in {took}, together with the same query that was asked before"
        case _:
            usd = given.cost_usd
            cost = "" if usd is None else f", for {usd_in_words(usd)}" if usd else ", at no cost"
            return f"{who} answered in {took}{cost}"


def _about_others(trace: Trace) -> Iterator[str]:
    """Say in a line why nobody answered who comes before."""
    attempts = [step.attempt for step in trace.steps if step.attempt is not None]
    asked = {attempt.provider for attempt in attempts if attempt.outcome is not Outcome.SKIPPED}
    reasons = {
        named(attempt.provider, attempt.model): in_words(attempt.reason)
        for attempt in attempts
        if attempt.reason is not None
        and attempt.outcome is not Outcome.CANCELLED
        and not (attempt.outcome is Outcome.SKIPPED and attempt.provider in asked)  # it was asked after all
    }
    if reasons and trace.given is not None:
        yield "**Passed over:** " + "; ".join(f"{who}, which {reason}" for who, reason in reasons.items()) + "."
    elif reasons:
        yield "**Why:** " + "; ".join(f"{who} {reason}" for who, reason in reasons.items()) + "."


def _about_finish(trace: Trace) -> Iterator[str]:
    reason = None if trace.given is None else trace.given.finish_reason
    if reason is FinishReason.LENGTH:
        yield "**Cut short:** the answer ends where its limit of tokens was reached; allow it more with max_tokens."
    elif reason is FinishReason.REFUSAL:
        yield "**Declined:** the model itself said that it won't answer this."


def _what_to_do(trace: Trace) -> Iterator[str]:
    if trace.hint is not None:
        yield f"**What to do:** {plain(trace.hint)}"


def _tiers(trace: Trace) -> Iterator[str]:
    """Tell what was known of each tier when it was first considered, and what became of it."""
    considered: dict[tuple[str, str | None], TierFacts] = {}
    for step in trace.steps:
        for tier in step.situation.tiers:
            considered.setdefault((tier.name, tier.model), tier)
    if not considered:
        return
    became = {(step.tier.name, step.tier.model): _became(step) for step in trace.steps if step.tier is not None}
    yield "## Who could have answered"
    yield "\n".join(
        f"{place}. **{named(*key)}**, {_terms(tier)}: {became.get(key, 'not needed')}{_its_breaker(tier)}"
        for place, (key, tier) in enumerate(considered.items(), start=1)
    )


def _terms(tier: TierFacts) -> str:
    return f"{tier.price_class}, for emergencies" if tier.is_emergency else tier.price_class


def _its_breaker(tier: TierFacts) -> str:
    if not tier.is_configured:
        return ""
    wait = tier.reopens_in_seconds
    again = "" if wait is None else f", for {wait_in_words(wait)}"
    match tier.state:
        case BreakerState.CLOSED:
            state = "closed"
        case BreakerState.OPEN:
            state = f"open (`{tier.reason or 'outage'}`{again})"
        case _:
            state = "half-open" + (", and another call was testing it" if tier.has_probe_out else "")
    return f"; its breaker was {state}"


def _became(step: Step) -> str:
    attempt = step.attempt
    if attempt is None:
        return "not asked"
    return attempt.outcome if attempt.reason is None else f"{attempt.outcome} (`{plain(attempt.reason)}`)"


def _ways_out(trace: Trace) -> Iterator[str]:
    sent = [step for step in trace.steps if step.has_sent]
    if trace.joined is not None:
        yield f"with this query, nowhere: what the shared call sent is told of query `{plain(trace.joined)}`"
    elif all(place_of(step.address) == "on this machine" for step in sent):
        yield "nothing left this machine"
    for step in sent:
        yield _way_out(step)
    if trace.masked:
        secrets = (
            "secret was replaced by a placeholder" if trace.masked == 1 else "secrets were replaced by placeholders"
        )
        yield f"{trace.masked} {secrets} before anything left this machine"
    yield from _files(trace)
    if trace.asked.private is not None:
        yield f"only local tiers may see this query: {plain(trace.asked.private)}"


def _files(trace: Trace) -> Iterator[str]:
    quoted, left_out = trace.asked.files, trace.asked.left_out
    if quoted and trace.outcome is not QueryOutcome.REFUSED:
        yield f"{quoted} {'file was' if quoted == 1 else 'files were'} quoted in it"
    if left_out:
        yield f"{left_out} {'file was' if left_out == 1 else 'files were'} left out of it, as exclusions say"


def _way_out(step: Step) -> str:
    who = "" if step.tier is None else plain(step.tier.name)
    retries = sum(failed.retried_after_ms is not None for failed in step.tries)
    twice = ", twice" if retries else ""
    has_failed = len(step.tries) > retries
    is_doubtful = has_failed and all(failed.kind == FailureKind.NETWORK for failed in step.tries)
    doubt = "; the connection failed, so they may not have arrived" if is_doubtful else ""
    return f"{step.characters:,} characters to {who} {place_of(step.address)}{twice}{doubt}"


def _replay(trace: Trace) -> str:
    made = replay(trace.steps)
    differing = sum(not each.is_same for each in made)
    if not made:
        verdict = "There was nothing to decide: nobody had to be asked."
    elif not differing:
        verdict = "On what was known then, every decision comes out today as it did."
    else:
        verdict = f"On what was known then, {differing} of {len(made)} decisions come out otherwise today."
    return "\n\n".join(
        ["## Decided again", verdict, *([_bullets(_decided(each, trace) for each in made)] if made else [])]
    )


def _decided(replayed: Replayed, trace: Trace) -> str:
    step, again = replayed.step, replayed.decision
    then = f"`{_at(step.at_ms, trace)}` {_decision(step, step.decision)}"
    return f"{then}: the same" if replayed.is_same else f"{then}: **today** {_decision(step, again)}"


def _decision(step: Step, decision: Decision) -> str:
    if decision.action is Action.GIVE_UP:
        return "give up"
    tier = step.situation.tiers[decision.position]
    why = "" if decision.reason is None else f" (`{plain(decision.reason)}`)"
    return f"{_DECISIONS[decision.action]} {named(tier.name, tier.model)}{why}"


_DECISIONS = {
    Action.ASK: "ask",
    Action.PROBE_EARLY: "ask early",
    Action.AWAIT_PROBE: "wait for another call to",
    Action.SKIP: "skip",
    Action.CONSENT: "ask the person about",
}


def _footer(trace: Trace, *, replayed: bool) -> str:
    asked_at = time.strftime("%Y-%m-%d at %H:%M:%S", time.localtime(trace.asked_at))
    more = (
        "" if replayed else f" To see every decision made again: `ai-gateway explain --replay {plain(trace.query_id)}`"
    )
    return f"Query `{plain(trace.query_id)}`, asked on {asked_at}.{more}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _at(at_ms: float, trace: Trace) -> str:
    """Say when something happened, in the same unit all over the page."""
    return f"+{at_ms:.0f} ms" if trace.elapsed_ms < 1000 else f"+{at_ms / 1000:.1f} s"
