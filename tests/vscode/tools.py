"""The programs that run VS Code under test: Node and code-server, installed once into a cache outside the checkout.

`python -m vscode.tools [command …]` installs what is missing, then runs the command with that Node.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PINNED = Path(__file__).parent / "pinned"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class MissingTool(Exception):
    """Something is not installed and can't be; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the programs are.

    Attributes:
        node: Node's own folder, with `bin/node` and `include/node`.
        code_server: code-server's entry file.
        chromium: the browser.
    """

    node: Path
    code_server: Path
    chromium: Path

    @property
    def environ(self) -> dict[str, str]:
        """This process's environment with that Node before any other."""
        return _with_node(self.node)


def install() -> Tools:
    """Find the programs, and install those that are missing.

    Raises:
        MissingTool: npm, Chromium or what native modules are compiled with is not there, or npm failed.
    """
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        raise MissingTool("Chromium is not installed; on Debian: apt install chromium fonts-dejavu-core")
    node = _node_of(_installed("node24", os.environ))
    headers = {"npm_config_nodedir": str(node)}  # else native modules are compiled with headers from the network
    code_server = _installed("cs", {**_with_node(node), **headers}) / "node_modules/code-server/out/node/entry.js"
    return Tools(node, code_server, Path(chromium))


def _cache() -> Path:
    own = os.environ.get("AI_GATEWAY_VSCODE_CACHE")
    general = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(own) if own else general / "ai-gateway-vscode"


def _installed(name: str, environ: Mapping[str, str]) -> Path:
    """The folder of this name in the cache; renamed into its place only when it is complete."""
    folder, pinned = _cache() / name, PINNED / name / "package.json"
    if _holds(folder, pinned):
        return folder
    print(f"installing {pinned.parent.name} into {folder} (once; takes minutes) …", file=sys.stderr, flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}-") as scratch:
        fresh = Path(scratch, "new")
        fresh.mkdir()
        shutil.copy(pinned, fresh)
        _npm_install(fresh, environ)
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        fresh.rename(folder)
    return folder


def _holds(folder: Path, pinned: Path) -> bool:
    """Whether the folder holds exactly the pinned versions."""
    wanted: dict[str, str] = json.loads(pinned.read_text("utf-8"))["dependencies"]
    manifests = {name: folder / "node_modules" / name / "package.json" for name in wanted}
    return all(
        manifest.is_file() and json.loads(manifest.read_text("utf-8"))["version"] == wanted[name]
        for name, manifest in manifests.items()
    )


def _npm_install(folder: Path, environ: Mapping[str, str]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingTool("npm is not installed; on Debian: apt install npm")
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingTool(
            f"npm could not install {folder.parent.name}; code-server compiles native modules, so it needs, on Debian: "
            f"apt install build-essential python3 pkg-config libkrb5-dev\n{done.stdout}{done.stderr}"
        )


def _node_of(folder: Path) -> Path:
    """The part of the npm package that belongs to this platform."""
    found = next(folder.glob("node_modules/node/node_modules/node-*/bin/node"), None)
    if found is None:
        raise MissingTool(f"{folder} holds no Node for this platform; remove that folder to have it installed anew")
    return found.parent.parent


def _with_node(node: Path) -> dict[str, str]:
    path = f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path}


def _main(*command: str) -> int:
    try:
        tools = install()
    except MissingTool as missing:
        print(missing, file=sys.stderr)
        return 1
    return subprocess.run(command, env=tools.environ, check=False).returncode if command else 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
