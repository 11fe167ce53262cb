"""Asking upstreams about themselves: which models do they offer?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from typing_extensions import override

from ai_gateway.failures import FailureKind, InvalidQuery, ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.model import ModelInfo
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
