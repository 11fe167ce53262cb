"""Which folders a client means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pygls.uris import to_fs_path

from ai_gateway.failures import InvalidQuery

if TYPE_CHECKING:
    from pygls.workspace import Workspace

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""RFC 3986, 3.1, but for a single letter, which is a drive."""


def folder_of(workspace: Workspace, given: str | None) -> Path:
    """Give the folder that was named, as a path or a URI, or else the first of the workspace.

    Raises:
        InvalidQuery: It is not on this machine, or there is none.
    """
    named = given or next(iter(workspace.folders), None) or workspace.root_uri or workspace.root_path
    if not named:
        raise InvalidQuery("folder: is missing, and the client has no folder open", field="folder")
    if _SCHEME.match(named) is None:
        path = Path(named)
        return path if path.is_absolute() or given is None else folder_of(workspace, None) / path
    on_disk = to_fs_path(named) if named.lower().startswith("file:") else None
    if on_disk is None:
        raise InvalidQuery("folder: is no path, and no URI of a file", field="folder")
    return Path(on_disk)


def folders_of(workspace: Workspace) -> list[Path]:
    """Give the folders of the workspace that are on this machine."""
    named = [to_fs_path(folder.uri) for folder in workspace.folders.values()]
    return [Path(path) for path in named if path is not None]
