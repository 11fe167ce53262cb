"""What happened to a query, moment by moment, in words. Markdown; nothing in it is a text of the query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from urllib.parse import urlsplit

from ai_gateway.model import Attempt, BreakerState, Outcome
from ai_gateway.printing import plain
from ai_gateway.providers.network import is_loopback
from ai_gateway.reasons import in_words
from ai_gateway.routing import Action
from ai_gateway.spending.words import usd_in_words
from ai_gateway.trace import Asked, CacheVerdict, Given, QueryOutcome, Step, Trace
from ai_gateway.words import wait_in_words

LEAST_TENTH_MS = 95.0
"""What is shorter would round to no tenth of a second, or hide how short it was."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, so long after the query began."""

    at_ms: float
    text: str


def moments_of(trace: Trace) -> tuple[Moment, ...]:
    """Tell all that happened, in order."""
    return tuple(sorted(_moments(trace), key=lambda moment: moment.at_ms))


def named(provider: str, model: str | None) -> str:
    """Name a tier with its model."""
    return f"{plain(provider)} ({plain(model)})" if model else plain(provider)


def place_of(address: str | None) -> str:
    """Say where an address is."""
    if address is None:
        return "at an address that its own code knows"
    parts = urlsplit(address)
    return "on this machine" if is_loopback(parts.hostname or "") else f"at {plain(parts.netloc or address)}"


def spent(milliseconds: float) -> str:
    """Say how long something took."""
    if milliseconds >= 60_000:
        return wait_in_words(milliseconds / 1000)
    if milliseconds >= LEAST_TENTH_MS:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 1 else "under 1 ms"


def tokens_of(given: Given) -> str:
    """Say what was read and written."""
    usage = given.usage
    about = "about " if usage.estimated else ""
    cached = f" ({usage.cached_input_tokens:,} of them from its own cache)" if usage.cached_input_tokens else ""
    tokens = "token" if usage.input_tokens == 1 else "tokens"
    return f"{about}{usage.input_tokens:,} {tokens} read{cached}, {usage.output_tokens:,} written"


def _moments(trace: Trace) -> Iterator[Moment]:
    yield Moment(0.0, _asked(trace.asked))
    yield Moment(0.0, _CACHE[trace.cache].format(joined=plain(trace.joined or "")))
    for step, after in zip_longest(trace.steps, trace.steps[1:]):
        until_ms = trace.elapsed_ms if after is None else after.at_ms
        yield from _of_step(step, trace.given if after is None else None, until_ms)
    if trace.outcome is QueryOutcome.CANCELLED:
        yield Moment(trace.elapsed_ms, "the query was cancelled")
    elif trace.cache is CacheVerdict.STALE:
        yield Moment(trace.elapsed_ms, "the old answer was given")
    elif trace.cache is CacheVerdict.JOINED and trace.given is not None:
        yield Moment(trace.elapsed_ms, "that answer came")


_CACHE = {
    CacheVerdict.OFF: "the cache was not looked at",
    CacheVerdict.MISS: "the cache has no answer to it",
    CacheVerdict.HIT: "the cache has a fresh answer",
    CacheVerdict.STALE: "the cache has only an old answer, kept for the case that nobody can give a new one",
    CacheVerdict.JOINED: "the same was being asked already, by query `{joined}`: one answer is for both",
}


def _asked(asked: Asked) -> str:
    what = "text" if asked.embeds else "message"
    many = "" if asked.messages == 1 else "s"
    aim = " to embed" if asked.embeds else ""
    letters = "character" if asked.characters == 1 else "characters"
    came = "a gap to fill" if asked.fills else f"{asked.messages} {what}{many}{aim}"
    wishes = [f"the query came: {came}, {asked.characters:,} {letters}"]
    pins = {"backend": asked.backend, "provider": asked.provider, "model": asked.model}
    wishes += [f"{name} {plain(value)}" for name, value in pins.items() if value is not None]
    wishes += [f"without {plain(name)}" for name in asked.without]
    if asked.private is not None:
        wishes.append(f"for local tiers only: {plain(asked.private)}")
    if asked.spend is not None:
        wishes.append(f"spend {asked.spend}")
    if asked.escalate:
        wishes.append("a model may ask for a stronger one")
    if asked.timeout_seconds is not None:
        wishes.append(f"at most {asked.timeout_seconds:g} s")
    return "; ".join(wishes)


def _of_step(step: Step, given: Given | None, until_ms: float) -> Iterator[Moment]:
    tier, attempt = step.tier, step.attempt
    if tier is None:
        yield Moment(step.at_ms, "nobody is left to ask")
    elif step.decision.action is Action.AWAIT_PROBE:
        waited = spent(until_ms - step.at_ms)
        yield Moment(step.at_ms, f"waited {waited} for another call that was to show how **{plain(tier.name)}** is")
    elif step.decision.action is Action.CONSENT:
        question = f"asked the person whether **{plain(tier.name)}** may answer, which is {tier.price_class}"
        said = "they allowed it" if attempt is None else f"no: it {in_words(attempt.reason or '')}"
        yield Moment(step.at_ms, f"{question}: {said}, after {spent(until_ms - step.at_ms)}")
    elif attempt is not None and attempt.outcome is Outcome.SKIPPED:
        reason = attempt.reason or ""
        yield Moment(
            step.at_ms, f"skipped **{plain(tier.name)}**: it {in_words(reason)} (`{plain(reason)}`){_again(attempt)}"
        )
    elif attempt is not None:
        yield from _of_call(step, attempt, given)


def _of_call(step: Step, attempt: Attempt, given: Given | None) -> Iterator[Moment]:
    who = f"**{named(attempt.provider, attempt.model)}** {place_of(step.address)}"
    drill = ", where a drill made it fail on purpose" if step.is_rehearsal else ""
    yield Moment(step.at_ms, f"asked {who}, sending {step.characters:,} characters{_though(step)}{drill}")
    at_ms = step.at_ms
    for failed in step.tries:
        at_ms += failed.elapsed_ms
        waited_ms = failed.retried_after_ms
        after = "" if waited_ms is None else _asked_again(waited_ms)
        yield Moment(at_ms, f"it failed (`{plain(failed.kind)}`): {plain(failed.detail)}{after}")
        at_ms += waited_ms or 0.0
    if step.first_token_ms is not None:
        yield Moment(step.at_ms + step.first_token_ms, "its first words came")
    yield from _end_of_call(step, attempt, given)


def _end_of_call(step: Step, attempt: Attempt, given: Given | None) -> Iterator[Moment]:
    at_ms = step.at_ms + attempt.elapsed_ms
    match attempt.outcome:
        case Outcome.ANSWERED if attempt.reason is not None:
            yield Moment(at_ms, f"it {in_words(attempt.reason)}")
        case Outcome.ANSWERED:
            yield Moment(at_ms, "it has answered" if given is None else f"it has answered: {_took(given)}")
        case Outcome.FAILED:
            said = ["what it had said was taken back"] if step.first_token_ms is not None else []
            again = _again(attempt).removeprefix(", ")
            if said or again:
                yield Moment(at_ms, "; ".join(filter(None, [*said, again])))
        case _:
            yield Moment(at_ms, "it was left before it had answered")


def _took(given: Given) -> str:
    usd = given.cost_usd
    cost = "cost unknown" if usd is None else usd_in_words(usd) if usd else "at no cost"
    return f"{tokens_of(given)}, {cost}"


def _though(step: Step) -> str:
    """Say why a tier is asked whose breaker is not closed."""
    tier = step.tier
    if tier is None or tier.state is BreakerState.CLOSED:
        return ""
    if step.decision.action is Action.PROBE_EARLY:
        return f", though it {in_words(tier.reason or 'outage')}: nobody else is left"
    return ", as the one call that shows whether it is well again"


def _asked_again(waited_ms: float) -> str:
    return "; asked again at once" if waited_ms < LEAST_TENTH_MS else f"; asked again after {spent(waited_ms)}"


def _again(attempt: Attempt) -> str:
    seconds = attempt.retry_after_seconds
    return "" if seconds is None else f", to be asked again in {wait_in_words(seconds)}"
