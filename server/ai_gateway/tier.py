"""A provider's place in the chain: its breaker, its deadlines, its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.failures import REASON_HINTS, OpenReason, ProviderFailure
from ai_gateway.model import Backend, BreakerState, EmbeddingInput, PriceClass, Prompt, Query, Usage
from ai_gateway.pace import Pace, Paces
from ai_gateway.providers.base import LLMProvider
from ai_gateway.routing import TierFacts


class PriceList(Protocol):
    """What the models of one provider cost."""

    def cost_usd(self, model: str, usage: Usage) -> float | None:
        """Reckon what an answer cost; None where the model's price is unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long one tier may take."""

    first_token_seconds: float = 20.0
    idle_seconds: float = 30.0
    """Between two pieces."""
    total_seconds: float | None = None
    """For a whole answer, with its retry; None: as long as the query has time."""


_NEVER_LOOKED = object()
PRICE_CLASSES = MappingProxyType(
    {Backend.COPILOT: PriceClass.INCLUDED, Backend.CLOUD: PriceClass.METERED, Backend.LOCAL: PriceClass.FREE}
)
LOCAL_DEADLINES = Deadlines(first_token_seconds=300.0, idle_seconds=60.0)
"""A local model may have to be loaded first, and loading is aborted when the caller leaves."""


@dataclass(slots=True, eq=False)
class ProviderTier:
    """A provider's place in the chain.

    Args:
        name: Of the provider, as people see it.
        provider: What is asked.
        models: What it offers; the first is its default. Empty: its own choice.
        embedding_models: What it offers for embeddings, likewise. Empty: it makes none.
        completion_models: What it offers for gaps in code, likewise. Empty: those that it offers for all else.
        backend: The role that a person sees it in.
        breaker: Its own.
        deadlines: How long it may take; None: as its backend suggests.
        context_tokens: The longest prompt that it reads; None: unknown.
        base_url: Where prompts go, for people to know.
        prices: What its models cost; None: unknown. A local tier costs nothing.
        price: What class of cost its answers are; None: as its backend suggests.
        disabled: What to do before it can be asked at all; None: it can, as far as its settings go.
        priority: A gateway asks tiers of a higher one first.
        is_emergency: Whether it is asked only when nobody else can answer, not even the cache.
        paces: How quick its models have been, to hold them to; None: nothing is learnt.
        is_rehearsal: Whether it only stands in for another one in a drill.
        shared_name: What its breaker is called where several processes share it; None: it is this process's own.
        fingerprint: The settings that it was made of; None: it was made by hand.
    """

    name: str
    provider: LLMProvider
    models: Sequence[str] = ()
    backend: Backend = Backend.CLOUD
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    deadlines: Deadlines | None = None
    context_tokens: int | None = None
    embedding_models: Sequence[str] = ()
    completion_models: Sequence[str] = ()
    prices: PriceList | None = None
    price: PriceClass | None = None
    base_url: str | None = None
    disabled: str | None = None
    priority: int = 0
    is_emergency: bool = False
    is_rehearsal: bool = False
    paces: Paces | None = None
    shared_name: str | None = None
    fingerprint: object = None
    last_failure: ProviderFailure | None = None
    _facts: TierFacts | None = field(default=None, init=False, repr=False)
    _known: tuple[object, ...] = field(default=(), init=False, repr=False)
    """What the facts were made of: to make them anew takes three times as long as to see that they are the same."""
    _credential_version: object = field(default=_NEVER_LOOKED, init=False, repr=False)

    @property
    def missing(self) -> str | None:
        """What to do before it can be asked at all; None: it can."""
        return self.disabled if self.disabled is not None else self.provider.missing

    @property
    def is_active(self) -> bool:
        """Whether it would be asked now."""
        return self.missing is None and self.breaker.state is not BreakerState.OPEN

    @property
    def limits(self) -> Deadlines:
        """The deadlines in force."""
        return self.deadlines or (LOCAL_DEADLINES if self.backend is Backend.LOCAL else Deadlines())

    @property
    def reason(self) -> OpenReason | None:
        """Why it is not asked now; None if it is."""
        return OpenReason.NOT_CONFIGURED if self.missing is not None else self.breaker.reason

    @property
    def price_class(self) -> PriceClass:
        """What class of cost its answers are."""
        return self.price or PRICE_CLASSES[self.backend]

    @property
    def hint(self) -> str | None:
        """What a person can do about it, if anything is wrong."""
        if (missing := self.missing) is not None:
            return missing
        if self.breaker.forced is not None:
            return f"{self.name} is kept {self.breaker.forced} by hand; reset it to let it go by itself"
        if self.last_failure is not None:
            return self.last_failure.hint_for(self.name)
        reason = self.breaker.reason
        return None if reason is None else REASON_HINTS[reason].format(provider=self.name)

    @property
    def own_hint(self) -> str | None:
        """What a person can do about it, where that is known better than the reason of its state tells."""
        if (missing := self.missing) is not None:
            return missing
        return None if self.breaker.forced is not None or self.last_failure is None else self.last_failure.hint

    @property
    def default_model(self) -> str | None:
        """What is asked where the query chooses none; None: the provider's own choice, which it does not tell."""
        return self.models[0] if self.models else self.provider.default_model

    def model_for(self, query: Query) -> str | None:
        """Choose the model to ask."""
        offered = self._offered_for(query)
        if query.model is not None:
            return query.model
        if query.preferred_model in offered:
            return query.preferred_model
        return offered[0] if offered else self.provider.default_model

    def pace_of(self, model: str | None) -> Pace | None:
        """Give the pace of a model; None: nothing is learnt."""
        return None if self.paces is None else self.paces.of(model)

    def fits_pins(self, query: Query) -> bool:
        """Say whether the query's pins leave this tier in."""
        if query.backend not in {None, self.backend} or query.provider not in {None, self.name}:
            return False
        is_pinned = query.backend is not None or query.provider is not None
        return query.model is None or is_pinned or query.model in self._offered_for(query)

    def facts_for(self, query: Query) -> TierFacts:
        """Say all that routing needs to know of it now; equal facts are the same object, for they are kept for long."""
        breaker = self.breaker
        known = (
            self.name,
            self.backend,
            self.model_for(query),
            breaker.state,
            breaker.reason,
            breaker.reopens_in_seconds,
            breaker.may_be_probed_early,
            breaker.has_probe_out,
            self.missing is None,
            bool(self.embedding_models),
            self.context_tokens,
            self.price_class,
            self.is_emergency,
            self.provider.fills_gaps,
        )
        if self._facts is None or self._known != known:
            self._known, self._facts = known, TierFacts(*known)
        return self._facts

    def cost_usd(self, model: str | None, usage: Usage) -> float | None:
        """Reckon what an answer cost; None where no price is known."""
        if self.backend is Backend.LOCAL:
            return 0.0
        return None if self.prices is None or model is None else self.prices.cost_usd(model, usage)

    def notice_credential(self) -> bool:
        """Say whether there is another credential; if so, close a breaker that only that could close.

        One that is closed starts anew, so that a refusal of the credential before, still under way, no longer counts.
        """
        before, version = self._credential_version, self.provider.credential_version
        self._credential_version = version
        if before is _NEVER_LOOKED or before == version:
            return False
        reason = self.breaker.reason
        if reason is None or not reason.may_be_probed_early:
            self.breaker.reset()
            self.last_failure = None
        return True

    def _offered_for(self, query: Query) -> Sequence[str]:
        prompt = query.prompt
        if isinstance(prompt, Prompt):
            return self.models
        return self.embedding_models if isinstance(prompt, EmbeddingInput) else self.completion_models or self.models
