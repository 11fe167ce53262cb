"""Says what is wrong with the files of a VSIX: `python inspect_vsix.py FILE`. Ends with 1 if something is."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from zipfile import ZipFile

from native_files import is_native, targets_of

CODE = ("extension/dist/extension.js", "extension/dist/languageClient.js")
CODE_BYTES = 300_000
"""What the extension host loads, all in all."""

NEEDED = (
    *CODE,
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
    "extension/bundled/native/cp31?/pydantic_core/*",
)
"""Patterns, each of which some file has to match."""

STRANGE = (
    *(".*", "*.map", "*.ts", "*.pyc", "*.pyi", "test", "tests", "__pycache__", "node_modules", "src"),
    *("*.test.*", "test_*", "_testcapi*", "pytest_plugin.py"),
)
"""Patterns that no folder's and no file's name may match."""

MANIFEST = "extension.vsixmanifest"
TARGET = re.compile(rb'\bTargetPlatform="([\w-]+)"')

SECRET = re.compile(
    rb"\bgh[opsu]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22,}|\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}|\bAIza[\w-]{35}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"
)
SOURCE_MAP = re.compile(rb"^//# sourceMappingURL=", re.MULTILINE)


def complaints(vsix: Path) -> Iterator[str]:
    """What is wrong with it, in words."""
    with ZipFile(vsix) as archive:
        names = archive.namelist()
        target = _target_of(archive)
        if target is None:
            yield f"{MANIFEST} names no platform"
        for pattern in NEEDED:
            if not any(fnmatchcase(name, pattern) for name in names):
                yield f"{pattern} is missing"
        for name in names:
            if any(fnmatchcase(part, pattern) for part in name.split("/") for pattern in STRANGE):
                yield f"{name} should not be in it"
            content = archive.read(name)
            if SECRET.search(content):
                yield f"{name} holds what looks like a credential"
            if name.endswith((".js", ".css")) and SOURCE_MAP.search(content):
                yield f"{name} names a source map"
            if is_native(name, content) and target not in targets_of(content):
                yield f"{name} does not run on {target}"
        code = sum(archive.getinfo(name).file_size for name in CODE if name in names)
        if code > CODE_BYTES:
            yield f"{' and '.join(CODE)} have {code} bytes, more than {CODE_BYTES}"


def _target_of(archive: ZipFile) -> str | None:
    found = TARGET.search(archive.read(MANIFEST))
    return None if found is None else found[1].decode()


def main() -> int:
    """Print the complaints."""
    found = list(complaints(Path(sys.argv[1])))
    for complaint in found:
        sys.stderr.write(f"{sys.argv[1]}: {complaint}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
