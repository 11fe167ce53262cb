"""A prompt as Anthropic wants it: conversations put right, and answers of a given form."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.fakes import FakeAnthropic
from ai_gateway.model import Message
from ai_gateway.model import ToolCall as Call
from ai_gateway.providers.anthropic.body import GO_ON, turns
from ai_gateway.providers.anthropic.provider import AnthropicProvider
from support.asking import KEY, MESSAGES, ask, chain_of
from support.stream_faults import TEXT

MODEL = "claude-opus-5-5"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as upstream:
        upstream.reply(TEXT)
        yield upstream


@pytest.fixture
async def provider(upstream: FakeAnthropic) -> AsyncIterator[AnthropicProvider]:
    async with aclosing(AnthropicProvider(KEY, base_url=upstream.base_url)) as provider:
        yield provider


CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {"type": "integer"}}}


def schema_format(schema: object) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def user(*blocks: object) -> dict[str, object]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: object) -> dict[str, object]:
    return {"role": "assistant", "content": list(blocks)}


def text(said: str) -> dict[str, object]:
    return {"type": "text", "text": said}


def call(number: int, name: str = "f", **given: object) -> dict[str, object]:
    return {"type": "tool_use", "id": f"call_{number}", "name": name, "input": given}


def result(number: int, content: str | None = None) -> dict[str, object]:
    said = {} if content is None else {"content": content}
    return {"type": "tool_result", "tool_use_id": f"call_{number}", **said}


def asks(*calls: tuple[str, str], said: str = "") -> Message:
    """An assistant's message with calls, each an id and arguments."""
    return Message("assistant", said, tuple(Call(call_id, "f", arguments) for call_id, arguments in calls))


def answers(call_id: str | None, said: str = "done") -> Message:
    return Message("tool", said, tool_call_id=call_id)


ASKED = Message("user", "Add")
CONVERSATIONS: dict[str, tuple[Sequence[Message], Sequence[object]]] = {
    "one question": ([ASKED], [user(text("Add"))]),
    "a side that speaks twice has one turn": (
        [ASKED, Message("user", "it"), Message("assistant", "3"), Message("assistant", "!"), ASKED],
        [user(text("Add"), text("it")), assistant(text("3"), text("!")), user(text("Add"))],
    ),
    "instructions are no turn": ([Message("system", "Be brief"), ASKED, Message("system", "B")], [user(text("Add"))]),
    "blank texts are left out": (
        [Message("user", " \n"), ASKED, Message("assistant", ""), Message("user", "it")],
        [user(text("Add"), text("it"))],
    ),
    "the first word is the user's": (
        [Message("assistant", "Hello"), ASKED],
        [user(text(GO_ON)), assistant(text("Hello")), user(text("Add"))],
    ),
    "so is the last": (
        [ASKED, Message("assistant", "3 ")],
        [user(text("Add")), assistant(text("3 ")), user(text(GO_ON))],
    ),
    "a call and its result": (
        [ASKED, asks(("x", '{"a": 1}'), said="Hm"), answers("x", "3")],
        [user(text("Add")), assistant(text("Hm"), call(1, a=1)), user(result(1, "3"))],
    ),
    "several results are one turn": (
        [ASKED, asks(("x", "{}"), ("y", "{}")), answers("y", "2"), answers("x", "1"), Message("user", "so?")],
        [user(text("Add")), assistant(call(1), call(2)), user(result(2, "2"), result(1, "1"), text("so?"))],
    ),
    "a result comes before what was said meanwhile": (
        [ASKED, asks(("x", "{}")), Message("user", "Hurry"), answers("x", "1")],
        [user(text("Add")), assistant(call(1)), user(result(1, "1"), text("Hurry"))],
    ),
    "ids that other providers reuse": (
        [ASKED, asks(("call_0", "{}")), answers("call_0", "1"), asks(("call_0", "{}")), answers("call_0", "2")],
        [user(text("Add")), assistant(call(1)), user(result(1, "1")), assistant(call(2)), user(result(2, "2"))],
    ),
    "ids that are all alike": (
        [ASKED, asks(("", "{}"), ("", "{}")), answers("", "1"), answers("", "2")],
        [user(text("Add")), assistant(call(1), call(2)), user(result(1, "1"), result(2, "2"))],
    ),
    "an empty result": (
        [ASKED, asks(("x", "{}")), answers("x", "")],
        [user(text("Add")), assistant(call(1)), user(result(1))],
    ),
    "a result without its call is text": (
        [ASKED, answers("x", "3"), answers(None, "4"), answers("x", " ")],
        [user(text("Add"), text("3"), text("4"))],
    ),
    "arguments that are no object": (
        [ASKED, asks(("x", '{"a":\udc80'), ("y", "[1]")), answers("x"), answers("y")],
        [user(text("Add")), assistant(call(1), call(2)), user(result(1, "done"), result(2, "done"))],
    ),
}


@pytest.mark.parametrize(
    ("messages", "expected"), [pytest.param(*case, id=name) for name, case in CONVERSATIONS.items()]
)
async def test_a_conversation_is_told_as_the_api_wants_it(
    messages: Sequence[Message], expected: Sequence[object], upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    answer = await provider.chat([message.as_dict() for message in messages], model=MODEL)
    assert answer.content == TEXT
    assert upstream.requests[0].json["messages"] == expected


SAID = st.sampled_from(["", " ", "text"])
IDS = st.sampled_from(["a", "b", ""])
MESSAGE = st.one_of(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), SAID),
    st.builds(lambda said, ids: asks(*((name, "{}") for name in ids), said=said), SAID, st.lists(IDS, max_size=2)),
    st.builds(answers, IDS | st.none(), SAID),
)


@settings(deadline=None)
@given(st.lists(MESSAGE, max_size=8))
def test_any_conversation_alternates_between_user_and_assistant_and_says_something_each_time(
    messages: list[Message],
) -> None:
    told = turns(messages)
    roles = [turn["role"] for turn in told]
    assert roles == ["user", *["assistant", "user"] * (len(roles) // 2)]
    blocks = [block for turn in told for block in turn["content"]]
    assert all(turn["content"] for turn in told)
    assert all(str(block["text"]).strip() for block in blocks if block["type"] == "text")
    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    assert len(set(ids)) == len(ids)
    assert len(set(results)) == len(results)
    assert set(results) <= set(ids)


async def test_instructions_stand_apart_wherever_they_were_given(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    said = [("system", "Be brief"), ("system", ""), ("user", "Hi"), ("system", "In French"), ("user", "Say it")]
    await provider.chat([{"role": role, "content": content} for role, content in said], model=MODEL)
    assert upstream.requests[0].json["system"] == "Be brief\n\nIn French"


async def test_a_json_schema_is_enforced_by_the_api(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    await ask(provider, MODEL, response_format=schema_format(CLOSED))
    body = upstream.requests[0].json
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}
    assert "system" not in body


async def test_a_schema_that_the_api_will_not_enforce_is_asked_for_in_words_from_then_on(
    upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    chain = chain_of(provider, MODEL)
    for _ in range(2):
        assert (await chain.chat(MESSAGES, response_format=schema_format(OPEN))).content == TEXT
    await chain.chat(MESSAGES, response_format=schema_format(CLOSED))
    refused, mended, again, other = (request.json for request in upstream.requests)
    assert "output_config" in refused
    assert mended == again
    assert json.dumps(OPEN) in str(mended["system"])
    assert "output_config" not in mended
    assert "output_config" in other


@pytest.mark.parametrize("form", [{"type": "json_object"}, {"type": "json_schema"}])
async def test_json_of_no_schema_is_asked_for_in_words(
    form: Mapping[str, object], upstream: FakeAnthropic, provider: AnthropicProvider
) -> None:
    await ask(provider, MODEL, response_format=form)
    assert "JSON" in str(upstream.requests[0].json["system"])


async def test_plain_text_needs_no_word(upstream: FakeAnthropic, provider: AnthropicProvider) -> None:
    await ask(provider, MODEL, response_format={"type": "text"})
    assert "system" not in upstream.requests[0].json
