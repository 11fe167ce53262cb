"""Good answers: what of them comes into the file, and how it is made to fit."""

from __future__ import annotations

import pytest

from ai_gateway.code_actions.excerpt import Excerpt
from ai_gateway.code_actions.kinds import ActionKind
from ai_gateway.code_actions.replacement import NOTHING_TO_CHANGE, Replacement, Unusable, replacement_for
from ai_gateway.model import FinishReason

SHOP = """\
import os


class Shop:
    name = "shop"

    def total(self, prices):
        result = 0
        for price in prices:
            result = result + price
        return result

    def close(self):
        os.abort()
"""
TOTAL = (6, 10)
FENCED_TOTAL = """\
```python
    def total(self, prices):
        return sum(prices)
```
"""
SHOP_AFTER = SHOP.replace(
    """\
        result = 0
        for price in prices:
            result = result + price
        return result
""",
    """\
        return sum(prices)
""",
)


def excerpt(text: str = SHOP, lines: tuple[int, int] = TOTAL, language_id: str = "python") -> Excerpt:
    return Excerpt(text, language_id, "src/shop.py", *lines)


def after(
    answer: str,
    text: str = SHOP,
    lines: tuple[int, int] = TOTAL,
    language_id: str = "python",
    kind: ActionKind = ActionKind.IMPROVE,
) -> str:
    """Give the document as it would be; an answer that is not usable fails the test with its reason."""
    replacement = replacement_for(kind, excerpt(text, lines, language_id), answer, FinishReason.STOP)
    assert isinstance(replacement, Replacement), replacement
    return replacement.applied_to(text)


def test_the_block_takes_the_place_of_the_region() -> None:
    assert after(FENCED_TOTAL) == SHOP_AFTER


def test_only_the_lines_that_differ_are_replaced() -> None:
    replacement = replacement_for(ActionKind.IMPROVE, excerpt(), FENCED_TOTAL, FinishReason.STOP)
    assert replacement == Replacement(7, 10, "        return sum(prices)")


def test_an_insertion_repeats_the_line_that_it_stands_beside() -> None:
    code = excerpt().region_text.replace("        result = 0", "        self.check()\n        result = 0")
    answer = f"```python\n{code}\n```"
    replacement = replacement_for(ActionKind.FIX, excerpt(), answer, FinishReason.STOP)
    assert isinstance(replacement, Replacement)
    assert replacement.text == "        self.check()\n        result = 0"
    assert replacement.applied_to(SHOP).replace("        self.check()\n", "") == SHOP


def test_sentences_around_the_block_stay_outside() -> None:
    assert after(f"Sure! Here it is:\n\n{FENCED_TOTAL}\nThis is simpler.") == SHOP_AFTER


def test_what_a_model_thought_first_is_no_part_of_its_answer() -> None:
    assert after(f"<think>\nMaybe\n```python\nx = 1\n```\nNo.\n</think>\n{FENCED_TOTAL}") == SHOP_AFTER


@pytest.mark.parametrize("info", ["python", "py", "Python3", "", "text", "{.python}", 'python title="shop.py"'])
def test_the_language_may_be_named_in_any_usual_way(info: str) -> None:
    assert after(FENCED_TOTAL.replace("python", info)) == SHOP_AFTER


def test_tildes_fence_as_well_as_backticks() -> None:
    assert after(FENCED_TOTAL.replace("```", "~~~~")) == SHOP_AFTER


def test_the_region_given_back_as_it_is_changes_nothing() -> None:
    answer = f"```python\n{excerpt().region_text}\n```"
    assert replacement_for(ActionKind.IMPROVE, excerpt(), answer, FinishReason.STOP) is NOTHING_TO_CHANGE


def test_the_region_given_back_without_its_indent_changes_nothing() -> None:
    dedented = "\n".join(line[4:] for line in excerpt().region)
    answer = f"```python\n{dedented}\n```"
    assert replacement_for(ActionKind.IMPROVE, excerpt(), answer, FinishReason.STOP) is NOTHING_TO_CHANGE


class TestIndents:
    def test_an_answer_without_the_base_indent_gets_it_back(self) -> None:
        assert after("```python\ndef total(self, prices):\n    return sum(prices)\n```") == SHOP_AFTER

    def test_an_answer_whose_first_line_alone_lost_its_indent_gets_it_back(self) -> None:
        assert after("```python\ndef total(self, prices):\n        return sum(prices)\n```") == SHOP_AFTER

    def test_an_answer_that_is_indented_too_far_is_moved(self) -> None:
        answer = "```python\n            def total(self, prices):\n                return sum(prices)\n```"
        assert after(answer) == SHOP_AFTER

    def test_spaces_become_the_tabs_of_the_file(self) -> None:
        text = SHOP.replace("    ", "\t")
        assert after(FENCED_TOTAL, text) == SHOP_AFTER.replace("    ", "\t")

    def test_two_spaces_become_the_tabs_of_the_file(self) -> None:
        text = "function f() {\n\tif (a) {\n\t\tb();\n\t}\n}\n"
        answer = "```js\nfunction f() {\n  if (c) {\n    /*\n     * d\n     */\n    b();\n  }\n}\n```"
        assert after(answer, text, (0, 4), "javascript") == (
            "function f() {\n\tif (c) {\n\t\t/*\n\t\t * d\n\t\t */\n\t\tb();\n\t}\n}\n"
        )

    def test_tabs_become_the_spaces_of_the_file(self) -> None:
        assert after(FENCED_TOTAL.replace("    ", "\t")) == SHOP_AFTER

    def test_a_comment_behind_the_word_that_begins_a_block_changes_nothing_about_it(self) -> None:
        text = "a do |b|\n  1\nend\n"
        answer = "```ruby\na do |b| # each\n  1\nend\n```"
        assert after(answer, text, (0, 2), "ruby") == "a do |b| # each\n  1\nend\n"

    def test_lines_that_mix_tabs_and_spaces_stay_as_they_are(self) -> None:
        text = "a() {\n    b\n    \tc\n}\n"
        assert after("```sh\na() {\n    d\n    \tc\n}\n```", text, (0, 3), "shellscript") == text.replace("b", "d")

    def test_a_file_that_mixes_tabs_and_spaces_keeps_what_the_answer_has(self) -> None:
        text = "a:\n\tb\n    c\n"
        assert after("```make\na:\n\tb\n    d\n```", text, (0, 2), "makefile") == "a:\n\tb\n    d\n"


class TestLineEnds:
    @pytest.mark.parametrize("eol", ["\r\n", "\r", "\n"])
    @pytest.mark.parametrize("answers", ["\r\n", "\n"])
    def test_they_are_those_of_the_file_whatever_the_answer_has(self, eol: str, answers: str) -> None:
        answer = FENCED_TOTAL.replace("\n", answers)
        assert after(answer, SHOP.replace("\n", eol)) == SHOP_AFTER.replace("\n", eol)

    def test_lines_that_are_the_same_keep_theirs_where_a_file_mixes_them(self) -> None:
        text = "a = 1\r\nb = 2\nc = 3\r\nd = 4\n"
        assert after("```python\na = 1\nb = 5\nc = 3\nd = 4\n```", text, (0, 3)) == "a = 1\r\nb = 5\nc = 3\r\nd = 4\n"

    def test_a_file_without_a_last_line_end_gets_none(self) -> None:
        assert after("```python\nb = 3\n```", "a = 1\nb = 2", (1, 1)) == "a = 1\nb = 3"

    def test_a_document_of_one_line_gets_line_feeds(self) -> None:
        assert after("```python\na = 1\nb = 2\n```", "c = 3", (0, 0)) == "a = 1\nb = 2"

    @pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x0c", "\x0b", "\x85", "\x1c"])
    def test_other_characters_that_some_call_line_ends_are_text(self, odd: str) -> None:
        text = f'a = "x{odd}y"\nb = 2\nc = 3\n'
        assert after("```python\nb = 4\n```", text, (1, 1)) == f'a = "x{odd}y"\nb = 4\nc = 3\n'
        assert after(f'```python\na = "{odd}"\n```', text, (0, 0)) == f'a = "{odd}"\nb = 2\nc = 3\n'


def test_emoji_before_and_in_the_region_are_kept() -> None:
    text = '# 🎉🎉\nname = "👩‍👩‍👧"\nprint(name)\n'
    assert after('```python\nname = "👩‍👩‍👧 🎈"\n```', text, (1, 1)) == '# 🎉🎉\nname = "👩‍👩‍👧 🎈"\nprint(name)\n'


def test_a_byte_order_mark_stays() -> None:
    assert after("```python\na = 2\n```", "\ufeffa = 1\nb = 2\n", (0, 0)) == "\ufeffa = 2\nb = 2\n"


def test_fences_in_a_docstring_are_code() -> None:
    text = 'def f():\n    """Say it.\n\n    ```\n    f()\n    ```\n    """\n    return 1\n'
    answer = f"````python\n{text.replace('return 1', 'return 2')}````"
    assert after(answer, text, (0, 7)) == text.replace("return 1", "return 2")


def test_markdown_may_hold_fences_within_longer_ones() -> None:
    text = "# Use\n\n```sh\nmake\n```\n\nMore\n"
    assert after("````markdown\n# How to use\n\n```sh\nmake\n```\n````", text, (0, 4), "markdown") == (
        "# How to use\n\n```sh\nmake\n```\n\nMore\n"
    )


class TestSurroundings:
    """Answers that repeat what stands around the region."""

    def test_the_whole_file_is_cut_down_to_the_region(self) -> None:
        assert after(f"```python\n{SHOP_AFTER}```") == SHOP_AFTER

    def test_neighbouring_lines_are_cut_off(self) -> None:
        answer = "```python\n    name = 'shop'\n" + FENCED_TOTAL.partition("\n")[2]
        text = SHOP.replace('"shop"', "'shop'")
        assert after(answer, text) == SHOP_AFTER.replace('"shop"', "'shop'")

    def test_neighbouring_lines_are_cut_off_without_their_indent_as_well(self) -> None:
        answer = "```python\ndef total(self, prices):\n    return sum(prices)\n\ndef close(self):\n    os.abort()\n```"
        assert after(answer) == SHOP_AFTER

    def test_the_whole_file_is_cut_down_where_region_and_file_end_alike(self) -> None:
        text = "module A\n  class B\n    def c; 1 end\n  end\nend\n"
        answer = f"```ruby\n{text.replace('1', '2')}```"
        assert after(answer, text, (0, 3), "ruby") == text.replace("1", "2")

    def test_a_region_that_itself_repeats_its_neighbours_may_go_on_doing_so(self) -> None:
        text = "check(one)\ncheck(one)\nother()\n"
        assert after("```python\ncheck(one)\nnext()\n```", text, (1, 2)) == "check(one)\ncheck(one)\nnext()\n"


class TestDocumentation:
    def test_a_docstring_is_added(self) -> None:
        answer = '```python\n    def close(self):\n        """Close the shop."""\n        os.abort()\n```'
        assert after(answer, lines=(12, 13), kind=ActionKind.DOCUMENT) == SHOP.replace(
            "close(self):\n", 'close(self):\n        """Close the shop."""\n'
        )

    def test_a_docstring_is_corrected(self) -> None:
        text = 'def f():\n    """Old.\n\n    Wrong.\n    """\n    return 1  # one\n'
        answer = '```python\ndef f():\n    """New."""\n    return 1  # one\n```'
        assert after(answer, text, (0, 5), kind=ActionKind.DOCUMENT) == (
            'def f():\n    """New."""\n    return 1  # one\n'
        )

    def test_comments_are_added_and_corrected_in_other_languages(self) -> None:
        text = "// old\nint f(int a) {\n  return a;\n}\n"
        answer = "```c\n/**\n * Gives (it) back.\n */\nint f(int a) {\n  return a; // as it is :)\n}\n```"
        assert after(answer, text, (0, 3), "c", ActionKind.DOCUMENT) == (
            "/**\n * Gives (it) back.\n */\nint f(int a) {\n  return a; // as it is :)\n}\n"
        )


class TestComments:
    """`COMMENT`: the code that a comment asks for goes below it."""

    TEXT = "import os\n\n\ndef f(a):\n    # add one\n    # and give it back\n\n\nf(1)\n"
    WANTED = "import os\n\n\ndef f(a):\n    # add one\n    # and give it back\n    return a + 1\n\n\nf(1)\n"

    @pytest.mark.parametrize(
        "code",
        [
            "    return a + 1",
            "return a + 1",
            "    # add one\n    # and give it back\n    return a + 1",
            "# and give it back\nreturn a + 1",
            "import os\n\n\ndef f(a):\n    # add one\n    # and give it back\n    return a + 1\n\n\nf(1)",
        ],
    )
    def test_the_comment_stays_and_its_code_follows(self, code: str) -> None:
        assert after(f"```python\n{code}\n```", self.TEXT, (4, 5), kind=ActionKind.COMMENT) == self.WANTED

    def test_a_comment_given_back_alone_changes_nothing(self) -> None:
        answer = "```python\n    # add one\n    # and give it back\n```"
        found = replacement_for(ActionKind.COMMENT, excerpt(self.TEXT, (4, 5)), answer, FinishReason.STOP)
        assert found is NOTHING_TO_CHANGE

    def test_a_stub_may_have_an_ellipsis_for_its_body(self) -> None:
        text = "# a protocol\n"
        answer = "```python\nclass P(Protocol):\n    def f(self) -> int:\n        ...\n```"
        assert "..." in after(answer, text, (0, 0), kind=ActionKind.COMMENT)

    def test_what_stands_below_already_is_not_written_again(self) -> None:
        text = "# make it faster\ndef f(a):\n    return 1\n"
        answer = "```python\ndef f(a):\n    return 2\n```"
        found = replacement_for(ActionKind.COMMENT, excerpt(text, (0, 0)), answer, FinishReason.STOP)
        assert found == Unusable("f stands below the comment already.")


@pytest.mark.parametrize("kind", [ActionKind.EXPLAIN, ActionKind.ASK, ActionKind.TEST])
def test_kinds_that_replace_nothing_are_refused(kind: ActionKind) -> None:
    with pytest.raises(ValueError, match="replaces nothing"):
        replacement_for(kind, excerpt(), FENCED_TOTAL, FinishReason.STOP)
