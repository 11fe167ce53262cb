from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.privacy.path_patterns import PathPatterns

PATTERNS = ["*.env", "secrets/", "!secrets/public.md", "config/prod/*.yml", "/notes.txt", "C:/clients/**", "~/diary/"]


def matches(path: str, patterns: Sequence[str] = PATTERNS) -> bool:
    return PathPatterns(patterns, ignores_case=False).fitting(path) is not None


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "a/b/.env",
        "/home/me/project/prod.env",
        r"C:\project\prod.env",
        r"\\server\share\secrets\a.txt",
        "secrets/a/b/c",
        "/home/me/project/secrets/a.txt",
        "./secrets/a.txt",
        "/home/me/project/src/../secrets/a.txt",
        "secrets/",
        "config/prod/db.yml",
        "/home/me/project/config/prod/db.yml",
        "/home/me/notes.txt",
        r"C:\clients\one\a.txt",
        "file:///home/me/project/secrets/a.txt",
        "file:///home/me/project/secrets/a%20b.txt",
        "file:///c%3A/project/%2Eenv",
        "file:///C%3A/clients/one/a.txt",
        "file://server/share/secrets/a.txt",
        "file:///home/me/C#/prod.env",
        "file:///home/me/prod.env#L12",
        "vscode-remote://ssh-remote%2Bhost/home/me/prod.env",
        "vscode-notebook-cell:/home/me/secrets/a.ipynb#W0sZmlsZQ%3D%3D",
        "git:/home/me/prod.env?%7B%22ref%22%3A%22HEAD%22%7D",
    ],
)
def test_a_file_that_a_pattern_names_is_private(path: str) -> None:
    assert matches(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "env",
        "prod.env.py",
        "/home/me/project/main.py",
        "secret/a.txt",
        "my-secrets/a.txt",
        "secrets",
        "secrets/public.md",
        "/home/me/project/secrets/public.md",
        "file:///home/me/project/secrets/public.md",
        "config/prod/eu/db.yml",
        "config/db.yml",
        r"D:\clients\one\a.txt",
        "diary/today.md",
        "PROD.ENV",
        "untitled:Untitled-1",
        "file:///home/me/main.py",
    ],
)
def test_another_file_is_not(path: str) -> None:
    assert not matches(path)


def test_a_pattern_may_begin_at_home() -> None:
    assert matches(str(Path.home() / "diary" / "today.md"))
    assert matches(str(Path.home() / "diary" / "today.md"), ["*", "!~/*/tomorrow.md"])
    assert not matches(str(Path.home() / "diary" / "today.md"), ["*", "!~/*/today.md"])


def test_the_last_pattern_that_fits_decides() -> None:
    assert not matches("a.env", ["*.env", "!a.env"])
    assert matches("a.env", ["!a.env", "*.env"])
    assert matches("secrets/public.md", ["!secrets/public.md", "secrets/"])


@pytest.mark.parametrize("path", ["a.env", "A.ENV", "file:///A.Env"])
@pytest.mark.parametrize("pattern", ["*.env", "*.ENV"])
def test_capitals_are_small_letters_where_files_ignore_them(path: str, pattern: str) -> None:
    assert PathPatterns([pattern], ignores_case=True).fitting(path)


def test_capitals_mean_what_they_mean_on_the_platform() -> None:
    assert (PathPatterns(["*.env"]).fitting("A.ENV") is not None) is (sys.platform in {"win32", "darwin"})


@pytest.mark.parametrize("patterns", [[], [""], ["  "], ["# *.py", "#*/a"]])
def test_without_patterns_nothing_is_private(patterns: Sequence[str]) -> None:
    assert not matches("a.py", patterns)


@pytest.mark.parametrize("pattern", ["!", "/", "[", "\\", "!  "])
def test_what_would_protect_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"no pattern as in a \.gitignore"):
        PathPatterns(["*.env", pattern])


@given(st.text(), st.lists(st.sampled_from(PATTERNS)))
def test_any_text_is_a_path(text: str, patterns: Sequence[str]) -> None:
    matches(text, patterns)


@given(st.lists(st.sampled_from(["a", "b c", "ü", "C#", "d.txt", "100%"]), min_size=1))
def test_a_folder_makes_all_that_is_in_it_private_by_path_and_by_uri(parts: Sequence[str]) -> None:
    path = Path("/home/me/secrets").joinpath(*parts)
    assert matches(str(path))
    assert matches(path.as_uri())
