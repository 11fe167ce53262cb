"""What `vscode-extension/scripts/inspect_vsix.py` says of a VSIX before it leaves the house."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

SCRIPT = Path(__file__).parent.parent / "vscode-extension/scripts/inspect_vsix.py"
GOOD = {
    "extension.vsixmanifest": "",
    "extension/dist/extension.js": "x" * 100_000,
    "extension/dist/languageClient.js": "x" * 200_000,
    **dict.fromkeys(
        [
            "extension/package.json",
            "extension/package.nls.json",
            "extension/readme.md",
            "extension/changelog.md",
            "extension/LICENSE.txt",
            "extension/dist/LICENSES.md",
            "extension/dist/webview/answer.js",
            "extension/dist/webview/dashboard.js",
            "extension/l10n/bundle.l10n.json",
            "extension/bundled/LICENSES.md",
            "extension/bundled/launch.py",
            "extension/bundled/pure/ai_gateway/cli/__init__.py",
            "extension/bundled/native/cp312/pydantic_core/_pydantic_core.so",
        ],
        "",
    ),
}


def said_of(folder: Path, files: Mapping[str, str]) -> str:
    vsix = folder / "x.vsix"
    with ZipFile(vsix, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    done = subprocess.run(
        (sys.executable, str(SCRIPT), str(vsix)), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode == 0) == (done.stderr == ""), done
    return done.stderr


def test_nothing_is_said_of_a_good_one(tmp_path: Path) -> None:
    assert said_of(tmp_path, GOOD) == ""


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"extension.vsixmanifest"}))
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    said = said_of(tmp_path, {each: content for each, content in GOOD.items() if each != name})
    assert "is missing" in said


@pytest.mark.parametrize(
    "name",
    [
        "extension/dist/extension.js.map",
        "extension/dist/test/index.js",
        "extension/src/extension.ts",
        "extension/bundled/pure/ai_gateway/.mypy_cache/3.11/cache.0.db",
        "extension/bundled/pure/ai_gateway/__pycache__/gateway.cpython-312.pyc",
        "extension/.env",
    ],
)
def test_what_should_not_be_in_it_is_named(tmp_path: Path, name: str) -> None:
    assert f"{name} should not be in it" in said_of(tmp_path, {**GOOD, name: ""})


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_" + "a1B2" * 9,
        "sk-proj-" + "a1B2" * 10,
        "AIza" + "a1B2c" * 7,
        "-----BEGIN RSA PRIVATE KEY-----\n" + "a1B2" * 16,
    ],
)
def test_a_credential_is_told_without_showing_it(tmp_path: Path, secret: str) -> None:
    said = said_of(tmp_path, {**GOOD, "extension/readme.md": f"key = '{secret}'"})
    assert "extension/readme.md holds what looks like a credential" in said
    assert "a1B2" not in said


def test_code_that_names_a_source_map_which_is_not_there_is_told(tmp_path: Path) -> None:
    code = "x\n//# sourceMappingURL=extension.js.map"
    assert "names a source map" in said_of(tmp_path, {**GOOD, "extension/dist/extension.js": code})


def test_more_code_than_an_editor_should_load_is_told(tmp_path: Path) -> None:
    said = said_of(tmp_path, {**GOOD, "extension/dist/extension.js": "x" * 100_001})
    assert "300001 bytes, more than 300000" in said
