from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.credentials.foreign_file import MAX_JSON_BYTES
from ai_gateway.credentials.found import Found
from ai_gateway.credentials.json_stores import read_apps_json, read_hosts_json
from credentials.permissions import folder_for_all, nobody

HOST = "github.com"
PLUGIN = "Iv1.b507a08c87ecfe98"
OTHER_APP = "Ov23liV9UpD7Rnfnskm3"
READERS = pytest.mark.parametrize("read", [read_apps_json, read_hosts_json])
Reader = Callable[[Path, str], Found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.json"


def write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def values(found: Found) -> list[str]:
    assert not found.problems
    return [token.value for token in found.tokens]


def reason(found: Found) -> str:
    assert not found.tokens
    (problem,) = found.problems
    return problem.why


def test_apps_json_gives_token_person_and_place(path: Path) -> None:
    write(path, {f"{HOST}:{PLUGIN}": {"user": "octocat", "oauth_token": "ghu_one", "githubAppId": PLUGIN}})
    (token,) = read_apps_json(path, HOST).tokens
    assert (token.value, token.user, token.source) == ("ghu_one", "octocat", str(path))


def test_hosts_json_gives_token_person_and_place(path: Path) -> None:
    write(path, {HOST: {"user": "octocat", "oauth_token": "gho_one"}})
    (token,) = read_hosts_json(path, HOST).tokens
    assert (token.value, token.user, token.source) == ("gho_one", "octocat", str(path))


def test_the_other_names_of_the_fields_are_read(path: Path) -> None:
    write(path, {HOST: {"login": "octocat", "access_token": "ghu_one"}})
    (token,) = read_hosts_json(path, HOST).tokens
    assert (token.value, token.user) == ("ghu_one", "octocat")


def test_only_tokens_of_exactly_the_host_are_given(path: Path) -> None:
    hosts = ("github.company.com", "notgithub.com", "github.com", "ghe.corp.example:8443", "Acme.ghe.com")
    write(path, {f"{host}:{PLUGIN}": {"user": "x", "oauth_token": f"ghu_of_{host}"} for host in hosts})
    assert values(read_apps_json(path, "github.com")) == ["ghu_of_github.com"]
    assert values(read_apps_json(path, "ghe.corp.example:8443")) == ["ghu_of_ghe.corp.example:8443"]
    assert values(read_apps_json(path, "acme.ghe.com")) == ["ghu_of_Acme.ghe.com"]
    write(path, {host: {"user": "x", "oauth_token": f"ghu_of_{host}"} for host in hosts})
    assert values(read_hosts_json(path, "github.com")) == ["ghu_of_github.com"]
    assert values(read_hosts_json(path, "ghe.corp.example:8443")) == ["ghu_of_ghe.corp.example:8443"]


def test_an_app_without_a_host_is_one_of_github(path: Path) -> None:
    write(path, {PLUGIN: {"user": "x", "oauth_token": "ghu_one"}})
    assert values(read_apps_json(path, HOST)) == ["ghu_one"]


def test_a_host_without_an_app_is_that_host(path: Path) -> None:
    write(path, {"acme.ghe.com": {"user": "x", "oauth_token": "ghu_one"}})
    assert values(read_apps_json(path, HOST)) == []
    assert values(read_apps_json(path, "acme.ghe.com")) == ["ghu_one"]


def test_a_record_that_names_another_authority_is_passed_over(path: Path) -> None:
    write(path, {f"{HOST}:{PLUGIN}": {"user": "x", "oauth_token": "ghu_one", "authAuthority": "acme.ghe.com"}})
    assert values(read_apps_json(path, HOST)) == []


def test_tokens_of_the_plugins_own_app_come_first(path: Path) -> None:
    write(
        path,
        {
            f"{HOST}:{OTHER_APP}": {"user": "x", "oauth_token": "gho_other"},
            f"{HOST}:{PLUGIN}": {"user": "x", "oauth_token": "gho_of_plugin"},
            f"{HOST}:Iv9.unheard": {"user": "x", "oauth_token": "ghu_app"},
        },
    )
    assert values(read_apps_json(path, HOST)) == ["ghu_app", "gho_of_plugin", "gho_other"]


@READERS
@pytest.mark.parametrize("record", [None, 7, "ghu_one", ["ghu_one"], {}, {"user": "x"}, {"oauth_token": 7}])
def test_records_of_another_shape_are_passed_over(path: Path, read: Reader, record: object) -> None:
    write(path, {HOST: record})
    assert values(read(path, HOST)) == []


@READERS
def test_no_file_is_no_problem(path: Path, read: Reader) -> None:
    assert read(path, HOST) == Found()


@READERS
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b'{"github.com": {"oauth_token": "ghu_secr', "half-written"),
        (b'["ghu_secret"]', "half-written"),
        (b"null", "half-written"),
        (b"\x93\x01\xff ghu_secret", "half-written"),
        (b"[" * 200_000, "half-written"),
    ],
)
def test_a_foreign_or_half_written_file_is_a_reason_that_quotes_nothing(
    path: Path, read: Reader, content: bytes, said: str
) -> None:
    path.write_bytes(content)
    why = reason(read(path, HOST))
    assert said in why
    assert "ghu_" not in why


@READERS
@pytest.mark.parametrize("token", ["two words", "tid=abc;exp=1:mac", "ghu_é", "ghu_\ud800", "ghu_one\n"])
def test_what_can_be_no_token_is_a_reason(path: Path, read: Reader, token: str) -> None:
    write(path, {HOST: {"user": "x", "oauth_token": token}})
    assert token not in reason(read(path, HOST))


@READERS
def test_a_byte_order_mark_does_no_harm(path: Path, read: Reader) -> None:
    path.write_bytes(b'\xef\xbb\xbf{"github.com": {"user": "x", "oauth_token": "ghu_one"}}')
    assert values(read(path, HOST)) == ["ghu_one"]


@READERS
def test_a_file_too_large_is_a_reason(path: Path, read: Reader) -> None:
    path.touch()
    os.truncate(path, MAX_JSON_BYTES + 1)
    assert "larger" in reason(read(path, HOST))


@READERS
@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_file_that_may_not_be_read_is_a_reason(read: Reader) -> None:
    with folder_for_all() as folder:
        path = folder / "store.json"
        write(path, {HOST: {"user": "x", "oauth_token": "ghu_one"}})
        path.chmod(0)
        with nobody():
            assert "may not read" in reason(read(path, HOST))


@READERS
@given(content=st.binary(max_size=500) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_garbage_crashes_the_reader(read: Reader, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.json")
        path.write_bytes(content)
        assert not read(path, HOST).tokens


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [HOST, f"{HOST}:{PLUGIN}", PLUGIN, "user", "oauth_token", "access_token", "authAuthority", ":"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@READERS
@given(content=JSON)
def test_no_other_json_crashes_the_reader(read: Reader, content: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.json")
        write(path, content)
        for token in read(path, HOST).tokens:
            assert token.value.isascii()
