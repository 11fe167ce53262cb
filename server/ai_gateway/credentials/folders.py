"""Where Copilot's language server keeps its files: the folders `github-copilot`, most likely first.

The rules are the server's own (`$XDG_CONFIG_HOME` on every system, then the profile); readers in other editors also try
`%LOCALAPPDATA%`. Its last resort, a folder in the temporary directory, is left out: anybody may have put it there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDER = "github-copilot"
WINDOWS_USERS = Path("/mnt/c/Users")
"""Where WSL shows the profiles of Windows."""
KERNEL_VERSION = Path("/proc/version")


def copilot_folders(
    *,
    platform: str = sys.platform,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    windows_users: Path = WINDOWS_USERS,
    kernel_version: Path = KERNEL_VERSION,
) -> tuple[Path, ...]:
    """Name the folders that may hold tokens of editors; none of them need exist.

    Args:
        platform: As `sys.platform` has it.
        environ: The environment; None: this process's.
        home: The person's home; None: this process's.
        windows_users: Where WSL shows the profiles of Windows.
        kernel_version: The file by which WSL is known where no variable says so.
    """
    environ = os.environ if environ is None else environ
    candidates = [*_configured(environ), *_of_profile(platform, environ, home)]
    if platform == "linux" and _is_wsl(environ, kernel_version):
        candidates += _of_windows(windows_users)
    return tuple(dict.fromkeys(parent / FOLDER for parent in candidates))


def _configured(environ: Mapping[str, str]) -> Iterator[Path]:
    named = Path(environ.get("XDG_CONFIG_HOME", ""))
    if named.is_absolute():
        yield named


def _of_profile(platform: str, environ: Mapping[str, str], home: Path | None) -> Iterator[Path]:
    if platform != "win32":
        home = home or _own_home()
        if home is not None:
            yield home / ".config"
        return
    if profile := environ.get("USERPROFILE"):
        yield Path(profile, "AppData", "Local")
    if local := environ.get("LOCALAPPDATA"):
        yield Path(local)


def _own_home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # an account without one, as in some containers
        return None


def _is_wsl(environ: Mapping[str, str], kernel_version: Path) -> bool:
    if environ.get("WSL_DISTRO_NAME"):
        return True
    try:
        return b"microsoft" in kernel_version.read_bytes().lower()
    except OSError:
        return False


def _of_windows(users: Path) -> list[Path]:
    """Find the profiles that may be read: other people's, too, stand there."""
    try:
        profiles = sorted(users.iterdir())
    except OSError:
        return []
    return [local for profile in profiles if _can_be_listed(local := profile / "AppData" / "Local")]


def _can_be_listed(folder: Path) -> bool:
    try:
        with os.scandir(folder):
            return True
    except OSError:
        return False
