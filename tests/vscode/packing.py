"""Packing the extension as a person installs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vscode.tools import Tools

EXTENSION = Path(__file__).parents[2] / "vscode-extension"
HANG_SECONDS = 240


def packed(tools: Tools, place: Path) -> Path:
    """The extension as one file in this folder; one that was packed before, if `AI_GATEWAY_VSIX` names it.

    Raises:
        AssertionError: it could not be packed; with what was printed.
    """
    if before := os.environ.get("AI_GATEWAY_VSIX"):
        return Path(before)
    path = place / "ai-gateway.vsix"
    npm("run", "--silent", "package", "--", "--out", str(path), tools=tools)
    return path


def packed_beside(tools: Tools, source: Path, place: Path) -> Path:
    """Another extension, of one of the tests' own folders, as one file in this one."""
    path = place / f"{source.name}.vsix"
    vsce = EXTENSION / "node_modules/@vscode/vsce/vsce"
    command = ["node", str(vsce), "package", "--no-dependencies", "--allow-missing-repository", "--skip-license"]
    subprocess.run([*command, "-o", str(path)], cwd=source, env=tools.environ, check=True, capture_output=True)
    return path


def npm(*arguments: str, tools: Tools) -> None:
    """Run npm in the extension's folder.

    Raises:
        AssertionError: it failed; with what was printed.
    """
    done = subprocess.run(
        ["npm", *arguments],  # noqa: S607 - whichever npm there is, run by that Node
        cwd=EXTENSION,
        env={**tools.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"npm {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
