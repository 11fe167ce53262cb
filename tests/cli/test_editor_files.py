"""`ai-gateway editor`: an editor finds its files wherever the gateway is installed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import zipfile
from pathlib import Path

from cli.command import HANG_SECONDS, environment, run

ROOT = Path(__file__).parents[2]
MODULE = Path("lua", "ai_gateway", "init.lua")


async def test_the_folder_of_an_editor_is_all_that_is_printed(tmp_path: Path) -> None:
    shown = await run("editor", "nvim", environ=environment(tmp_path))
    assert (shown.code, shown.err) == (0, "")
    assert (Path(shown.out.removesuffix("\n")) / MODULE).is_file()


async def test_without_a_name_every_editor_is_listed_with_its_folder(tmp_path: Path) -> None:
    shown = await run("editor", environ=environment(tmp_path))
    listed = dict(line.split("\t") for line in shown.out.splitlines())
    assert listed.keys() >= {"nvim", "emacs"}
    assert all(Path(folder).name == name for name, folder in listed.items())
    as_json = await run("editor", "--json", environ=environment(tmp_path))
    assert json.loads(as_json.out) == listed


async def test_an_unknown_editor_is_refused_with_the_name_that_may_have_been_meant(tmp_path: Path) -> None:
    shown = await run("editor", "nvmi", environ=environment(tmp_path))
    assert (shown.code, shown.out) == (2, "")
    assert "did you mean 'nvim'?" in shown.err


def build_and_unpack(target: Path) -> None:
    """Install the wheel, without what it depends on."""
    wheels = target.with_name("wheels")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels))
    subprocess.run(build, cwd=ROOT, check=True, timeout=HANG_SECONDS, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)


async def test_an_installed_wheel_brings_the_files_along(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    await asyncio.to_thread(build_and_unpack, installed)
    shown = await run("editor", "nvim", environ=environment(tmp_path, PYTHONPATH=str(installed)))
    folder = Path(shown.out.strip())
    assert folder.is_relative_to(installed)
    assert (folder / MODULE).is_file()
