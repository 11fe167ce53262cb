"""Drafts of commit messages: only of what is staged."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_gateway.drafting.drafter import draft_commit_message
from ai_gateway.drafting.failures import NothingToDescribe, Unmerged
from ai_gateway.fakes import Fault
from drafting.conftest import Desk
from support.repositories import Repo, new_repo

TRAILER = "\n\nAssisted-by: gpt-4o (writer)"


async def test_a_model_writes_it_of_what_is_staged_and_of_nothing_else(desk: Desk, repo: Repo) -> None:
    repo.stage("staged.py", "STAGED = 1\n")
    repo.write("staged.py", "STAGED = 1\nNOT_YET = 2\n")
    repo.write("hello.py", "CHANGED = 1\n")
    repo.write("untracked.py", "UNTRACKED = 1\n")
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    assert draft.message == f"Add a greeting\n\nIt says hello.{TRAILER}"
    assert (draft.origin.generated_by, draft.origin.model) == ("llm", "gpt-4o")
    user = desk.asked()[1]
    assert "+STAGED = 1" in user
    assert not any(word in user for word in ("NOT_YET", "CHANGED", "UNTRACKED", "untracked.py"))


async def test_earlier_subjects_show_the_style_that_is_usual_here(desk: Desk, repo: Repo) -> None:
    repo.commit("fix(greeting): say hello\n\nThe body of an earlier message.")
    repo.stage("a.py", "1\n")
    await draft_commit_message(await desk.gateway(), repo.top)
    user = desk.asked()[1]
    assert "Begin\nGreet people\nfix(greeting): say hello\n```" in user
    assert "The body of an earlier message" not in user


async def test_git_takes_the_message_as_it_is(desk: Desk, repo: Repo) -> None:
    repo.stage("a.py", "1\n")
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    repo.git("commit", "--quiet", "--file=-", given=draft.message.encode())
    assert repo.git("log", "-1", "--format=%B") == draft.message
    assert repo.git("log", "-1", "--format=%(trailers:key=Assisted-by,valueonly)") == "gpt-4o (writer)"


async def test_the_first_commit_of_all_can_be_described(desk: Desk, tmp_path: Path) -> None:
    repo = new_repo(tmp_path / "repo")
    repo.stage("a.py", "FIRST = 1\n")
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    assert draft.origin.generated_by == "llm"
    assert "a.py, added, +1 -0" in desk.asked()[1]


async def test_with_nothing_staged_it_says_what_to_do(desk: Desk, repo: Repo) -> None:
    repo.write("hello.py", "CHANGED = 1\n")
    with pytest.raises(NothingToDescribe, match="git add"):
        await draft_commit_message(await desk.gateway(), repo.top)
    assert not desk.upstream.calls


async def test_conflicts_are_to_be_resolved_first(desk: Desk, repo: Repo) -> None:
    repo.git("checkout", "--quiet", "main")
    repo.commit("Differ", hello__py="def hello():\n    return 3\n")
    with pytest.raises(AssertionError):
        repo.git("merge", "--quiet", "feature/greet-people")
    with pytest.raises(Unmerged, match=r"hello\.py"):
        await draft_commit_message(await desk.gateway(), repo.top)


async def test_a_long_subject_is_cut_at_a_word_and_said_in_full_below(desk: Desk, repo: Repo) -> None:
    long = "Add a greeting that is said to everybody who comes along here in the morning and in the evening"
    desk.upstream.reply(f"{long}\n\n- {'word ' * 30}\n\n```\n{'code ' * 30}\n```")
    repo.stage("a.py", "1\n")
    subject, empty, *body = (await draft_commit_message(await desk.gateway(), repo.top)).message.splitlines()
    assert subject == "Add a greeting that is said to everybody who comes along here in the\N{HORIZONTAL ELLIPSIS}"
    assert (len(subject) <= 72, empty) == (True, "")
    assert " ".join(body[:2]) == long
    assert all(len(line) <= 72 for line in body if "code" not in line)
    assert body[4].startswith("  word")
    assert max(len(line) for line in body) > 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"a.py": "1\n"}, "Add a.py"),
        ({"hello.py": "1\n"}, "Update hello.py"),
        ({"hello.py": None}, "Delete hello.py"),
        ({"a.py": "1\n", "b.py": "2\n"}, "Add a.py and b.py\n\n- a.py, added, +1 -0\n- b.py, added, +1 -0"),
        (
            {"src/a.py": "1\n", "src/b.py": "2\n", "src/c/d.py": "3\n"},
            "Add 3 files in src\n\n- src/a.py, added, +1 -0\n- src/b.py, added, +1 -0\n- src/c/d.py, added, +1 -0",
        ),
    ],
)
async def test_the_template_says_which_files_have_changed(
    desk: Desk, repo: Repo, changes: dict[str, str | None], message: str
) -> None:
    for path, content in changes.items():
        if content is None:
            repo.git("rm", "--quiet", path)
        else:
            repo.stage(path, content)
    draft = await draft_commit_message(await desk.gateway(), repo.top, use_llm=False)
    assert (draft.message, draft.origin.generated_by) == (message, "template")
    assert not desk.upstream.calls


async def test_the_template_knows_renames_and_moves(desk: Desk, repo: Repo) -> None:
    repo.git("mv", "hello.py", "greeting.py")
    assert (await draft_commit_message(await desk.gateway(), repo.top, use_llm=False)).message == (
        "Rename hello.py to greeting.py"
    )
    (repo.top / "src").mkdir()
    repo.git("mv", "greeting.py", "src/hello.py")
    assert (await draft_commit_message(await desk.gateway(), repo.top, use_llm=False)).message == "Move hello.py"


async def test_when_nobody_answers_the_template_stands_in_and_says_why(desk: Desk, repo: Repo) -> None:
    desk.upstream.fault(Fault.overloaded(), times=None)
    repo.stage("a.py", "1\n")
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    assert (draft.message, draft.origin.generated_by) == ("Add a.py", "template")
    assert "overloaded" in str(draft.origin.problem)


async def test_a_subject_alone_is_enough(desk: Desk, repo: Repo) -> None:
    desk.upstream.reply("Add a greeting")
    repo.stage("a.py", "1\n")
    assert (await draft_commit_message(await desk.gateway(), repo.top)).message == f"Add a greeting{TRAILER}"
