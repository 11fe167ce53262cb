"""Embeddings go through the same chain as everything else, and never mix the vectors of two models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import pytest
from typing_extensions import override

from ai_gateway.breakers.breaker import CircuitBreaker
from ai_gateway.failures import FailureKind, InvalidQuery, NoTierAnswered, OpenReason, ProviderFailure
from ai_gateway.gateway import Gateway
from ai_gateway.model import Backend, Embedded, EmbeddingInput, Finish, Outcome, Piece, Prompt, Usage, Vector
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.scripted import ScriptedProvider
from ai_gateway.tier import ProviderTier
from support.fake_clock import FakeClock

TEXTS = ("one", "two words", "three")


class Embedder(LLMProvider):
    """Makes vectors of one length that begin with a number of its own; fails as often as it is told."""

    def __init__(self, number: float, *failures: Exception, length: int = 3, cost_usd: float | None = None) -> None:
        self._number = number
        self._failures = list(failures)
        self._length = length
        self._cost_usd = cost_usd
        self.asked: list[tuple[EmbeddingInput, str | None]] = []

    @override
    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        yield Finish()

    @override
    async def embed(self, given: EmbeddingInput, model: str | None) -> Embedded:
        self.asked.append((given, model))
        if self._failures:
            raise self._failures.pop(0)
        vectors = tuple(self.vector(position) for position in range(len(given.texts)))
        return Embedded(vectors, f"{model}-2026", Usage(7, 0), self._cost_usd)

    def vector(self, position: int) -> Vector:
        return (self._number, float(position), *[0.0] * (self._length - 2))


class Miscounting(Embedder):
    """Leaves out the last vector."""

    @override
    async def embed(self, given: EmbeddingInput, model: str | None) -> Embedded:
        whole = await super().embed(given, model)
        return Embedded(whole.vectors[:-1], whole.model)


class Uneven(Embedder):
    """Makes each vector longer than the one before."""

    @override
    def vector(self, position: int) -> Vector:
        return (1.0,) * (position + 1)


class ListPrices:
    def cost_usd(self, model: str, usage: Usage) -> float | None:
        return usage.input_tokens * 0.5 if model == "e-2026" else None


def tier(
    name: str, provider: LLMProvider, *models: str, backend: Backend = Backend.CLOUD, prices: ListPrices | None = None
) -> ProviderTier:
    return ProviderTier(
        name,
        provider,
        models=("chat",),
        embedding_models=models,
        backend=backend,
        breaker=CircuitBreaker(clock=FakeClock()),
        prices=prices,
    )


def down() -> ProviderFailure:
    return ProviderFailure(FailureKind.OVERLOADED, "down")


async def test_vectors_come_with_their_provenance() -> None:
    provider = Embedder(1.0)
    async with Gateway([tier("a", provider, "e", "f", prices=ListPrices())]) as gateway:
        found = await gateway.embed(TEXTS)
    assert found.vectors == ((1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (1.0, 2.0, 0.0))
    assert (found.backend, found.provider, found.model) == (Backend.CLOUD, "a", "e-2026")
    assert (found.usage, found.cost_usd) == (Usage(7, 0), 3.5)
    [attempt] = found.attempts
    assert (attempt.outcome, attempt.model) == (Outcome.ANSWERED, "e")
    assert provider.asked == [(EmbeddingInput(TEXTS), "e")]


async def test_one_text_is_as_good_as_a_list_of_one() -> None:
    async with Gateway([tier("a", Embedder(1.0), "e")]) as gateway:
        assert (await gateway.embed("one")).vectors == ((1.0, 0.0, 0.0),)


async def test_when_a_tier_fails_the_next_one_embeds_every_text() -> None:
    first, second = Embedder(1.0, down()), Embedder(2.0)
    async with Gateway([tier("a", first, "e"), tier("b", second, "f")]) as gateway:
        found = await gateway.embed(TEXTS)
        assert {vector[0] for vector in found.vectors} == {2.0}
        assert [(attempt.provider, attempt.outcome) for attempt in found.attempts] == [
            ("a", Outcome.FAILED),
            ("b", Outcome.ANSWERED),
        ]
        assert gateway.tiers[0].breaker.reason is OpenReason.OUTAGE
        assert gateway.metrics().providers["a"].failures == {"overloaded": 1}
        assert gateway.metrics().providers["b"].input_tokens == 7
        await gateway.embed(TEXTS)
    assert len(first.asked) == 1


async def test_a_broken_connection_is_tried_once_more() -> None:
    provider = Embedder(1.0, ConnectionResetError())
    async with Gateway([tier("a", provider, "e")]) as gateway:
        await gateway.embed("one")
    assert len(provider.asked) == 2


@pytest.mark.parametrize("provider", [Miscounting(1.0), Uneven(1.0)], ids=["too few", "of different lengths"])
async def test_vectors_that_do_not_fit_the_texts_are_a_failure(provider: Embedder) -> None:
    async with Gateway([tier("a", provider, "e"), tier("b", Embedder(2.0), "f")]) as gateway:
        found = await gateway.embed(TEXTS)
    assert (found.provider, found.attempts[0].reason) == ("b", FailureKind.SERVER)


async def test_vectors_of_another_length_than_asked_for_are_no_answer_and_no_outage() -> None:
    async with Gateway([tier("a", Embedder(1.0), "e"), tier("b", Embedder(2.0, length=5), "f")]) as gateway:
        found = await gateway.embed(TEXTS, dimensions=5)
        assert gateway.tiers[0].breaker.consecutive_failures == 0
    assert (found.provider, found.attempts[0].reason) == ("b", FailureKind.UNSUPPORTED)


async def test_a_tier_without_embeddings_is_passed_over() -> None:
    chat = ScriptedProvider("hello")
    async with Gateway([tier("chat", chat), tier("b", Embedder(2.0), "f")]) as gateway:
        found = await gateway.embed(TEXTS)
    assert [(attempt.provider, attempt.reason) for attempt in found.attempts] == [
        ("chat", "no_embeddings"),
        ("b", None),
    ]
    assert chat.prompts == []


async def test_a_provider_that_only_claims_to_embed_is_no_outage() -> None:
    async with Gateway([tier("chat", ScriptedProvider("hello"), "e"), tier("b", Embedder(2.0), "f")]) as gateway:
        assert (await gateway.embed(TEXTS)).provider == "b"
        assert gateway.tiers[0].breaker.consecutive_failures == 0


async def test_where_nobody_embeds_the_error_says_what_to_set() -> None:
    async with Gateway([tier("chat", ScriptedProvider("hello"))]) as gateway:
        with pytest.raises(NoTierAnswered) as error:
            await gateway.embed(TEXTS)
    assert "embedding_model" in error.value.hint


@pytest.mark.parametrize(
    ("pins", "provider"),
    [
        ({"model": "f"}, "b"),
        ({"provider": "c"}, "c"),
        ({"backend": "local"}, "c"),
        ({"backend": Backend.LOCAL, "model": "new"}, "c"),
        ({"private": True}, "c"),
    ],
)
async def test_pins_and_privacy_hold_for_embeddings_too(pins: dict[str, object], provider: str) -> None:
    local = Embedder(3.0)
    tiers = [tier("a", Embedder(1.0), "e"), tier("b", Embedder(2.0), "f"), tier("c", local, "g", backend=Backend.LOCAL)]
    async with Gateway(tiers) as gateway:
        found = await gateway.embed(TEXTS, **pins)  # type: ignore[arg-type]  # pins of all kinds
    assert found.provider == provider
    assert local.asked == ([(EmbeddingInput(TEXTS), pins.get("model", "g"))] if provider == "c" else [])


@pytest.mark.parametrize("model", ["chat", "unknown"])
async def test_a_model_that_nobody_embeds_with_is_refused(model: str) -> None:
    async with Gateway([tier("a", Embedder(1.0), "e")]) as gateway:
        with pytest.raises(InvalidQuery, match=model):
            await gateway.embed(TEXTS, model=model)


@pytest.mark.parametrize("texts", [(), "", " ", ("one", "")])
async def test_an_empty_text_is_refused(texts: str | Sequence[str]) -> None:
    provider = Embedder(1.0)
    async with Gateway([tier("a", provider, "e")]) as gateway:
        with pytest.raises(InvalidQuery) as error:
            await gateway.embed(texts)
    assert error.value.field == "input"
    assert provider.asked == []


async def test_an_unknown_backend_is_refused() -> None:
    async with Gateway([tier("a", Embedder(1.0), "e")]) as gateway:
        with pytest.raises(InvalidQuery, match="clod"):
            await gateway.embed("one", backend="clod")


async def test_vectors_are_not_cached() -> None:
    provider = Embedder(1.0)
    async with Gateway([tier("a", provider, "e")]) as gateway:
        await gateway.embed("one")
        await gateway.embed("one")
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    ("backend", "said", "cost"),
    [(Backend.CLOUD, 0.25, 0.25), (Backend.CLOUD, None, None), (Backend.LOCAL, None, 0.0)],
)
async def test_a_cost_is_what_the_upstream_says_or_nothing_on_this_machine_or_unknown(
    backend: Backend, said: float | None, cost: float | None
) -> None:
    async with Gateway([tier("a", Embedder(1.0, cost_usd=said), "e", backend=backend)]) as gateway:
        assert (await gateway.embed("one")).cost_usd == cost
        assert gateway.metrics().providers["a"].cost_usd == cost
