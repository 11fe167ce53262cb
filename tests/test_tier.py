from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.failures import FailureKind, OpenReason, ProviderFailure
from ai_gateway.model import Backend, Query
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import LOCAL_DEADLINES, Deadlines, ProviderTier
from support.chains import HELLO
from support.fake_clock import FakeClock


def tier(*models: str, backend: Backend = Backend.CLOUD, deadlines: Deadlines | None = None) -> ProviderTier:
    return ProviderTier("openai", ScriptedProvider(), models, backend, CircuitBreaker(clock=FakeClock()), deadlines)


def test_a_tier_needs_no_more_than_a_name_and_a_provider() -> None:
    plain = ProviderTier("mine", ScriptedProvider())
    other = ProviderTier("other", ScriptedProvider())
    assert (plain.backend, plain.default_model, plain.reason, plain.hint) == (Backend.CLOUD, None, None, None)
    assert plain.breaker is not other.breaker


@pytest.mark.parametrize("backend", [Backend.COPILOT, Backend.CLOUD])
def test_a_local_model_has_time_to_load_and_others_have_not(backend: Backend) -> None:
    assert tier(backend=Backend.LOCAL).limits == LOCAL_DEADLINES
    assert tier(backend=backend).limits == Deadlines()
    assert LOCAL_DEADLINES.first_token_seconds > 10 * Deadlines().first_token_seconds


@pytest.mark.parametrize("backend", list(Backend))
def test_deadlines_of_its_own_stand_before_those_of_its_backend(backend: Backend) -> None:
    own = Deadlines(first_token_seconds=1, idle_seconds=2)
    assert tier(backend=backend, deadlines=own).limits == own


@pytest.mark.parametrize(
    ("query", "model"),
    [
        (HELLO, "small"),
        (replace(HELLO, preferred_model="large"), "large"),
        (replace(HELLO, preferred_model="unknown"), "small"),
        (replace(HELLO, model="large"), "large"),
        (replace(HELLO, model="unknown"), "unknown"),
        (replace(HELLO, model="small", preferred_model="large"), "small"),
    ],
)
def test_the_model_is_the_pinned_or_the_preferred_or_the_first(query: Query, model: str) -> None:
    assert tier("small", "large").model_for(query) == model


def test_a_tier_without_models_leaves_the_choice_to_its_provider() -> None:
    assert tier().model_for(HELLO) is None
    assert tier().model_for(replace(HELLO, preferred_model="large")) is None
    assert tier().model_for(replace(HELLO, model="large")) == "large"


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        (HELLO, True),
        (replace(HELLO, preferred_model="unknown"), True),
        (replace(HELLO, model="small"), True),
        (replace(HELLO, model="unknown"), False),
        (replace(HELLO, provider="openai"), True),
        (replace(HELLO, provider="ollama"), False),
        (replace(HELLO, backend=Backend.CLOUD), True),
        (replace(HELLO, backend=Backend.LOCAL), False),
        (replace(HELLO, backend=Backend.CLOUD, provider="ollama"), False),
        (replace(HELLO, backend=Backend.LOCAL, provider="openai"), False),
        (replace(HELLO, provider="openai", model="unknown"), True),
        (replace(HELLO, backend=Backend.CLOUD, model="unknown"), True),
        (replace(HELLO, backend=Backend.LOCAL, model="small"), False),
    ],
)
def test_pins_leave_in_the_tiers_that_they_name(query: Query, fits: bool) -> None:
    assert tier("small", "large").fits_pins(query) is fits


def test_a_tier_tells_why_it_is_not_asked_and_what_to_do() -> None:
    asked = tier()
    asked.breaker.trip(OpenReason.QUOTA, open_seconds=math.inf)
    asked.last_failure = ProviderFailure(FailureKind.QUOTA, "no credit")
    assert asked.reason is OpenReason.QUOTA
    assert asked.hint is not None
    assert "openai is spent" in asked.hint


def test_what_disables_a_tier_stands_before_all_else() -> None:
    asked = tier()
    asked.breaker.trip(OpenReason.QUOTA)
    asked.last_failure = ProviderFailure(FailureKind.QUOTA, "no credit")
    asked.disabled = "set OPENAI_API_KEY"
    assert (asked.reason, asked.hint) == (OpenReason.NOT_CONFIGURED, "set OPENAI_API_KEY")
