from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ai_gateway.credentials.auth_db import MAX_DATABASE_BYTES, MAX_TOKENS, read_auth_db
from ai_gateway.credentials.found import Found
from credentials.editor_database import EditorDatabase
from credentials.permissions import folder_for_all, nobody

HOST = "github.com"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[EditorDatabase]:
    with EditorDatabase(tmp_path) as database:
        yield database


def values(found: Found) -> list[str]:
    return [token.value for token in found.tokens]


def reason(found: Found) -> str:
    assert not found.tokens
    (problem,) = found.problems
    return problem.why


def test_rows_that_are_only_in_the_write_ahead_log_are_read(database: EditorDatabase) -> None:
    database.add("ghu_one", user="octocat")
    in_main_file = sqlite3.connect(f"{database.path.as_uri()}?immutable=1", uri=True)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        in_main_file.execute("SELECT * FROM oauth_tokens")
    in_main_file.close()
    found = read_auth_db(database.path, HOST)
    (token,) = found.tokens
    assert (token.value, token.user, token.source) == ("ghu_one", "octocat", str(database.path))
    assert not found.problems


def test_rows_are_read_after_the_editor_has_left(database: EditorDatabase) -> None:
    database.add("ghu_one")
    database.close()
    assert values(read_auth_db(database.path, HOST)) == ["ghu_one"]


def test_a_writer_in_the_middle_of_a_transaction_does_not_keep_anyone_from_reading(database: EditorDatabase) -> None:
    database.add("ghu_one")
    database.writer.execute("BEGIN IMMEDIATE")
    database.add("ghu_uncommitted")
    assert values(read_auth_db(database.path, HOST)) == ["ghu_one"]


def test_the_token_used_last_comes_first(database: EditorDatabase) -> None:
    database.add("ghu_old", last_used_at=1)
    database.add("ghu_new", last_used_at=3)
    database.add("ghu_middle", last_used_at=2)
    assert values(read_auth_db(database.path, HOST)) == ["ghu_new", "ghu_middle", "ghu_old"]


def test_only_the_newest_few_are_tried(database: EditorDatabase) -> None:
    for number in range(MAX_TOKENS + 3):
        database.add(f"ghu_{number}")
    assert len(values(read_auth_db(database.path, HOST))) == MAX_TOKENS


def test_only_tokens_of_exactly_the_host_are_given(database: EditorDatabase) -> None:
    for host in ("github.com", "github.company.com", "example.ghe.com", "notgithub.com", "Acme.GHE.com"):
        database.add(f"ghu_of_{host}", host=host)
    assert values(read_auth_db(database.path, "github.com")) == ["ghu_of_github.com"]
    assert values(read_auth_db(database.path, "github.company.com")) == ["ghu_of_github.company.com"]
    assert values(read_auth_db(database.path, "acme.ghe.com")) == ["ghu_of_Acme.GHE.com"]
    assert read_auth_db(database.path, "ghe.com") == Found()


def test_an_editor_that_was_signed_out_does_not_make_the_token_invalid(database: EditorDatabase) -> None:
    database.add("ghu_one")
    database.sign_out_of("vim")
    assert values(read_auth_db(database.path, HOST)) == ["ghu_one"]


def test_an_encrypted_token_is_a_reason_and_hides_no_other(database: EditorDatabase) -> None:
    database.add(b"\x93\x01ciphertext-and-tag", version=1)
    assert "encrypted" in reason(read_auth_db(database.path, HOST))
    database.add("ghu_plain")
    found = read_auth_db(database.path, HOST)
    assert values(found) == ["ghu_plain"]
    assert len(found.problems) == 1


@pytest.mark.parametrize(("token", "version"), [("ghu_one", 2), ("ghu_one", "x"), ("ghu_one", None), (None, 0), (7, 0)])
def test_a_token_in_an_unknown_form_is_a_reason(database: EditorDatabase, token: object, version: object) -> None:
    database.add(token, version=version)
    said = reason(read_auth_db(database.path, HOST))
    assert "update AI Gateway" in said
    assert "ghu_one" not in said


@pytest.mark.parametrize("token", [b"\xff\xfe\x00", "", "two words", "tid=abc;exp=1:mac", "ghu_é", "x" * 5000])
def test_what_can_be_no_token_is_a_reason_that_does_not_quote_it(database: EditorDatabase, token: str | bytes) -> None:
    database.add(token)
    said = reason(read_auth_db(database.path, HOST))
    assert "token" in said
    assert "abc" not in said
    assert "two words" not in said


def test_a_value_without_end_is_a_reason(database: EditorDatabase) -> None:
    database.add("x" * 100_000)
    assert "SQLITE_TOOBIG" in reason(read_auth_db(database.path, HOST))


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    folder = tmp_path / "github-copilot"
    assert read_auth_db(folder / "auth.db", HOST) == Found()
    folder.mkdir()
    assert read_auth_db(folder / "auth.db", HOST) == Found()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "layout", ["CREATE TABLE something_else(a)", "CREATE TABLE oauth_tokens(token_id)", "CREATE VIEW x AS SELECT 1"]
)
def test_a_database_laid_out_otherwise_is_a_reason(tmp_path: Path, layout: str) -> None:
    other = sqlite3.connect(tmp_path / "auth.db")
    other.execute(layout)
    other.close()
    assert "update AI Gateway" in reason(read_auth_db(tmp_path / "auth.db", HOST))


def test_a_database_that_would_never_finish_is_a_reason(tmp_path: Path) -> None:
    endless = sqlite3.connect(tmp_path / "auth.db")
    endless.execute(
        "CREATE VIEW oauth_tokens AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT i AS token_id, 'github.com' AS auth_authority, i AS last_used_at, i AS token_ciphertext,"
        " 0 AS token_schema_version, '' AS user_login FROM n"
    )
    endless.close()
    assert "SQLITE_INTERRUPT" in reason(read_auth_db(tmp_path / "auth.db", HOST))


def test_a_locked_database_is_a_reason_and_readable_once_it_is_let_go(database: EditorDatabase) -> None:
    database.add("ghu_one")
    database.writer.execute("PRAGMA journal_mode=DELETE")
    database.writer.execute("BEGIN EXCLUSIVE")
    assert "locked" in reason(read_auth_db(database.path, HOST))
    database.writer.execute("ROLLBACK")
    assert values(read_auth_db(database.path, HOST)) == ["ghu_one"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"no database at all, ghu_secret, and long enough to have a header " * 20, "no SQLite database"),
        (b"SQLite format 3\0" + b"\x07" * 4096, "no SQLite database"),
    ],
)
def test_a_foreign_or_damaged_file_is_a_reason(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "auth.db"
    path.write_bytes(content)
    assert said in reason(read_auth_db(path, HOST))


def test_a_database_cut_short_is_a_reason(database: EditorDatabase) -> None:
    database.add("ghu_one")
    database.close()
    os.truncate(database.path, 5000)
    assert "damaged" in reason(read_auth_db(database.path, HOST))


def test_a_file_too_large_is_a_reason_and_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "auth.db"
    path.touch()
    os.truncate(path, MAX_DATABASE_BYTES + 1)
    assert "larger" in reason(read_auth_db(path, HOST))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has other things than files")
def test_what_is_no_file_is_a_reason_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "not a file" in reason(read_auth_db(tmp_path / "pipe", HOST))
    assert "not a file" in reason(read_auth_db(tmp_path, HOST))
    assert "can't be read" in reason(read_auth_db(tmp_path / "loop", HOST))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_file_that_may_not_be_read_is_a_reason() -> None:
    with folder_for_all() as folder, EditorDatabase(folder) as database:
        database.add("ghu_one")
        database.close()
        folder.chmod(0o777)
        database.path.chmod(0)
        with nobody():
            assert "may not read" in reason(read_auth_db(database.path, HOST))
        folder.chmod(0)
        with nobody():
            assert "may not read" in reason(read_auth_db(database.path, HOST))
        folder.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_folder_that_may_not_be_written_is_a_reason() -> None:
    with folder_for_all() as folder, EditorDatabase(folder) as database:
        database.add("ghu_one")
        database.close()
        folder.chmod(0o555)
        with nobody():
            assert "folder has to be writable" in reason(read_auth_db(database.path, HOST))
        folder.chmod(0o755)


def test_reading_does_not_change_the_database(database: EditorDatabase) -> None:
    database.add("ghu_one")
    before = database.path.read_bytes()
    read_auth_db(database.path, HOST)
    assert database.path.read_bytes() == before


def test_a_path_with_characters_that_mean_something_in_a_uri_is_read(tmp_path: Path) -> None:
    with EditorDatabase(tmp_path / "100% #1? ü") as database:
        database.add("ghu_one")
        assert values(read_auth_db(database.path, HOST)) == ["ghu_one"]


def test_sqlite_is_loaded_only_where_there_is_a_database(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; before = set(sys.modules);"
        "from ai_gateway.credentials import auth_db, finder;"
        f"auth_db.read_auth_db(Path({str(tmp_path)!r}) / 'auth.db', 'github.com');"
        "sys.exit('sqlite3' in set(sys.modules) - before)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@given(garbage=st.binary(min_size=1, max_size=2000))
def test_no_garbage_crashes_the_reader(garbage: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "auth.db")
        path.write_bytes(garbage)
        assert reason(read_auth_db(path, HOST))


@settings(deadline=None)
@example(damage=[(3269, 128)])  # in the layout: SQLite's own complaint about it is no UTF-8
@given(damage=st.lists(st.tuples(st.integers(0, 8191), st.integers(0, 255)), max_size=30))
def test_no_damage_to_a_real_database_crashes_the_reader(damage: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with EditorDatabase(Path(folder)) as database:
            database.add("ghu_one")
        content = bytearray(database.path.read_bytes())
        for place, byte in damage:
            content[place % len(content)] = byte
        database.path.write_bytes(content)
        for problem in read_auth_db(database.path, HOST).problems:
            assert "ghu_one" not in problem.why
