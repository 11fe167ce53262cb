"""What of a change gets into a prompt, what is only summed up, and what is kept out."""

from __future__ import annotations

import os

import pytest

from ai_gateway.drafting.drafter import draft_commit_message, draft_pull_request
from drafting.conftest import Desk
from support.repositories import Repo

SECRET = "THE_SECRET"


def numbered(name: str, count: int) -> str:
    return "".join(f"{name}_{number} = {number}\n" for number in range(count))


async def test_the_smallest_changes_are_shown_and_the_biggest_is_summed_up(desk: Desk, repo: Repo) -> None:
    repo.stage(
        "big.py",
        "def before():\n"
        + numbered("    same", 9)
        + numbered("    A", 1300)
        + "\n\ndef after():\n"
        + numbered("    B", 20),
    )
    repo.commit("Begin big")
    repo.stage(
        "big.py",
        "def before():\n"
        + numbered("    same", 9)
        + numbered("    C", 1300)
        + "\n\ndef after():\n"
        + numbered("    D", 20),
    )
    repo.stage("middle.py", numbered("MIDDLE", 400))
    repo.stage("small.py", "SMALL = 1\n")
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    user = desk.asked()[1]
    assert "+SMALL = 1" in user
    assert "+MIDDLE_399 = 399" in user
    assert "C_1299" not in user
    assert "big.py, +1320 -1320, too large to be shown; in: def before():" in user
    assert draft.origin.summarized == ("big.py",)


async def test_what_a_tool_has_written_is_the_first_to_be_left_out(desk: Desk, repo: Repo) -> None:
    repo.stage("uv.lock", numbered("LOCK", 1200))
    repo.stage("main.py", numbered("MAIN", 1200))
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    user = desk.asked()[1]
    assert "MAIN_1199" in user
    assert "LOCK_1" not in user
    assert draft.origin.summarized == ("uv.lock",)


async def test_a_prompt_has_a_limit_however_much_has_changed(desk: Desk, repo: Repo) -> None:
    repo.stage("one-line.js", "x" * 3_000_000)
    repo.stage("many-lines.sql", numbered("INSERT", 60_000))
    for number in range(700):
        repo.write(f"many/file-with-quite-a-long-name-{number:04}.py", numbered("N", 20))
    repo.git("add", ".")
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    user = desk.asked()[1]
    assert len(user) < 60_000
    assert " more files" in user
    assert "many-lines.sql" in draft.origin.summarized


async def test_renames_modes_binaries_and_links_are_told_in_words(desk: Desk, repo: Repo) -> None:
    repo.stage("old-name.py", numbered("KEPT", 30))
    repo.stage("tool.sh", "true\n")
    repo.commit("Prepare")
    repo.git("mv", "old-name.py", "new-name.py")
    repo.git("update-index", "--chmod=+x", "tool.sh")
    repo.stage("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00")
    repo.stage("empty.txt", "")
    (repo.top / "link").symlink_to("hello.py")
    repo.git("add", "link")
    await draft_commit_message(await desk.gateway(), repo.top)
    user = desk.asked()[1]
    for line in (
        "new-name.py, renamed from old-name.py",
        "tool.sh, mode 100644 to 100755",
        "picture.png, added, binary",
        "empty.txt, added",
        "link, added, +1 -0",
    ):
        assert f"{line}\n" in user
    assert "KEPT" not in user


async def test_a_file_that_becomes_a_link_is_told_of_and_not_shown(desk: Desk, repo: Repo) -> None:
    (repo.top / "hello.py").unlink()
    (repo.top / "hello.py").symlink_to("/etc/passwd")
    repo.git("add", "hello.py")
    await draft_commit_message(await desk.gateway(), repo.top)
    assert "hello.py, of another type, mode 100644 to 120000" in desk.asked()[1]


async def test_a_submodule_is_told_by_its_commits(desk: Desk, repo: Repo) -> None:
    first, second = "1" * 40, "2" * 40
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{first},library")
    repo.commit("Use a library")
    repo.git("update-index", "--cacheinfo", f"160000,{second},library")
    await draft_commit_message(await desk.gateway(), repo.top)
    assert "library, submodule, 1111111111 to 2222222222" in desk.asked()[1]


async def test_names_and_contents_in_any_encoding_can_be_told(desk: Desk, repo: Repo) -> None:
    repo.stage(b"caf\xe9.txt", b"na\xefve\n")
    repo.stage('new\nline\t"quoted".txt', "1\n")
    repo.stage("größe.txt", "2\n")
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    user = desk.asked()[1]
    assert "caf\N{REPLACEMENT CHARACTER}.txt, added, +1 -0" in user
    assert "+na\N{REPLACEMENT CHARACTER}ve" in user
    assert 'new\\nline\\t"quoted".txt, added' in user
    assert "größe.txt, added" in user
    template = await draft_commit_message(await desk.gateway(), repo.top, use_llm=False)
    template.message.encode()
    assert draft.origin.generated_by == "llm"


async def test_excluded_files_are_neither_shown_nor_named_and_the_draft_says_so(desk: Desk, repo: Repo) -> None:
    repo.stage(".aiexclude", "secrets/\n")
    repo.stage("secrets/key.txt", f"{SECRET}\n")
    repo.stage("open.py", "OPEN = 1\n")
    repo.git("mv", "hello.py", "secrets/hello.py")
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    system, user = desk.asked()
    assert "+OPEN = 1" in user
    assert SECRET not in user
    assert "secrets/key" not in user
    assert sorted(draft.origin.left_out) == ["secrets/hello.py", "secrets/key.txt"]
    assert system


async def test_a_deleted_file_in_whose_place_is_a_folder_brings_nothing_excluded_along(desk: Desk, repo: Repo) -> None:
    repo.commit("Prepare", settings="PLAIN = 1\n")
    repo.git("rm", "--quiet", "settings")
    repo.stage(".aiexclude", "settings/key\n")
    repo.stage("settings/key", f"{SECRET}\n")
    draft = await draft_commit_message(await desk.gateway(), repo.top)
    user = desk.asked()[1]
    assert "-PLAIN = 1" in user
    assert SECRET not in user
    assert draft.origin.left_out == ("settings/key",)


async def test_when_every_file_is_excluded_no_model_is_asked(desk: Desk, repo: Repo) -> None:
    repo.stage("key.pem", f"{SECRET}\n")
    draft = await draft_commit_message(await desk.gateway(privacy={"exclude": ["*.pem"]}), repo.top)
    assert (draft.message, draft.origin.left_out) == ("Add key.pem", ("key.pem",))
    assert "excluded" in str(draft.origin.problem)
    assert not desk.upstream.calls


@pytest.mark.parametrize("is_local", [False, True])
async def test_a_private_file_makes_the_draft_private(desk: Desk, repo: Repo, *, is_local: bool) -> None:
    repo.stage("customers.csv", f"{SECRET}\n")
    gateway = await desk.gateway(is_local=is_local, privacy={"private_paths": ["*.csv"]})
    draft = await draft_commit_message(gateway, repo.top)
    assert draft.origin.generated_by == ("llm" if is_local else "template")
    assert desk.upstream.calls == is_local


async def test_the_old_name_of_a_file_can_make_it_private_too(desk: Desk, repo: Repo) -> None:
    repo.git("mv", "hello.py", "greeting.py")
    gateway = await desk.gateway(privacy={"private_paths": ["hello.py"]})
    assert (await draft_commit_message(gateway, repo.top)).origin.generated_by == "template"
    assert not desk.upstream.calls


async def test_an_excluded_template_is_not_told(desk: Desk, repo: Repo) -> None:
    repo.stage(".github/pull_request_template.md", SECRET)
    repo.commit("Ask")
    gateway = await desk.gateway(privacy={"exclude": [".github/"]})
    draft = await draft_pull_request(gateway, repo.top)
    assert SECRET not in desk.asked()[1]
    assert draft.origin.left_out == (".github/pull_request_template.md",)


async def test_merges_are_not_told_as_commits(desk: Desk, repo: Repo) -> None:
    repo.git("checkout", "--quiet", "main")
    repo.commit("Meanwhile", other__py="1\n")
    repo.git("checkout", "--quiet", "feature/greet-people")
    repo.git("merge", "--quiet", "--no-edit", "main")
    await draft_pull_request(await desk.gateway(), repo.top)
    user = desk.asked()[1]
    assert "Merge branch" not in user
    assert "other.py" not in user


async def test_messages_in_another_encoding_are_read(desk: Desk, repo: Repo) -> None:
    repo.write("message", "Größe".encode("latin-1"))
    repo.git("-c", "i18n.commitEncoding=ISO-8859-1", "commit", "--quiet", "--allow-empty", "--file=message")
    await draft_pull_request(await desk.gateway(), repo.top)
    assert "Größe" in desk.asked()[1]


async def test_it_works_from_a_repository_with_a_strange_name(desk: Desk, repo: Repo) -> None:
    strange = Repo(repo.top.with_name(os.fsdecode(b" re\xffpo ")))
    repo.top.rename(strange.top)
    strange.stage("a.py", "1\n")
    assert (await draft_commit_message(await desk.gateway(), strange.top)).origin.generated_by == "llm"
