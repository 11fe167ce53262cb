"""What `vscode-extension/scripts/inspect_vsix.py` says of a VSIX before it leaves the house."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

SCRIPT = Path(__file__).parent.parent / "vscode-extension/scripts/inspect_vsix.py"
X64, ARM64 = 62, 183
GLIBC, MUSL = b"\0libc.so.6\0", b"\0libc.musl-x86_64.so.1\0"
NATIVE = "extension/bundled/native/cp312/pydantic_core/_pydantic_core.so"


def elf(machine: int, libc: bytes = b"") -> bytes:
    return b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little") + libc


def mach_o(cpu: int) -> bytes:
    return b"\xcf\xfa\xed\xfe" + cpu.to_bytes(4, "little")


def universal(*cpus: int) -> bytes:
    slices = b"".join(cpu.to_bytes(4, "big").ljust(20, b"\0") for cpu in cpus)
    return b"\xca\xfe\xba\xbe" + len(cpus).to_bytes(4, "big") + slices


def pe(machine: int) -> bytes:
    return b"MZ".ljust(0x3C, b"\0") + (0x40).to_bytes(4, "little") + b"PE\0\0" + machine.to_bytes(2, "little")


def manifest_for(target: str) -> str:
    return f'<PackageManifest><Metadata><Identity Id="ai-gateway" TargetPlatform="{target}"/></Metadata>'


GOOD: Mapping[str, str | bytes] = {
    "extension.vsixmanifest": manifest_for("linux-x64"),
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
        ],
        "",
    ),
    NATIVE: elf(X64, GLIBC),
}


def said_of(folder: Path, files: Mapping[str, str | bytes]) -> str:
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
        "extension/bundled/native/cp312/multidict/_testcapi.cpython-312-x86_64-linux-gnu.so",
        "extension/bundled/pure/anyio/pytest_plugin.py",
        "extension/bundled/native/cp312/aiohttp/test_utils.py",
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


@pytest.mark.parametrize(
    ("target", "content"),
    [
        ("linux-x64", elf(X64)),
        ("alpine-x64", elf(X64)),
        ("alpine-x64", elf(X64, MUSL)),
        ("linux-arm64", elf(ARM64, GLIBC)),
        ("darwin-x64", mach_o(0x01000007)),
        ("darwin-arm64", mach_o(0x0100000C)),
        ("darwin-x64", universal(0x01000007, 0x0100000C)),
        ("darwin-arm64", universal(0x01000007, 0x0100000C)),
        ("win32-x64", pe(0x8664)),
        ("win32-arm64", pe(0xAA64)),
    ],
)
def test_a_compiled_file_of_its_own_platform_is_welcome(tmp_path: Path, target: str, content: bytes) -> None:
    assert said_of(tmp_path, {**GOOD, "extension.vsixmanifest": manifest_for(target), NATIVE: content}) == ""


@pytest.mark.parametrize(
    ("target", "content"),
    [
        ("linux-x64", elf(ARM64, GLIBC)),
        ("linux-x64", elf(X64, MUSL)),
        ("alpine-x64", elf(X64, GLIBC)),
        ("darwin-arm64", mach_o(0x01000007)),
        ("darwin-arm64", universal(0x01000007)),
        ("win32-arm64", pe(0x8664)),
        ("win32-x64", elf(X64, GLIBC)),
        ("linux-x64", b""),
    ],
)
def test_a_compiled_file_of_another_platform_is_told(tmp_path: Path, target: str, content: bytes) -> None:
    said = said_of(tmp_path, {**GOOD, "extension.vsixmanifest": manifest_for(target), NATIVE: content})
    assert f"{NATIVE} does not run on {target}" in said


def test_one_that_names_no_platform_is_told(tmp_path: Path) -> None:
    assert "names no platform" in said_of(tmp_path, {**GOOD, "extension.vsixmanifest": ""})
