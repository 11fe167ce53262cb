"""Texts to read lie where only their reader can see them, and nobody else's files are touched for it."""

from __future__ import annotations

import os
import resource
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ai_gateway.lsp.editing.page_files import NotWritten, written

TEXT = "It gives the **price**.\n"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files; the cache folder lies beside it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    (tmp_path / "home").mkdir(exist_ok=True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return folder


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """The folder in the cache, made and empty."""
    file = written("first", TEXT, [])
    assert file.is_relative_to(tmp_path / "home")
    file.unlink()
    return file.parent


@contextmanager
def full_disk() -> Iterator[None]:
    """A disk that takes one page of a file and no more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_folder_that_is_a_link_is_left_alone_with_all_that_is_in_it(answers: Path, temporary: Path) -> None:
    notes = temporary.parent / "notes"
    notes.mkdir(mode=0o755)
    diary = notes / "diary.md"
    diary.write_text("dear")
    os.utime(diary, (1, 1))
    answers.rmdir()
    answers.symlink_to(notes)
    file = written("explain", TEXT, [])
    assert file.is_relative_to(temporary)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert (list(notes.iterdir()), stat.S_IMODE(notes.stat().st_mode)) == ([diary], 0o755)


def test_a_workspace_around_the_cache_folder_leaves_one_temporary_folder_whose_old_files_go(temporary: Path) -> None:
    home = temporary.parent / "home"
    old = written("explain", TEXT, [home])
    os.utime(old, (1, 1))
    new = [written("explain", TEXT, [home]) for _ in range(3)]
    [folder] = temporary.iterdir()
    assert sorted(folder.iterdir()) == sorted(new)


def test_a_temporary_folder_that_others_may_look_into_or_that_is_a_link_is_not_used(temporary: Path) -> None:
    home = temporary.parent / "home"
    (temporary / "elsewhere").mkdir(mode=0o700)
    (temporary / "ai-gateway-answers-link").symlink_to(temporary / "elsewhere")
    (temporary / "ai-gateway-answers-open").mkdir()
    (temporary / "ai-gateway-answers-open").chmod(0o777)
    folder = written("explain", TEXT, [home]).parent
    assert folder.name not in {"elsewhere", "ai-gateway-answers-link", "ai-gateway-answers-open"}


def test_what_the_cache_folder_does_not_take_goes_into_a_temporary_one(temporary: Path) -> None:
    (temporary.parent / "home" / ".cache").write_text("in the way")
    assert written("explain", TEXT, []).is_relative_to(temporary)


def test_a_full_disk_is_told_of_and_nothing_half_written_stays(answers: Path, temporary: Path) -> None:
    with full_disk(), pytest.raises(NotWritten, match=r"there is no file for the answer \(File too large\)"):
        written("explain", TEXT * 1000, [])
    assert [path for folder in (answers, temporary) for path in folder.rglob("*.md")] == []
