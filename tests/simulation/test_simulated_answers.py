"""What the simulated models say: short, in Markdown, about what was asked, and harmless where it goes into a file."""

from __future__ import annotations

import ast

import pytest

from ai_gateway.code_actions.excerpt import Excerpt, Problem
from ai_gateway.code_actions.kinds import KINDS, ActionKind, Product
from ai_gateway.code_actions.prompts import prompt_for
from ai_gateway.code_actions.replacement import NewFile, Replacement, new_file_for, replacement_for
from ai_gateway.drafting.prompts import COMMIT, PULL_REQUEST
from ai_gateway.drafting.reply import reply_of
from ai_gateway.fakes import RecordedRequest
from ai_gateway.model import FinishReason
from ai_gateway.simulation.answers import SIMULATED, answer_to

QUESTIONS = [
    "hi",
    "How do I sort a list in Python?",
    "Why?",
    "What is {a} *good* name for `this`?",
    "Explain the difference between a thread and a process to somebody who has never heard of either, please",
    "Wie heißt das?",
    "One more question",
    "def total(prices):\n    return sum(prices)\n\nIs this right?",
]
PYTHON = "import math\n\n\n# print the total\ndef total_price(prices):\n    return math.fsum(prices)\n"
SCRIPT = "// print the total\nexport function total(prices) {\n  return prices.length;\n}\n"
GO = "package shop\n\n// print the total\nfunc Total(prices []int) int {\n\treturn len(prices)\n}\n"
CODE = {
    "python": (PYTHON, "shop.py", 4, 5, 3),
    "javascript": (SCRIPT, "shop.js", 1, 3, 0),
    "typescript": (SCRIPT, "shop.ts", 1, 3, 0),
    "go": (GO, "shop.go", 3, 5, 2),
    "shellscript": ("#!/bin/sh\n# say it\nsay() {\n  echo it\n}\n", "say.sh", 2, 4, 1),
    "rust": ("// say it\nfn say() {\n    it();\n}\n", "src/say.rs", 1, 3, 0),
}


def asked(*messages: str) -> RecordedRequest:
    roles = ["system", "user"] if len(messages) > 1 else ["user"]
    body = {"messages": [{"role": role, "content": text} for role, text in zip(roles, messages, strict=True)]}
    return RecordedRequest(method="POST", path="/chat", query="", headers={}, body=body, arrived=0.0)


def answered(kind: ActionKind, excerpt: Excerpt, question: str | None = None) -> str:
    return answer_to(asked(*(str(message.content) for message in prompt_for(kind, excerpt, question).messages)))


def excerpt_of(language: str, *, is_comment: bool = False) -> Excerpt:
    text, path, first, last, comment = CODE[language]
    lines = (comment, comment) if is_comment else (first, last)
    return Excerpt(text, language, path, *lines, (Problem("prices may be empty", *lines),))


@pytest.mark.parametrize("question", QUESTIONS)
def test_any_question_has_a_short_answer_that_echoes_it_and_says_that_it_is_simulated(question: str) -> None:
    answer = answer_to(asked(question))
    assert 30 <= len(answer.split()) <= 80
    assert question.splitlines()[-1].split()[0] in answer
    assert answer.endswith(SIMULATED)
    assert answer == answer_to(asked(question))


def test_some_answers_have_a_block_of_code_and_some_a_list() -> None:
    answers = [answer_to(asked(question)) for question in QUESTIONS]
    assert any("```" in answer for answer in answers)
    assert any("\n1. " in answer for answer in answers)


def test_what_a_question_quotes_is_not_taken_for_the_question() -> None:
    assert "*What is that?*" in answer_to(asked("a.py:\n```python\nprint(1)\n```\n\nWhat is that?"))
    assert "nothing" in answer_to(asked("```\nonly this\n```"))


def test_an_explanation_names_and_shows_what_it_is_about() -> None:
    answer = answered(ActionKind.EXPLAIN, excerpt_of("python"))
    assert "**`total_price`** of `shop.py`" in answer
    assert "```python\ndef total_price(prices):\n" in answer
    assert 30 <= len(answer.split()) <= 80
    assert "*Why so?*" in answered(ActionKind.ASK, excerpt_of("python"), "Why so?")


@pytest.mark.parametrize("language", CODE)
@pytest.mark.parametrize("kind", [kind for kind, info in KINDS.items() if info.product is Product.REPLACE])
def test_an_edit_is_one_that_the_gateway_applies_and_adds_a_line_and_takes_none_away(
    kind: ActionKind, language: str
) -> None:
    excerpt = excerpt_of(language, is_comment=kind is ActionKind.COMMENT)
    made = replacement_for(kind, excerpt, answered(kind, excerpt), FinishReason.STOP)
    assert isinstance(made, Replacement), made
    before, after = excerpt.text.splitlines(), made.applied_to(excerpt.text).splitlines()
    [added] = [line for line in after if line not in before]
    assert "simulated" in added
    assert [line for line in after if line != added] == before


def test_a_docstring_stands_where_python_wants_it() -> None:
    excerpt = excerpt_of("python")
    made = replacement_for(ActionKind.DOCUMENT, excerpt, answered(ActionKind.DOCUMENT, excerpt), FinishReason.STOP)
    assert isinstance(made, Replacement)
    function = ast.parse(made.applied_to(excerpt.text)).body[1]
    assert isinstance(function, ast.FunctionDef)
    assert str(ast.get_docstring(function)).startswith("Total price, ")


def test_what_has_no_comments_is_given_back_as_it_is() -> None:
    excerpt = Excerpt('{"a": 1}\n', "json", "a.json", 0, 0)
    assert '```json\n{"a": 1}\n```' in answered(ActionKind.IMPROVE, excerpt)


@pytest.mark.parametrize("language", ["python", "javascript", "typescript"])
def test_tests_are_a_file_of_their_own(language: str) -> None:
    excerpt = excerpt_of(language)
    made = new_file_for(excerpt, answered(ActionKind.TEST, excerpt), FinishReason.STOP)
    assert isinstance(made, NewFile), made
    assert "total" in made.text


def test_drafts_are_what_a_draft_has_to_be() -> None:
    quoted = (
        "The branch, and what it is to be merged into:\n```\nround-prices\nmain\n```\n\n"
        "The changed files:\n```\nshop.py | 2 +-\n```"
    )
    for instructions, title in ((PULL_REQUEST, "Round prices"), (COMMIT, "Change shop.py")):
        reply = reply_of(answer_to(asked(instructions, quoted)))
        assert reply is not None
        assert reply.title == title
        assert "simulated" in reply.body
