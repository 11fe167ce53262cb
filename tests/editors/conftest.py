"""What the tests of real editors share: an upstream that says what it is told, and a project in a home of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ai_gateway.fakes import FakeOpenAI
from editors.real_editor import PATH
from editors.vi import NEOVIM, VIM, Vi
from support.rpc import environment


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    """A cloud provider: the only tier of every server that an editor starts."""
    async with FakeOpenAI() as upstream:
        yield upstream


@pytest.fixture
def environ(upstream: FakeOpenAI, home: Path) -> dict[str, str]:
    """The environment of an editor: its server finds that upstream, and nothing of whoever runs the tests."""
    cloud = {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": "key", "AI_GATEWAY_ORDER": "cloud"}
    return environment(home, PATH=PATH, TERM="dumb", LC_ALL="C.UTF-8", XDG_RUNTIME_DIR="", **cloud)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder that the editor works in."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "adding.py").write_text("def add(a, b):\n    return a - b\n\n\nprint(add(2, 3))\n", "utf-8")
    return project


@pytest.fixture(params=[VIM, NEOVIM], ids=["vim", "nvim"])
def vi(request: pytest.FixtureRequest) -> Vi:
    """Each of the two."""
    chosen: Vi = request.param
    return chosen
