"""Excerpts: a region in whole lines and what is around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.code_actions.excerpt import MOST_AFTER, MOST_BEFORE, Excerpt
from ai_gateway.lines import lines_of

ODD_TEXTS = st.text(alphabet="ab \t\r\n\x0c\x0b\x85\u2028🎉(`")


@given(ODD_TEXTS)
def test_lines_joined_are_the_text(text: str) -> None:
    lines = lines_of(text)
    assert "".join(lines) == text
    assert len(lines) == len(text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")) - (not text)


def test_lines_end_only_where_lsp_says() -> None:
    assert lines_of("a\u2028b\x0cc\x85d\r\ne\rf\n\ng") == ("a\u2028b\x0cc\x85d\r\n", "e\r", "f\n", "\n", "g")


def test_region_and_surroundings_are_lines_without_their_ends() -> None:
    excerpt = Excerpt("a\r\nb\r\nc\r\nd", "c", "a.c", 1, 2)
    assert (excerpt.region, excerpt.region_text) == (("b", "c"), "b\nc")
    assert (excerpt.before, excerpt.after, excerpt.eol) == ("a", "d", "\r\n")


def test_lines_that_the_document_has_not_are_refused() -> None:
    for first, last in ((0, 2), (1, 0), (-1, 0)):
        with pytest.raises(ValueError, match="of a document of 2"):
            Excerpt("a\nb\n", "c", "a.c", first, last)
    with pytest.raises(ValueError, match="of a document of 0"):
        Excerpt("", "c", "a.c", 0, 0)


def test_the_nearest_lines_are_shown_and_no_more_than_is_allowed() -> None:
    text = "".join(f"line {at}\n" for at in range(10_000))
    excerpt = Excerpt(text, "text", "a.txt", 5_000, 5_000)
    assert excerpt.before.endswith("line 4999")
    assert excerpt.after.startswith("line 5001")
    assert MOST_BEFORE - 20 < len(excerpt.before) <= MOST_BEFORE
    assert MOST_AFTER - 20 < len(excerpt.after) <= MOST_AFTER


def test_a_line_too_long_to_be_shown_ends_what_is_shown() -> None:
    excerpt = Excerpt("a\n" + "x" * 10_000 + "\nb\nc\n" + "y" * 10_000 + "\nd\n", "text", "a.txt", 3, 3)
    assert (excerpt.before, excerpt.after) == ("b", "")


def test_the_line_end_is_the_one_that_the_region_has_most() -> None:
    assert Excerpt("a\nb\nc\nd\r\ne\r\n", "text", "a.txt", 3, 4).eol == "\r\n"
    assert Excerpt("a\r\nb", "text", "a.txt", 1, 1).eol == "\r\n"
    assert Excerpt("a", "text", "a.txt", 0, 0).eol == "\n"


def test_a_byte_order_mark_is_not_shown() -> None:
    assert Excerpt("\ufeffa\nb\n", "text", "a.txt", 0, 0).region_text == "a"
    assert Excerpt("\ufeffa\nb\n", "text", "a.txt", 1, 1).before == "a"
