from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError

import pytest

from ai_gateway.model import CacheMode, Message, Prompt, Role, Tool, ToolCall, Usage

CALL = ToolCall("call_1", "weather", '{"city": "Oslo"}')
CALL_SHAPE = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}


@pytest.mark.parametrize(
    ("mode", "reads", "writes"),
    [
        (CacheMode.ON, True, True),
        (CacheMode.OFF, False, False),
        (CacheMode.READ, True, False),
        (CacheMode.REFRESH, False, True),
    ],
)
def test_a_cache_mode_reads_and_writes_as_its_name_says(mode: CacheMode, reads: bool, writes: bool) -> None:
    assert (mode.reads, mode.writes) == (reads, writes)


@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool"])
def test_a_message_goes_through_its_shape_unharmed(role: Role) -> None:
    message = Message(role, "Hello", tool_calls=(CALL,), tool_call_id="call_0")
    assert message.as_dict() == {
        "role": role,
        "content": "Hello",
        "tool_calls": [CALL_SHAPE],
        "tool_call_id": "call_0",
    }
    assert Message.of(message.as_dict()) == message
    assert Message.of(message) is message


def test_a_plain_messages_shape_has_nothing_else() -> None:
    assert Message("user", "Hello").as_dict() == {"role": "user", "content": "Hello"}


def test_a_message_of_tool_calls_needs_no_content() -> None:
    assert Message.of({"role": "assistant", "content": None, "tool_calls": [CALL_SHAPE]}).content == ""
    assert Message.of({"role": "assistant", "tool_calls": [CALL]}).tool_calls == (CALL,)


def test_a_tool_call_comes_back_as_it_was_given_by_the_gateway_with_its_signature() -> None:
    given = {"id": "1", "name": "now", "arguments": "{}", "signature": "seal"}
    shape = {"role": "assistant", "tool_calls": [given]}
    assert Message.of(shape).tool_calls == (ToolCall("1", "now", "{}", signature="seal"),)


@pytest.mark.parametrize(
    ("arguments", "expected"), [({"city": "Oslo"}, '{"city": "Oslo"}'), ('{"a":1}', '{"a":1}'), (None, "null")]
)
def test_a_tool_calls_arguments_become_text(arguments: object, expected: str) -> None:
    shape = {"role": "assistant", "tool_calls": [{"function": {"name": "weather", "arguments": arguments}}]}
    assert Message.of(shape).tool_calls == (ToolCall("", "weather", expected),)


def test_a_tool_call_without_arguments_has_empty_ones() -> None:
    shape = {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "now"}}]}
    assert Message.of(shape).tool_calls == (ToolCall("1", "now", "{}"),)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("Hello", "object"),
        (None, "object"),
        ({}, "'role'"),
        ({"role": "robot", "content": "Hello"}, "'role'"),
        ({"role": ["user"], "content": "Hello"}, "'role'"),
        ({"role": "user"}, "'content'"),
        ({"role": "user", "content": None}, "'content'"),
        ({"role": "user", "content": ["Hello"]}, "'content'"),
        ({"role": "user", "content": "", "tool_calls": 5}, "'tool_calls'"),
        ({"role": "user", "content": "", "tool_calls": "weather"}, "tool call"),
        ({"role": "user", "content": "", "tool_calls": [{"id": "1"}]}, "'function'"),
        ({"role": "user", "content": "", "tool_calls": [{"function": {"name": 5}}]}, "'name'"),
    ],
    ids=str,
)
def test_a_malformed_message_is_refused_by_the_part_that_is_wrong(shape: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Message.of(shape)


def test_a_tool_call_id_that_is_no_text_is_left_out() -> None:
    assert Message.of({"role": "tool", "content": "5", "tool_call_id": 7}).tool_call_id is None


def test_a_tool_goes_through_its_shape_unharmed() -> None:
    tool = Tool("weather", "Tells the weather", {"type": "object"})
    function = {"name": "weather", "description": "Tells the weather", "parameters": {"type": "object"}}
    assert tool.as_dict() == {"type": "function", "function": function}
    assert Tool.of(tool.as_dict()) == tool
    assert Tool.of(function) == tool
    assert Tool.of(tool) is tool


@pytest.mark.parametrize(
    "shape",
    [
        {"name": "now"},
        {"name": "now", "description": None, "parameters": None},
        {"type": "function", "function": {"name": "now", "parameters": "none"}},
    ],
    ids=str,
)
def test_a_tool_needs_no_more_than_a_name(shape: Mapping[str, object]) -> None:
    assert Tool.of(shape) == Tool("now")


@pytest.mark.parametrize("shape", [{}, {"name": 5}, {"function": "now"}, {"function": {}}, "now", None], ids=str)
def test_a_tool_without_a_name_is_refused(shape: object) -> None:
    with pytest.raises(ValueError, match="name"):
        Tool.of(shape)


FULL = Prompt(
    (Message("system", "Be brief"), Message("user", "Hello")),
    temperature=0.0,
    max_tokens=5,
    stop=("end",),
    tools=(Tool("now"),),
    response_format={"type": "text"},
)


def test_only_options_that_were_set_are_named() -> None:
    assert FULL.options() == {
        "temperature": 0.0,
        "max_tokens": 5,
        "stop": ["end"],
        "response_format": {"type": "text"},
    }
    assert Prompt(FULL.messages).options() == {}


@pytest.mark.parametrize("parameter", ["temperature", "max_tokens", "stop", "tools", "response_format"])
def test_any_one_parameter_can_be_left_to_the_upstream(parameter: str) -> None:
    without = FULL.without(parameter)
    assert getattr(without, parameter) in {None, ()}
    names = ("messages", "temperature", "max_tokens", "stop", "tools", "response_format")
    changed = [name for name in names if getattr(without, name) != getattr(FULL, name)]
    assert changed == [parameter]


@pytest.mark.parametrize("parameter", ["", "messages", "top_k"])
def test_a_prompt_without_what_it_does_not_have_is_the_same(parameter: str) -> None:
    assert FULL.without(parameter) is FULL


@pytest.mark.parametrize(
    ("prompt", "text", "tokens"),
    [("", "", (0, 0)), ("a", "abcd", (1, 1)), ("abcd", "abcde", (1, 2)), ("x" * 401, "y" * 8, (101, 2))],
)
def test_tokens_are_estimated_at_four_characters_each_and_rounded_up(
    prompt: str, text: str, tokens: tuple[int, int]
) -> None:
    half = len(prompt) // 2
    usage = Usage.estimate(Prompt((Message("system", prompt[:half]), Message("user", prompt[half:]))), text)
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (*tokens, True)


def test_values_of_the_vocabulary_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        FULL.messages[0].content = "Be long"  # type: ignore[misc]  # the point of the test
