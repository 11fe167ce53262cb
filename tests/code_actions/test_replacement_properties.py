"""What holds of any answer to any document: nothing outside of the region changes, and no code gets lost unseen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.code_actions.excerpt import Excerpt
from ai_gateway.code_actions.kinds import KINDS, ActionKind, Product
from ai_gateway.code_actions.region import region_of
from ai_gateway.code_actions.replacement import NOTHING_TO_CHANGE, Replacement, replacement_for
from ai_gateway.code_actions.scanning import code_lines
from ai_gateway.fences import fence_around
from ai_gateway.lines import bare_lines_of, lines_of
from ai_gateway.model import FinishReason

KINDS_THAT_REPLACE = st.sampled_from([kind for kind in ActionKind if KINDS[kind].product is Product.REPLACE])
LANGUAGES = st.sampled_from(
    ["python", "javascript", "c", "ruby", "plaintext", "nobody-knows-it", "lisp", "json", "rust"]
)
WORDS = st.one_of(
    st.sampled_from(
        ["a = 1", "b(2)", "def f():", "return 1", "if a {", "}", "{", "end", "# note", "// note", "/* x */"]
    ),
    st.sampled_from(['"""Say."""', "'", '"', "🎉", "é", "\u2028", "\x0c", "(", ")", "...", "\ufeff", "```", "x: y"]),
    st.sampled_from(["-b(2)", "+b(2)", "", " ", "pass"]),
)
LINES = st.builds(str.__add__, st.sampled_from(["", "", "    ", "        ", "\t", "\t\t", "  ", " "]), WORDS)
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r"])


@st.composite
def documents(draw: st.DrawFn) -> str:
    same = draw(ENDS)
    mixed = draw(st.booleans())
    lines = draw(st.lists(LINES, min_size=1, max_size=12))
    text = "".join(line + (draw(ENDS) if mixed else same) for line in lines)
    return text if draw(st.booleans()) else text.rstrip("\r\n")


@st.composite
def excerpts(draw: st.DrawFn) -> Excerpt | None:
    text = draw(documents())
    count = len(bare_lines_of(text))
    first = draw(st.integers(0, max(count - 1, 0)))
    last = draw(st.integers(first, max(count - 1, first)))
    region = region_of(text, first, last, is_empty=draw(st.booleans()))
    return None if region is None else Excerpt(text, draw(LANGUAGES), "a", *region)


@st.composite
def answers(draw: st.DrawFn, excerpt: Excerpt) -> str:
    """Write the region anew, with lines left out, put in, or copied from around it, indented anyhow."""
    around = excerpt.lines_before[-2:], excerpt.lines_after[:2]
    lines = [
        *(around[0] if draw(st.booleans()) else ()),
        *(line for line in excerpt.region if draw(st.integers(0, 9)) > 0),
        *(around[1] if draw(st.booleans()) else ()),
    ]
    for line in draw(st.lists(LINES, max_size=3)):
        lines.insert(draw(st.integers(0, len(lines))), line)
    dedent = draw(st.integers(0, 4))
    text = draw(ENDS).join(line[dedent:] if not line[:dedent].strip() else line for line in lines)
    fence = fence_around(text) if draw(st.booleans()) else "```"
    return f"{draw(st.sampled_from(['', 'Here:', '# x']))}\n{fence}\n{text}\n{fence}"


@given(st.data(), KINDS_THAT_REPLACE)
def test_whatever_stands_outside_of_the_region_stays_to_the_byte(data: st.DataObject, kind: ActionKind) -> None:
    excerpt = data.draw(excerpts())
    if excerpt is None:
        return
    found = replacement_for(kind, excerpt, data.draw(answers(excerpt)), FinishReason.STOP)
    if not isinstance(found, Replacement):
        return
    old, new = lines_of(excerpt.text), found.applied_to(excerpt.text)
    head, tail = "".join(old[: excerpt.first_line]), "".join(old[excerpt.last_line + 1 :])
    assert excerpt.first_line <= found.first_line <= found.last_line <= excerpt.last_line
    assert new.startswith(head)
    assert new.endswith(tail)
    assert len(new) >= len(head) + len(tail)
    assert new != excerpt.text


@given(st.data(), KINDS_THAT_REPLACE)
def test_the_lines_of_a_replacement_end_as_those_of_the_file(data: st.DataObject, kind: ActionKind) -> None:
    excerpt = data.draw(excerpts())
    if excerpt is None:
        return
    found = replacement_for(kind, excerpt, data.draw(answers(excerpt)), FinishReason.STOP)
    if isinstance(found, Replacement):
        assert not {"\r", "\n"}.intersection(found.text.replace(excerpt.eol, ""))


@given(st.data())
def test_documentation_keeps_every_line_of_code_in_its_order(data: st.DataObject) -> None:
    excerpt = data.draw(excerpts())
    if excerpt is None:
        return
    found = replacement_for(ActionKind.DOCUMENT, excerpt, data.draw(answers(excerpt)), FinishReason.STOP)
    if isinstance(found, Replacement):
        after = iter(bare_lines_of(found.applied_to(excerpt.text)))
        for line in code_lines(excerpt.region, excerpt.language_id):
            assert any(other.startswith(line) for other in after)


@given(st.data())
def test_a_comment_that_is_followed_by_code_stays_itself(data: st.DataObject) -> None:
    excerpt = data.draw(excerpts())
    if excerpt is None:
        return
    found = replacement_for(ActionKind.COMMENT, excerpt, data.draw(answers(excerpt)), FinishReason.STOP)
    if isinstance(found, Replacement):
        after = bare_lines_of(found.applied_to(excerpt.text))
        assert tuple(after[excerpt.first_line : excerpt.last_line + 1]) == excerpt.region


@given(st.data(), KINDS_THAT_REPLACE)
def test_the_region_given_back_as_it_is_changes_nothing(data: st.DataObject, kind: ActionKind) -> None:
    excerpt = data.draw(excerpts())
    if excerpt is None or "\ufeff" in excerpt.region_text:
        return
    fence = fence_around(excerpt.region_text)
    answer = f"{fence}\n{excerpt.region_text}\n{fence}"
    found = replacement_for(kind, excerpt, answer, FinishReason.STOP)
    assert found == NOTHING_TO_CHANGE


@given(st.text(), KINDS_THAT_REPLACE, LANGUAGES, st.sampled_from(FinishReason))
def test_any_answer_is_judged_without_an_error(
    answer: str, kind: ActionKind, language_id: str, reason: FinishReason
) -> None:
    excerpt = Excerpt("a = 1\nb(2)\n", language_id, "a", 0, 0)
    for text in (answer, f"```\n{answer}\n```"):
        replacement_for(kind, excerpt, text, reason)
