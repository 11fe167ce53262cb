"""What of an answer fits into the gap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.completion.gap import Gap
from ai_gateway.completion.trimming import MAX_LINES, usable


def proposed(answer: str, before: str = "", after: str = "", *, is_cut: bool = False) -> str | None:
    return usable(answer, Gap(before, after), is_cut=is_cut)


@pytest.mark.parametrize(
    ("answer", "before", "after"),
    [
        ("a + b", "def add(a, b):\n    return ", "\n"),
        ("if x:\n        return 1\n    return 2", "def f(x):\n    ", "\n\nf(1)\n"),
        (" a + b", "def add(a, b):\n    return", "\n"),
        ("b)", "f(a, ", "\n"),
        ("g(x)", "f(", ")\n"),
        ("(1)", "x = f", "; y()\n"),
        ("```python\nx\n```", "# Title\n\n```sh\nls\n```\n\n", "\n"),
        ("a ", "x = ", "+ y\n"),
        ("\n    pass", "def f():", "\n"),
        ("while (true) {\n    f();\n}", "", "\n}\n"),
        ("x |> f <|> g", "y = ", "\n"),
    ],
)
def test_what_fits_is_proposed_as_it_is(answer: str, before: str, after: str) -> None:
    assert proposed(answer, before, after) == answer


@pytest.mark.parametrize("answer", ["", " ", "\n", "\n \t\n", "```python\n```", "```\n\n```", "<|endoftext|>"])
def test_blanks_alone_are_nothing(answer: str) -> None:
    assert proposed(answer, "def f():\n    ", "\n") is None


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ("```python\nreturn a\n```", "return a"),
        ("```\nreturn a\n```\n", "return a"),
        ("~~~py\nreturn a\n~~~", "return a"),
        ("```python\nreturn a", "return a"),
        ("Here is the code:\n\n```python\nreturn a\n```\n\nIt returns a.", "return a"),
        ("````\nreturn `a`\n````", "return `a`"),
    ],
)
def test_a_fence_is_taken_off(answer: str, fits: str) -> None:
    assert proposed(answer, "def f(a):\n    ", "\n") == fits


def test_a_block_in_a_fence_that_was_written_at_the_margin_is_indented_as_the_gap_is() -> None:
    answer = "```python\nif a:\n    return 1\n\nreturn 2\n```"
    assert proposed(answer, "def f(a):\n    ", "\n") == "if a:\n        return 1\n\n    return 2"


def test_a_block_in_a_fence_that_is_indented_already_stays_so() -> None:
    answer = "```python\n    if a:\n        return 1\n    return 2\n```"
    assert proposed(answer, "def f(a):\n    ", "\n") == "if a:\n        return 1\n    return 2"


@pytest.mark.parametrize(
    ("answer", "before", "fits"),
    [
        ("    return a + b", "    return a", " + b"),
        ("return a + b", "    return a", " + b"),
        ("return a + b", "    return ", "a + b"),
        ("\n    return a + b", "    return a", " + b"),
        ("    return 1", "    ", "return 1"),
        ("\tx", "\t", "x"),
        ("if x:", "if", " x:"),
        ("a b", "a", " b"),
        ("apple", "a", "apple"),
        ("= 1", "x =", "= 1"),
    ],
)
def test_what_the_line_begins_with_is_not_proposed_again(answer: str, before: str, fits: str) -> None:
    assert proposed(answer, f"def f():\n{before}", "\n") == fits


@pytest.mark.parametrize(
    ("answer", "before", "after", "fits"),
    [
        ("world)", "print(", ")\n", "world"),
        ('world")', 'print("', '")\n', "world"),
        ("f(x))", "print(", ")\n", "f(x)"),
        ("f(x)", "print(", ")\n", "f(x)"),
        ("a, b):\n    return a", "def f(", "):\n", "a, b"),
        ("1;", "x = ", ";\n", "1"),
        ("b + c", "x = a + ", " + c\n", "b"),
        ("first\nsecond", "x = ", " # why\n", "first"),
        ("\nname", "x = ", ".strip()\n", "name"),
    ],
)
def test_the_rest_of_the_line_is_not_proposed_again_and_nothing_beyond_it(
    answer: str, before: str, after: str, fits: str
) -> None:
    assert proposed(answer, before, after) == fits


@pytest.mark.parametrize(
    ("answer", "after", "fits"),
    [
        ("x = 1\nreturn x", "\nreturn x\n", "x = 1"),
        ("x = 1\nreturn x\n\n", "\n\n\nreturn x\n", "x = 1"),
        ("x = 1\n    a()\n    b()", "\n    a()\n    b()\nc()\n", "x = 1"),
        ("x = 1\n}", "\n}\n", "x = 1"),
        ("if (x) {\n}", "\n}\n", "if (x) {\n}"),
        ("return x", "\nreturn x\n", None),
        ("x = 1\nreturn y", "\nreturn x\n", "x = 1\nreturn y"),
    ],
)
def test_the_lines_that_follow_are_not_proposed_again(answer: str, after: str, fits: str | None) -> None:
    assert proposed(answer, "def f():\n", after) == fits


@pytest.mark.parametrize(
    "mark",
    ["<|endoftext|>", "<|fim_suffix|>", "<fim_middle>", "<|file_separator|>", "<EOT>", "<｜end▁of▁sentence｜>"],  # noqa: RUF001 - DeepSeek's
)
def test_an_answer_ends_where_a_mark_of_the_models_own_slipped_in(mark: str) -> None:
    assert proposed(f"a + b{mark}def g(): ...", "return ", "\n") == "a + b"


def test_a_last_line_that_was_cut_off_is_left_out_unless_it_is_the_only_one() -> None:
    assert proposed("first()\nsecond(", "", "\n", is_cut=True) == "first()"
    assert proposed("first(", "", "\n", is_cut=True) == "first("
    assert proposed("\nfirst(", "x", "\n", is_cut=True) == "\nfirst("


def test_there_is_an_end_to_what_is_proposed() -> None:
    answer = "\n".join(f"x{number} = {number}" for number in range(100))
    text = proposed(answer, "", "")
    assert text is not None
    assert text.count("\n") + 1 == MAX_LINES


def test_line_ends_are_one_character() -> None:
    assert proposed("a()\r\nb()\rc()", "", "\n") == "a()\nb()\nc()"


@given(*[st.text(alphabet='ab ()"{}\n`~:|<>', max_size=40)] * 3, st.booleans())
def test_whatever_a_model_says_a_proposal_is_text_of_its_answer_that_fits_a_line(
    answer: str, before: str, after: str, is_cut: bool
) -> None:
    text = proposed(answer, before, after, is_cut=is_cut)
    if text is not None:
        assert text.strip()
        assert len(text.split("\n")) <= MAX_LINES
        assert not (Gap(before, after).is_within_line and "\n" in text)


@pytest.mark.parametrize("thought", ["<think>return what?</think>\n", "<THINKING>a\nb</thinking>"])
def test_what_a_model_thinks_aloud_is_no_proposal(thought: str) -> None:
    gap = Gap("x = ", "")
    assert usable(f"{thought}1", gap) == "1"
    assert usable("<think>return wh", gap) is None
