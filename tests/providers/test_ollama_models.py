"""Which models count as local, and that a prompt for another never leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.chain import FailoverChain
from ai_gateway.failures import FailureKind, NoTierAnswered
from ai_gateway.fakes import Answer, FakeOllama, Fault, OllamaModel, ollama_failures
from ai_gateway.model import Backend, EmbeddingInput, ModelInfo, Query
from ai_gateway.providers.base import prompt_of
from ai_gateway.providers.ollama.names import is_cloud_name, is_model_name, near_models
from ai_gateway.providers.ollama.provider import OllamaProvider
from ai_gateway.tier import ProviderTier
from support.asking import MESSAGES, ask, failure_of
from support.raw_server import RawServer, response

MODEL = "llama3.2"
SECRET = "my innermost thought"
REMOTE = OllamaModel(name="big", remote_host="https://ollama.com:443")
VECTORS_ONLY = OllamaModel(name="nomic-embed-text", context_length=2048, capabilities=("embedding",))


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(models=[MODEL, REMOTE, VECTORS_ONLY]) as upstream:
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOllama) -> AsyncIterator[OllamaProvider]:
    async with aclosing(OllamaProvider(base_url=upstream.base_url)) as provider:
        yield provider


def asked(upstream: FakeOllama) -> list[str]:
    return [request.path for request in upstream.requests]


def assert_it_never_left(upstream: FakeOllama) -> None:
    assert not upstream.calls
    assert not any(SECRET in str(request.body) for request in upstream.requests)


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "qwen3:cloud", "gpt-oss:20b:cloud", "me/x:Cloud"])
async def test_a_model_that_says_cloud_is_never_even_asked_about(
    model: str, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.install(model)
    prompt = [{"role": "user", "content": SECRET}]
    for asking in (
        provider.chat(prompt, model=model),
        provider.embed(EmbeddingInput((SECRET,)), model),
        provider.check(model),
    ):
        failure = await failure_of(asking)
        assert (failure.kind, failure.detail) == (FailureKind.ENTITLEMENT, "this model is not on this machine")
    assert not upstream.requests


@pytest.mark.parametrize("model", ["big", "big:latest", "BIG", "library/big"])
async def test_a_remote_model_under_a_name_of_its_own_never_sees_a_prompt(
    model: str, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    prompt = [{"role": "user", "content": SECRET}]
    for asking in (provider.chat(prompt, model=model), provider.embed(EmbeddingInput((SECRET,)), model)):
        assert (await failure_of(asking)).kind is FailureKind.ENTITLEMENT
    assert (await failure_of(provider.check(model))).kind is FailureKind.ENTITLEMENT
    assert_it_never_left(upstream)


async def test_a_private_query_does_not_leave_by_a_remote_model(upstream: FakeOllama, provider: OllamaProvider) -> None:
    chain = FailoverChain([ProviderTier("ollama", provider, ["big"], Backend.LOCAL)])
    query = Query(prompt_of([{"role": "user", "content": SECRET}]), private=True)
    with pytest.raises(NoTierAnswered, match="was not open to this account or with this model"):
        async for _ in chain.stream(query):
            pass
    assert_it_never_left(upstream)


@pytest.mark.parametrize(
    "said",
    [
        Answer.of({"error": "internal"}, 500),
        Answer.of({"error": "internal"}, 200),
        Answer.of("<html>", 200, content_type="text/html"),
        Answer.of("[]", 200),
        Answer.of("no json", 200),
        ollama_failures.cloud_disabled(),
        Fault.reset(),
    ],
    ids=["500", "an error with 200", "a page", "a list", "no JSON", "403", "a reset"],
)
async def test_while_nobody_says_where_a_model_is_no_prompt_is_sent(
    said: Answer | Fault, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(said, path="/api/show")
    await failure_of(provider.chat([{"role": "user", "content": SECRET}], model=MODEL))
    assert_it_never_left(upstream)


async def test_ollamas_own_cloud_is_no_local_provider() -> None:
    async with aclosing(OllamaProvider(base_url="https://ollama.com")) as provider:
        chain = FailoverChain([ProviderTier("ollama", provider, [MODEL], Backend.LOCAL)])
        with pytest.raises(NoTierAnswered, match="is not configured") as raised:
            await chain.chat(MESSAGES)
    assert "local.base_url" in raised.value.hint


async def test_a_model_is_looked_at_once(upstream: FakeOllama, provider: OllamaProvider) -> None:
    for _ in range(3):
        await ask(provider, MODEL)
    assert asked(upstream) == ["/api/show", *["/api/chat"] * 3]


async def test_a_model_is_looked_at_again_after_it_failed(upstream: FakeOllama, provider: OllamaProvider) -> None:
    await ask(provider, MODEL)
    upstream.fault(Fault.cut(after=1))
    await failure_of(ask(provider, MODEL))
    await ask(provider, MODEL)
    assert asked(upstream) == ["/api/show", "/api/chat", "/api/chat", "/api/show", "/api/chat"]


async def test_a_model_that_became_a_remote_one_is_found_out_by_its_first_answer(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    await ask(provider, MODEL)
    upstream.install(OllamaModel(name=MODEL, remote_host="https://ollama.com:443"))
    for _ in range(2):
        assert (await failure_of(ask(provider, MODEL))).kind is FailureKind.ENTITLEMENT
    assert upstream.calls == 2


async def test_vectors_that_were_made_elsewhere_are_refused() -> None:
    shown = response(b'{"capabilities":["embedding"]}')
    made = response(b'{"embeddings":[[1.0]],"remote_host":"https://ollama.com:443"}')
    async with RawServer(shown, made) as server, aclosing(OllamaProvider(base_url=server.url)) as provider:
        failure = await failure_of(provider.embed(EmbeddingInput(("text",)), MODEL))
    assert failure.kind is FailureKind.ENTITLEMENT


async def test_without_a_model_nobody_is_asked(upstream: FakeOllama, provider: OllamaProvider) -> None:
    for asking in (ask(provider, None), provider.embed(EmbeddingInput(("text",)), None)):
        failure = await failure_of(asking)
        assert failure.kind is FailureKind.MODEL_NOT_FOUND
        assert "local.model" in (failure.hint or "")
    assert not upstream.requests


@pytest.mark.parametrize("model", [MODEL, f"{MODEL}:latest", "LLAMA3.2", f"library/{MODEL}", f"{MODEL}:local", None])
async def test_a_check_looks_for_the_model_and_loads_none(
    model: str | None, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    await provider.check(model)
    assert asked(upstream) == ["/api/tags"]
    assert upstream.loads == 0


@pytest.mark.parametrize("by", ["check", "chat"])
async def test_a_missing_model_comes_with_the_command_that_gets_it(by: str, provider: OllamaProvider) -> None:
    asking = provider.check("qwen3:8b") if by == "check" else ask(provider, "qwen3:8b")
    failure = await failure_of(asking)
    assert failure.kind is FailureKind.MODEL_NOT_FOUND
    assert failure.hint == "pull the model first: ai-gateway pull qwen3:8b (or: ollama pull qwen3:8b)"


@pytest.mark.parametrize("by", ["check", "chat"])
async def test_a_missing_model_comes_with_those_that_are_there_and_may_be_meant(
    by: str, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.install("llama3.1:8b")
    failure = await failure_of(provider.check("llama3") if by == "check" else ask(provider, "llama3"))
    assert (failure.hint or "").endswith("; here already: llama3.2:latest, llama3.1:8b")


async def test_remote_models_are_not_proposed(provider: OllamaProvider) -> None:
    assert "big:latest" not in ((await failure_of(provider.check("bigg"))).hint or "")


async def test_where_the_list_can_not_be_had_the_command_is_told_all_the_same(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(Fault.reset(), path="/api/tags")
    failure = await failure_of(ask(provider, "qwen3"))
    assert (failure.kind, failure.status) == (FailureKind.MODEL_NOT_FOUND, 404)
    assert "ai-gateway pull qwen3" in (failure.hint or "")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Answer.of({"error": "no"}, 500), FailureKind.SERVER),
        (Answer.of({"models": None}), FailureKind.MODEL_NOT_FOUND),
        (Answer.of({"models": ["x", {"name": 1}]}), FailureKind.MODEL_NOT_FOUND),
        (Answer.of("[]"), FailureKind.SERVER),
    ],
)
async def test_a_check_may_fail(
    said: Answer, kind: FailureKind, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(said, path="/api/tags")
    assert (await failure_of(provider.check(MODEL))).kind is kind


async def test_the_models_on_this_machine_are_listed(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.install(OllamaModel(name="qwen3:cloud"))
    assert await provider.models() == (
        ModelInfo("llama3.2:latest", 131_072),
        ModelInfo("nomic-embed-text:latest", 2048, embeds=True),
    )


async def test_models_are_listed_though_an_older_ollama_says_little_of_them(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(Answer.of({"models": [{"name": "a:latest"}, {"name": 1}, "x"]}), path="/api/tags")
    assert await provider.models() == (ModelInfo("a:latest"),)


@pytest.mark.parametrize(
    ("name", "is_cloud"),
    [
        ("gpt-oss:20b:cloud", True),
        ("gpt-oss:20b-cloud", True),
        (" kimi:CLOUD ", True),
        ("qwen3:8b:local", False),
        ("my-cloud-model", False),
        ("my-cloud", False),
        ("cloud/model", False),
        ("host:5000/x", False),
    ],
)
def test_a_name_says_itself_whether_its_model_is_in_the_cloud(name: str, is_cloud: bool) -> None:
    assert is_cloud_name(name) is is_cloud


@pytest.mark.parametrize(
    "name",
    [
        "llama3",
        "llama3.2:1b",
        "me/model_x:v1.0",
        "hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M",
        "h:5000/n/m:t",
        "a:b:local",
    ],
)
def test_names_of_models_are_known(name: str) -> None:
    assert is_model_name(name)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "-x", "a;b", "a/", "/a", "a:", "http://x/y", "../x", "ä", "a\n", "a" * 351, "a/b/c/d/e"]
)
def test_what_is_no_name_of_a_model_is_known(name: str) -> None:
    assert not is_model_name(name)


def test_the_nearest_names_come_first_and_no_more_than_three() -> None:
    known = ["llama3.2:latest", "mistral:7b", "llama3.1:8b", "llama3:70b", "llama2:latest"]
    assert near_models("llama3", known) == ["llama3.2:latest", "llama2:latest", "llama3:70b"]
    assert near_models("gemma4", known) == []
