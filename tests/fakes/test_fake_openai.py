import base64
import json
import math
import struct
from collections.abc import Mapping

import pytest

from ai_gateway.fakes import FakeOpenAI, ToolCall, openai_failures
from fakes.raw_http import RawResponse, ask

MESSAGES = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Say hello"}]
Body = dict[str, object]


async def chat(upstream: FakeOpenAI, **body: object) -> RawResponse:
    return await chat_as("sk-any", upstream, **body)


async def chat_as(key: str, upstream: FakeOpenAI, **body: object) -> RawResponse:
    return await ask(
        upstream,
        "/v1/chat/completions",
        {"model": "gpt-4.1", "messages": MESSAGES, **body},
        headers={"Authorization": f"Bearer {key}"},
    )


def error_of(response: RawResponse) -> Body:
    error = json.loads(response.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return dict(error)


def choice_of(event: Mapping[str, object]) -> Body:
    choices = event["choices"]
    assert isinstance(choices, list)
    [choice] = choices
    return dict(choice)


def deltas_of(response: RawResponse) -> list[object]:
    return [choice_of(event)["delta"] for event in response.events if event["choices"]]


async def test_a_whole_answer_has_message_finish_reason_and_usage() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply("Hello there, world")
        response = await chat(upstream)
    body = json.loads(response.body)
    assert (response.status, body["object"], body["model"]) == (200, "chat.completion", "gpt-4.1")
    choice = choice_of(body)
    assert choice["finish_reason"] == "stop"
    assert choice["message"] == {
        "role": "assistant",
        "content": "Hello there, world",
        "refusal": None,
        "annotations": [],
    }
    usage = body["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (4, 3, 7)


async def test_a_stream_starts_with_the_role_and_ends_with_done() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply("Hello there, world")
        response = await chat(upstream, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert deltas_of(response) == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hello"},
        {"content": " there,"},
        {"content": " world"},
        {},
    ]
    assert [choice_of(event)["finish_reason"] for event in response.events] == [None] * 4 + ["stop"]
    assert response.payloads[-1] == b"[DONE]"
    assert all("usage" not in event and "obfuscation" in event for event in response.events)


async def test_usage_comes_in_a_last_event_without_choices_when_asked_for() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply("Hello there")
        options = {"include_usage": True, "include_obfuscation": False}
        events = (await chat(upstream, stream=True, stream_options=options)).events
    assert events[-1]["choices"] == []
    usage = events[-1]["usage"]
    assert isinstance(usage, dict)
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (4, 2)
    assert all(event["usage"] is None for event in events[:-1])
    assert not any("obfuscation" in event for event in events)


async def test_text_is_completed_without_a_chat_by_the_models_that_can() -> None:
    async with FakeOpenAI(text_models=["coder"]) as upstream:
        upstream.reply("Hello there")
        wanted = {"model": "coder", "prompt": "one two", "suffix": "three", "stream": True}
        events = (await ask(upstream, "/v1/completions", wanted)).events
        refused = await ask(upstream, "/v1/completions", {**wanted, "model": "gpt-4.1"})
        empty = await ask(upstream, "/v1/completions", {**wanted, "prompt": ""})
        whole = json.loads((await ask(upstream, "/v1/completions", {**wanted, "stream": False})).body)
    assert [choice_of(event)["text"] for event in events] == ["Hello", " there", ""]
    assert choice_of(events[-1])["finish_reason"] == "stop"
    assert {event["object"] for event in events} == {"text_completion"}
    assert (choice_of(whole)["text"], whole["usage"]["prompt_tokens"]) == ("Hello there", 3)
    assert (refused.status, error_of(refused)["param"]) == (404, "model")
    assert (empty.status, error_of(empty)["param"]) == (400, "prompt")


async def test_chunks_are_streamed_as_given() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply(chunks=["Hel", "lo", ""], finish_reason="length", model="gpt-4.1-2025-04-14")
        response = await chat(upstream, stream=True)
    assert deltas_of(response)[1:-1] == [{"content": "Hel"}, {"content": "lo"}, {"content": ""}]
    assert choice_of(response.events[-1])["finish_reason"] == "length"
    assert response.events[0]["model"] == "gpt-4.1-2025-04-14"


async def test_an_empty_reply_has_no_delta_with_text() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply("")
        assert len(deltas_of(await chat(upstream, stream=True))) == 2


async def test_tool_calls_are_streamed_in_fragments() -> None:
    weather = ToolCall("get_weather", {"city": "São Paulo"}, id="call_a")
    clock = ToolCall("get_time", id="call_b")
    async with FakeOpenAI() as upstream:
        upstream.reply(tool_calls=[weather, clock])
        response = await chat(upstream, stream=True)
    fragments = [call for delta in deltas_of(response) for call in dict(delta).get("tool_calls", [])]  # type: ignore[call-overload] # a JSON object
    firsts = [call for call in fragments if "id" in call]
    assert [(call["index"], call["id"], call["function"]["name"]) for call in firsts] == [
        (0, "call_a", "get_weather"),
        (1, "call_b", "get_time"),
    ]
    arguments = ["", ""]
    for call in fragments:
        arguments[call["index"]] += call["function"]["arguments"]
    assert [json.loads(text) for text in arguments] == [{"city": "São Paulo"}, {}]
    assert len(fragments) > len(firsts) + 2
    assert choice_of(response.events[-1])["finish_reason"] == "tool_calls"


async def test_tool_calls_come_whole_in_a_whole_answer() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply(tool_calls=[ToolCall("f", '{"broken')])
        choice = choice_of(json.loads((await chat(upstream)).body))
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"broken'}}],
    }


async def test_thinking_is_told_apart_from_the_text() -> None:
    async with FakeOpenAI() as upstream:
        upstream.reply("Yes", thinking="Let me see")
        streamed = deltas_of(await chat(upstream, stream=True))
        whole = json.loads((await chat(upstream)).body)
    assert streamed[1:-1] == [
        {"reasoning_content": "Let"},
        {"reasoning_content": " me"},
        {"reasoning_content": " see"},
        {"content": "Yes"},
    ]
    assert whole["choices"][0]["message"]["reasoning_content"] == "Let me see"
    assert whole["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3


async def test_a_wrong_key_is_refused_and_shown_masked() -> None:
    async with FakeOpenAI(api_key="sk-right-key") as upstream:
        assert (await chat_as("sk-right-key", upstream)).status == 200
        response = await chat_as("sk-wrong-secret", upstream)
        listed = await ask(upstream, "/v1/models", method="GET")
    assert (response.status, listed.status) == (401, 401)
    assert (error_of(response)["type"], error_of(response)["code"]) == ("invalid_request_error", "invalid_api_key")
    assert b"wrong" not in response.body


async def test_an_unknown_model_is_refused_where_models_were_given() -> None:
    async with FakeOpenAI(models=["gpt-4.1"]) as upstream:
        assert (await chat(upstream)).status == 200
        response = await chat(upstream, model="gpt-0")
    assert (response.status, error_of(response)["code"]) == (404, "model_not_found")
    assert "gpt-0" in str(error_of(response)["message"])


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"model": ""}, None, None),
        ({"model": "o3-mini", "max_tokens": 5}, "max_tokens", "unsupported_parameter"),
        ({"model": "gpt-5.1", "max_tokens": 5}, "max_tokens", "unsupported_parameter"),
        ({"model": "gpt-5", "temperature": 0.2}, "temperature", "unsupported_value"),
        ({"model": "gpt-5", "stop": ["x"]}, "stop", "unsupported_parameter"),
        ({"stream_options": {"include_usage": True}}, "stream_options", None),
    ],
)
async def test_a_wrong_body_is_refused(body: Body, param: str | None, code: str | None) -> None:
    async with FakeOpenAI() as upstream:
        response = await chat(upstream, **body)
    error = error_of(response)
    assert (response.status, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "body",
    [
        {"model": "gpt-4.1", "max_tokens": 5, "temperature": 0.2},
        {"model": "gpt-4o", "max_tokens": 5},
        {"model": "gpt-5", "max_completion_tokens": 5, "temperature": 1, "presence_penalty": 0},
        {"model": "gpt-5-chat-latest", "max_tokens": 5, "temperature": 0.2},
    ],
)
async def test_a_right_body_is_taken(body: Body) -> None:
    async with FakeOpenAI() as upstream:
        assert (await chat(upstream, **body)).status == 200


async def test_a_body_that_is_not_an_object_is_refused() -> None:
    async with FakeOpenAI() as upstream:
        response = await ask(upstream, "/v1/chat/completions", [1])
    assert (response.status, error_of(response)["code"]) == (400, None)


async def test_an_unknown_path_is_refused() -> None:
    async with FakeOpenAI() as upstream:
        response = await ask(upstream, "/v2/chat", {})
    assert (response.status, error_of(response)["message"]) == (404, "Invalid URL (POST /v2/chat)")


async def test_models_are_listed() -> None:
    async with FakeOpenAI(models=["a", "b"]) as upstream:
        listed = json.loads((await ask(upstream, "/v1/models", method="GET")).body)
    assert listed["object"] == "list"
    assert [(model["id"], model["object"]) for model in listed["data"]] == [("a", "model"), ("b", "model")]


async def embed(upstream: FakeOpenAI, **body: object) -> bytes:
    response = await ask(upstream, "/v1/embeddings", {"model": "text-embedding-3-small", **body})
    assert response.status == 200
    return response.body


async def test_embeddings_are_unit_vectors_that_depend_on_the_text_alone() -> None:
    async with FakeOpenAI() as upstream:
        both = json.loads(await embed(upstream, input=["one fish", "two"], dimensions=32))
        one = json.loads(await embed(upstream, input="one fish", dimensions=32))
    vectors = [item["embedding"] for item in both["data"]]
    assert [item["index"] for item in both["data"]] == [0, 1]
    assert one["data"][0]["embedding"] == vectors[0] != vectors[1]
    assert [len(vector) for vector in vectors] == [32, 32]
    assert math.hypot(*vectors[0]) == pytest.approx(1)
    assert both["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


async def test_embeddings_can_be_asked_for_in_base64() -> None:
    async with FakeOpenAI() as upstream:
        plain = json.loads(await embed(upstream, input="x"))
        packed = json.loads(await embed(upstream, input="x", encoding_format="base64"))
    floats = plain["data"][0]["embedding"]
    raw = base64.b64decode(packed["data"][0]["embedding"])
    assert struct.unpack(f"<{len(floats)}f", raw) == pytest.approx(floats)


@pytest.mark.parametrize("texts", [["x"] * 2049, ["x", ""]], ids=["too many", "an empty one"])
async def test_texts_that_can_not_be_embedded_are_refused(texts: list[str]) -> None:
    async with FakeOpenAI() as upstream:
        response = await ask(upstream, "/v1/embeddings", {"model": "text-embedding-3-small", "input": texts})
    assert (response.status, error_of(response)["param"]) == (400, "input")


async def test_every_answer_carries_rate_limits_and_a_request_id() -> None:
    async with FakeOpenAI() as upstream:
        upstream.fault(openai_failures.rate_limited(retry_after=3))
        refused, answered = await chat(upstream), await chat(upstream)
    for response in (refused, answered):
        assert response.headers["x-ratelimit-limit-requests"] == "10000"
        assert response.headers["x-ratelimit-reset-tokens"] == "6m0s"
        assert response.headers["x-request-id"]
    assert refused.headers["retry-after"] == "3"
