"""What each kind of failure leads to, seen from outside: a real chain of two tiers, the first of which fails."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from typing_extensions import override

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.chain import FailoverChain
from ai_gateway.failures import (
    MAX_OPEN_SECONDS,
    POLICIES,
    FailureKind,
    NoTierAnswered,
    OpenReason,
    ProviderFailure,
    QueryRefused,
    where,
)
from ai_gateway.model import BreakerState, Delta, LLMResponse, Outcome
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import ProviderTier
from support.chains import HELLO, Seen, watch
from support.fake_clock import FakeClock

CLOSED, OPEN = BreakerState.CLOSED, BreakerState.OPEN


class SlowlyFailing(LLMProvider):
    """Fails after a while."""

    def __init__(self, clock: FakeClock, failure: ProviderFailure, seconds: float) -> None:
        self._clock = clock
        self._failure = failure
        self._seconds = seconds
        self.calls = 0

    @override
    async def chat(
        self,
        messages: Sequence[Mapping[str, object]],
        tools: Sequence[Mapping[str, object]] | None = None,
        model: str | None = None,
        **kwargs: object,
    ) -> LLMResponse:
        self.calls += 1
        self._clock.advance(self._seconds)
        raise self._failure


@dataclass
class Led:
    """What a failure led to."""

    seen: Seen
    tier: ProviderTier
    clock: FakeClock
    tries: int

    @property
    def answered_by(self) -> str | None:
        return self.seen.answer.provider if self.seen.error is None else None

    @property
    def opened(self) -> tuple[OpenReason | None, float | None]:
        """Why the breaker is open, and for how long."""
        assert self.tier.breaker.state is OPEN
        return self.tier.breaker.reason, self.tier.breaker.reopens_in_seconds

    @property
    def counted(self) -> int:
        """How many failures the closed breaker counts."""
        assert self.tier.breaker.state is CLOSED
        return self.tier.breaker.consecutive_failures


async def meet(
    kind: FailureKind,
    *,
    seconds: float = 0.125,
    retry_after_seconds: float | None = None,
    mended: bool = False,
    next_window: int | None = None,
) -> Led:
    clock = FakeClock()
    failure = ProviderFailure(kind, "as the test wants it", retry_after_seconds=retry_after_seconds, mended=mended)
    failing = SlowlyFailing(clock, failure, seconds)
    first = ProviderTier(
        "first", failing, context_tokens=8000, breaker=CircuitBreaker(3, 60, clock=clock, jitter=lambda: 0.0)
    )
    second = ProviderTier(
        "second", ScriptedProvider("from the second"), context_tokens=next_window, breaker=CircuitBreaker(clock=clock)
    )
    seen = await watch(FailoverChain([first, second], clock=clock))
    return Led(seen, first, clock, failing.calls)


async def opens_at_the_third(kind: FailureKind) -> tuple[OpenReason | None, float | None]:
    """What three queries in a row lead to, of a kind that is counted."""
    clock = FakeClock()
    tier = ProviderTier(
        "first", SlowlyFailing(clock, ProviderFailure(kind, ""), 3), breaker=CircuitBreaker(3, 60, clock=clock)
    )
    chain = FailoverChain([tier], clock=clock)
    for count in (1, 2):
        await watch(chain)
        assert (tier.breaker.state, tier.breaker.consecutive_failures) == (CLOSED, count)
    await watch(chain)
    assert tier.breaker.state is OPEN
    return tier.breaker.reason, tier.breaker.reopens_in_seconds


def test_every_kind_of_failure_has_its_row() -> None:
    assert set(POLICIES) == set(FailureKind)


def test_the_table_cannot_be_changed_by_accident() -> None:
    with pytest.raises(TypeError):
        POLICIES[FailureKind.NETWORK] = POLICIES[FailureKind.AUTH]  # type: ignore[index]  # the point of the test


async def test_a_network_failure_is_tried_once_more_counted_and_left_to_the_next() -> None:
    led = await meet(FailureKind.NETWORK)
    assert (led.tries, led.answered_by, led.counted) == (2, "second", 1)
    assert await opens_at_the_third(FailureKind.NETWORK) == (OpenReason.OUTAGE, 60)


async def test_silence_is_not_tried_again_and_counts_as_slowness() -> None:
    led = await meet(FailureKind.TIMEOUT)
    assert (led.tries, led.answered_by, led.counted) == (1, "second", 1)
    assert await opens_at_the_third(FailureKind.TIMEOUT) == (OpenReason.SLOW, 60)


async def test_a_fault_of_the_server_is_tried_once_more_counted_and_left_to_the_next() -> None:
    led = await meet(FailureKind.SERVER)
    assert (led.tries, led.answered_by, led.counted) == (2, "second", 1)
    assert await opens_at_the_third(FailureKind.SERVER) == (OpenReason.OUTAGE, 60)


async def test_an_overloaded_server_is_left_alone_for_half_a_minute() -> None:
    led = await meet(FailureKind.OVERLOADED)
    assert (led.tries, led.answered_by, led.opened) == (1, "second", (OpenReason.OUTAGE, 30))


async def test_a_rate_limit_opens_the_breaker_at_once() -> None:
    led = await meet(FailureKind.RATE_LIMIT)
    assert (led.tries, led.answered_by, led.opened) == (1, "second", (OpenReason.RATE, 60))


async def test_a_spent_quota_opens_the_breaker_for_an_hour() -> None:
    led = await meet(FailureKind.QUOTA)
    assert (led.tries, led.answered_by, led.opened) == (1, "second", (OpenReason.QUOTA, 3600))


async def test_a_refused_credential_opens_the_breaker_until_it_changes() -> None:
    led = await meet(FailureKind.AUTH)
    assert (led.tries, led.answered_by, led.opened) == (1, "second", (OpenReason.AUTH, None))


async def test_a_missing_entitlement_opens_the_breaker_until_it_changes() -> None:
    led = await meet(FailureKind.ENTITLEMENT)
    assert (led.tries, led.answered_by, led.opened) == (1, "second", (OpenReason.BLOCKED, None))


async def test_an_unknown_model_opens_the_breaker_until_it_changes() -> None:
    led = await meet(FailureKind.MODEL_NOT_FOUND)
    assert (led.tries, led.answered_by, led.opened) == (1, "second", (OpenReason.NOT_CONFIGURED, None))


async def test_too_long_a_prompt_goes_to_a_tier_with_a_larger_window() -> None:
    led = await meet(FailureKind.CONTEXT_TOO_LONG, next_window=32_000)
    assert (led.tries, led.answered_by, led.counted) == (1, "second", 0)


async def test_too_long_a_prompt_goes_to_a_tier_whose_window_is_unknown() -> None:
    led = await meet(FailureKind.CONTEXT_TOO_LONG, next_window=None)
    assert (led.answered_by, led.counted) == ("second", 0)


async def test_too_long_a_prompt_does_not_go_to_a_window_that_is_no_larger() -> None:
    led = await meet(FailureKind.CONTEXT_TOO_LONG, next_window=8000)
    assert isinstance(led.seen.error, NoTierAnswered)
    assert [(attempt.outcome, attempt.reason) for attempt in led.seen.error.attempts] == [
        (Outcome.FAILED, "context_too_long"),
        (Outcome.SKIPPED, "context_too_long"),
    ]
    assert led.counted == 0


async def test_an_unsupported_parameter_says_nothing_about_health_and_the_next_is_asked() -> None:
    led = await meet(FailureKind.UNSUPPORTED)
    assert (led.tries, led.answered_by, led.counted) == (1, "second", 0)


async def test_a_request_that_one_tier_refuses_goes_to_the_next() -> None:
    led = await meet(FailureKind.BAD_REQUEST)
    assert (led.tries, led.answered_by, led.counted) == (1, "second", 0)


@pytest.mark.parametrize("kind", [FailureKind.INVALID_REQUEST, FailureKind.CONTENT_FILTER])
async def test_what_every_tier_would_refuse_and_what_was_filtered_goes_to_nobody_else(kind: FailureKind) -> None:
    led = await meet(kind)
    assert isinstance(led.seen.error, QueryRefused)
    assert (led.tries, led.seen.error.kind, led.counted) == (1, kind, 0)
    assert [attempt.provider for attempt in led.seen.error.attempts] == ["first"]
    assert led.seen.error.retry_after_seconds is None


async def test_a_stream_that_broke_is_not_tried_again_and_counts() -> None:
    led = await meet(FailureKind.STREAM_BROKEN)
    assert (led.tries, led.answered_by, led.counted) == (1, "second", 1)
    assert await opens_at_the_third(FailureKind.STREAM_BROKEN) == (OpenReason.OUTAGE, 60)


async def test_an_empty_answer_is_tried_once_more_and_counts() -> None:
    led = await meet(FailureKind.EMPTY)
    assert (led.tries, led.answered_by, led.counted) == (2, "second", 1)
    assert await opens_at_the_third(FailureKind.EMPTY) == (OpenReason.OUTAGE, 60)


async def test_a_model_that_is_loading_is_left_alone_for_a_moment() -> None:
    led = await meet(FailureKind.LOADING)
    assert (led.tries, led.answered_by, led.opened) == (1, "second", (OpenReason.LOADING, 5))


async def test_a_providers_own_crash_counts() -> None:
    led = await meet(FailureKind.CRASHED)
    assert (led.tries, led.answered_by, led.counted) == (1, "second", 1)
    assert await opens_at_the_third(FailureKind.CRASHED) == (OpenReason.OUTAGE, 60)


async def test_a_querys_own_deadline_says_nothing_about_health() -> None:
    led = await meet(FailureKind.DEADLINE)
    assert (led.tries, led.answered_by, led.counted) == (1, "second", 0)


@pytest.mark.parametrize("kind", [FailureKind.NETWORK, FailureKind.SERVER, FailureKind.EMPTY])
async def test_a_failure_that_took_two_seconds_is_not_tried_again(kind: FailureKind) -> None:
    assert (await meet(kind, seconds=1.875)).tries == 2
    assert (await meet(kind, seconds=2.0)).tries == 1


async def test_a_short_rate_limit_is_waited_for_and_tried_once_more() -> None:
    led = await meet(FailureKind.RATE_LIMIT, retry_after_seconds=2)
    assert (led.tries, led.clock.slept) == (2, [2])
    assert led.opened == (OpenReason.RATE, 2)


async def test_a_long_rate_limit_is_not_waited_for() -> None:
    led = await meet(FailureKind.RATE_LIMIT, retry_after_seconds=2.5)
    assert (led.tries, led.clock.slept, led.answered_by) == (1, [], "second")
    assert led.opened == (OpenReason.RATE, 2.5)


@pytest.mark.parametrize(
    "kind", [FailureKind.OVERLOADED, FailureKind.QUOTA, FailureKind.AUTH, FailureKind.LOADING, FailureKind.ENTITLEMENT]
)
async def test_a_time_that_the_upstream_names_stands_before_the_tables_own(kind: FailureKind) -> None:
    led = await meet(kind, retry_after_seconds=77)
    assert led.opened[1] == 77


@pytest.mark.parametrize("kind", list(FailureKind))
async def test_what_the_provider_has_mended_is_tried_once_more_whatever_it_was(kind: FailureKind) -> None:
    assert (await meet(kind, mended=True, seconds=10)).tries == 2


@pytest.mark.parametrize("kind", list(FailureKind))
async def test_no_failure_is_tried_a_third_time(kind: FailureKind) -> None:
    led = await meet(kind, mended=True, retry_after_seconds=0)
    assert led.tries == 2


@pytest.mark.parametrize("kind", list(FailureKind))
async def test_an_attempt_that_failed_names_its_kind_and_its_hint(kind: FailureKind) -> None:
    clock = FakeClock()
    tier = ProviderTier("solo", ScriptedProvider(ProviderFailure(kind, "")), breaker=CircuitBreaker(clock=clock))
    error = (await watch(FailoverChain([tier], clock=clock))).error
    assert isinstance(error, NoTierAnswered)
    assert [attempt.reason for attempt in error.attempts] == [kind]
    assert len(error.hint) > 20
    assert "{" not in error.hint
    assert tier.hint == error.hint


async def test_a_hint_names_the_provider_or_is_the_failures_own() -> None:
    plain = ProviderFailure(FailureKind.QUOTA, "no credit")
    assert "credit of openai is spent" in plain.hint_for("openai")
    own = ProviderFailure(FailureKind.QUOTA, "no credit", hint="visit {the} shop")
    assert own.hint_for("openai") == "visit {the} shop"


@pytest.mark.parametrize(
    ("named", "kept"),
    [(None, None), (math.nan, None), (-5, 0), (0, 0), (90, 90), (math.inf, MAX_OPEN_SECONDS), (1e12, MAX_OPEN_SECONDS)],
    ids=str,
)
def test_an_upstream_may_name_a_wait_from_now_to_a_month(named: float | None, kept: float | None) -> None:
    assert ProviderFailure(FailureKind.RATE_LIMIT, "", retry_after_seconds=named).retry_after_seconds == kept


def raised(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


def test_a_bare_failure_says_the_same_and_holds_on_to_nothing() -> None:
    failure = ProviderFailure(
        FailureKind.UNSUPPORTED,
        "no stop here",
        status=400,
        retry_after_seconds=3,
        mended=True,
        parameter="stop",
        hint="leave it out",
    )
    with pytest.raises(ProviderFailure):
        raised(failure, ValueError("the prompt"))
    bare = failure.bare()
    assert (vars(bare), str(bare)) == (vars(failure), "no stop here")
    assert (bare.__traceback__, bare.__cause__, bare.__context__) == (None, None, None)


def test_where_tells_the_place_of_an_error_and_nothing_that_it_said() -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        raised(ValueError("my secret prompt"))
    told = where(caught.value)
    assert told.startswith("ValueError at test_failures.py:")
    assert told.endswith("in raised")
    assert "secret" not in told


def test_where_knows_no_place_of_an_error_that_was_never_raised() -> None:
    assert where(ValueError("my secret prompt")) == "ValueError"


async def test_a_piece_that_was_shown_before_the_failure_forbids_a_second_try() -> None:
    clock = FakeClock()
    broken = ScriptedProvider([Delta("half"), ProviderFailure(FailureKind.NETWORK, "", mended=True)])
    tier = ProviderTier("solo", broken, breaker=CircuitBreaker(clock=clock))
    seen = await watch(FailoverChain([tier], clock=clock), HELLO)
    assert isinstance(seen.error, NoTierAnswered)
    assert len(broken.prompts) == 1
    assert seen.text == ""
