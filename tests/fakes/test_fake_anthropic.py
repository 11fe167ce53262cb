import json
from collections.abc import Mapping

import pytest

from ai_gateway.fakes import FakeAnthropic, ToolCall, anthropic_failures
from fakes.raw_http import RawResponse, ask

MESSAGES = [{"role": "user", "content": "Say hello"}]
HEADERS = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
OLDER, NEWER = "claude-haiku-4-5", "claude-opus-5-5"
Body = dict[str, object]


async def chat(upstream: FakeAnthropic, **body: object) -> RawResponse:
    return await chat_with(HEADERS, upstream, **body)


async def chat_with(headers: Mapping[str, str], upstream: FakeAnthropic, **body: object) -> RawResponse:
    whole = {"model": NEWER, "max_tokens": 100, "messages": MESSAGES, **body}
    return await ask(upstream, "/v1/messages", whole, headers=headers)


def error_of(response: RawResponse) -> Body:
    body = json.loads(response.body)
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    return dict(body["error"])


def names_of(response: RawResponse) -> list[str]:
    return [line.removeprefix(b"event: ").decode() for line in response.body.split(b"\n") if line.startswith(b"event")]


def deltas_of(response: RawResponse) -> list[object]:
    return [event["delta"] for event in response.events if event["type"] == "content_block_delta"]


async def test_a_whole_answer_has_content_stop_reason_and_usage() -> None:
    async with FakeAnthropic() as upstream:
        upstream.reply("Hello there, world")
        response = await chat(upstream, system="Be brief")
    body = json.loads(response.body)
    assert (response.status, body["type"], body["role"], body["model"]) == (200, "message", "assistant", NEWER)
    assert body["content"] == [{"type": "text", "text": "Hello there, world", "citations": None}]
    assert (body["stop_reason"], body["stop_sequence"]) == ("end_turn", None)
    assert (body["usage"]["input_tokens"], body["usage"]["output_tokens"]) == (4, 3)


async def test_a_stream_has_the_events_of_one_block_with_their_names() -> None:
    async with FakeAnthropic() as upstream:
        upstream.reply("Hello there")
        response = await chat(upstream, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    names = ["message_start", "content_block_start", "ping", *["content_block_delta"] * 2]
    assert names_of(response) == [*names, "content_block_stop", "message_delta", "message_stop"]
    assert names_of(response) == [event["type"] for event in response.events]
    assert deltas_of(response) == [{"type": "text_delta", "text": "Hello"}, {"type": "text_delta", "text": " there"}]
    start, end = response.events[0]["message"], response.events[-2]
    assert isinstance(start, dict)
    assert (start["content"], start["stop_reason"], start["usage"]["output_tokens"]) == ([], None, 1)
    assert end["delta"] == {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None}
    assert end["usage"] == {"output_tokens": 2, "output_tokens_details": {"thinking_tokens": 0}}


async def test_the_prompt_cache_is_counted_apart() -> None:
    async with FakeAnthropic() as upstream:
        upstream.cache_read_tokens, upstream.cache_creation_tokens = 7, 2
        words = " ".join(["word"] * 10)
        body = json.loads((await chat(upstream, messages=[{"role": "user", "content": words}])).body)
    usage = body["usage"]
    counts = [usage[name] for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")]
    assert counts == [1, 7, 2]


async def test_tool_calls_are_blocks_whose_input_comes_in_fragments() -> None:
    async with FakeAnthropic() as upstream:
        upstream.reply("Well", tool_calls=[ToolCall("f", {"city": "São Paulo"}, "t1"), ToolCall("g", {}, "t2")])
        whole = json.loads((await chat(upstream)).body)
        streamed = await chat(upstream, stream=True)
    assert whole["stop_reason"] == "tool_use"
    assert [block["type"] for block in whole["content"]] == ["text", "tool_use", "tool_use"]
    assert whole["content"][1] == {"type": "tool_use", "id": "t1", "name": "f", "input": {"city": "São Paulo"}}
    inputs = ["", "", ""]
    fragments = 0
    for event in streamed.events:
        delta = event.get("delta")
        if isinstance(delta, dict) and delta.get("type") == "input_json_delta":
            inputs[int(str(event["index"]))] += delta["partial_json"]
            fragments += 1
    assert [json.loads(text) for text in inputs[1:]] == [{"city": "São Paulo"}, {}]
    assert fragments > 4


async def test_thinking_is_a_block_of_its_own_before_the_text() -> None:
    async with FakeAnthropic() as upstream:
        upstream.reply("Yes", thinking="Let me")
        whole = json.loads((await chat(upstream)).body)
        deltas = deltas_of(await chat(upstream, stream=True))
    assert [block["type"] for block in whole["content"]] == ["thinking", "text"]
    assert whole["usage"]["output_tokens_details"] == {"thinking_tokens": 2}
    kinds = [dict(delta)["type"] for delta in deltas]  # type: ignore[call-overload] # a JSON object
    assert kinds == ["thinking_delta", "thinking_delta", "signature_delta", "text_delta"]


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"anthropic-version": "2023-06-01"}, 401, "x-api-key header is required"),
        ({**HEADERS, "x-api-key": "wrong"}, 401, "invalid x-api-key"),
        ({"authorization": "Bearer wrong", "anthropic-version": "2023-06-01"}, 401, "invalid x-api-key"),
        ({"x-api-key": "wrong", "authorization": "Bearer any", "anthropic-version": "x"}, 401, "invalid x-api-key"),
        ({"x-api-key": "any"}, 400, "anthropic-version: header is required"),
        ({"x-api-key": "any", "anthropic-version": "1"}, 400, 'anthropic-version: "1" is not a valid version'),
    ],
)
async def test_a_caller_without_key_or_version_is_refused(
    headers: Mapping[str, str], status: int, message: str
) -> None:
    async with FakeAnthropic(api_key="any") as upstream:
        response = await chat_with(headers, upstream)
        listed = await ask(upstream, "/v1/models", method="GET", headers=headers)
    assert (response.status, error_of(response)["message"]) == (status, message)
    assert listed.status == status


@pytest.mark.parametrize("headers", [{"x-api-key": "right"}, {"authorization": "Bearer right"}])
async def test_a_key_is_taken_in_either_header(headers: Mapping[str, str]) -> None:
    async with FakeAnthropic(api_key="right") as upstream:
        response = await chat_with({**headers, "anthropic-version": "2023-06-01"}, upstream)
    assert response.status == 200


CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "3"}
TEXT = {"type": "text", "text": "Hm"}


def turn(role: str, *content: object) -> Body:
    return {"role": role, "content": list(content)}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"model": None}, "model: Field required"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": []}, "at least one message"),
        ({"max_tokens": "many"}, "valid integer"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"max_tokens": 64_001}, "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens"),
        ({"response_format": {}}, "response_format: Extra inputs are not permitted"),
        ({"temperature": 1}, "`temperature` is deprecated for this model."),
        ({"top_k": 5}, "`top_k` is deprecated for this model."),
        ({"stop_sequences": ["X", "\n"]}, "each stop sequence must contain non-whitespace"),
        ({"messages": [turn("assistant", TEXT), turn("user", TEXT)]}, 'first message must use the "user" role'),
        ({"messages": [turn("tool", TEXT)]}, "roles must be"),
        ({"messages": [turn("user", TEXT), turn("system", TEXT)]}, "role 'system' is not supported"),
        ({"messages": [turn("user")]}, "non-empty content"),
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty content"),
        ({"messages": [turn("user", {"type": "text", "text": ""})]}, "must be non-empty"),
        ({"messages": [turn("user", {"type": "text", "text": " \n"})]}, "must contain non-whitespace text"),
        ({"messages": [turn("user", TEXT), turn("assistant", TEXT)]}, "does not support assistant message prefill"),
        ({"messages": [turn("user", TEXT), turn("assistant", CALL)]}, "`tool_use` ids were found without"),
        ({"messages": [turn("user", TEXT), turn("assistant", CALL), turn("user", TEXT)]}, "without `tool_result`"),
        ({"messages": [turn("user", TEXT), turn("assistant", CALL), turn("user", TEXT, RESULT)]}, "without"),
        ({"messages": [turn("user", RESULT)]}, "unexpected `tool_use_id`"),
        ({"messages": [turn("user", TEXT), turn("assistant", CALL, CALL), turn("user", RESULT)]}, "must be unique"),
        (
            {"messages": [turn("user", TEXT), turn("assistant", {**CALL, "id": "t 1"}), turn("user", TEXT)]},
            "String should match pattern",
        ),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}}},
            "'additionalProperties' must be explicitly set to false",
        ),
        (
            {"output_config": {"format": {"schema": {"anyOf": [{"type": "object"}]}}}},
            "'additionalProperties' must be explicitly set to false",
        ),
    ],
)
async def test_a_wrong_body_is_refused(body: Body, message: str) -> None:
    async with FakeAnthropic() as upstream:
        response = await chat(upstream, **body)
    assert (response.status, error_of(response)["type"]) == (400, "invalid_request_error")
    assert message in str(error_of(response)["message"])


@pytest.mark.parametrize(
    "body",
    [
        {"model": OLDER, "temperature": 0.5, "messages": [turn("user", TEXT), turn("assistant", TEXT)]},
        {"messages": [turn("user", TEXT), turn("assistant", TEXT, CALL), turn("user", RESULT, TEXT)]},
        {"messages": [turn("user", TEXT), turn("user", TEXT)], "stop_sequences": ["X"], "tools": []},
        {"output_config": {"format": {"schema": {"type": "object", "additionalProperties": False}}}},
    ],
)
async def test_a_right_body_is_taken(body: Body) -> None:
    async with FakeAnthropic() as upstream:
        assert (await chat(upstream, **body)).status == 200


async def test_what_an_older_model_takes_has_its_limits_too() -> None:
    unfinished = {"type": "text", "text": "Hm "}
    async with FakeAnthropic() as upstream:
        strict = await chat_with({**HEADERS, "anthropic-version": "2026-10-21"}, upstream, model=OLDER, temperature=1)
        blank = await chat(upstream, model=OLDER, messages=[turn("user", TEXT), turn("assistant", unfinished)])
    assert error_of(strict)["message"] == "temperature: Extra inputs are not permitted"
    assert "trailing whitespace" in str(error_of(blank)["message"])


async def test_a_body_that_is_not_an_object_is_refused() -> None:
    async with FakeAnthropic() as upstream:
        response = await ask(upstream, "/v1/messages", [1], headers=HEADERS)
    assert (response.status, error_of(response)["type"]) == (400, "invalid_request_error")


async def test_an_unknown_path_or_model_is_refused() -> None:
    async with FakeAnthropic(models=[NEWER], retired=[OLDER]) as upstream:
        refused = [
            await ask(upstream, "/v2/messages", {}, headers=HEADERS),
            await chat(upstream, model="claude-0"),
            await chat(upstream, model=OLDER),
            await ask(upstream, "/v1/models/claude-0", method="GET", headers=HEADERS),
        ]
        assert (await chat(upstream)).status == 200
    assert [(response.status, error_of(response)["type"]) for response in refused] == [(404, "not_found_error")] * 4
    assert error_of(refused[2])["message"] == f"model: {OLDER}"


async def test_models_are_listed_in_pages_without_the_retired_and_shown_by_name() -> None:
    async def get(path: str) -> Body:
        return dict(json.loads((await ask(upstream, path, method="GET", headers=HEADERS)).body))

    async with FakeAnthropic(models=["a", "b", "c", "old"], retired=["old"]) as upstream:
        first = await get("/v1/models?limit=2")
        second = await get(f"/v1/models?limit=2&after_id={first['last_id']}")
        beyond = await get("/v1/models?after_id=c")
        shown = [await get(f"/v1/models/{name}") for name in ("a", "old")]
    pages = [[dict(entry)["id"] for entry in page["data"]] for page in (first, second, beyond)]  # type: ignore[attr-defined] # a JSON list
    assert pages == [["a", "b"], ["c"], []]
    assert [page["has_more"] for page in (first, second, beyond)] == [True, False, False]
    assert (first["first_id"], beyond["first_id"], beyond["last_id"]) == ("a", None, None)
    assert [(entry["id"], entry["lifecycle"]) for entry in shown] == [("a", "active"), ("old", "retired")]


async def test_every_answer_carries_rate_limits_and_a_request_id() -> None:
    async with FakeAnthropic() as upstream:
        upstream.fault(anthropic_failures.rate_limited(retry_after=3))
        refused, answered = await chat(upstream), await chat(upstream)
    for response in (refused, answered):
        assert response.headers["anthropic-ratelimit-requests-limit"] == "50"
        assert response.headers["anthropic-ratelimit-input-tokens-reset"].endswith("Z")
        assert response.headers["request-id"]
    assert refused.headers["retry-after"] == "3"


async def test_a_rate_limit_always_says_how_long_to_wait_and_a_spent_limit_never() -> None:
    async with FakeAnthropic() as upstream:
        upstream.fault(upstream.failure(429))
        upstream.fault(anthropic_failures.spend_limit_enforced())
        limited, spent = await chat(upstream), await chat(upstream)
    assert limited.headers["retry-after"] == "30"
    assert "retry-after" not in spent.headers
    assert error_of(spent)["details"] == {"error_code": "enforced_spend_limit_reached"}
