"""Makes `bundled/`: the server with all that it needs, for one platform and each Python that it runs on.

    bundled/launch.py       what the extension runs
    bundled/pure/           this project's own package, and packages that are the same everywhere
    bundled/native/abi3/    compiled packages for any Python
    bundled/native/cp312/   compiled packages for Python 3.12, and so on
    bundled/LICENSES.md     of everybody else's

Versions and hashes stand in `server/requirements.lock`, which `--lock` makes anew from pyproject.toml.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

EXTENSION = Path(__file__).resolve().parents[1]
PROJECT = EXTENSION.parent
BUNDLED = EXTENSION / "bundled"
LOCK = EXTENSION / "server/requirements.lock"
LAUNCHER = EXTENSION / "server/launch.py"
STAMP = BUNDLED / ".made-from"
OWN = BUNDLED / "pure/ai_gateway"

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")
MUSL = ("musllinux_1_1", "musllinux_1_2")
MACOS = ("macosx_10_9", "macosx_10_12", "macosx_10_13", "macosx_10_15", "macosx_11_0")
PLATFORMS = {
    "linux-x64": [f"{libc}_x86_64" for libc in GLIBC],
    "linux-arm64": [f"{libc}_aarch64" for libc in GLIBC],
    "alpine-x64": [f"{libc}_x86_64" for libc in MUSL],
    "alpine-arm64": [f"{libc}_aarch64" for libc in MUSL],
    "darwin-x64": [f"{system}_{cpu}" for system in MACOS for cpu in ("x86_64", "universal2")],
    "darwin-arm64": [f"macosx_11_0_{cpu}" for cpu in ("arm64", "universal2")] + ["macosx_10_9_universal2"],
    "win32-x64": ["win_amd64"],
    "win32-arm64": ["win_arm64"],
}
"""Wheels' platform tags (PEP 425, PEP 600) for each target of VS Code. There is no wheel of psutil for linux-armhf."""

SOURCES = {".c", ".h", ".pyx", ".pxd", ".pxi", ".pyi", ".pyc", ".hash", ".typed"}
OF_TESTS = re.compile(r"test_.*\.py|pytest_plugin\.py|_testcapi\..*")
"""What packages bring along for those who test with them, beside their own tests."""
NOT_RUN = (".*", "__pycache__", "*.pyi")
TEST_FOLDERS = {"tests", "test", "__pycache__"}
LICENCE = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)
MARKER = re.compile(r"^[\w.-]+==[^;\\]+;", re.MULTILINE)


class Unavailable(Exception):
    """Something that a target needs can't be had; the text says what."""


def main() -> None:
    """Bundle for one target, or write the lock file."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("target", nargs="?", choices=PLATFORMS, help="VS Code's name of a platform")
    parser.add_argument("--lock", action="store_true", help="bring server/requirements.lock up to date; needs uv")
    arguments = parser.parse_args()
    if arguments.lock:
        lock()
    if arguments.target is not None:
        bundle(arguments.target)


def lock() -> None:
    """Choose the newest versions that fit, once for all Pythons and platforms."""
    given = ["--universal", "--python-version", PYTHONS[0], "--generate-hashes", "--no-header", "--no-annotate"]
    run("uv", "pip", "compile", *given, "--upgrade", "-o", str(LOCK), str(PROJECT / "pyproject.toml"))


def bundle(target: str) -> None:
    """Make the folder; what others wrote is kept if it is for this target and these versions, and as it was made."""
    if not STAMP.exists() or STAMP.read_text("utf-8") != stamp(target):
        shutil.rmtree(BUNDLED, ignore_errors=True)
        try:
            add_others(target)
        except Unavailable as why:
            sys.exit(f"{target}: {why}")
        STAMP.write_text(stamp(target), "utf-8")
    add_own()


def stamp(target: str) -> str:
    """What the part of others is made from, and what it holds."""
    made_from = hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes())
    holds = hashlib.sha256()
    for path in sorted(path for path in BUNDLED.rglob("*") if path.is_file() and not is_own(path)):
        holds.update(f"{path.relative_to(BUNDLED)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return f"{target} {made_from.hexdigest()} {holds.hexdigest()}\n"


def is_own(path: Path) -> bool:
    """Whether it is this project's, or says what is there."""
    return path in {STAMP, BUNDLED / LAUNCHER.name} or path.is_relative_to(OWN)


def add_own() -> None:
    """This project's package and the launcher."""
    shutil.rmtree(OWN, ignore_errors=True)
    shutil.copytree(PROJECT / "server/ai_gateway", OWN, ignore=shutil.ignore_patterns(*NOT_RUN))
    shutil.copy(LAUNCHER, BUNDLED)


def add_others(target: str) -> None:
    """The packages that it depends on."""
    if MARKER.search(LOCK.read_text("utf-8")):  # pip would judge them by the Python that it runs on itself
        raise Unavailable(f"{LOCK.name} has packages for some platforms only, which this can't choose among")
    licences: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for python in PYTHONS:
            wheels = Path(scratch, python)
            download(target, python, wheels)
            for wheel in sorted(wheels.glob("*.whl")):
                name, licence = unpack(wheel, folder_for(wheel))
                licences[name] = licence
    texts = [f"## {name}\n\n{text}" for name, text in sorted(licences.items())]
    (BUNDLED / "LICENSES.md").write_text("\n\n".join(["# Packages in this folder", *texts]) + "\n", "utf-8")


def download(target: str, python: str, wheels: Path) -> None:
    """Get what is locked, as wheels."""
    platforms = [flag for name in PLATFORMS[target] for flag in ("--platform", name)]
    abis = [flag for abi in (f"cp{python.replace('.', '')}", "abi3", "none") for flag in ("--abi", abi)]
    which = [*platforms, *abis, "--implementation", "cp", "--python-version", python]
    flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    try:
        run(sys.executable, "-m", "pip", "download", *flags, *which, "--dest", str(wheels), "-r", str(LOCK))
    except subprocess.CalledProcessError as error:
        missing = re.search(r"No matching distribution found for (\S+)", error.stderr)
        raise Unavailable(f"no wheel of {missing[1]} for Python {python}" if missing else error.stderr) from error


def folder_for(wheel: Path) -> Path:
    """Where it belongs, as its name says: NAME-VERSION-PYTHON-ABI-PLATFORM (PEP 427)."""
    *_, python, abi, systems = wheel.stem.split("-")
    if systems == "any":
        return BUNDLED / "pure"
    return BUNDLED / "native" / ("abi3" if abi == "abi3" else python)


def unpack(wheel: Path, folder: Path) -> tuple[str, str]:
    """Unpack what is needed to run; give name and version, and the licence."""
    with ZipFile(wheel) as archive:
        names = [PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")]
        if any(name.is_absolute() or ".." in name.parts for name in names):
            raise Unavailable(f"{wheel.name} has a file that would lie outside of its folder")
        for name in filter(is_needed, names):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(shortened(name, archive.read(str(name))))
        metadata = next(name for name in names if name.match("*.dist-info/METADATA"))
        about = HeaderParser().parsestr(archive.read(str(metadata)).decode("utf-8"))
        texts = [archive.read(str(name)).decode("utf-8", "replace").strip() for name in names if is_licence(name)]
    declared = about["License-Expression"] or about["License"] or ""
    return f"{about['Name']} {about['Version']}", "\n\n".join(texts or [declared.strip()])


def is_licence(name: PurePosixPath) -> bool:
    """Whether a file of a wheel is one."""
    return name.parts[0].endswith(".dist-info") and LICENCE.search(name.name) is not None


def is_needed(name: PurePosixPath) -> bool:
    """Whether a file of a wheel matters to a program that runs."""
    if name.parts[0].endswith(".dist-info"):
        return name.name in {"METADATA", "entry_points.txt"}
    is_tested_with = TEST_FOLDERS.intersection(name.parts[:-1]) or OF_TESTS.fullmatch(name.name)
    return name.suffix not in SOURCES and not is_tested_with


def shortened(name: PurePosixPath, content: bytes) -> bytes:
    """Leave out the read-me that stands below a package's metadata."""
    if name.name != "METADATA":
        return content
    return content.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n"


def run(*command: str) -> None:
    """Run a program; its complaints are those of the error that is raised."""
    subprocess.run(command, check=True, text=True, stderr=subprocess.PIPE)  # noqa: S603 - of this file only


if __name__ == "__main__":
    main()
