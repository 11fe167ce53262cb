"""Gaps in code, filled by OpenAI's older API where a server has it, in a chat where not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import Answer, FakeOpenAI, Fault, openai_failures
from ai_gateway.fakes.answers import text_of
from ai_gateway.model import FinishReason, Infill, Usage
from ai_gateway.providers.openai.provider import OpenAIProvider
from support.asking import HANG_SECONDS, KEY, ask, failure_of
from support.filling import GAP, fill

CODER = "coder"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(text_models=[CODER]) as upstream:
        upstream.reply("a + b")
        yield upstream


@pytest.fixture
async def provider(upstream: FakeOpenAI) -> AsyncIterator[OpenAIProvider]:
    async with aclosing(OpenAIProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


def paths(upstream: FakeOpenAI) -> list[str]:
    return [request.path.removeprefix("/v1") for request in upstream.requests]


async def test_a_completion_between_prompt_and_suffix_fills_the_gap(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    answer = await fill(provider, CODER)
    assert (answer.content, answer.finish_reason, answer.model) == ("a + b", FinishReason.STOP, CODER)
    assert answer.usage == Usage(6, 3)
    [request] = upstream.requests
    assert (request.path, request.bearer) == ("/v1/completions", KEY)
    assert request.body == {
        "model": CODER,
        "prompt": GAP.prefix,
        "suffix": GAP.suffix,
        "max_tokens": 32,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_stop_words_are_sent_and_at_the_end_of_a_file_no_suffix(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    await fill(provider, CODER, Infill("x", stop=("\n",)))
    assert upstream.requests[0].json["stop"] == ["\n"]
    assert "suffix" not in upstream.requests[0].json


async def test_a_server_may_answer_without_streaming(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    choice = {"text": "a + b", "index": 0, "finish_reason": "length"}
    upstream.fault(Answer.of({"object": "text_completion", "model": "m", "choices": [choice]}))
    answer = await fill(provider, CODER)
    assert (answer.content, answer.finish_reason) == ("a + b", FinishReason.LENGTH)


@pytest.mark.parametrize(
    "refusal",
    [
        openai_failures.not_a_completion_model(),
        openai_failures.unrecognized_argument("suffix"),
        openai_failures.suffix_unsupported(),
        openai_failures.unsupported_param("suffix"),
        openai_failures.unsupported_parameter("suffix"),
        Answer.of({"error": {"message": "Invalid URL (POST /v1/completions)"}}, 404),
        Answer.of({"detail": "Method Not Allowed"}, 405),
        Answer.of({"error": "Unexpected endpoint or method. (POST /v1/completions)"}, 404),
        Answer.of({"error": {"message": "no", "type": "invalid_request_error"}}, 400),
    ],
    ids=[
        "a chat model",
        "OpenAI",
        "vLLM",
        "llama.cpp",
        "as newer models say it",
        "no such path",
        "no such method",
        "LM Studio",
        "no reason",
    ],
)
async def test_whoever_refuses_is_asked_in_a_chat_and_not_tried_again(
    refusal: Answer, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(refusal, path="/v1/completions")
    assert (await fill(provider, CODER)).content == "a + b"
    assert (await fill(provider, CODER)).content == "a + b"
    assert paths(upstream) == ["/completions", "/chat/completions", "/chat/completions"]
    assert "return <GAP/>\n" in text_of(upstream.requests[1].json["messages"])


async def test_what_one_model_refuses_another_may_do(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    await fill(provider, "chatter")
    await fill(provider, CODER)
    assert paths(upstream) == ["/completions", "/chat/completions", "/completions"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (openai_failures.invalid_api_key(), FailureKind.AUTH),
        (openai_failures.rate_limited(7), FailureKind.RATE_LIMIT),
        (openai_failures.insufficient_quota(), FailureKind.QUOTA),
        (openai_failures.server_error(), FailureKind.SERVER),
        (openai_failures.prompt_too_long(), FailureKind.CONTEXT_TOO_LONG),
    ],
)
async def test_any_other_failure_keeps_its_kind_and_is_not_asked_again(
    answer: Answer, kind: FailureKind, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(answer, path="/v1/completions")
    assert (await failure_of(fill(provider, CODER))).kind is kind
    assert paths(upstream) == ["/completions"]


async def test_a_parameter_that_is_refused_is_left_out_the_next_time(
    upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(openai_failures.unsupported_parameter("temperature"), path="/v1/completions")
    assert (await failure_of(fill(provider, CODER))).mended
    assert (await fill(provider, CODER)).content == "a + b"
    assert paths(upstream) == ["/completions", "/completions"]
    assert "temperature" not in upstream.requests[-1].json


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.cut(after=1), FailureKind.STREAM_BROKEN),
        (Fault.reset(), FailureKind.NETWORK),
        (Fault.error_event("boom", after=1), FailureKind.SERVER),
    ],
    ids=["cut", "reset", "error"],
)
async def test_a_broken_stream_is_never_an_answer(
    fault: Fault, kind: FailureKind, upstream: FakeOpenAI, provider: OpenAIProvider
) -> None:
    upstream.fault(fault, path="/v1/completions", times=None)
    assert (await failure_of(fill(provider, CODER))).kind is kind
    assert paths(upstream) == ["/completions"]


async def test_who_stops_reading_frees_the_upstream(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    upstream.fault(Fault.endless())
    async with aclosing(provider.fill(GAP, CODER)) as pieces:
        await anext(pieces)
    await asyncio.wait_for(upstream.wait_until_idle(), HANG_SECONDS)
    assert upstream.disconnects == 1


@pytest.mark.parametrize(
    ("base_url", "endpoint"),
    [
        ("https://api.mistral.ai/v1", "/fim/completions"),
        ("https://codestral.mistral.ai/v1", "/fim/completions"),
        ("https://api.deepseek.com/beta", "/completions"),
        ("https://notmistral.ai/v1", "/completions"),
    ],
)
def test_mistral_has_a_path_of_its_own_for_gaps(base_url: str, endpoint: str) -> None:
    assert OpenAIProvider(KEY, base_url=base_url).infill_endpoint == endpoint


async def test_a_chat_after_a_refusal_is_as_ever(upstream: FakeOpenAI, provider: OpenAIProvider) -> None:
    await fill(provider, "chatter")
    assert (await ask(provider, "chatter", max_tokens=5)).content == "a + b"
    assert upstream.requests[-1].json["max_tokens"] == 5
