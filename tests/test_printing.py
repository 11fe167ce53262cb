"""Texts of others, as they are shown."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.printing import in_one_line, printable


def test_what_a_terminal_would_do_is_left_out_and_the_rest_stays() -> None:
    assert printable("a\x1b[31mb\x07\x9b2J\x7f\tc\r\nd\re\n\u202etxt.exe\u2066 äöü") == "a[31mb2J\tc\nd\ne\ntxt.exe äöü"


def test_a_name_is_one_line() -> None:
    assert in_one_line("a\r\nb\tc\u2028d\x1b[m") == "a b c d[m"


@given(st.text())
def test_of_any_text_no_control_character_is_left_but_tabs_and_line_feeds(text: str) -> None:
    assert {each for each in printable(text) if unicodedata.category(each) == "Cc"} <= {"\t", "\n"}
    assert printable(printable(text)) == printable(text)
