"""A home of its own for every test, so that none finds the credentials of whoever runs it; and what many ask for."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ai_gateway.config import ENVIRONMENT, OWN_PREFIX
from support.fake_clock import FakeClock
from support.person import Person, a_person

collect_ignore = ["vscode"]  # takes minutes, and installs VS Code: only if asked for by name, as in `make test-vscode`

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as what a shell runs in the background has it, and its children
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def person(clock: FakeClock) -> AsyncIterator[Person]:
    async with a_person(clock) as person:
        yield person
