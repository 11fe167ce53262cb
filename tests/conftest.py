"""What every test has: a home of its own, so that none finds the credentials of whoever runs it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ai_gateway.config import ENVIRONMENT, OWN_PREFIX

collect_ignore = ["vscode"]  # takes minutes, and installs VS Code: only if asked for by name, as in `make test-vscode`


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in tuple(os.environ):
        if name in ENVIRONMENT or name.startswith((OWN_PREFIX, "XDG_")) or name in {"LOCALAPPDATA", "CODESPACES"}:
            monkeypatch.delenv(name)
    return home
