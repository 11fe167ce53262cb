from __future__ import annotations

import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from ai_gateway.credentials.found import Found
from ai_gateway.credentials.own_store import NotKept, TokenStore
from credentials.permissions import folder_for_all, nobody

HOST = "github.com"
POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / "deep" / "credentials")


def token_in(store: TokenStore, host: str = HOST) -> str:
    (token,) = store.load(host).tokens
    return token.value


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_saved_is_there_for_another_process(store: TokenStore) -> None:
    store.save(HOST, "ghu_one", user="octocat")
    (token,) = TokenStore(store.path.parent).load(HOST).tokens
    assert (token.value, token.user, token.source) == ("ghu_one", "octocat", str(store.path))


def test_each_host_has_one_token_of_its_own(store: TokenStore) -> None:
    store.save(HOST, "ghu_old")
    store.save("acme.ghe.com", "ghu_acme")
    store.save(HOST, "ghu_new")
    assert token_in(store) == "ghu_new"
    assert token_in(store, "acme.ghe.com") == "ghu_acme"
    assert store.load("ghe.com") == Found()


def test_before_anything_is_saved_there_is_nothing_and_nothing_is_made(store: TokenStore) -> None:
    assert store.load(HOST) == Found()
    assert not store.remove(HOST)
    assert not store.path.parent.exists()


@POSIX
def test_file_and_folder_are_for_their_owner_only(store: TokenStore) -> None:
    before = os.umask(0)
    try:
        store.save(HOST, "ghu_one")
        store.save("acme.ghe.com", "ghu_two")
    finally:
        os.umask(before)
    assert mode(store.path) == 0o600
    assert mode(store.path.parent) == 0o700


@POSIX
def test_permissions_that_are_too_wide_are_narrowed_when_a_token_is_saved(store: TokenStore) -> None:
    store.save(HOST, "ghu_one")
    store.path.chmod(0o666)
    store.path.parent.chmod(0o777)
    store.save(HOST, "ghu_two")
    assert mode(store.path) == 0o600
    assert mode(store.path.parent) == 0o700


def test_nothing_else_is_left_in_the_folder(store: TokenStore) -> None:
    store.save(HOST, "ghu_one")
    store.save(HOST, "ghu_two")
    assert list(store.path.parent.iterdir()) == [store.path]


@POSIX
def test_a_symbolic_link_is_replaced_and_its_target_left_alone(store: TokenStore, tmp_path: Path) -> None:
    store.path.parent.mkdir(parents=True)
    target = tmp_path / "somebody's file"
    target.write_text("{}")
    store.path.symlink_to(target)
    store.save(HOST, "ghu_one")
    assert target.read_text() == "{}"
    assert not store.path.is_symlink()
    assert token_in(store) == "ghu_one"


@POSIX
def test_a_folder_that_is_a_link_to_another_is_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "credentials").symlink_to(tmp_path / "elsewhere")
    store = TokenStore(tmp_path / "credentials")
    store.save(HOST, "ghu_one")
    assert token_in(store) == "ghu_one"
    assert mode(tmp_path / "elsewhere") == 0o700


@pytest.mark.parametrize("content", ['{"github.com": {"oauth_token": "ghu_se', "", "[]", "\0\0\0"])
def test_a_damaged_file_is_a_reason_and_set_aside_by_the_next_sign_in(store: TokenStore, content: str) -> None:
    store.path.parent.mkdir(parents=True)
    store.path.write_text(content)
    (problem,) = store.load(HOST).problems
    assert problem.place == str(store.path)
    assert "ghu_" not in problem.why
    store.save(HOST, "ghu_one")
    assert token_in(store) == "ghu_one"
    assert store.path.with_name(f"{store.path.name}.damaged").read_text() == content


def test_removing_leaves_other_hosts_alone(store: TokenStore) -> None:
    store.save(HOST, "ghu_one")
    store.save("acme.ghe.com", "ghu_acme")
    assert store.remove(HOST)
    assert store.load(HOST) == Found()
    assert token_in(store, "acme.ghe.com") == "ghu_acme"
    assert not store.remove(HOST)


def test_removing_the_last_token_leaves_no_file(store: TokenStore) -> None:
    store.save(HOST, "ghu_one")
    assert store.remove(HOST)
    assert list(store.path.parent.iterdir()) == []


def test_removing_leaves_no_damaged_file_that_may_hold_the_token(store: TokenStore) -> None:
    store.path.parent.mkdir(parents=True)
    for content in ('{"github.com": {"oauth_token": "ghu_se', '{"github.com": '):
        store.path.write_text(content)
        assert store.remove(HOST)
        assert list(store.path.parent.iterdir()) == []
    store.path.write_text("half")
    store.save(HOST, "ghu_one")
    assert store.remove(HOST)
    assert list(store.path.parent.iterdir()) == []


@POSIX
def test_a_disk_that_takes_nothing_is_an_error_that_names_the_folder_and_no_token() -> None:
    with folder_for_all() as folder:
        store = TokenStore(folder / "credentials")
        with nobody(), pytest.raises(NotKept) as raised:
            store.save(HOST, "ghu_one")
        assert str(store.path.parent) in str(raised.value)
        assert "ghu_one" not in str(raised.value)


@POSIX
def test_a_failed_save_loses_nothing_and_a_failed_removal_says_so() -> None:
    with folder_for_all() as folder:
        store = TokenStore(folder / "credentials")
        store.save(HOST, "ghu_old")
        store.path.parent.chmod(0o755)
        store.path.chmod(0o644)
        with nobody():
            with pytest.raises(NotKept):
                store.save(HOST, "ghu_new")
            with pytest.raises(NotKept):
                store.remove(HOST)
        assert token_in(store) == "ghu_old"


@POSIX
def test_a_full_disk_loses_nothing_and_is_left_with_nothing_half_written(store: TokenStore) -> None:
    import resource  # noqa: PLC0415 - POSIX only

    store.save(HOST, "ghu_old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(NotKept):
            store.save(HOST, "ghu_new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert token_in(store) == "ghu_old"
    assert list(store.path.parent.iterdir()) == [store.path]


def test_a_file_where_the_folder_should_be_is_an_error_of_its_own_kind(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("a file")
    with pytest.raises(NotKept):
        TokenStore(tmp_path / "credentials").save(HOST, "ghu_one")


def test_the_file_is_json_in_the_shape_of_hosts_json(store: TokenStore) -> None:
    store.save(HOST, "ghu_one", user="octocat")
    assert json.loads(store.path.read_text()) == {HOST: {"oauth_token": "ghu_one", "user": "octocat"}}


def test_windows_that_sign_out_at_once_all_succeed(store: TokenStore) -> None:
    errors: list[NotKept] = []

    def sign_out(start: threading.Barrier) -> None:
        start.wait()
        try:
            TokenStore(store.path.parent).remove(HOST)
        except NotKept as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            store.save(HOST, "ghu_one")
            start = threading.Barrier(4)
            windows = [threading.Thread(target=sign_out, args=(start,)) for _ in range(4)]
            for window in windows:
                window.start()
            for window in windows:
                window.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []
    assert not store.path.exists()
