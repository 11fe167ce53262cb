"""The routing decision: a pure function of what is known of the query and of each tier.

Whoever keeps a `Situation` can have the decision made again, and see why it was made; nothing in here holds a text of
the query.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ai_gateway.failures import OpenReason
from ai_gateway.model import Backend, BreakerState, PriceClass


class Exclusion(StrEnum):
    """Why a tier must not be asked, whatever its breaker says."""

    PRIVATE = "private"
    LEFT_OUT = "left_out"
    NOT_CONFIGURED = "not_configured"
    EMBEDS_NOT = "no_embeddings"
    FILLS_NOT = "no_completions"
    CONTEXT_TOO_LONG = "context_too_long"
    DEADLINE = "deadline"
    SPENDING = "spending"
    DAILY_CAP = "daily_cap"


class Standing(StrEnum):
    """What has become of a tier in this query so far."""

    FRESH = "fresh"
    TURNED_AWAY = "turned_away"
    """Its breaker let nobody through."""
    DONE = "done"


class Action(StrEnum):
    """What to do next."""

    ASK = "ask"
    PROBE_EARLY = "probe_early"
    """Ask, though its breaker is open: a person is waiting, and nobody else is left."""
    AWAIT_PROBE = "await_probe"
    """Wait for the call that will show how the tier is: nobody else is left."""
    SKIP = "skip"
    CONSENT = "consent"
    """Ask the person whether a dearer tier may answer."""
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class TierFacts:
    """All that routing knows of a tier at one moment."""

    name: str
    backend: Backend
    model: str | None
    state: BreakerState
    reason: OpenReason | None
    reopens_in_seconds: float | None
    may_be_probed_early: bool
    has_probe_out: bool
    is_configured: bool
    embeds: bool
    context_tokens: int | None
    price_class: PriceClass
    is_emergency: bool = False
    fills: bool = True
    """Whether it may be asked where somebody types, and has not asked for anything."""


@dataclass(frozen=True, slots=True)
class Question:
    """All that routing knows of a query at one moment."""

    private: bool = False
    embeds: bool = False
    too_short_tokens: int = 0
    """A context of so many tokens has proved too short."""
    has_time: bool = True
    allowed: PriceClass = PriceClass.METERED
    """The dearest class of tiers that may answer without asking the person."""
    may_ask_for_more: bool = False
    """Whether the person can be asked to allow a dearer one."""
    is_cap_reached: bool = False
    """Whether as much was spent today as the person wants to spend in a day."""
    fills: bool = False
    """Whether it is to fill a gap where somebody types, who waits for nothing."""
    without: tuple[str, ...] = ()
    """Tiers that the query itself leaves out."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision is made of: the query, and the tiers in the order of asking with what became of each."""

    question: Question
    tiers: tuple[TierFacts, ...]
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next, with which tier (its position), and why."""

    action: Action
    position: int = -1
    reason: str | None = None
    others_may_follow: bool = False
    """Whether somebody else could still take over."""


def decide(situation: Situation) -> Decision:
    """Decide on the next step.

    Every tier is taken in order: asked, or skipped with a reason. When nobody is left, those whose breaker let nobody
    through are looked at again, for a person is waiting; at last the emergency tier. Where nobody waits, there is
    neither a second look nor an emergency.
    """
    for emergency in (False, True):
        if fresh := _standing(situation, Standing.FRESH, emergency=emergency):
            return _first_look(situation, fresh)
        if situation.question.fills:
            break
        if (second := _second_look(situation, emergency=emergency)) is not None:
            return second
    return Decision(Action.GIVE_UP)


def exclusion_of(question: Question, tier: TierFacts) -> Exclusion | None:
    """Say why a tier must not be asked, whatever its breaker says."""
    if question.private and tier.backend is not Backend.LOCAL:
        return Exclusion.PRIVATE
    if tier.name in question.without:
        return Exclusion.LEFT_OUT
    if not tier.is_configured:
        return Exclusion.NOT_CONFIGURED
    if (lack := _lack_of(tier, question)) is not None:
        return lack
    return Exclusion.DEADLINE if not question.has_time else _price_exclusion(question, tier)


def _lack_of(tier: TierFacts, question: Question) -> Exclusion | None:
    if question.embeds and not tier.embeds:
        return Exclusion.EMBEDS_NOT
    if question.fills and not tier.fills:
        return Exclusion.FILLS_NOT
    is_too_short = tier.context_tokens is not None and tier.context_tokens <= question.too_short_tokens
    return Exclusion.CONTEXT_TOO_LONG if is_too_short else None


def _price_exclusion(question: Question, tier: TierFacts) -> Exclusion | None:
    if question.is_cap_reached and tier.price_class is PriceClass.METERED:
        return Exclusion.DAILY_CAP
    is_too_dear = _is_dearer(question, tier) and not question.may_ask_for_more
    return Exclusion.SPENDING if is_too_dear else None


def _is_dearer(question: Question, tier: TierFacts) -> bool:
    return tier.price_class.rank > question.allowed.rank


def _first_look(situation: Situation, fresh: Sequence[int]) -> Decision:
    """Look at the first of those that nothing has become of yet."""
    position, *later = fresh
    question, tier = situation.question, situation.tiers[position]
    exclusion = exclusion_of(question, tier)
    if exclusion is not None:
        return Decision(Action.SKIP, position, exclusion)
    if tier.state is BreakerState.OPEN or (tier.state is BreakerState.HALF_OPEN and tier.has_probe_out):
        return Decision(Action.SKIP, position, tier.reason or OpenReason.OUTAGE)
    if _is_dearer(question, tier):
        return Decision(Action.CONSENT, position)
    follow = any(_may_follow(question, situation.tiers[other]) for other in later)
    return Decision(Action.ASK, position, others_may_follow=follow)


def _may_follow(question: Question, tier: TierFacts) -> bool:
    return tier.state is not BreakerState.OPEN and exclusion_of(question, tier) is None


def _second_look(situation: Situation, *, emergency: bool) -> Decision | None:
    question = situation.question
    left = [
        position
        for position in _standing(situation, Standing.TURNED_AWAY, emergency=emergency)
        if exclusion_of(question, situation.tiers[position]) is None
    ]
    left.sort(key=lambda position: _early_probe_order(situation.tiers[position]))
    ready = [position for position in left if _may_be_probed(situation.tiers[position])]
    if ready:
        if _is_dearer(question, situation.tiers[ready[0]]):
            return Decision(Action.CONSENT, ready[0])
        return Decision(Action.PROBE_EARLY, ready[0], others_may_follow=len(ready) > 1)
    waiting = [position for position in left if situation.tiers[position].state is BreakerState.HALF_OPEN]
    return Decision(Action.AWAIT_PROBE, waiting[0]) if waiting else None


def _may_be_probed(tier: TierFacts) -> bool:
    return not tier.has_probe_out and (tier.may_be_probed_early or tier.state is not BreakerState.OPEN)


def _standing(situation: Situation, standing: Standing, *, emergency: bool = False) -> list[int]:
    """Give the positions of those that something has become of, in order."""
    return [
        position
        for position, its in enumerate(situation.standings)
        if its is standing and situation.tiers[position].is_emergency is emergency
    ]


def _early_probe_order(tier: TierFacts) -> tuple[bool, float]:
    """Local first, for it costs nothing; then whoever reopens soonest."""
    reopens_in = tier.reopens_in_seconds
    return tier.backend is not Backend.LOCAL, math.inf if reopens_in is None else reopens_in
