"""Anthropic's own client library against the fake: if it is content, the fake is faithful."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anthropic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam, ToolParam

from ai_gateway.fakes import Answer, FakeAnthropic, Fault, ToolCall, anthropic_failures

MODEL = "claude-opus-5-5"
ASKED: list[MessageParam] = [{"role": "user", "content": "Say hello"}]
ADD: ToolParam = {
    "name": "add",
    "description": "Adds.",
    "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic(api_key="sk-ant-right") as upstream:
        upstream.reply("Hello there, world")
        yield upstream


@pytest.fixture
async def client(upstream: FakeAnthropic) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(api_key="sk-ant-right", base_url=upstream.base_url, max_retries=0) as client:
        yield client


async def test_it_completes_a_chat(upstream: FakeAnthropic, client: AsyncAnthropic) -> None:
    upstream.cache_read_tokens = 1
    message = await client.messages.create(model=MODEL, max_tokens=100, system="Be brief", messages=ASKED)
    [block] = message.content
    assert block.type == "text"
    assert (block.text, message.stop_reason, message.model) == ("Hello there, world", "end_turn", MODEL)
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (3, 1)
    assert upstream.requests[0].headers["anthropic-version"] == "2026-10-21"


async def test_it_completes_a_stream(upstream: FakeAnthropic, client: AsyncAnthropic) -> None:
    upstream.reply("Hello there", thinking="Let me see")
    async with client.messages.stream(model=MODEL, max_tokens=100, messages=ASKED) as stream:
        texts = [text async for text in stream.text_stream]
        message = await stream.get_final_message()
    assert texts == ["Hello", " there"]
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 5)


async def test_it_gets_calls_and_gives_their_results_back(upstream: FakeAnthropic, client: AsyncAnthropic) -> None:
    upstream.reply("Well", tool_calls=[ToolCall("add", {"a": 1}, "t1"), ToolCall("add", {"a": 2}, "t2")])
    async with client.messages.stream(model=MODEL, max_tokens=100, messages=ASKED, tools=[ADD]) as stream:
        message = await stream.get_final_message()
    calls = [block for block in message.content if block.type == "tool_use"]
    assert message.stop_reason == "tool_use"
    assert [(call.id, call.name, call.input) for call in calls] == [("t1", "add", {"a": 1}), ("t2", "add", {"a": 2})]
    upstream.reply("3")
    results: MessageParam = {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "1"} for call in calls],
    }
    said: list[MessageParam] = [*ASKED, {"role": "assistant", "content": message.content}, results]
    answer = await client.messages.create(model=MODEL, max_tokens=100, messages=said, tools=[ADD])
    assert answer.stop_reason == "end_turn"


async def test_it_lists_models_over_several_pages(upstream: FakeAnthropic, client: AsyncAnthropic) -> None:
    upstream.models = [f"claude-{number}" for number in range(5)]
    listed = [model async for model in client.models.list(limit=2)]
    assert [model.id for model in listed] == list(upstream.models)
    assert len(upstream.requests) == 3
    model = await client.models.retrieve("claude-3")
    assert (model.lifecycle, model.max_input_tokens, model.max_tokens) == ("active", 200_000, 64_000)


REFUSALS = [
    (anthropic_failures.prompt_too_long(), anthropic.BadRequestError),
    (anthropic_failures.invalid_api_key(), anthropic.AuthenticationError),
    (anthropic_failures.permission_denied(), anthropic.PermissionDeniedError),
    (anthropic_failures.model_not_found(), anthropic.NotFoundError),
    (anthropic_failures.conflict(), anthropic.ConflictError),
    (anthropic_failures.rate_limited(), anthropic.RateLimitError),
    (anthropic_failures.server_error(), anthropic.InternalServerError),
    (anthropic_failures.billing_error(), anthropic.APIStatusError),
    (anthropic_failures.request_too_large(), anthropic.APIStatusError),
    (anthropic_failures.timed_out(), anthropic.InternalServerError),
    (anthropic_failures.overloaded(), anthropic.InternalServerError),
]


@pytest.mark.parametrize(("answer", "error"), REFUSALS)
async def test_it_sees_each_refusal_as_its_own_exception(
    answer: Answer, error: type[anthropic.APIStatusError], upstream: FakeAnthropic, client: AsyncAnthropic
) -> None:
    upstream.fault(answer)
    with pytest.raises(error) as raised:
        await client.messages.create(model=MODEL, max_tokens=100, messages=ASKED)
    assert raised.value.status_code == answer.status
    assert raised.value.type == anthropic_failures.TYPES.get(answer.status, "api_error")
    assert raised.value.request_id == anthropic_failures.REQUEST_ID


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        (anthropic_failures.spend_limit_enforced(), "enforced_spend_limit_reached", "EnforcedSpendLimitReachedError"),
        (anthropic_failures.contract_spend_limit(), "contract_spend_limit_reached", "ContractSpendLimitReachedError"),
        (anthropic_failures.ramp_limited(), "ramp_limit_exceeded", "RampLimitExceededError"),
        (anthropic_failures.organization_on_hold(), "organization_on_hold", "OrganizationOnHoldError"),
        (
            anthropic_failures.linked_organization_spend_limit(),
            "linked_organization_spend_limit_reached",
            "LinkedOrganizationSpendLimitReachedError",
        ),
    ],
)
async def test_it_knows_the_finer_codes(
    answer: Answer, code: str, error: str, upstream: FakeAnthropic, client: AsyncAnthropic
) -> None:
    upstream.fault(answer)
    with pytest.raises(anthropic.APIStatusError) as raised:
        await client.messages.create(model=MODEL, max_tokens=100, messages=ASKED)
    assert (raised.value.error_code, type(raised.value).__name__) == (code, error)


async def test_it_sees_an_error_within_a_stream(upstream: FakeAnthropic, client: AsyncAnthropic) -> None:
    upstream.fault(Fault.error_event(anthropic_failures.error_event("overloaded_error", "Overloaded"), after=1))
    async with client.messages.stream(model=MODEL, max_tokens=100, messages=ASKED) as stream:
        assert await anext(aiter(stream.text_stream)) == "Hello"
        with pytest.raises(anthropic.APIStatusError) as raised:
            await stream.get_final_message()
    assert raised.value.type == "overloaded_error"


async def test_a_wrong_key_is_refused(upstream: FakeAnthropic) -> None:
    async with AsyncAnthropic(api_key="sk-ant-wrong", base_url=upstream.base_url, max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError):
            await client.models.list()
