"""What stands before and after the cursor, as a model may see it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.completion.gap import MAX_PREFIX, MAX_SUFFIX, gap_at
from ai_gateway.lines import lines_of


def test_a_gap_divides_the_document() -> None:
    gap = gap_at(("def f():\n", "    return a + b\n", "\n", "f()\n"), 1, 11)
    assert gap.prefix == "def f():\n    return "
    assert gap.suffix == "a + b\n\nf()\n"
    assert (gap.line_before, gap.line_after, gap.is_within_line, gap.is_within_word) == (
        "    return ",
        "a + b",
        True,
        True,
    )


def test_blanks_after_the_cursor_are_the_end_of_the_line() -> None:
    gap = gap_at(("x = 1  \n", "y\n"), 0, 5)
    assert (gap.line_after, gap.is_within_line, gap.is_within_word) == ("  ", False, False)


def test_line_ends_are_written_as_models_write_them() -> None:
    gap = gap_at(("one\r\n", "two\r", "three\r\n", "four"), 2, 5)
    assert (gap.prefix, gap.suffix) == ("one\ntwo\nthree", "\nfour")


def test_a_document_may_end_before_the_cursor() -> None:
    assert gap_at((), 0, 0).prefix == ""
    assert gap_at(("one\n",), 1, 0).prefix == "one\n"
    assert gap_at(("one\n",), 7, 3).prefix == "one\n"


def test_a_chosen_completion_takes_the_place_of_what_it_replaces() -> None:
    gap = gap_at(("print(na)\n",), 0, 6, until=8, inserted="name")
    assert (gap.prefix, gap.suffix) == ("print(name", ")\n")


def test_what_is_far_away_is_left_out_in_whole_lines() -> None:
    lines = tuple(f"line number {number:06}\n" for number in range(2000))
    gap = gap_at(lines, 1000, 0)
    assert MAX_PREFIX - 19 < len(gap.prefix) <= MAX_PREFIX
    assert MAX_SUFFIX - 19 < len(gap.suffix) <= MAX_SUFFIX
    assert gap.prefix.startswith("line number ")
    assert gap.prefix.endswith("line number 000999\n")
    assert gap.suffix.startswith("line number 001000\n")
    assert gap.suffix.endswith("\n")


def test_of_an_endless_line_what_is_nearest_is_kept() -> None:
    gap = gap_at(("a" * 100_000 + "b" * 100_000,), 0, 100_000)
    assert (gap.prefix, gap.suffix) == ("a" * MAX_PREFIX, "b" * MAX_SUFFIX)


@given(st.text(alphabet="ab\r\n\f\u2028é😀", max_size=60), st.integers(0, 30), st.integers(0, 30))
def test_a_short_document_is_in_it_whole(text: str, line: int, character: int) -> None:
    lines = lines_of(text)
    line = min(line, len(lines))
    length = len(lines[line].rstrip("\r\n")) if line < len(lines) else 0
    gap = gap_at(lines, line, min(character, length))
    assert gap.prefix + gap.suffix == text.replace("\r\n", "\n").replace("\r", "\n")
