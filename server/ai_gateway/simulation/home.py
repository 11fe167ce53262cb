"""A home for a process that is to know nothing of a person's own, and to leave nothing in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory

HOMES = (
    "HOME",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "WIN_PD_OVERRIDE_APPDATA",
    "WIN_PD_OVERRIDE_LOCAL_APPDATA",
)
"""By which programs find a person's files; the last two are of platformdirs, which asks Windows itself otherwise."""


def homes_at(folder: str) -> Mapping[str, str]:
    """Give the part of an environment by which everything of a person's is looked for in one folder."""
    return dict.fromkeys(HOMES, folder)


@contextmanager
def temporary_home() -> Iterator[None]:
    """Give this process a home that is empty, and gone afterwards."""
    with TemporaryDirectory(prefix="ai-gateway-", ignore_cleanup_errors=True) as folder:
        os.environ.update(homes_at(folder))
        yield
