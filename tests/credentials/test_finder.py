from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_gateway.credentials.finder import CopilotTokenFinder
from ai_gateway.credentials.github_cli import GitHubCLI
from ai_gateway.credentials.own_store import TokenStore
from ai_gateway.credentials.token_files import BUSY_SECONDS, LOOK_SECONDS
from credentials.editor_database import EditorDatabase
from support.fake_clock import FakeClock

HOST = "github.com"
POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions and scripts")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "github-copilot"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / "own")


@pytest.fixture
def finder(folder: Path, store: TokenStore, clock: FakeClock) -> CopilotTokenFinder:
    return CopilotTokenFinder(store=store, folders=[folder], clock=clock)


@pytest.fixture
def database(folder: Path) -> Iterator[EditorDatabase]:
    with EditorDatabase(folder) as database:
        yield database


def write_apps(folder: Path, token: str, host: str = HOST) -> None:
    record = {"user": "octocat", "oauth_token": token}
    (folder / "apps.json").write_text(json.dumps({f"{host}:Iv1.b507a08c87ecfe98": record}))


def write_hosts(folder: Path, token: str, host: str = HOST) -> None:
    (folder / "hosts.json").write_text(json.dumps({host: {"user": "octocat", "oauth_token": token}}))


def stand_in(folder: Path, script: str) -> GitHubCLI:
    program = folder / "gh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return GitHubCLI(HOST, environ={"PATH": f"{folder}{os.pathsep}{os.defpath}", "GH_CONFIG_DIR": str(folder)})


def contents(folder: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def values(finder: CopilotTokenFinder) -> list[str]:
    return [token.value for token in await finder.tokens()]


@POSIX
async def test_tokens_come_from_the_editor_our_own_sign_in_editors_files_and_the_github_cli_in_this_order(
    folder: Path, store: TokenStore, clock: FakeClock, database: EditorDatabase, tmp_path: Path
) -> None:
    cli = stand_in(tmp_path, "echo gho_cli")
    finder = CopilotTokenFinder(store=store, folders=[folder], github_cli=cli, clock=clock)
    store.save(HOST, "ghu_own")
    write_hosts(folder, "ghu_hosts")
    write_apps(folder, "ghu_apps")
    database.add("ghu_db_old")
    database.add("ghu_db_new")
    finder.hand_over("gho_editor", "the editor")
    assert await values(finder) == [
        "gho_editor",
        "ghu_own",
        "ghu_db_new",
        "ghu_db_old",
        "ghu_apps",
        "ghu_hosts",
        "gho_cli",
    ]
    assert not finder.missing


async def test_the_first_folder_comes_first(tmp_path: Path, store: TokenStore) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_hosts(tmp_path / name, f"ghu_{name}")
    finder = CopilotTokenFinder(store=store, folders=[tmp_path / "b", tmp_path / "a"])
    assert await values(finder) == ["ghu_b", "ghu_a"]


async def test_the_same_token_is_given_once_and_named_after_its_best_place(
    finder: CopilotTokenFinder, folder: Path, store: TokenStore
) -> None:
    write_hosts(folder, "ghu_one")
    write_apps(folder, "ghu_one")
    store.save(HOST, "ghu_one")
    (token,) = await finder.tokens()
    assert token.source == str(store.path)


async def test_a_token_that_is_set_is_the_only_one(folder: Path, store: TokenStore) -> None:
    write_hosts(folder, "ghu_hosts")
    finder = CopilotTokenFinder(store=store, folders=[folder], given="ghu_set", given_source="GH_COPILOT_TOKEN")
    finder.hand_over("gho_editor", "the editor")
    (token,) = await finder.tokens()
    assert (token.value, token.source) == ("ghu_set", "GH_COPILOT_TOKEN")
    assert not finder.missing
    assert finder.given_source == "GH_COPILOT_TOKEN"


async def test_a_set_token_that_can_be_none_is_said_and_nothing_stands_in_for_it(
    folder: Path, store: TokenStore
) -> None:
    write_hosts(folder, "ghu_hosts")
    finder = CopilotTokenFinder(
        store=store, folders=[folder], given="tid=1;exp=2:mac", given_source="GITHUB_COPILOT_TOKEN"
    )
    assert await values(finder) == []
    assert finder.missing
    assert finder.missing.startswith("GITHUB_COPILOT_TOKEN: ")
    assert "tid=1" not in finder.missing
    assert finder.problems == (finder.missing,)


@pytest.mark.parametrize("given", [None, ""])
async def test_an_empty_setting_is_none(folder: Path, store: TokenStore, given: str | None) -> None:
    write_hosts(folder, "ghu_hosts")
    finder = CopilotTokenFinder(store=store, folders=[folder], given=given)
    assert await values(finder) == ["ghu_hosts"]
    assert finder.given_source is None


async def test_each_finder_gives_tokens_of_its_host_only(folder: Path, store: TokenStore) -> None:
    write_apps(folder, "ghu_github")
    write_hosts(folder, "ghu_acme", "acme.ghe.com")
    store.save("acme.ghe.com", "ghu_acme_own")
    github = CopilotTokenFinder(store=store, folders=[folder])
    acme = CopilotTokenFinder(store=store, folders=[folder], host="ACME.ghe.com")
    assert await values(github) == ["ghu_github"]
    assert await values(acme) == ["ghu_acme_own", "ghu_acme"]


async def test_without_any_token_it_is_said_how_to_get_one(finder: CopilotTokenFinder, store: TokenStore) -> None:
    assert await values(finder) == []
    assert finder.missing == "sign in: run 'ai-gateway login', or set GITHUB_COPILOT_TOKEN"
    assert finder.problems == ()
    elsewhere = CopilotTokenFinder(store=store, host="acme.ghe.com")
    assert "for acme.ghe.com" in str(elsewhere.missing)


async def test_files_that_can_not_be_read_are_named_with_their_reasons(
    finder: CopilotTokenFinder, folder: Path, database: EditorDatabase
) -> None:
    database.add(b"ciphertext", version=1)
    (folder / "apps.json").write_text('{"github.com:Iv1')
    missing = str(finder.missing)
    assert missing.startswith("sign in: ")
    assert f"{folder / 'auth.db'}: it holds a token that is encrypted" in missing
    assert f"{folder / 'apps.json'}: it is damaged" in missing


async def test_a_file_that_can_not_be_read_is_still_a_problem_where_there_is_a_token(
    finder: CopilotTokenFinder, folder: Path, store: TokenStore
) -> None:
    store.save(HOST, "ghu_own")
    (folder / "hosts.json").write_text("half")
    assert not finder.missing
    assert await values(finder) == ["ghu_own"]
    (problem,) = finder.problems
    assert "hosts.json" in problem


@POSIX
def test_files_that_others_can_read_are_a_hint_to_their_owner(
    finder: CopilotTokenFinder, folder: Path, database: EditorDatabase
) -> None:
    database.add("ghu_one")
    database.path.chmod(0o644)
    assert not finder.problems  # nobody gets through the folder
    folder.chmod(0o755)
    (problem,) = finder.problems
    assert f"chmod 600 {database.path}" in problem
    assert not finder.missing
    database.path.chmod(0o600)
    assert not finder.problems


async def test_the_version_changes_with_the_tokens(
    finder: CopilotTokenFinder, folder: Path, store: TokenStore, clock: FakeClock
) -> None:
    seen = [finder.version]

    def changed() -> bool:
        clock.advance(LOOK_SECONDS)
        seen.append(finder.version)
        return seen[-1] not in seen[:-1]

    assert not changed()
    write_apps(folder, "ghu_one")
    assert changed()
    assert not changed()
    write_apps(folder, "ghu_another")
    assert changed()
    with EditorDatabase(folder) as database:
        assert not changed()
        database.add("ghu_db")
        assert changed()
        database.add("ghu_newer")
        assert changed()
    assert not changed()
    store.save(HOST, "ghu_own")
    assert changed()
    finder.hand_over("gho_editor", "the editor")
    assert changed()
    finder.hand_over("gho_editor", "the editor")
    assert not changed()
    finder.hand_over(None, "the editor")
    assert changed()


async def test_a_file_that_is_touched_without_another_token_is_no_other_version(
    finder: CopilotTokenFinder, database: EditorDatabase, clock: FakeClock
) -> None:
    database.add("ghu_one")
    before = finder.version
    database.writer.execute("UPDATE oauth_tokens SET last_used_at = 99")
    clock.advance(LOOK_SECONDS)
    assert finder.version == before


async def test_the_files_are_looked_at_every_two_seconds_at_most(
    finder: CopilotTokenFinder, folder: Path, clock: FakeClock
) -> None:
    assert finder.missing
    write_apps(folder, "ghu_one")
    clock.advance(LOOK_SECONDS * 0.9)
    assert finder.missing
    clock.advance(LOOK_SECONDS * 0.2)
    assert not finder.missing


async def test_tokens_are_those_of_this_moment(finder: CopilotTokenFinder, folder: Path) -> None:
    assert await values(finder) == []
    write_apps(folder, "ghu_one")
    assert await values(finder) == ["ghu_one"]


async def test_unchanged_files_are_not_read_again(finder: CopilotTokenFinder, folder: Path, clock: FakeClock) -> None:
    write_apps(folder, "ghu_one")
    path = folder / "apps.json"
    before = path.stat()
    assert await values(finder) == ["ghu_one"]
    path.write_text(path.read_text().replace("ghu_one", "ghu_two"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    clock.advance(LOOK_SECONDS)
    assert await values(finder) == ["ghu_one"]
    os.utime(path)
    assert await values(finder) == ["ghu_two"]


async def test_a_file_that_could_not_be_read_is_tried_again_though_it_has_not_changed(
    finder: CopilotTokenFinder, database: EditorDatabase, clock: FakeClock
) -> None:
    database.add("ghu_one")
    database.writer.execute("PRAGMA journal_mode=DELETE")
    database.writer.execute("BEGIN EXCLUSIVE")
    assert "locked" in str(finder.missing)
    before = finder.version
    database.writer.execute("ROLLBACK")
    clock.advance(LOOK_SECONDS)
    assert not finder.missing
    assert finder.version != before


async def test_the_token_of_the_editor_is_nowhere_on_the_disk(
    finder: CopilotTokenFinder, tmp_path: Path, store: TokenStore
) -> None:
    finder.hand_over("gho_editor", "the editor")
    assert await values(finder) == ["gho_editor"]
    assert not store.path.exists()
    assert all(b"gho_editor" not in content for content in contents(tmp_path))


async def test_what_an_editor_hands_over_and_can_be_no_token_is_a_reason(finder: CopilotTokenFinder) -> None:
    finder.hand_over("gho one", "the editor")
    assert await values(finder) == []
    assert "the editor: " in str(finder.missing)
    assert "gho one" not in str(finder.missing)


@POSIX
async def test_with_a_github_cli_to_ask_nothing_is_missing_until_it_has_said_no(
    store: TokenStore, tmp_path: Path
) -> None:
    finder = CopilotTokenFinder(store=store, github_cli=stand_in(tmp_path, "exit 1"))
    assert not finder.missing
    before = finder.version
    assert await values(finder) == []
    assert "gh auth login" in str(finder.missing)
    assert any("gh auth login" in problem for problem in finder.problems)
    stand_in(tmp_path, "echo gho_cli")
    (tmp_path / "hosts.yml").write_text("github.com:\n")
    assert not finder.missing
    assert finder.version != before
    assert await values(finder) == ["gho_cli"]


@POSIX
async def test_a_github_cli_is_not_asked_where_a_token_is_set(store: TokenStore, tmp_path: Path) -> None:
    cli = stand_in(tmp_path, f"touch {tmp_path / 'asked'}; echo gho_cli")
    finder = CopilotTokenFinder(store=store, given="ghu_set", github_cli=cli)
    assert await values(finder) == ["ghu_set"]
    assert not (tmp_path / "asked").exists()


async def test_without_a_github_cli_on_the_path_a_token_is_missing(store: TokenStore, tmp_path: Path) -> None:
    cli = GitHubCLI(HOST, environ={"PATH": str(tmp_path / "none")})
    assert CopilotTokenFinder(store=store, github_cli=cli).missing is not None


async def test_a_kept_token_is_there_at_once(finder: CopilotTokenFinder) -> None:
    assert finder.missing
    before = finder.version
    finder.keep("ghu_own")
    assert not finder.missing
    assert finder.version != before
    assert await values(finder) == ["ghu_own"]


async def test_signing_out_forgets_what_is_ours_and_says_what_is_not(
    finder: CopilotTokenFinder, folder: Path, store: TokenStore
) -> None:
    write_apps(folder, "ghu_apps")
    finder.keep("ghu_own")
    finder.hand_over("gho_editor", "the editor")
    assert finder.sign_out() == (f"the token in {folder / 'apps.json'} belongs to your editor; sign out there",)
    assert await values(finder) == ["ghu_apps"]
    assert not store.path.exists()


async def test_signing_out_where_all_was_ours_leaves_nothing(finder: CopilotTokenFinder) -> None:
    finder.keep("ghu_own")
    assert not finder.missing
    assert finder.sign_out() == ()
    assert finder.missing


async def test_signing_out_does_not_take_out_a_token_that_is_set(store: TokenStore) -> None:
    store.save(HOST, "ghu_own")
    finder = CopilotTokenFinder(store=store, given="ghu_set", given_source="GH_COPILOT_TOKEN")
    assert finder.sign_out() == ("GH_COPILOT_TOKEN still gives a token; take it out there",)
    assert not store.path.exists()


@POSIX
async def test_signing_out_names_the_github_cli_that_is_asked(store: TokenStore, tmp_path: Path) -> None:
    finder = CopilotTokenFinder(store=store, github_cli=stand_in(tmp_path, "echo gho_cli"))
    (said,) = finder.sign_out()
    assert "gh auth logout" in said


async def test_no_token_shows_in_what_is_printed(finder: CopilotTokenFinder, folder: Path, store: TokenStore) -> None:
    write_apps(folder, "ghu_secret_apps")
    given = CopilotTokenFinder(store=store, given="ghu_secret_set")
    finder.hand_over("gho_secret_editor", "the editor")
    shown = [*await finder.tokens(), *await given.tokens(), finder, given, finder.version, given.version, vars(finder)]
    assert "secret" not in repr(shown)


def test_a_file_that_somebody_is_writing_gives_what_it_gave_before(
    finder: CopilotTokenFinder, folder: Path, clock: FakeClock
) -> None:
    write_apps(folder, "ghu_one")
    before = finder.version
    whole = (folder / "apps.json").read_text()
    (folder / "apps.json").write_text(whole[:20])
    clock.advance(LOOK_SECONDS)
    assert (finder.missing, finder.version) == (None, before)
    assert "half-written" in finder.problems[0]
    (folder / "apps.json").write_text(whole.replace("ghu_one", "ghu_two"))
    clock.advance(LOOK_SECONDS)
    assert finder.version != before


def test_a_database_that_is_locked_gives_what_it_gave_before(
    finder: CopilotTokenFinder, database: EditorDatabase, clock: FakeClock
) -> None:
    database.add("ghu_one")
    before = finder.version
    database.writer.execute("PRAGMA locking_mode=EXCLUSIVE")
    database.writer.execute("UPDATE oauth_tokens SET last_used_at = 99")
    clock.advance(LOOK_SECONDS)
    assert (finder.missing, finder.version) == (None, before)
    assert "locked" in finder.problems[0]


def test_a_file_that_stays_damaged_gives_nothing_in_the_end(
    finder: CopilotTokenFinder, folder: Path, clock: FakeClock
) -> None:
    write_apps(folder, "ghu_one")
    assert not finder.missing
    (folder / "apps.json").write_text("")
    clock.advance(LOOK_SECONDS)
    assert not finder.missing
    clock.advance(BUSY_SECONDS)
    assert "it is empty" in str(finder.missing)


def test_a_file_that_is_gone_gives_nothing_at_once(finder: CopilotTokenFinder, folder: Path, clock: FakeClock) -> None:
    write_apps(folder, "ghu_one")
    assert not finder.missing
    (folder / "apps.json").unlink()
    clock.advance(LOOK_SECONDS)
    assert finder.missing
