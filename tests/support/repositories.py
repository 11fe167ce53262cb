"""Real git repositories, made for a test."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PERSON = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class Repo:
    """A repository that does what it is told."""

    top: Path

    def git(self, *arguments: str | bytes, given: bytes | None = None) -> str:
        """Run git, and give what it prints."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | PERSON
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],  # noqa: S607 - whichever is there
            cwd=self.top, env=environ, input=given, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, path: str | bytes, content: str | bytes) -> None:
        """Put a file on the disk."""
        file = self.top / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def stage(self, path: str | bytes, content: str | bytes) -> None:
        """Put a file on the disk, and stage it."""
        self.write(path, content)
        self.git("add", "--force", "--", path)

    def commit(self, message: str, **files: str | bytes) -> str:
        """Commit these files, each `name__ext` for `name.ext`, and what is staged; give the commit's id."""
        for name, content in files.items():
            self.stage(name.replace("__", "."), content)
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str) -> None:
        """Begin a branch, and check it out."""
        self.git("checkout", "--quiet", "-b", name)


def new_repo(folder: Path, *, branch: str = "main") -> Repo:
    """Make an empty one."""
    folder.mkdir(parents=True, exist_ok=True)
    repo = Repo(folder)
    repo.git("init", "--quiet", "--initial-branch", branch)
    return repo


def repo_with_topic(folder: Path) -> Repo:
    """Make one whose branch `topic` has one commit more than `main`."""
    repo = new_repo(folder)
    repo.commit("Begin", hello__py="1\n")
    repo.branch("topic")
    repo.commit("Go on", hello__py="2\n")
    return repo


def forget_outer_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no git look for the repository whose hook runs these tests."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
