from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ai_gateway.escalation import INSTRUCTION, MARKER, MAX_LEADING_SPACE, MarkerGuard

spaces = st.text(" \n\t", max_size=MAX_LEADING_SPACE)
beginnings = st.integers(0, len(MARKER) - 1).map(lambda length: MARKER[:length])
anything = st.text() | st.text("[ESCALT] \n", max_size=30)


def cut(text: str, places: list[int]) -> list[str]:
    """Cut a text into pieces, some of them empty."""
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def guarded(pieces: list[str]) -> tuple[str, bool]:
    """What a guard lets through of some pieces, and whether it found the marker."""
    guard = MarkerGuard()
    shown = "".join(guard.feed(piece) for piece in pieces)
    return shown + guard.end(), guard.found


cuts = st.lists(st.integers(0, 200), max_size=30)


@given(spaces, st.lists(spaces, min_size=1, max_size=3), anything.map(str.lstrip), cuts)
@example("", [""], "", [])
@example("", [" "], "This requires deeper reasoning", [10, 11, 12])
@example("", ["", " "], "This requires deeper reasoning", [10, 15])
def test_the_marker_is_taken_off_however_the_text_is_cut_and_however_often_it_is_said(
    before: str, after_each: list[str], rest: str, places: list[int]
) -> None:
    assume(not rest.startswith(MARKER))
    markers = "".join(MARKER + between for between in after_each)
    assert guarded(cut(before + markers + rest, places)) == (rest, True)


@given(anything, cuts)
@example("[ESCALATE", [3])
@example(" \n [ESCALATED]", [])
@example("Say [ESCALATE] to go on", [4, 8])
@example(" " * (MAX_LEADING_SPACE + 1) + MARKER, [70])
def test_any_other_text_is_shown_whole_however_it_is_cut(text: str, places: list[int]) -> None:
    begun = text.lstrip()
    if begun.startswith(MARKER) and len(text) - len(begun) <= MAX_LEADING_SPACE:
        return
    assert guarded(cut(text, places)) == (text, False)


@given(spaces, beginnings)
def test_nothing_is_shown_that_may_still_become_the_marker(before: str, beginning: str) -> None:
    guard = MarkerGuard()
    assert [guard.feed(character) for character in before + beginning] == [""] * len(before + beginning)


@pytest.mark.parametrize("text", ["Hello", "[", "[E", "[ESCALATE"])
def test_text_goes_out_as_soon_as_it_cannot_become_the_marker(text: str) -> None:
    guard = MarkerGuard()
    guard.feed(text)
    assert guard.feed("!") in {f"{text}!", "!"}
    assert guard.feed(" and more") == " and more"
    assert guard.end() == ""


def test_endless_white_space_is_not_held_back_for_ever() -> None:
    guard = MarkerGuard()
    shown = "".join(guard.feed(" ") for _ in range(1000))
    assert len(shown) == 1000


def test_the_instruction_names_the_marker() -> None:
    assert MARKER in INSTRUCTION
