"""Titles and bodies in what models say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.drafting.reply import Reply, reply_of, shortened, wrapped

WANTED = Reply("Add a greeting", "It says hello.")


@pytest.mark.parametrize(
    "said",
    [
        "Add a greeting\n\nIt says hello.",
        "\n\nAdd a greeting\nIt says hello.\n\n",
        "Add a greeting.\r\n\r\nIt says hello.\r\n",
        "Title: Add a greeting\n\nIt says hello.",
        "**Title:** Add a greeting\n\n**Description:**\nIt says hello.",
        "# Add a greeting\n\n## Description\n\nIt says hello.",
        '"Add a greeting"\n\nIt says hello.',
        "**Add a greeting**\n\nIt says hello.",
        "Subject: `Add a greeting`\n\nBody: It says hello.",
        "```\nAdd a greeting\n\nIt says hello.\n```",
        "```text\nAdd a greeting\n\nIt says hello.\n```\n",
        "Here is the pull request:\n\n```markdown\nAdd a greeting\n\nIt says hello.\n```",
        "Sure, here is a commit message:\n\nAdd a greeting\n\nIt says hello.",
        "## Title\nAdd a greeting\n\n## Description\nIt says hello.",
        "Title:\nAdd a greeting\n\nDescription:\nIt says hello.",
        "<think>\nWhat do they want?\n</think>\n\nAdd a greeting\n\nIt says hello.",
        "Add a greeting\n\nIt says hello.\n\nSigned-off-by: Ada <ada@example.org>\nCo-authored-by: Somebody",
        "Add a \x1b[31mgreeting".replace("[31m", "") + "\x00\n\nIt says hello.",
    ],
)
def test_title_and_body_are_found_whatever_stands_around_them(said: str) -> None:
    assert reply_of(said) == WANTED


@pytest.mark.parametrize("said", ["", "  \n ", "```\n```", "---", "<think>what do they", "**"])
def test_where_there_is_no_title_there_is_nothing(said: str) -> None:
    assert reply_of(said) is None


def test_what_belongs_to_title_and_body_stays() -> None:
    said = 'fix(api): `get` returns "None" for **all**...\n\nSee:\n\n```python\nget()\n```\n\n- one\n- two'
    assert reply_of(said) == Reply(said.partition("\n")[0], said.partition("\n\n")[2])


@pytest.mark.parametrize(
    "said", ["#" + " " * 100_000 + "x", "~" * 100_000 + "\n" + "`" * 100_000], ids=["spaces", "marks"]
)
def test_no_answer_takes_for_ever_to_read(said: str) -> None:
    assert reply_of(said) is not None or said.startswith("~")  # with backtracking it would take minutes


@given(st.text(max_size=300))
def test_any_text_is_read(said: str) -> None:
    reply = reply_of(said)
    assert reply is None or ("\n" not in reply.title and reply.title == reply.title.strip() != "")


@given(st.text(alphabet="ab ,.:", max_size=200), st.integers(5, 80))
def test_a_shortened_title_is_never_too_long(title: str, limit: int) -> None:
    assert len(shortened(title, limit)) <= limit
    assert len(title) > limit or shortened(title, limit) == title


def test_wrapping_changes_nothing_but_line_ends() -> None:
    body = f"{'word ' * 40}\n\n1. {'item ' * 30}\n\n    {'code ' * 30}\n\n| {'cell | ' * 20}\nhttps://{'x' * 90}"
    assert wrapped(body).split() == body.split()
    assert f"    {'code ' * 30}".rstrip() in wrapped(body).splitlines()
    assert wrapped(body).splitlines()[4].startswith("   item") or "   item" in wrapped(body)
