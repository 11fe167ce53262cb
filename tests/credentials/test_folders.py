from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ai_gateway.credentials.folders import copilot_folders

NO_FILE = Path("/no such file")


def folders(
    platform: str,
    environ: dict[str, str],
    home: Path,
    *,
    windows_users: Path = NO_FILE,
    kernel_version: Path = NO_FILE,
) -> list[Path]:
    found = copilot_folders(
        platform=platform, environ=environ, home=home, windows_users=windows_users, kernel_version=kernel_version
    )
    return list(found)


@pytest.mark.parametrize("platform", ["linux", "darwin", "freebsd14"])
def test_unix_systems_keep_it_below_the_home(platform: str, tmp_path: Path) -> None:
    assert folders(platform, {}, tmp_path) == [tmp_path / ".config/github-copilot"]


def test_windows_keeps_it_in_the_profile_and_maybe_in_local_application_data(tmp_path: Path) -> None:
    profile, elsewhere = tmp_path / "person", tmp_path / "moved"
    environ = {"USERPROFILE": str(profile), "LOCALAPPDATA": str(elsewhere)}
    assert folders("win32", environ, tmp_path) == [
        profile / "AppData" / "Local" / "github-copilot",
        elsewhere / "github-copilot",
    ]


def test_the_usual_windows_folder_is_named_once(tmp_path: Path) -> None:
    environ = {"USERPROFILE": str(tmp_path), "LOCALAPPDATA": str(tmp_path / "AppData" / "Local")}
    assert len(folders("win32", environ, tmp_path)) == 1


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_an_absolute_xdg_config_home_comes_first_on_every_system(platform: str, tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "USERPROFILE": str(tmp_path)}
    found = folders(platform, environ, tmp_path)
    assert found[0] == tmp_path / "xdg/github-copilot"
    assert len(found) == 2


@pytest.mark.parametrize("relative", ["", "config", "./config", "~/.config"])
def test_a_relative_xdg_config_home_is_passed_over(relative: str, tmp_path: Path) -> None:
    assert folders("linux", {"XDG_CONFIG_HOME": relative}, tmp_path) == [tmp_path / ".config/github-copilot"]


def test_without_any_variable_windows_has_no_folder(tmp_path: Path) -> None:
    assert folders("win32", {}, tmp_path) == []


@pytest.fixture
def windows_users(tmp_path: Path) -> Path:
    """Profiles of Windows: two with application data, one that is a file, one without any."""
    users = tmp_path / "Users"
    for name in ("anna", "ben"):
        (users / name / "AppData" / "Local").mkdir(parents=True)
    (users / "Public").mkdir()
    (users / "desktop.ini").touch()
    return users


def test_wsl_sees_the_profiles_of_windows(windows_users: Path, tmp_path: Path) -> None:
    found = folders("linux", {"WSL_DISTRO_NAME": "Ubuntu"}, tmp_path, windows_users=windows_users)
    assert found == [
        tmp_path / ".config/github-copilot",
        windows_users / "anna/AppData/Local/github-copilot",
        windows_users / "ben/AppData/Local/github-copilot",
    ]


def test_wsl_is_known_by_its_kernel_where_no_variable_says_so(windows_users: Path, tmp_path: Path) -> None:
    kernel = tmp_path / "version"
    kernel.write_text("Linux version 5.15.167.4-microsoft-standard-WSL2 (root@x) #1 SMP\n")
    assert len(folders("linux", {}, tmp_path, windows_users=windows_users, kernel_version=kernel)) == 3
    kernel.write_text("Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org)\n")
    assert len(folders("linux", {}, tmp_path, windows_users=windows_users, kernel_version=kernel)) == 1


def test_wsl_without_windows_drives_has_its_own_folder_only(tmp_path: Path) -> None:
    assert len(folders("linux", {"WSL_DISTRO_NAME": "Ubuntu"}, tmp_path, windows_users=tmp_path / "none")) == 1


def test_a_linux_that_is_no_wsl_does_not_look_at_mounted_drives(windows_users: Path, tmp_path: Path) -> None:
    assert len(folders("linux", {}, tmp_path, windows_users=windows_users)) == 1


def test_another_system_is_no_wsl_whatever_the_environment_says(windows_users: Path, tmp_path: Path) -> None:
    assert len(folders("darwin", {"WSL_DISTRO_NAME": "x"}, tmp_path, windows_users=windows_users)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a home of POSIX")
def test_this_machine_is_the_default(home: Path) -> None:
    assert copilot_folders()[0] == home / ".config/github-copilot"
    assert os.environ["HOME"] == str(home)
