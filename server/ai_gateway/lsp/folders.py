"""The folders of the workspace, and where in them a document is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from pygls.uris import to_fs_path

from ai_gateway.failures import InvalidQuery
from ai_gateway.privacy.file_names import SCHEME, THIS_MACHINE

if TYPE_CHECKING:
    from pygls.workspace import Workspace


def folder_of(workspace: Workspace, given: str | None) -> Path:
    """Give the folder that was named, as a path or a URI, or else the first of the workspace.

    Raises:
        InvalidQuery: It is not on this machine, or there is none.
    """
    named = given or next(iter(workspace.folders), None) or workspace.root_uri or workspace.root_path
    if not named:
        raise InvalidQuery("folder: is missing, and the client has no folder open", field="folder")
    if SCHEME.match(named) is None:
        path = Path(named)
        return path if path.is_absolute() or given is None else folder_of(workspace, None) / path
    on_disk = _on_disk(named)
    if on_disk is None:
        raise InvalidQuery("folder: is no path, and no URI of a file on this machine", field="folder")
    return Path(on_disk)


def _on_disk(uri: str) -> str | None:
    try:
        address = urlsplit(uri)
    except ValueError:
        return None
    if address.netloc.lower() in THIS_MACHINE:
        return to_fs_path(address._replace(netloc="").geturl())
    return to_fs_path(uri) if sys.platform == "win32" else None  # there, it is a share's


def folders_of(workspace: Workspace) -> list[Path]:
    """Give the folders of the workspace that are on this machine."""
    named = [to_fs_path(folder.uri) for folder in workspace.folders.values()]
    return [Path(path) for path in named if path is not None]


def shown_path(workspace: Workspace, uri: str) -> tuple[str, Path | None]:
    """Give the path of a document as a model may see it, and the folder that it is relative to.

    That is the innermost one of the workspace, or else its own; None: it is in no folder of this machine.
    """
    name = to_fs_path(uri)
    if name is None or urlsplit(uri).scheme != "file":
        return unquote(urlsplit(uri).path).rpartition("/")[2] or "untitled", None
    path = Path(name)
    around = [folder for folder in folders_of(workspace) if path.is_relative_to(folder)]
    root = max(around, key=lambda folder: len(folder.parts), default=path.parent)
    return path.relative_to(root).as_posix(), root
