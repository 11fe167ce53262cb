"""What Copilot says of an account: its models, what is left of its quotas, what an answer cost; and its vectors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ai_gateway.chain import FailoverChain, final_answer
from ai_gateway.failures import FailureKind, NoTierAnswered, OpenReason
from ai_gateway.fakes import Answer, FakeCopilot, Fault, catalogue_entry, copilot_failures
from ai_gateway.fakes.copilot.account import UNLIMITED, Quota
from ai_gateway.fakes.copilot.catalogue import embedding_entry
from ai_gateway.fakes.embeddings import vector
from ai_gateway.model import Allowance, EmbeddingInput, ModelInfo, Usage, Vector
from ai_gateway.providers.copilot.credits import tariff_in
from ai_gateway.providers.copilot.provider import ClientIdentity, CopilotProvider
from ai_gateway.providers.copilot.quota import quotas_in_account, quotas_in_headers
from ai_gateway.providers.tokens import GivenToken, OAuthToken
from ai_gateway.tier import ProviderTier
from support.asking import ask, failure_of, stream
from support.chains import HELLO, HELLO_PROMPT
from support.fake_clock import FakeClock
from support.stream_faults import TEXT

RESET = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
NOW = RESET - 86_400
PRICES = {"batch_size": 1_000_000, "default": {"input_price": 250, "output_price": 1500, "cache_price": 25}}
VECTORS = "text-embedding-3-small"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeCopilot]:
    async with FakeCopilot() as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(time=NOW)


class Tokens(GivenToken):
    """One token that may be found anew."""

    generation = 1

    @property
    def version(self) -> object:
        return self.generation


@pytest.fixture
def tokens() -> Tokens:
    return Tokens("ghu_fake")


@pytest.fixture
async def provider(upstream: FakeCopilot, clock: FakeClock, tokens: Tokens) -> AsyncIterator[CopilotProvider]:
    identity = ClientIdentity("AI-Gateway", "1.2.3", api_version="2026-06-01")
    async with aclosing(
        CopilotProvider(tokens, identity=identity, github_api_url=upstream.url, clock=clock)
    ) as provider:
        yield provider


def asked_for(upstream: FakeCopilot, path: str) -> int:
    return sum(request.path == path for request in upstream.requests)


CATALOGUE: list[Mapping[str, object]] = [
    catalogue_entry("gpt-4o"),
    catalogue_entry("gpt-4.1"),
    catalogue_entry("locked", policy={"state": "disabled", "terms": "…"}),
    catalogue_entry("hidden", model_picker_enabled=False),
    catalogue_entry("gpt-5.3-codex", supported_endpoints=["/responses"]),
    {name: value for name, value in catalogue_entry("bare").items() if name not in {"policy", "billing"}},
    {"id": "old", "model_picker_enabled": True},
    catalogue_entry("completion", capabilities={"type": "completion"}),
    {"id": 5},
    embedding_entry(),
]


async def test_the_models_to_choose_from_are_listed(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    upstream.models = CATALOGUE
    assert list(await provider.models()) == [
        ModelInfo("gpt-4o", 64_000),
        ModelInfo("gpt-4.1", 64_000),
        ModelInfo("bare", 64_000),
        ModelInfo("old"),
        ModelInfo(VECTORS, embeds=True),
    ]
    listing = upstream.requests[-1]
    assert (listing.method, listing.path) == ("GET", "/models")
    assert listing.headers["X-GitHub-Api-Version"] == "2026-06-01"
    assert listing.headers["Editor-Version"] == "AI-Gateway/1.2.3"
    assert listing.bearer.startswith("tid=")


@pytest.mark.parametrize("document", [None, [], {}, {"data": None}, {"data": [1, "x", {"capabilities": 5}]}])
async def test_a_list_without_sense_names_no_model(
    document: object, upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.fault(
        Answer.of(b"null" if document is None else document, content_type="application/json"), path="/models"
    )
    if document is None:
        assert (await failure_of(provider.models())).kind is FailureKind.SERVER
    else:
        assert list(await provider.models()) == []


async def test_the_list_is_good_for_ten_minutes(
    upstream: FakeCopilot, provider: CopilotProvider, clock: FakeClock
) -> None:
    await provider.models()
    clock.advance(599)
    await provider.models()
    assert asked_for(upstream, "/models") == 1
    clock.advance(1)
    await provider.models()
    assert asked_for(upstream, "/models") == 2


async def test_an_old_list_is_kept_where_a_new_one_is_not_to_be_had(
    upstream: FakeCopilot, provider: CopilotProvider, clock: FakeClock
) -> None:
    listed = list(await provider.models())
    clock.advance(600)
    upstream.fault(copilot_failures.rate_limited(), path="/models")
    assert list(await provider.models()) == listed
    assert list(await provider.models()) == listed
    assert asked_for(upstream, "/models") == 2


async def test_without_any_list_its_failure_is_told(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    upstream.fault(copilot_failures.rate_limited(), path="/models")
    assert (await failure_of(provider.models())).kind is FailureKind.RATE_LIMIT


async def test_another_account_has_another_list(
    upstream: FakeCopilot, provider: CopilotProvider, tokens: Tokens
) -> None:
    await provider.models()
    upstream.models = ["alpha"]
    tokens.generation = 2
    assert [model.id for model in await provider.models()] == ["alpha"]


async def test_a_query_asks_for_no_list(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    await ask(provider)
    assert [request.path for request in upstream.requests] == [upstream.exchange_path, "/chat/completions"]


async def test_a_check_exchanges_lists_and_asks_no_model(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    await provider.check("gpt-4o")
    await provider.check(None)
    assert (upstream.exchanges, upstream.calls, asked_for(upstream, "/models")) == (1, 0, 1)


@pytest.mark.parametrize(
    ("model", "kind", "hint"),
    [
        ("gpt-4", FailureKind.MODEL_NOT_FOUND, "gpt-4o, gpt-4.1"),
        ("zzz", FailureKind.MODEL_NOT_FOUND, "gpt-4o, gpt-4.1, bare"),
        ("locked", FailureKind.ENTITLEMENT, "enable"),
        ("gpt-5.3-codex", FailureKind.ENTITLEMENT, "chat completions"),
        (VECTORS, FailureKind.ENTITLEMENT, "chat completions"),
    ],
)
async def test_a_check_finds_a_model_that_would_not_answer(
    model: str, kind: FailureKind, hint: str, upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.models = CATALOGUE
    failure = await failure_of(provider.check(model))
    assert failure.kind is kind
    assert hint in (failure.hint or "")


@pytest.mark.parametrize("model", ["gpt-4o", "hidden"])
async def test_a_check_passes_a_model_that_answers_whether_or_not_the_editors_show_it(
    model: str, upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.models = CATALOGUE
    await provider.check(model)
    assert (await ask(provider, model)).content == TEXT


async def test_a_check_finds_a_revoked_token(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    upstream.oauth_tokens.clear()
    assert (await failure_of(provider.check("gpt-4o"))).kind is FailureKind.AUTH


async def test_a_check_finds_a_spent_quota(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    upstream.quota_percent_remaining = 0.0
    failure = await failure_of(provider.check("gpt-4o"))
    assert (failure.kind, failure.retry_after_seconds) == (FailureKind.QUOTA, 86_400)
    assert "quota is spent" in (failure.hint or "")
    assert provider.allowance == Allowance(0.0, RESET)


@pytest.mark.parametrize("fault", [Fault.status(404, {"message": "Not Found"}), Fault.status(200, [5])])
async def test_a_check_does_without_the_account_where_github_does_not_tell(
    fault: Fault, upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.fault(fault, times=None, path="/copilot_internal/user")
    await provider.check("gpt-4o")
    assert provider.allowance is None


async def test_each_answer_says_what_is_left(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    told = [provider.allowance]
    for quota in (Quota(300, 47.4), Quota(300, 0.0, overage_permitted=True)):
        upstream.account.quotas["premium_interactions"] = quota
        await ask(provider)
        told.append(provider.allowance)
    assert told == [None, Allowance(47.4, RESET), Allowance(0.0, RESET, may_overrun=True)]


async def test_nothing_is_known_of_what_another_account_has_left(provider: CopilotProvider, tokens: Tokens) -> None:
    await ask(provider)
    tokens.generation = 2
    assert provider.allowance is None


async def test_the_scarcest_quota_counts(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    upstream.account.quotas = {
        "chat": Quota(50, 12.5),
        "completions": Quota(2000, 1.0),
        "premium_interactions": Quota(UNLIMITED, 0.0),
        "premium_models": Quota(0, 0.0),
    }
    await ask(provider)
    assert provider.allowance == Allowance(12.5, RESET)


async def test_a_model_that_the_plan_includes_answers_although_the_quota_is_spent(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.quota_percent_remaining = 0.0
    upstream.account.pays_by_tokens = False
    upstream.fault(Fault.without("usage"), times=None)
    await provider.check("gpt-4o")
    await ask(provider, "gpt-4o")
    assert provider.allowance is None


async def test_a_model_that_is_known_to_cost_something_draws_on_the_quota(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.models = [catalogue_entry("gpt-4o", billing={"is_premium": True, "multiplier": 1})]
    upstream.fault(Fault.without("usage"), times=None)
    await ask(provider, "gpt-4o")
    assert provider.allowance is None
    await provider.models()
    await ask(provider, "gpt-4o")
    assert provider.allowance == Allowance(47.4, RESET)


async def test_an_answer_that_says_nothing_of_quotas_shows_at_least_that_they_are_not_spent(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.quota_percent_remaining = 0.0
    await ask(provider)
    assert provider.allowance
    assert provider.allowance.is_spent
    upstream.account.quotas.clear()
    await ask(provider)
    assert provider.allowance is None


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (copilot_failures.quota_exceeded(retry_after=90), 90),
        (copilot_failures.quota_exceeded_text(retry_after=90), 90),
        (copilot_failures.quota_exceeded(), 86_400),
    ],
)
async def test_a_spent_quota_is_waited_for_as_long_as_copilot_says(
    refusal: Answer, seconds: float, upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.fault(refusal.with_headers({"x-quota-snapshot-premium_interactions": Quota(300, 0.0).header()}))
    failure = await failure_of(ask(provider))
    assert (failure.kind, failure.retry_after_seconds) == (FailureKind.QUOTA, seconds)


async def test_a_wait_for_quota_may_be_a_date(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    upstream.fault(copilot_failures.quota_exceeded(retry_after=datetime.now(UTC) + timedelta(hours=1)))
    assert (await failure_of(ask(provider))).retry_after_seconds == pytest.approx(3600, abs=60)


async def test_the_reset_is_known_from_an_earlier_answer(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    await ask(provider)
    upstream.fault(copilot_failures.quota_exceeded())
    assert (await failure_of(ask(provider))).retry_after_seconds == 86_400


@pytest.mark.parametrize(
    "value",
    ["", "ent=300", "ent=x&rem=5", "rem=5", "ent=300&rem=%zz", "ent=-1&rem=0", "ent=0&rem=0", "\x00", "=&=&;"],
)
def test_a_quota_header_without_sense_says_nothing(value: str) -> None:
    assert quotas_in_headers({"x-quota-snapshot-chat": value}) == {}


@pytest.mark.parametrize("reset", ["", "soon", "2026-13-45"])
def test_a_reset_without_sense_is_unknown(reset: str) -> None:
    told = quotas_in_headers({"x-quota-snapshot-chat": f"ent=5&rem=5&rst={reset}"})
    assert told == {"chat": Allowance(5.0, None)}


def test_the_free_plan_counts_what_is_left() -> None:
    account = {
        "limited_user_quotas": {"chat": 10, "completions": 0},
        "monthly_quotas": {"chat": 50, "completions": 2000},
        "limited_user_reset_date": "2026-12-01",
    }
    assert quotas_in_account(account) == {"chat": Allowance(20.0, RESET)}
    assert quotas_in_account({"limited_user_quotas": {"chat": 10}}) == {}
    assert quotas_in_account({"quota_snapshots": {"chat": {"percent_remaining": "x"}}}) == {}


async def test_an_answer_costs_what_copilot_says(provider: CopilotProvider) -> None:
    _, finish = await stream(provider)
    credits_told = (2 + len(TEXT.split())) * 0.001
    assert finish.cost_usd == pytest.approx(credits_told * 0.01)


async def test_the_price_of_a_credit_can_be_set(upstream: FakeCopilot) -> None:
    identity = ClientIdentity("Tests", "1")
    async with aclosing(
        CopilotProvider(GivenToken("ghu_fake"), identity=identity, github_api_url=upstream.url, usd_per_credit=1.0)
    ) as provider:
        _, finish = await stream(provider)
    assert finish.cost_usd == pytest.approx((2 + len(TEXT.split())) * 0.001)


async def test_an_answer_that_names_no_cost_is_reckoned_by_the_catalogue_once_it_is_known(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.models = [catalogue_entry("gpt-4o", billing={"token_prices": PRICES})]
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    upstream.reply(chunks=["x", {"choices": [], "usage": usage}])
    upstream.fault(Fault.without("usage"), times=None)
    _, finish = await stream(provider, "gpt-4o")
    assert (finish.usage, finish.cost_usd) == (Usage(1000, 100, 400), None)
    await provider.models()
    _, finish = await stream(provider, "gpt-4o")
    assert finish.cost_usd == pytest.approx((600 * 2.5 + 400 * 0.25 + 100 * 15) / 1_000_000)


def test_long_prompts_may_have_prices_of_their_own() -> None:
    tariff = tariff_in(
        {
            "batch_size": 100,
            "default": {"input_price": 1, "output_price": 2, "cache_write_price": 3, "context_max": 1000},
            "long_context": {"input_price": 10, "output_price": 20},
        }
    )
    assert tariff is not None
    assert tariff.credits_for(Usage(1000, 0, 0, 100)) == pytest.approx(9 + 3)
    assert tariff.credits_for(Usage(1001, 100)) == pytest.approx(100.1 + 20)


@pytest.mark.parametrize(
    "prices",
    [None, 5, {}, {"batch_size": 0, "default": PRICES["default"]}, {"batch_size": 1, "default": {"input_price": True}}],
)
def test_prices_without_sense_are_unknown(prices: object) -> None:
    assert tariff_in(prices) is None


def as_floats(text: str, dimensions: int) -> Vector:
    return tuple(vector(text, dimensions))


async def test_texts_become_vectors(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    found = await provider.embed(EmbeddingInput(("a b", "c"), dimensions=4), VECTORS)
    assert found.vectors == (as_floats("a b", 4), as_floats("c", 4))
    assert (found.model, found.usage, found.cost_usd) == (VECTORS, Usage(3, 0), None)
    request = upstream.requests[-1]
    assert request.path == "/embeddings"
    assert request.json == {**request.json, "model": VECTORS, "input": ["a b", "c"], "dimensions": 4}
    assert request.headers["Editor-Version"] == "AI-Gateway/1.2.3"


async def test_many_texts_go_in_as_many_requests_as_copilot_wants(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    texts = tuple(f"text {number}" for number in range(300))
    found = await provider.embed(EmbeddingInput(texts), VECTORS)
    assert found.vectors == tuple(as_floats(text, 16) for text in texts)
    assert found.usage == Usage(600, 0)
    assert asked_for(upstream, "/embeddings") == 2
    upstream.models = [
        embedding_entry(capabilities={"type": "embeddings", "limits": {"max_inputs": 100}}),
    ]
    await provider.models()
    await provider.embed(EmbeddingInput(texts), VECTORS)
    assert asked_for(upstream, "/embeddings") == 2 + 3


async def test_vectors_of_an_expired_session_are_asked_for_with_a_new_one(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    await provider.embed(EmbeddingInput(("a",)), VECTORS)
    upstream.expire_session()
    failure = await failure_of(provider.embed(EmbeddingInput(("a",)), VECTORS))
    assert (failure.kind, failure.mended) == (FailureKind.AUTH, True)
    assert (await provider.embed(EmbeddingInput(("a",)), VECTORS)).vectors


async def test_two_models_vectors_are_never_mixed(upstream: FakeCopilot, provider: CopilotProvider) -> None:
    other = {"data": [{"index": 0, "embedding": [1.0]}], "model": "another"}
    texts = tuple("x" for _ in range(257))
    await provider.embed(EmbeddingInput(("a",)), VECTORS)
    upstream.fault(Fault(), path="/embeddings")
    upstream.fault(Answer.of(other), path="/embeddings")
    failure = await failure_of(provider.embed(EmbeddingInput(texts), VECTORS))
    assert failure.kind is FailureKind.SERVER


def test_a_token_does_not_show_itself() -> None:
    assert "ghu_fake" not in repr(OAuthToken("ghu_fake", "a test"))


async def test_a_reset_that_has_passed_says_nothing_of_the_wait(
    upstream: FakeCopilot, provider: CopilotProvider, clock: FakeClock
) -> None:
    clock.advance(2 * 86_400)
    refusal = copilot_failures.quota_exceeded()
    upstream.fault(refusal.with_headers({"x-quota-snapshot-premium_interactions": Quota(300, 0.0).header()}))
    failure = await failure_of(ask(provider))
    assert (failure.kind, failure.retry_after_seconds) == (FailureKind.QUOTA, None)


async def test_what_an_answer_says_is_left_is_that_of_the_account_that_asked(
    upstream: FakeCopilot, provider: CopilotProvider, tokens: Tokens
) -> None:
    upstream.quota_percent_remaining = 0.0
    async with aclosing(provider.stream(HELLO_PROMPT, "gpt-4o")) as pieces:
        await anext(pieces)
        tokens.generation = 2
        async for _ in pieces:
            pass
    assert provider.allowance is None


async def test_a_quota_spent_on_another_model_leaves_the_tier_to_its_own(
    upstream: FakeCopilot, provider: CopilotProvider
) -> None:
    upstream.fault(copilot_failures.quota_exceeded())
    tier = ProviderTier("copilot", provider, ["gpt-4o"])
    chain = FailoverChain([tier])
    with pytest.raises(NoTierAnswered):
        await final_answer(chain.stream(replace(HELLO, provider="copilot", model="costly")))
    assert (await final_answer(chain.stream(HELLO))).content == TEXT
    upstream.fault(copilot_failures.quota_exceeded())
    with pytest.raises(NoTierAnswered):
        await final_answer(chain.stream(HELLO))
    assert tier.breaker.reason is OpenReason.QUOTA
