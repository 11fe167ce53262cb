"""Files that are kept out of prompts: Git itself is the judge of what its patterns mean."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ai_gateway.privacy.exclusions import Exclusions
from ai_gateway.privacy.file_names import DEEPEST, LONGEST_NAME
from ai_gateway.privacy.path_patterns import PathPatterns
from ai_gateway.privacy.pattern_files import MOST_BYTES, MOST_PATTERNS

HANG_SECONDS = 30
FOLDERS = ("", "a", "a/a", "a/b", "a/b/a", "ab", "ab/b", "b", "b/a", "x]")
NAMES = ("a", "ab", "a.b", "b-a", "A", "x]")
LISTS = (".gitignore", "a/.gitignore", "a/b/.gitignore", ".git/info/exclude")
ATOMS = (
    *(
        "a",
        "b",
        "A",
        ".",
        "-",
        "x",
        "\\a",
        "\\*",
        "\\",
        " ",
        "#",
        "!",
        "*",
        "*",
        "**",
        "?",
        "/",
        "/",
        "/**/",
        "**/",
        "/**",
    ),
    *("[ab]", "[!a]", "[^b.]", "[a-c]", "[z-a]", "[[:alpha:]]", "[[:foo:]]", "[]a]", "[!]]", "[a\\]]", "[-b]", "[b-]"),
    *("[a/b]", "[a"),
)


def written(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, newline="")
    return root


def git(root: Path, *arguments: str, given: str = "") -> str:
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = [shutil.which("git") or "git", *arguments]
    done = subprocess.run(
        command, cwd=root, env=environ, input=given.encode(), capture_output=True, check=False, timeout=60
    )
    return done.stdout.decode()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    return root


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    git(root, "init", "-q")
    for folder in FOLDERS:
        (root / folder).mkdir(exist_ok=True)
    for path in paths_of_tree():
        if not (root / path).is_dir():
            (root / path).touch()
    return root


def paths_of_tree() -> list[str]:
    return [f"{folder}/{name}".lstrip("/") for folder in FOLDERS for name in NAMES]


def verdicts_of_git(root: Path) -> Iterator[tuple[str, str | None]]:
    """Which paths are ignored, and which line of which file says so."""
    told = git(root, "check-ignore", "--no-index", "-v", "-n", "-z", "--stdin", given="\0".join(paths_of_tree()))
    fields = told.split("\0")[:-1]
    for file, line, pattern, path in zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=True):
        is_ignored = pattern != "" and not pattern.startswith("!")
        yield path, f"line {line} of {root / file} ({pattern!r}) says so" if is_ignored else None


def is_as_documented(pattern: str) -> bool:
    """Whether Git keeps to its own documentation, in which `a**/` and `**\\/` hold nothing special."""
    body = pattern.lstrip("!/").split("**", 1)
    return "**\\/" not in pattern and (len(body) == 1 or not body[0] or body[0].endswith("/"))


PATTERNS = st.builds(
    lambda sign, atoms, end: sign + "".join(atoms) + end,
    st.sampled_from(["", "", "", "!", "/", "#"]),
    st.lists(st.sampled_from(ATOMS), min_size=1, max_size=5),
    st.sampled_from(["", "", "/", "  "]),
).filter(is_as_documented)
ENDS = st.sampled_from(["\n", "\r\n"])
FILES = st.dictionaries(
    st.sampled_from(LISTS),
    st.builds(lambda lines, end: end.join([*lines, ""]), st.lists(PATTERNS, max_size=4), ENDS),
    min_size=1,
)


@given(FILES)
@example({".gitignore": "/*\n!/a/\n", "a/.gitignore": "*\n!b/\n!.*\n", "a/b/.gitignore": "!*\n"})
@example({".gitignore": "\ufeffab\n#a\n\\#a\na.b \\ \n"})
@example({".gitignore": "!a\n", ".git/info/exclude": "a\n"})
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_git_ignores_is_kept_out_by_the_line_that_git_names(tree: Path, files: Mapping[str, str]) -> None:
    for name in LISTS:
        (tree / name).unlink(missing_ok=True)
    written(tree, files)
    exclusions = Exclusions(ignores_case=False)
    for path, said in verdicts_of_git(tree):
        reason = exclusions.why(str(tree / path))
        assert reason == (None if said is None else f"{said}, as privacy.use_gitignore is on"), (path, files)


def test_two_odd_patterns_mean_what_gits_documentation_says(repository: Path) -> None:
    written(repository, {".gitignore": "foo**/bar\n"})
    exclusions = Exclusions()
    assert exclusions.why(str(repository / "foox" / "bar")) is not None
    assert exclusions.why(str(repository / "foobar")) is None


def test_a_working_tree_and_a_submodule_have_the_lists_of_their_repository(repository: Path, tmp_path: Path) -> None:
    written(repository, {".git/info/exclude": "*.log\n", "kept.txt": ""})
    git(repository, "add", ".")
    git(repository, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "first")
    git(repository, "worktree", "add", "-q", str(tmp_path / "other"))
    assert Exclusions().why(str(tmp_path / "other" / "a.log")) is not None
    assert Exclusions().why(str(tmp_path / "other" / "kept.txt")) is None
    written(tmp_path, {"modules/one/info/exclude": "*.tmp\n", "sub/.git": "gitdir: ../modules/one\n"})
    assert Exclusions().why(str(tmp_path / "sub" / "a.tmp")) is not None
    assert Exclusions().why(str(tmp_path / "sub" / "a.log")) is None


def test_what_git_ignores_may_be_let_out(repository: Path) -> None:
    written(repository, {".gitignore": "*.log\n"})
    assert Exclusions().why(str(repository / "a.log")) is not None
    assert Exclusions(use_gitignore=False).why(str(repository / "a.log")) is None


def test_outside_of_a_repository_a_gitignore_says_nothing(tmp_path: Path) -> None:
    written(tmp_path, {".gitignore": "*.log\n"})
    assert Exclusions().why(str(tmp_path / "a.log")) is None
    git(tmp_path, "init", "-q")
    assert Exclusions().why(str(tmp_path / "a.log")) is not None


def test_a_repository_within_another_has_rules_of_its_own(repository: Path) -> None:
    written(repository, {".gitignore": "*.log\n"})
    inner = repository / "vendor" / "inner"
    inner.mkdir(parents=True)
    git(inner, "init", "-q")
    assert Exclusions().why(str(inner / "a.log")) is None
    written(inner, {".gitignore": "*.log\n"})
    assert Exclusions().why(str(inner / "a.log")) is not None


def test_a_git_folder_without_a_head_is_no_repository(repository: Path) -> None:
    written(repository, {".gitignore": "*.key\n", "sub/.git/config": ""})
    assert git(repository, "check-ignore", "sub/my.key") == "sub/my.key\n"
    assert Exclusions().why(str(repository / "sub" / "my.key")) is not None


def test_the_message_of_a_commit_may_be_written_whatever_git_ignores(repository: Path) -> None:
    written(repository, {".gitignore": "*\n"})
    message = str(repository / ".git" / "COMMIT_EDITMSG")
    assert Exclusions().why(message) is None
    assert Exclusions([".git/"]).why(message) is not None


# .aiexclude


def test_an_aiexclude_file_holds_for_its_folder_and_below(tmp_path: Path) -> None:
    written(tmp_path, {"a/.aiexclude": "*.key\n/secrets/\n", "a/b/.aiexclude": "!public.key\n"})
    exclusions = Exclusions()
    reason = exclusions.why(str(tmp_path / "a" / "b" / "my.key"))
    assert reason == f"line 1 of {tmp_path / 'a' / '.aiexclude'} ('*.key') says so"
    assert exclusions.why(str(tmp_path / "a" / "secrets" / "deep" / "plan.md")) is not None
    assert exclusions.why(str(tmp_path / "a" / "b" / "public.key")) is None
    assert exclusions.why(str(tmp_path / "a" / "b" / "secrets" / "plan.md")) is None
    assert exclusions.why(str(tmp_path / "my.key")) is None


def test_a_gitignore_makes_no_exception_from_an_aiexclude_file(repository: Path) -> None:
    written(repository, {".aiexclude": "*.key\n", ".gitignore": "!*.key\n", "a/.gitignore": "!*.key\n"})
    assert Exclusions().why(str(repository / "a" / "my.key")) is not None


def test_an_aiexclude_file_above_a_repository_holds_in_it_as_for_a_submodule(repository: Path) -> None:
    written(repository.parent, {".aiexclude": "*.key\n/repository/secrets/\n"})
    assert Exclusions().why(str(repository / "my.key")) is not None
    assert Exclusions().why(str(repository / "secrets" / "plan.md")) is not None
    assert Exclusions().why(str(repository / "main.py")) is None


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n"])
def test_one_without_a_pattern_keeps_out_everything(tmp_path: Path, text: str) -> None:
    written(tmp_path, {"a/.aiexclude": text})
    reason = Exclusions().why(str(tmp_path / "a" / "b" / "main.py"))
    assert reason == f"{tmp_path / 'a' / '.aiexclude'} is empty, which keeps out everything beside and below it"
    assert Exclusions().why(str(tmp_path / "main.py")) is None


@pytest.mark.parametrize("pattern", ["[a", "secrets\\", "!", "/"])
def test_one_with_a_line_that_is_no_pattern_keeps_out_everything_and_names_the_line(
    tmp_path: Path, pattern: str
) -> None:
    written(tmp_path, {".aiexclude": f"*.key\n{pattern}\n"})
    reason = Exclusions().why(str(tmp_path / "main.py"))
    assert reason == f"line 2 of {tmp_path / '.aiexclude'} is no pattern, so nothing beside or below it is let out"


@pytest.mark.parametrize("name", [".aiexclude", ".gitignore"])
@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda file: file.mkdir(), "is no file that can be read"),
        (os.mkfifo, "is no file that can be read"),
        (lambda file: file.symlink_to(file), "can't be read (OSError)"),
        (lambda file: file.write_bytes("*.key\n".encode("utf-16")), "is no text in UTF-8"),
        (lambda file: file.write_text("# much\n" * MOST_BYTES), "makes more than 64 KiB or 2,000 patterns"),
        (lambda file: file.write_text("a\n" * (MOST_PATTERNS + 1)), "makes more than 64 KiB or 2,000 patterns"),
    ],
    ids=["a folder", "a pipe", "a loop", "in UTF-16", "large", "long"],
)
def test_one_that_can_not_be_read_keeps_out_everything(repository: Path, name: str, make: object, fault: str) -> None:
    assert callable(make)
    make(repository / name)
    reason = Exclusions().why(str(repository / "src" / "main.py"))
    assert reason is not None
    assert reason.startswith(f"{repository / name} {fault}")
    assert "so nothing beside or below it is let out" in reason


@pytest.mark.parametrize(
    "text", ["#" * (MOST_BYTES // 4), "x\n" * (MOST_PATTERNS // 4)], ids=["by their length", "by their patterns"]
)
def test_all_that_concern_one_file_have_a_budget_together(
    repository: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = ["", "a/", "a/b/", "a/b/c/", "a/b/c/d/", "a/b/c/d/e/"]
    written(repository, {f"{folder}.gitignore": f"x\n{text}" for folder in folders})
    written(repository, {"a/.gitignore": text[:-4], "a/.aiexclude": "my.key", "a/b/c/d/e/main.py": ""})
    opened: list[str] = []
    opens = os.open

    def noted(path: str, flags: int, mode: int = 0o777) -> int:
        opened.append(path)
        return opens(path, flags, mode)

    monkeypatch.setattr(os, "open", noted)
    exclusions = Exclusions()
    for _ in range(2):
        assert exclusions.why(str(repository / "a" / "main.py")) is None
        reason = exclusions.why(str(repository / "a" / "b" / "c" / "d" / "e" / "main.py")) or ""
        assert reason.startswith(f"{repository / 'a/b/c/.gitignore'} makes more than 64 KiB or 2,000 patterns")
    read = [path for path in opened if path.startswith(str(repository))]
    assert str(repository / "a/b/c/d/.gitignore") not in read
    assert len(read) == len(set(read))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes among the files")
def test_a_pipe_that_takes_the_place_of_one_while_it_is_looked_at_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, {".aiexclude": "*.key\n"}) / ".aiexclude"
    stat = os.stat

    def swapped(path: str, *, follow_symlinks: bool = True) -> os.stat_result:
        found = stat(path, follow_symlinks=follow_symlinks)
        if path == str(file):
            file.unlink()
            os.mkfifo(file)
        return found

    monkeypatch.setattr(os, "stat", swapped)
    reasons: list[str | None] = []
    asking = threading.Thread(target=lambda: reasons.append(Exclusions().why(str(tmp_path / "main.py"))), daemon=True)
    asking.start()
    asking.join(HANG_SECONDS)
    assert [reason and "is no file that can be read" in reason for reason in reasons] == [True]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="somebody who may read everything")
def test_one_that_may_not_be_read_keeps_out_everything(tmp_path: Path) -> None:
    written(tmp_path, {".aiexclude": "*.key\n"})
    (tmp_path / ".aiexclude").chmod(0)
    assert "can't be read (PermissionError)" in (Exclusions().why(str(tmp_path / "main.py")) or "")


def test_a_file_that_changes_is_read_again_and_one_that_goes_is_forgotten(tmp_path: Path) -> None:
    exclusions, path = Exclusions(), str(tmp_path / "my.key")
    assert exclusions.why(path) is None
    written(tmp_path, {".aiexclude": "*.key\n"})
    assert exclusions.why(path) is not None
    written(tmp_path, {".aiexclude": "*.kex\n"})
    assert exclusions.why(path) is None
    (tmp_path / ".aiexclude").unlink()
    written(tmp_path, {".aiexclude.new": "*.key\n"}).joinpath(".aiexclude.new").replace(tmp_path / ".aiexclude")
    assert exclusions.why(path) is not None
    (tmp_path / ".aiexclude").unlink()
    assert exclusions.why(path) is None


# Names of files


def test_the_setting_names_files_at_any_depth_and_is_named_itself(tmp_path: Path) -> None:
    exclusions = Exclusions(["*.pem", "customers/", "!customers/demo/"])
    assert exclusions.why("/anywhere/my.pem") == "privacy.exclude ('*.pem') says so"
    assert exclusions.why("vscode-remote://ssh-remote%2Bhost/srv/customers/one/plan.md") is not None
    assert exclusions.why(str(tmp_path / "customers" / "demo" / "plan.md")) is None


@pytest.mark.parametrize("form", ["file://{}", "file://LocalHost{}", "vscode-notebook-cell:{}#W0sZmlsZQ", "git:{}?x"])
def test_the_uri_of_a_document_means_the_file_that_it_is_of(tmp_path: Path, form: str) -> None:
    written(tmp_path, {"my project/.aiexclude": "*.k*y\n"})
    path = quote(str(tmp_path / "my project" / "my key.kéy"))
    assert Exclusions().why(form.format(path)) is not None
    assert Exclusions().why(form.format(quote(str(tmp_path / "my project" / "main.py")))) is None


@pytest.mark.parametrize(
    "name", ["untitled:Untitled-1", "https://example.com{}", "file://server{}", "vscode-remote://h{}", "a\0b", "\ud800"]
)
def test_what_is_on_no_disk_of_this_machine_is_kept_out_by_the_setting_alone(tmp_path: Path, name: str) -> None:
    written(tmp_path, {".aiexclude": ""})
    assert Exclusions().why(name.format(tmp_path / "my.key")) is None
    assert Exclusions(["*"]).why(name.format(tmp_path / "my.key")) is not None


@pytest.mark.parametrize(
    "form",
    [
        "vscode-remote://wsl%2Bdebian{}",
        "gitlens://7b22726566223a22/{}?x",
        "file://this-host{}",
        "jar:file://{}!/a/b.class",
        "zip:{}!/a",
    ],
)
def test_a_uri_that_names_something_else_means_the_file_as_well_if_that_is_there(tmp_path: Path, form: str) -> None:
    written(tmp_path, {".aiexclude": "*.key\n", "my own.key": "", "main.py": ""})
    assert Exclusions().why(form.format(quote(str(tmp_path / "my own.key")))) is not None
    assert Exclusions().why(form.format(tmp_path / "main.py")) is None
    assert Exclusions().why(form.format(tmp_path / "not-there.key")) is None or "://" not in form


def test_a_name_with_a_colon_is_that_of_a_file_if_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, {".aiexclude": "c++*\n", "c++:x.pem": ""})
    monkeypatch.chdir(tmp_path)
    assert Exclusions().why("c++:x.pem") is not None
    assert Exclusions().why("c++:y.pem") is None


def test_a_relative_path_begins_in_the_current_folder_or_in_those_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {"one/.aiexclude": "*.key\n", "two/main.py": ""})
    exclusions = Exclusions()
    monkeypatch.chdir(tmp_path / "one")
    assert exclusions.why("sub/my.key") is not None
    assert exclusions.why("../two/my.key") is None
    monkeypatch.chdir(tmp_path / "two")
    assert exclusions.why("my.key") is None
    assert exclusions.why("../one/my.key") is not None
    exclusions.folders = lambda: [str(tmp_path / "two"), str(tmp_path / "one")]
    assert exclusions.why("my.key") is not None


def test_a_link_is_what_it_is_called_and_what_it_leads_to(tmp_path: Path) -> None:
    written(tmp_path, {"kept/.aiexclude": "*.key\n", "kept/my.key": "", "kept/sub/a.key": "", "open/main.py": ""})
    (tmp_path / "open" / "innocent.txt").symlink_to(tmp_path / "kept" / "my.key")
    (tmp_path / "open" / "folder").symlink_to(tmp_path / "kept" / "sub")
    (tmp_path / "kept" / "called.key").symlink_to(tmp_path / "open" / "main.py")
    exclusions = Exclusions()
    for name in ("open/innocent.txt", "open/folder/a.key", "open/folder/../my.key", "kept/called.key"):
        assert exclusions.why(str(tmp_path) + f"/{name}") is not None, name
    assert exclusions.why(str(tmp_path / "open" / "main.py")) is None


def test_the_setting_means_a_file_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, {"customers/plan.md": "", "open/main.py": ""})
    (tmp_path / "open" / "innocent.md").symlink_to(tmp_path / "customers" / "plan.md")
    monkeypatch.setenv("HOME", str(tmp_path))
    exclusions, private = Exclusions(["~/customers/"]), PathPatterns(["~/customers/"])
    monkeypatch.chdir(tmp_path / "customers")
    for name in ("plan.md", "../open/innocent.md", "~/customers/plan.md", "~/open/innocent.md"):
        assert exclusions.why(name) is not None, name
        assert Exclusions().is_named(name, private), name
    assert exclusions.why("../open/main.py") is None
    assert not Exclusions().is_named("../open/main.py", private)


@pytest.mark.skipif(sys.platform != "linux", reason="a folder's name is in Unicode there")
def test_a_uri_can_hold_a_name_that_is_not_in_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    written(folder, {".aiexclude": "*.key\n"})
    assert Exclusions().why(f"file://{quote(str(tmp_path))}/caf%E9/my.key") is not None


@pytest.mark.skipif(sys.platform == "win32", reason="the current folder can't be removed there")
def test_a_current_folder_that_is_gone_keeps_nobody_from_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {".aiexclude": "*.key\n", "gone/main.py": ""})
    monkeypatch.chdir(tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    assert Exclusions().why(str(tmp_path / "my.key")) is not None
    assert Exclusions().why("main.py") is None


def test_a_folder_can_be_kept_out_as_well_as_what_is_in_it(tmp_path: Path) -> None:
    written(tmp_path, {".aiexclude": "secrets/\n", "secrets/plan.md": "", "a/secrets": ""})
    exclusions = Exclusions()
    assert exclusions.why(str(tmp_path / "secrets")) is not None
    assert exclusions.why(str(tmp_path / "later" / "secrets") + "/") is not None
    assert exclusions.why(str(tmp_path / "a" / "secrets")) is None


@pytest.mark.parametrize("path", ["/", "//", "", ".", "file:///", "file://"])
def test_the_root_and_nothing_are_paths_too(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Exclusions().why(path) is None


def test_capitals_are_small_letters_where_files_ignore_them(tmp_path: Path) -> None:
    written(tmp_path, {".aiexclude": "*.KEY\n[a-c]x\n"})
    for name in ("my.key", "MY.Key", "Bx"):
        assert Exclusions(ignores_case=True).why(str(tmp_path / name)) is not None
        assert Exclusions(ignores_case=False).why(str(tmp_path / name)) is None


@pytest.mark.parametrize(
    "pattern", ["*a" * 60 + "b", "**/a/" * 40 + "b", "**/*a*a*a*a/" * 12 + "c", "[a-z]*" * 50 + "!"]
)
def test_no_pattern_of_somebody_else_takes_for_ever(tmp_path: Path, pattern: str) -> None:
    written(tmp_path, {".aiexclude": f"{pattern}\n"})
    assert Exclusions().why(str(tmp_path) + "/" + ("a" * 200 + "/") * 15 + "x") is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a" * (LONGEST_NAME + 1), "its name has more than 4,096 characters, and is not looked at"),
        ("/a" * 60_000, "its name has more than 4,096 characters, and is not looked at"),
        ("/a" * (DEEPEST + 1), f"it is more than {DEEPEST} folders deep, and is not looked at"),
        ("\\a" * (DEEPEST + 1), f"it is more than {DEEPEST} folders deep, and is not looked at"),
        ("file:///" + "%2Fa" * (DEEPEST + 1), f"it is more than {DEEPEST} folders deep, and is not looked at"),
    ],
    ids=["long", "very long", "deep", "deep on Windows", "deep as a URI"],
)
def test_a_name_that_would_take_long_is_not_looked_at_and_kept_out(name: str, reason: str) -> None:
    assert Exclusions(["*.env"]).why(name) == reason
    assert Exclusions().is_named(name, PathPatterns(["*.env"]))
    assert not Exclusions().is_named(name, PathPatterns([]))


@pytest.mark.skipif(sys.platform == "win32", reason="links are for the privileged there")
def test_what_a_link_leads_to_is_not_looked_at_either_if_that_is_too_deep(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * DEEPEST)
    deep.mkdir(parents=True)
    (tmp_path / "link").symlink_to(deep)
    assert "folders deep" in (Exclusions().why(str(tmp_path / "link" / "main.py")) or "")


@given(st.text(), st.lists(st.sampled_from(["*.env", "secrets/", "!a/b", "/c"])))
@settings(deadline=None)
def test_any_text_is_a_path(text: str, patterns: Sequence[str]) -> None:
    Exclusions(patterns).why(text)
