"""Gaps in code, filled by Ollama: by the model's own template where it has one, in a chat where not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.fakes import Answer, FakeOllama, Fault, OllamaModel, ollama_failures
from ai_gateway.fakes.answers import text_of
from ai_gateway.fakes.ollama.failures import insert_unsupported_by_model
from ai_gateway.model import FinishReason, Infill
from ai_gateway.providers.ollama.provider import OllamaProvider
from support.asking import HANG_SECONDS, ask, failure_of
from support.filling import GAP, fill

CODER = "coder"
CHATTER = "chatter"
REMOTE = OllamaModel(name="elsewhere", capabilities=("completion", "insert"), remote_host="https://ollama.com:443")


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOllama]:
    models = [OllamaModel(name=CODER, capabilities=("completion", "insert")), OllamaModel(name=CHATTER), REMOTE]
    async with FakeOllama(models=models) as upstream:
        upstream.reply("a + b")
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOllama) -> AsyncIterator[OllamaProvider]:
    async with aclosing(OllamaProvider(base_url=upstream.base_url, context_tokens=8192)) as provider:
        yield provider


def bodies(upstream: FakeOllama, path: str) -> list[Mapping[str, object]]:
    """What was asked there, but for what only loads a model."""
    asked = [request.json for request in upstream.requests if request.path == path]
    return [body for body in asked if body.get("messages") != []]


async def test_a_model_with_a_template_for_it_fills_the_gap(upstream: FakeOllama, provider: OllamaProvider) -> None:
    answer = await fill(provider, CODER)
    assert (answer.content, answer.finish_reason, answer.model) == ("a + b", FinishReason.STOP, CODER)
    assert answer.usage is not None
    assert answer.usage.output_tokens == 3
    assert bodies(upstream, "/api/generate") == [
        {
            "model": CODER,
            "prompt": GAP.prefix,
            "suffix": GAP.suffix,
            "stream": True,
            "truncate": False,
            "shift": False,
            "options": {"num_ctx": 8192, "temperature": 0.0, "num_predict": 32},
        }
    ]
    assert bodies(upstream, "/api/chat") == []


@pytest.mark.parametrize("given", [Infill("x = "), Infill("", "\nx = 1")], ids=["at the end", "at the beginning"])
async def test_at_an_end_of_the_file_the_template_is_used_all_the_same(
    given: Infill, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    assert (await fill(provider, CODER, given)).content == "a + b"
    [body] = bodies(upstream, "/api/generate")
    assert body["prompt"]
    assert body["suffix"]


async def test_a_model_without_one_is_asked_in_a_chat_and_not_to_think(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    assert (await fill(provider, CHATTER)).content == "a + b"
    [body] = bodies(upstream, "/api/chat")
    assert body["think"] is False
    assert "return <GAP/>\n" in text_of(body["messages"])
    assert body["options"] == {"num_ctx": 8192, "temperature": 0.0, "num_predict": 32}
    assert bodies(upstream, "/api/generate") == []


async def test_where_nothing_tells_of_it_it_is_tried_once(upstream: FakeOllama, provider: OllamaProvider) -> None:
    """Before 0.6.4 Ollama told no capabilities."""
    upstream.fault(Answer.of({"template": "{{ .Prompt }}", "details": {}}), path="/api/show", times=None)
    upstream.fault(insert_unsupported_by_model(CODER), path="/api/generate")
    assert (await fill(provider, CODER)).content == "a + b"
    assert (await fill(provider, CODER)).content == "a + b"
    assert len(bodies(upstream, "/api/generate")) == 1
    assert len(bodies(upstream, "/api/chat")) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ollama_failures.server_busy(), FailureKind.OVERLOADED),
        (ollama_failures.runner_terminated(), FailureKind.SERVER),
        (ollama_failures.prompt_too_long(), FailureKind.CONTEXT_TOO_LONG),
        (ollama_failures.does_not_support(feature="vision"), FailureKind.UNSUPPORTED),
    ],
)
async def test_any_other_failure_keeps_its_kind_and_is_not_asked_again(
    answer: Answer, kind: FailureKind, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(answer, path="/api/generate")
    assert (await failure_of(fill(provider, CODER))).kind is kind
    assert bodies(upstream, "/api/chat") == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.cut(after=1), FailureKind.STREAM_BROKEN),
        (Fault.error_event("model runner has unexpectedly stopped", after=1), FailureKind.SERVER),
        (Fault.reset(), FailureKind.NETWORK),
    ],
    ids=["cut", "error", "reset"],
)
async def test_a_broken_stream_is_never_an_answer(
    fault: Fault, kind: FailureKind, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(fault, path="/api/generate", times=None)
    assert (await failure_of(fill(provider, CODER))).kind is kind


async def test_a_model_that_is_elsewhere_is_never_asked(upstream: FakeOllama, provider: OllamaProvider) -> None:
    assert (await failure_of(fill(provider, "elsewhere"))).kind is FailureKind.ENTITLEMENT
    assert bodies(upstream, "/api/generate") == []


async def test_who_leaves_while_the_model_loads_does_not_stop_the_load(
    upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.load = asyncio.Event()
    for _ in range(3):
        typing = asyncio.ensure_future(fill(provider, CODER))
        await asyncio.wait_for(upstream.wait_for(lambda: upstream.loading is not None), HANG_SECONDS)
        assert provider.is_loading
        typing.cancel()
        await asyncio.wait((typing,))
    upstream.load.set()
    assert (await asyncio.wait_for(fill(provider, CODER), HANG_SECONDS)).content == "a + b"
    assert (upstream.loads, upstream.aborted_loads) == (1, 0)


async def test_what_was_loaded_for_it_serves_chats_too(upstream: FakeOllama, provider: OllamaProvider) -> None:
    await fill(provider, CODER)
    await ask(provider, CODER)
    assert upstream.loads == 1


@pytest.mark.parametrize(
    "answer",
    [Answer.of("404 page not found", 404), Answer.of({"error": "broken"}, 500), Answer.of({})],
    ids=["too old", "broken", "of another shape"],
)
async def test_where_ollama_does_not_say_what_is_loaded_it_is_asked_all_the_same(
    answer: Answer, upstream: FakeOllama, provider: OllamaProvider
) -> None:
    upstream.fault(answer, path="/api/ps", times=None)
    assert (await fill(provider, CODER)).content == "a + b"


async def test_a_load_that_fails_is_a_failure_of_its_kind(upstream: FakeOllama, provider: OllamaProvider) -> None:
    upstream.fault(ollama_failures.out_of_memory(), path="/api/chat")
    failure = await failure_of(fill(provider, CODER))
    assert failure.kind is FailureKind.SERVER


async def test_who_stops_reading_frees_the_model(upstream: FakeOllama, provider: OllamaProvider) -> None:
    await fill(provider, CODER)
    upstream.fault(Fault.endless(), path="/api/generate")
    async with aclosing(provider.fill(GAP, CODER)) as pieces:
        await anext(pieces)
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert upstream.disconnects == 1


async def test_a_stopped_ollama_is_no_network(upstream: FakeOllama, provider: OllamaProvider) -> None:
    await upstream.stop()
    with pytest.raises(ProviderFailure) as raised:
        await fill(provider, CODER)
    assert raised.value.kind is FailureKind.NETWORK
