"""Bad answers: none of them comes into a file, and the person is told why."""

from __future__ import annotations

import time

import pytest

from ai_gateway.code_actions.excerpt import Excerpt
from ai_gateway.code_actions.kinds import ActionKind
from ai_gateway.code_actions.replacement import Unusable, replacement_for
from ai_gateway.model import FinishReason

SHOP = """\
import os
import sys


class Shop:
    name = "shop"

    def total(self, prices):
        result = 0
        for price in prices:
            result = result + price
        return result

    def close(self):
        os.abort()


def main():
    Shop().close()


main()
"""
TOTAL = (7, 11)
GOOD = "    def total(self, prices):\n        return sum(prices)"
HANG = 20


def why_not(
    answer: str,
    kind: ActionKind = ActionKind.IMPROVE,
    *,
    text: str = SHOP,
    lines: tuple[int, int] = TOTAL,
    language_id: str = "python",
    finish_reason: FinishReason = FinishReason.STOP,
) -> str:
    """Give the reason; an answer that would come into the file fails the test."""
    excerpt = Excerpt(text, language_id, "src/shop.py", *lines)
    found = replacement_for(kind, excerpt, answer, finish_reason)
    assert isinstance(found, Unusable), found
    return found.reason


def fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}\n```"


class TestForm:
    def test_no_fence(self) -> None:
        assert why_not(GOOD) == "There is no code block in the answer."

    @pytest.mark.parametrize("answer", ["", " \n\n"])
    def test_nothing(self, answer: str) -> None:
        assert why_not(answer) == "The answer is empty."

    @pytest.mark.parametrize("answer", ["```python\n```", "```python\n\n  \n```"])
    def test_an_empty_block_deletes_nothing(self, answer: str) -> None:
        assert why_not(answer) == "The code block in the answer is empty."

    def test_several_blocks(self) -> None:
        assert why_not(f"{fenced(GOOD)}\nor\n{fenced(GOOD)}") == "There are several code blocks in the answer."

    @pytest.mark.parametrize("answer", [f"```python\n{GOOD}", f"```python\n{GOOD}\n``", f"````python\n{GOOD}\n```"])
    def test_a_block_without_an_end(self, answer: str) -> None:
        assert why_not(answer) == "The code block in the answer has no end."

    def test_a_fence_that_begins_behind_words(self) -> None:
        assert why_not(f"Here: ```python\n{GOOD}\n```") == "The code block in the answer has no end."

    def test_a_fence_within_a_quotation(self) -> None:
        answer = "\n".join(f"> {line}" for line in fenced(GOOD).split("\n"))
        assert why_not(answer) == "There is no code block in the answer."

    @pytest.mark.parametrize("language", ["javascript", "diff", "json", "patch", "bash", "rust"])
    def test_another_language(self, language: str) -> None:
        assert why_not(fenced(GOOD, language)) == f"The code block in the answer is {language}, not python."

    def test_fences_in_the_code_that_end_its_block_too_early(self) -> None:
        text = "# Use\n\n```sh\nmake\n```\n\nMore\n"
        answer = "```markdown\n# How to use\n\n```sh\nmake\n```\n```"
        assert why_not(answer, text=text, lines=(0, 4), language_id="markdown").startswith(
            ("There are several", "The code")
        )

    @pytest.mark.parametrize("reason", [reason for reason in FinishReason if reason is not FinishReason.STOP])
    def test_an_answer_that_did_not_come_to_its_end(self, reason: FinishReason) -> None:
        assert why_not(fenced(GOOD), finish_reason=reason)

    def test_an_answer_that_is_longer_than_most_files(self) -> None:
        assert why_not(fenced(f"{GOOD}  # {'x' * 300_000}")) == "The answer is too long."

    def test_a_refusal(self) -> None:
        assert why_not("I'm sorry, but I can't help with that.") == "There is no code block in the answer."

    def test_a_refusal_within_a_block(self) -> None:
        text = "alert(1)\n"
        answer = fenced("I'm sorry, but I can't help with that.", "js")
        assert why_not(answer, text=text, lines=(0, 0), language_id="javascript") == "The model refused."


class TestElisions:
    @pytest.mark.parametrize(
        "line",
        [
            "# ...",
            "# ... existing code ...",
            "# … rest unchanged …",
            "# rest of the code remains the same",
            "# (rest of the method is unchanged)",
            "# [the rest of the code here]",
            "# existing code here",
            "# Your code here",
            "# same as before",
            "# no changes needed here",
            "# omitted for brevity",
            "# code goes here",
            "# unchanged",
            "# ... other methods",
            "# Keep the existing implementation unchanged",
            "...",
        ],
    )
    def test_code_that_is_left_out(self, line: str) -> None:
        code = f"    def total(self, prices):\n        {line}\n        return sum(prices)"
        assert why_not(fenced(code)) == "The answer leaves out some of the code."

    @pytest.mark.parametrize(
        "line", ["// ...", "/* ... */", "// ... existing code ...", "{/* ... rest of the props ... */}", "…", "[...]"]
    )
    def test_code_that_is_left_out_in_other_languages(self, line: str) -> None:
        text = "function f() {\n  a();\n  b();\n}\n"
        answer = fenced(f"function f() {{\n  c();\n  {line}\n}}", "ts")
        assert why_not(answer, text=text, lines=(0, 3), language_id="typescript") == (
            "The answer leaves out some of the code."
        )

    @pytest.mark.parametrize("body", ["{ ... }", "{…}", "{ /* ... */ }"])
    def test_bodies_that_are_left_out(self, body: str) -> None:
        text = "int f() { return 1; }\nint g() { return 2; }\n"
        answer = fenced(f"int f() {body}\nint g() {{ return 3; }}", "c")
        assert why_not(answer, text=text, lines=(0, 1), language_id="c") == "The answer leaves out some of the code."

    @pytest.mark.parametrize(
        "line",
        [
            "# Wait for the rest of the answer",
            "# The same price may come twice, so it is counted twice.",
            "# prices, taxes, ...",
            "# TODO: round here",
            "yield from [*prices, ...]",
        ],
    )
    def test_comments_that_leave_nothing_out_are_no_elisions(self, line: str) -> None:
        code = f"    def total(self, prices):\n        {line}\n        return sum(prices)"
        excerpt = Excerpt(SHOP, "python", "shop.py", *TOTAL)
        assert not isinstance(replacement_for(ActionKind.IMPROVE, excerpt, fenced(code), FinishReason.STOP), Unusable)

    def test_an_elision_that_is_in_the_file_itself_is_its_own(self) -> None:
        text = "def f():\n    # ... existing code ...\n    return 1\n"
        answer = fenced(text.replace("return 1", "return 2").strip())
        excerpt = Excerpt(text, "python", "f.py", 0, 2)
        assert not isinstance(replacement_for(ActionKind.IMPROVE, excerpt, answer, FinishReason.STOP), Unusable)


class TestNotations:
    def test_a_diff(self) -> None:
        diff = "\n".join(
            [
                "@@ -8,5 +8,2 @@",
                "     def total(self, prices):",
                "-        result = 0",
                "-        return result",
                "+        return sum(prices)",
            ]
        )
        assert why_not(fenced(diff)) == "The answer is written as a list of changes."
        assert why_not(fenced(diff.partition("\n")[2])) == "The answer is written as a list of changes."

    def test_every_line_marked_as_new(self) -> None:
        marked = "\n".join(f"+{line}" for line in GOOD.split("\n"))
        assert why_not(fenced(marked)) == "The answer is written as a list of changes."

    def test_search_and_replace(self) -> None:
        code = f"<<<<<<< SEARCH\n        result = 0\n=======\n{GOOD}\n>>>>>>> REPLACE"
        assert why_not(fenced(code)) == "The answer is written as a list of changes."

    def test_every_line_quoted(self) -> None:
        quoted = "\n".join(f"> {line}" for line in GOOD.split("\n"))
        assert why_not(fenced(quoted)) == "The answer is written as a quotation."

    @pytest.mark.parametrize("form", ["{}: {}", "{} | {}", "{}. {}", "{:4}  {}"])
    def test_numbered_lines(self, form: str) -> None:
        text = "a();\nb();\nc();\n"
        numbered = "\n".join(form.format(at + 1, line) for at, line in enumerate(["a();", "d();", "c();"]))
        assert why_not(fenced(numbered, "js"), text=text, lines=(0, 2), language_id="javascript") == (
            "The lines of the answer are numbered."
        )

    def test_a_numbered_list_of_the_file_itself_may_stay_numbered(self) -> None:
        excerpt = Excerpt("1. one\n2. tow\n3. three\n", "markdown", "a.md", 0, 2)
        answer = "````markdown\n1. one\n2. two\n3. three\n````"
        assert not isinstance(replacement_for(ActionKind.FIX, excerpt, answer, FinishReason.STOP), Unusable)

    def test_entities_of_html(self) -> None:
        text = "if (a < b && c) {\n  d();\n}\n"
        answer = fenced("if (a &lt; b &amp;&amp; c) {\n  e();\n}", "js")
        assert why_not(answer, text=text, lines=(0, 2), language_id="javascript") == (
            "The answer is written in the entities of HTML."
        )

    def test_the_question_itself(self) -> None:
        code = f"File: src/shop.py\nLanguage: python\nThe region, lines 8 to 12:\n{GOOD}"
        assert why_not(fenced(code)) == "The answer repeats the question."


class TestSurroundings:
    def test_lines_around_the_region_that_can_not_be_told_from_it(self) -> None:
        code = '    name = "shop"\n\n    def sum_of(self, prices):\n        return sum(prices)'
        assert why_not(fenced(code)) == "The answer repeats lines that stand around the selection."

    def test_the_beginning_of_the_file_without_what_follows(self) -> None:
        assert (
            why_not(fenced(f"import os\n\n{GOOD}")) == "The answer begins like the whole file, not like the selection."
        )

    def test_the_end_of_the_file_without_what_precedes(self) -> None:
        code = "def total(self, prices):\n    return sum(prices)\n\n    Shop().close()\n\n\nmain()"
        assert why_not(fenced(code)) == "The answer ends like the whole file, not like the selection."

    def test_only_the_neighbours(self) -> None:
        code = "    def close(self):\n        os.abort()\n\n\ndef main():\n    Shop().close()"
        assert why_not(fenced(code)) == "The answer holds only what stands around the selection."

    def test_brackets_of_what_stands_around(self) -> None:
        text = "class A {\n  f() {\n    return 1;\n  }\n}\n"
        answer = fenced("  f() {\n    return 2;\n  }\n}", "js")
        assert why_not(answer, text=text, lines=(1, 3), language_id="javascript") == (
            "The answer goes on beyond the block that was selected."
        )

    @pytest.mark.parametrize("code", ["  def f\n    2\n  end\nend", "def f\n  2\nend\nend", "def f\n  2"])
    def test_ends_of_what_stands_around(self, code: str) -> None:
        text = "class A\n  def f\n    1\n  end\nend\n"
        assert why_not(fenced(code, "ruby"), text=text, lines=(1, 3), language_id="ruby")

    @pytest.mark.parametrize(
        ("text", "code", "language_id"),
        [
            ("if a then\n  b()\nend\n", "if a then\n  c()\nend\nend", "lua"),
            ("def f do\n  1\nend\n", "def f do\n  2", "elixir"),
            ("if a; then\n  b\nfi\n", "if a; then\n  c\nfi\ndone", "shellscript"),
            ("function f()\n  1\nend\n", "function f()\n  2", "julia"),
            ("fu F()\n  let a = 1\nendfu\n", "fu F()\n  let a = 2", "vim"),
        ],
    )
    def test_words_that_end_a_block_pair_like_brackets(self, text: str, code: str, language_id: str) -> None:
        reason = why_not(fenced(code, language_id), text=text, lines=(0, 2), language_id=language_id)
        assert reason == "The blocks in the answer don't pair, so some of it may be missing or too much."


class TestHalves:
    """Answers that are not all of it."""

    def test_a_method_that_is_gone(self) -> None:
        code = "class Shop:\n    name = 'shop'\n\n    def total(self, prices):\n        return sum(prices)"
        assert why_not(fenced(code), lines=(4, 14)) == "close is missing in the answer."

    def test_a_function_that_is_gone_in_a_language_of_braces(self) -> None:
        text = "int f(int a) {\n  return a;\n}\n\nstatic int g(void) {\n  return 2;\n}\n"
        answer = fenced("int f(int b) {\n  return b;\n}", "c")
        assert (
            why_not(answer, ActionKind.FIX, text=text, lines=(0, 6), language_id="c") == "g is missing in the answer."
        )

    def test_far_too_few_lines(self) -> None:
        text = "".join(f"call({at});\n" for at in range(40))
        answer = fenced("call(0);\ncall(100);", "js")
        assert why_not(answer, text=text, lines=(0, 39), language_id="javascript") == (
            "The answer is so much shorter that code may be missing."
        )

    def test_brackets_that_do_not_pair(self) -> None:
        text = "f(1);\nif (a) {\n  b(')');\n}\n"
        answer = fenced("if (a) {\n  b(')'); // }", "js")
        assert why_not(answer, text=text, lines=(1, 3), language_id="javascript") == (
            "The brackets in the answer don't pair, so some of it may be missing."
        )

    def test_python_that_is_not_valid_any_more(self) -> None:
        code = "    def total(self, prices):\n        return sum(prices\n"
        assert why_not(fenced(code)) == "With the answer, the file would be no valid python any more."

    def test_json_that_is_not_valid_any_more(self) -> None:
        answer = fenced('  "b": 3,', "json")
        assert why_not(answer, text='{\n  "a": 1,\n  "b": 2\n}\n', lines=(2, 2), language_id="json")

    def test_comments_in_place_of_code(self) -> None:
        assert why_not(fenced("    # total is better now")) == "There is no code in the answer."

    def test_a_comment_that_is_answered_by_a_comment(self) -> None:
        text = "# add one\n"
        answer = fenced("# one is added")
        assert why_not(answer, ActionKind.COMMENT, text=text, lines=(0, 0)) == "There is no code in the answer."

    def test_a_file_that_was_not_valid_may_become_so(self) -> None:
        text = "def f():\n    return (1\n"
        excerpt = Excerpt(text, "python", "f.py", 0, 1)
        answer = fenced("def f():\n    return (1)")
        assert not isinstance(replacement_for(ActionKind.FIX, excerpt, answer, FinishReason.STOP), Unusable)


class TestDocumentation:
    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ('    def total(self, prices):\n        """Sum."""\n        return sum(prices)', "changes code"),
            ('    def total(self, prices):\n        """Sum."""', "changes code"),
            (
                (
                    '    def total(self, prices):\n        """Sum."""\n        result = 0\n        print(1)\n'
                    "        for price in prices:\n            result = result + price\n        return result"
                ),
                "adds code",
            ),
        ],
    )
    def test_code_is_not_touched(self, code: str, reason: str) -> None:
        assert reason in why_not(fenced(code), ActionKind.DOCUMENT)

    def test_code_is_not_added_in_other_languages(self) -> None:
        text = "int f(int a) {\n  return a;\n}\n"
        answer = fenced("/* f */\nint f(int a) {\n  log(a);\n  return a;\n}", "c")
        assert "adds code" in why_not(answer, ActionKind.DOCUMENT, text=text, lines=(0, 2), language_id="c")

    def test_code_is_not_moved_into_another_block(self) -> None:
        text = "def f(a):\n    if a:\n        g()\n    h()\n"
        answer = fenced('def f(a):\n    """F."""\n    if a:\n        g()\n        h()')
        assert "changes code" in why_not(answer, ActionKind.DOCUMENT, text=text, lines=(0, 3))


@pytest.mark.parametrize("odd", ["\x00", "\x1b[31m", "\u202e", "\u2066", "\u200b", "\ufffd", "\u2028"])
def test_characters_that_nobody_sees_do_not_come_in(odd: str) -> None:
    code = f"{GOOD}  # {odd}"
    assert why_not(fenced(code)) == "The answer holds characters that can't be seen."


@pytest.mark.parametrize("secret", ["SECRET_0123456789ab", "SECRET_0123456789AB", "secret_01234567"])
def test_a_placeholder_does_not_take_the_place_of_a_secret(secret: str) -> None:
    code = f'    def total(self, prices):\n        return ask("{secret}")'
    assert why_not(fenced(code)) == "The answer holds a placeholder in place of a secret."


@pytest.mark.parametrize(
    "answer",
    [
        "```\n" * 70_000,
        "`" * 290_000,
        "```python\n" + '"\\' * 140_000 + "\n```",
        "```python\n" + "`\\`" * 90_000 + "\n```",
        "```python\n" + "(" * 200_000 + "\n```",
        "```python\n" + "{ " * 100_000 + "\n```",
        "```python\n" + "/*" * 140_000 + "\n```",
        "```python\n" + "    def total(self, prices):\n" * 9_000 + "```",
        "```python\n" + "x = " + "1 + " * 50_000 + "1\n```",
        "```python\n" + "x = " + "-" * 100_000 + "1\n```",
        "```python\n" + " " * 290_000 + "x\n```",
        "```python\n#" + " " * 290_000 + "x\n```",
        "<think>" * 40_000,
        "```python\n" + "x" * 400_000 + "\n```",
    ],
    ids=range(14),
)
@pytest.mark.parametrize("language_id", ["python", "javascript"])
def test_an_answer_made_to_take_long_does_not(answer: str, language_id: str) -> None:
    excerpt = Excerpt(SHOP, language_id, "shop", *TOTAL)
    began = time.monotonic()
    for kind in (ActionKind.FIX, ActionKind.DOCUMENT, ActionKind.COMMENT):
        replacement_for(kind, excerpt, answer.replace("```python", f"```{language_id}"), FinishReason.STOP)
    assert time.monotonic() - began < HANG
