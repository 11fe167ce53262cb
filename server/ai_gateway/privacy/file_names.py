"""What the path of a file, or the URI of a document, says about where it is."""

from __future__ import annotations

import os
import posixpath
import re
import sys
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""RFC 3986, 3.1, but for a single letter, which is a drive."""
_ON_WINDOWS = sys.platform == "win32"
IGNORES_CASE = sys.platform in {"win32", "darwin"}
"""Whether `A` is `a` in the names of files, as is usual on this platform."""


def canonical(text: str) -> str:
    """Let each letter with an accent be one character: macOS takes them apart."""
    if text.isascii():
        return text
    import unicodedata  # noqa: PLC0415 - a megabyte, for those who have such names

    return unicodedata.normalize("NFC", text)


def names_of(path_or_uri: str) -> Iterator[str]:
    """Give what the file may be called, on this platform or another, without a slash at the beginning."""
    scheme = _SCHEME.match(path_or_uri)
    if scheme is None:
        yield _normal(path_or_uri)
        return
    for path in _unescaped(path_or_uri[scheme.end() :]):
        yield _normal(path)


def files_of(path_or_uri: str, folders: Sequence[str] = ()) -> Iterator[str]:
    """Give the files of this machine that it may mean, as absolute paths; none: it means no such file.

    The scheme of a URI makes no difference, as long as there is no host: editors have schemes of their own for the
    cells of a notebook, and for other versions of a file.

    Args:
        path_or_uri: Of one file or document.
        folders: Where a relative path may begin; none: in the current one.
    """
    scheme = _SCHEME.match(path_or_uri)
    if scheme is None:
        for folder in folders or (".",):
            yield os.path.join(os.getcwd(), folder, path_or_uri)  # noqa: PTH109, PTH118 - pathlib takes ten times as long
        return
    rest = path_or_uri[scheme.end() :]
    host, path = "", rest
    if rest.startswith("//"):
        host, _, path = rest.removeprefix("//").partition("/")
        path = f"/{path}"
    for variant in _unescaped(path):
        if host in {"", "localhost"} and variant.startswith("/"):  # RFC 8089, 2
            yield variant[1:] if _ON_WINDOWS and variant[2:3] == ":" else variant
        elif host and _ON_WINDOWS and scheme[0].lower() == "file:":
            yield f"//{host}{variant}"


def _unescaped(rest: str) -> frozenset[str]:
    """Give the path in the rest of a URI: some write a `#` as it is, others mean a fragment."""
    return frozenset(map(unquote, (rest, re.split("[?#]", rest, maxsplit=1)[0])))


def _normal(path: str) -> str:
    slashed = path.replace("\\", "/")
    normal = posixpath.normpath(slashed).lstrip("/")
    return f"{normal}/" if slashed.endswith("/") else normal
