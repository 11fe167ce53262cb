"""What the path of a file, or the URI of a document, says about where it is."""

from __future__ import annotations

import os
import posixpath
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""RFC 3986, 3.1, but for a single letter, which is a drive."""
THIS_MACHINE = ("", "localhost")
"""As the host of a URI (RFC 8089, 2)."""
LONGEST_NAME = 4096
"""Linux's PATH_MAX; the names of documents that are no files are shorter, too."""
DEEPEST = 64
"""Folders; somebody else's patterns take time that grows with the square of that."""
_INSIDE = "!/"
"""What stands between an archive and what is in it, as in the URIs of Java's JarURLConnection."""
_ON_WINDOWS = sys.platform == "win32"
IGNORES_CASE = sys.platform in {"win32", "darwin"}
"""Whether `A` is `a` in the names of files, as is usual on this platform."""


def canonical(text: str) -> str:
    """Let each letter with an accent be one character: macOS takes them apart."""
    if text.isascii():
        return text
    import unicodedata  # noqa: PLC0415 - a megabyte, for those who have such names

    return unicodedata.normalize("NFC", text)


class UnfitName(ValueError):
    """Nobody looks at a name, as that would take long; it says why."""


def fit(name: str) -> str:
    """Give a name as it is.

    Raises:
        UnfitName: It is too long or too deep.
    """
    if len(name) > LONGEST_NAME:
        raise UnfitName(f"its name has more than {LONGEST_NAME:,} characters")
    if max(name.count("/"), name.count("\\")) > DEEPEST:
        raise UnfitName(f"it is more than {DEEPEST} folders deep")
    return name


def names_of(path_or_uri: str) -> Iterator[str]:
    """Give what the file may be called, on this platform or another, without a slash at the beginning.

    Raises:
        UnfitName: See `fit`.
    """
    scheme = SCHEME.match(fit(path_or_uri))
    if scheme is None:
        yield _normal(path_or_uri)
        return
    for path in _unescaped(path_or_uri[scheme.end() :]):
        yield _normal(fit(path))


def files_of(path_or_uri: str, folders: Sequence[str] = ()) -> Iterator[str]:
    """Give the files of this machine that it may mean, as absolute paths; none: it means no such file.

    The scheme of a URI makes no difference, as long as there is no host: editors have schemes of their own for the
    cells of a notebook, and for other versions of a file. What else it could mean counts if that is on this disk.

    Args:
        path_or_uri: Of one file or document.
        folders: Where a relative path may begin; none: in the current one.

    Raises:
        UnfitName: See `fit`.
    """
    scheme = SCHEME.match(fit(path_or_uri))
    if scheme is None:
        yield from map(fit, _absolute(path_or_uri, folders))
        return
    found = set(_certain_files(scheme[0], path_or_uri[scheme.end() :]))
    yield from map(fit, found)
    if not found or scheme[0].lower() != "file:":
        possible = dict.fromkeys(map(fit, _possible_files(path_or_uri, path_or_uri[scheme.end() :], folders)))
        yield from (path for path in possible if path not in found and _is_there(path))


def known_as(path_or_uri: str, folders: Sequence[str]) -> str:
    """Give the name that a person knows a file by: no URI, and beginning in the innermost of the folders around it."""
    try:
        path = min(files_of(path_or_uri, folders), key=len, default="") if SCHEME.match(path_or_uri) else path_or_uri
    except UnfitName:
        path = ""
    inside = (Path(path).relative_to(folder).as_posix() for folder in folders if Path(path).is_relative_to(folder))
    return min(inside, key=len, default=path) or path_or_uri


def _certain_files(scheme: str, rest: str) -> Iterator[str]:
    host, path = _host_and_path(rest)
    for variant in _unescaped(path):
        if host.lower() in THIS_MACHINE and variant.startswith("/"):
            yield _local(variant)
        elif host and _ON_WINDOWS and scheme.lower() == "file:":
            yield f"//{host}{variant}"


def _possible_files(path_or_uri: str, rest: str, folders: Sequence[str]) -> Iterator[str]:
    """Give what a URI of a scheme that is not known here may mean.

    That is a file on another machine that is this one, as WSL and containers are; a file within a URI that says more,
    as of an archive; and a file whose name has a colon.
    """
    yield from _absolute(path_or_uri, folders)
    while (inner := SCHEME.match(rest)) is not None:
        rest = rest[inner.end() :]
    path = _host_and_path(rest)[1]
    for variant in _unescaped(path):
        if variant.startswith("/"):
            yield _local(variant)
            yield _local(variant.partition(_INSIDE)[0])


def _host_and_path(rest: str) -> tuple[str, str]:
    """Take apart what is after the scheme."""
    if not rest.startswith("//"):
        return "", rest
    host, _, path = rest.removeprefix("//").partition("/")
    return host, f"/{path}"


def _local(path: str) -> str:
    return path[1:] if _ON_WINDOWS and path[2:3] == ":" else path


def _is_there(path: str) -> bool:
    try:
        os.lstat(path)
    except (OSError, ValueError):
        return False
    return True


def _absolute(path: str, folders: Sequence[str]) -> Iterator[str]:
    if path.startswith("~/"):
        yield os.path.expanduser(path)  # noqa: PTH111 - so does Emacs abbreviate; pathlib raises where there is no home
    try:
        current = os.getcwd()  # noqa: PTH109 - pathlib takes ten times as long
    except FileNotFoundError:  # it was removed, and with it all that could begin there
        current = ""
    for folder in folders or (".",):
        found = os.path.join(current, folder, path)  # noqa: PTH118 - as above
        if os.path.isabs(found):  # noqa: PTH117 - as above
            yield found


def _unescaped(rest: str) -> frozenset[str]:
    """Give the path in the rest of a URI: some write a `#` as it is, others mean a fragment."""
    parts = rest, re.split("[?#]", rest, maxsplit=1)[0]
    return frozenset(unquote(part, errors="surrogateescape") for part in parts)  # a name need not be in UTF-8


def _normal(path: str) -> str:
    slashed = path.replace("\\", "/")
    normal = posixpath.normpath(slashed).lstrip("/")
    return f"{normal}/" if slashed.endswith("/") else normal
