"""Values as upstreams write them, and what else they may write in their place."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.wire import (
    amount_in,
    count_in,
    object_in,
    objects_in,
    parsed,
    parsed_all,
    text_in,
    whole_object,
)
from support.any_json import any_json


@settings(deadline=None)
@given(any_json("a"))
def test_json_is_parsed(value: object) -> None:
    assert parsed(json.dumps(value).encode()) == value


def test_a_byte_that_is_not_utf8_costs_its_character_only() -> None:
    assert parsed(b'{"text":"one \xff two"}') == {"text": "one � two"}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parsed(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize("data", [b"", b"{", b"[DONE]", b"\x00", b"[" * 100_000, b"9" * 5000], ids=len)
def test_what_is_no_json_is_nothing(data: bytes) -> None:
    assert parsed(data) is None


@pytest.mark.parametrize(
    ("value", "objects"), [([{"a": 1}, 2, None, {}], [{"a": 1}, {}]), ({}, []), (None, []), ("x", [])]
)
def test_only_objects_of_lists_are_taken(value: object, objects: list[object]) -> None:
    assert objects_in(value) == objects


@pytest.mark.parametrize("messages", [[], [b"1"], [b'{"a":1}', b"[2]"], [b"{", b"1"], [b"1,2"], [b'"a', b'b"'], [b""]])
def test_messages_parsed_together_are_what_each_is_alone(messages: list[bytes]) -> None:
    assert parsed_all(messages) == [parsed(message) for message in messages]


@pytest.mark.parametrize(
    ("value", "amount", "count", "text"),
    [
        (5, 5.0, 5, ""),
        (0, 0.0, 0, ""),
        (0.5, 0.5, 0, ""),
        (-1, None, 0, ""),
        (True, None, 0, ""),
        (math.nan, None, 0, ""),
        (math.inf, None, 0, ""),
        (10**400, None, 10**400, ""),
        ("5", None, 0, "5"),
        (None, None, 0, ""),
        ([], None, 0, ""),
    ],
    ids=repr,
)
def test_a_value_of_another_kind_is_none(value: object, amount: float | None, count: int, text: str) -> None:
    assert (amount_in(value), count_in(value), text_in(value)) == (amount, count, text)


def test_an_object_is_tolerated_or_insisted_on() -> None:
    assert (object_in({"a": 1}), object_in([]), object_in(None)) == ({"a": 1}, {}, {})
    assert whole_object({"a": 1}) == {"a": 1}
    with pytest.raises(ProviderFailure, match="not a JSON object") as raised:
        whole_object([])
    assert raised.value.kind is FailureKind.SERVER
