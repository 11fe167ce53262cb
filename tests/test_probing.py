"""Asking upstreams about themselves: are they there, and which models do they offer?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from typing_extensions import override

from ai_gateway.failures import UNTIL_CHANGED, FailureKind, InvalidQuery, OpenReason, ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.health import HealthStatus
from ai_gateway.model import BreakerState, ModelInfo
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import ProviderTier


class Offering(ScriptedProvider):
    """Lists its models, or fails to."""

    def __init__(self, *models: ModelInfo, error: Exception | None = None) -> None:
        super().__init__("hello")
        self._models = models
        self._error = error

    @override
    async def models(self) -> Sequence[ModelInfo]:
        if self._error is not None:
            raise self._error
        return self._models


ONE, TWO = ModelInfo("one", 4096), ModelInfo("two", embeds=True)


class Mendable(ScriptedProvider):
    """Is in order again once a person has mended it."""

    failure: ProviderFailure | None = None

    @override
    async def check(self, model: str | None) -> None:
        if self.failure is not None:
            raise self.failure


@pytest.mark.parametrize("reason", [OpenReason.NOT_CONFIGURED, OpenReason.AUTH, OpenReason.BLOCKED])
async def test_what_a_person_has_mended_is_asked_again(reason: OpenReason) -> None:
    provider = Mendable("hello")
    tier = ProviderTier("a", provider)
    tier.breaker.trip(reason, open_seconds=UNTIL_CHANGED)
    provider.failure = ProviderFailure(FailureKind.MODEL_NOT_FOUND, "no such model")
    async with Gateway([tier]) as gateway:
        before = await gateway.health(probe=True)
        provider.failure = None
        after = await gateway.health(probe=True)
        answer = await gateway.query("hi")
    assert (before.status, before.providers[0].reason) == (HealthStatus.DOWN, reason)
    assert (after.status, after.providers[0].last_error, after.providers[0].hint) == (HealthStatus.OK, None, None)
    assert answer.content == "hello"


@pytest.mark.parametrize("reason", [OpenReason.OUTAGE, OpenReason.SLOW, OpenReason.RATE, OpenReason.QUOTA])
async def test_what_a_list_of_models_does_not_prove_stays_for_a_query_to_find_out(reason: OpenReason) -> None:
    tier = ProviderTier("a", Mendable("hello"), last_failure=ProviderFailure(FailureKind.SERVER, "HTTP 500"))
    tier.breaker.trip(reason, open_seconds=60)
    async with Gateway([tier]) as gateway:
        found = (await gateway.health(probe=True)).providers[0]
    assert (found.state, found.reason, found.last_error) == (BreakerState.OPEN, reason, "server: HTTP 500")


async def test_a_failure_that_is_over_is_no_longer_told() -> None:
    provider = Mendable("hello")
    provider.failure = ProviderFailure(FailureKind.SERVER, "HTTP 500")
    async with Gateway([ProviderTier("a", provider)]) as gateway:
        before = (await gateway.health(probe=True)).providers[0]
        provider.failure = None
        after = (await gateway.health(probe=True)).providers[0]
    assert before.last_error == "server: HTTP 500"
    assert (after.last_error, after.hint) == (None, None)


async def test_every_tier_lists_its_own() -> None:
    tiers = [ProviderTier("a", Offering(ONE)), ProviderTier("b", Offering(TWO)), ProviderTier("c", Offering())]
    async with Gateway(tiers) as gateway:
        found = await gateway.models()
        assert [(tier.name, model) for tier, model in found.models] == [("a", ONE), ("b", TWO)]
        assert found.problems == ()
        assert [model for _, model in (await gateway.models("b")).models] == [TWO]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ProviderFailure(FailureKind.AUTH, "HTTP 401"), "a: auth (HTTP 401); a refused the credential"),
        (TimeoutError(), "a: timeout (nothing arrived in time)"),
        (ConnectionResetError(), "a: network (the connection failed (ConnectionResetError))"),
        (KeyError("secret"), "a: crashed (the provider raised KeyError)"),
    ],
)
async def test_who_would_not_say_is_named_with_the_reason_and_the_others_are_listed(
    error: Exception, told: str
) -> None:
    async with Gateway([ProviderTier("a", Offering(error=error)), ProviderTier("b", Offering(TWO))]) as gateway:
        found = await gateway.models()
    assert [model for _, model in found.models] == [TWO]
    [problem] = found.problems
    assert problem.startswith(told)
    assert "secret" not in problem


async def test_who_can_not_be_asked_at_all_is_left_out() -> None:
    async with Gateway([ProviderTier("a", Offering(ONE), disabled="set a key")]) as gateway:
        found = await gateway.models()
    assert (found.models, found.problems) == ((), ())


async def test_an_unknown_provider_is_refused() -> None:
    async with Gateway([ProviderTier("a", Offering(ONE))]) as gateway:
        with pytest.raises(InvalidQuery, match="there is: a"):
            await gateway.models("z")
