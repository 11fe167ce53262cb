"""Fenced code blocks, as CommonMark has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.fences import Block, blocks, fence_around


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("", []),
        ("no code", []),
        ("```py\na\n```", [Block("py", "a", is_closed=True)]),
        ("```py\na\n```\n", [Block("py", "a", is_closed=True)]),
        ("before\n```\na\n\nb\n```\nafter", [Block("", "a\n\nb", is_closed=True)]),
        ("```\n```", [Block("", "", is_closed=True)]),
        ("```\na", [Block("", "a", is_closed=False)]),
        ("```", [Block("", "", is_closed=False)]),
        ("~~~ py x\na\n~~~", [Block("py x", "a", is_closed=True)]),
        ("~~~ a`b\na\n~~~", [Block("a`b", "a", is_closed=True)]),
        ("``` a`b\na", []),
        ("``` one line ```", []),
        ("````\n```\na\n```\n````", [Block("", "```\na\n```", is_closed=True)]),
        ("```\na\n~~~\n```", [Block("", "a\n~~~", is_closed=True)]),
        ("```\na\n`````  ", [Block("", "a", is_closed=True)]),
        ("```\na\n``` b\n```", [Block("", "a\n``` b", is_closed=True)]),
        ("   ```\n    a\n  b\n   ```", [Block("", " a\nb", is_closed=True)]),
        ("    ```\n    a\n    ```", []),
        ("```\na\n    ```\n```", [Block("", "a\n    ```", is_closed=True)]),
        ("> ```\n> a\n> ```", []),
        ("```\na\n```\n```\nb\n```", [Block("", "a", is_closed=True), Block("", "b", is_closed=True)]),
        ("```\r\na\r\nb\r\n```\r\n", [Block("", "a\nb", is_closed=True)]),
        ("```\ra\r```", [Block("", "a", is_closed=True)]),
        ("```\na\u2028b\x0cc\n```", [Block("", "a\u2028b\x0cc", is_closed=True)]),
    ],
)
def test_blocks_are_found_as_commonmark_says(markdown: str, found: list[Block]) -> None:
    assert blocks(markdown) == found


@given(st.text(alphabet="`~ a\n"))
def test_nothing_in_a_text_closes_the_fence_around_it(text: str) -> None:
    fence = fence_around(text)
    assert blocks(f"{fence}x\n{text}\n{fence}") == [Block("x", text, is_closed=True)]


@given(st.text(alphabet="`~ \ta\r\n"))
def test_any_text_can_be_read(text: str) -> None:
    assert all(not block.is_closed or "\r" not in block.text for block in blocks(text))
