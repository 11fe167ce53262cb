"""A gap put as a chat."""

from __future__ import annotations

from ai_gateway.completion.prompts import GAP, chat_prompt
from ai_gateway.model import Infill


def test_a_chat_model_gets_the_file_with_the_gap_marked() -> None:
    prompt = chat_prompt(Infill("a = ", "\nb\n", language_id="python", path="src/x.py", max_tokens=9))
    system, user = prompt.messages
    assert (system.role, user.role, prompt.max_tokens) == ("system", "user", 9)
    assert GAP in system.content
    assert user.content == f"File: src/x.py\nLanguage: python\n\na = {GAP}\nb\n"


def test_what_is_not_known_of_the_file_is_not_said() -> None:
    assert chat_prompt(Infill("a")).messages[1].content == f"\na{GAP}"


def test_a_file_that_holds_the_mark_gets_another() -> None:
    system, user = chat_prompt(Infill(f"x = '{GAP}'", "")).messages
    assert user.content == f"\nx = '{GAP}'<{GAP}>"
    assert f"<{GAP}>" in system.content


def test_stop_words_are_not_for_a_chat_which_may_begin_with_a_fence() -> None:
    assert chat_prompt(Infill("a", stop=("\n",))).stop == ()
