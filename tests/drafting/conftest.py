"""A repository, and a gateway whose model says what it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ai_gateway.config import load_settings
from ai_gateway.fakes import FakeOpenAI
from ai_gateway.gateway import Gateway
from support.repositories import Repo, forget_outer_repository, new_repo


class Desk:
    """Where somebody drafts: one upstream, and a gateway in front of it with whatever settings are wanted."""

    def __init__(self, upstream: FakeOpenAI, gateways: AsyncExitStack) -> None:
        self.upstream = upstream
        self._gateways = gateways

    async def gateway(self, *, is_local: bool = False, **sections: Mapping[str, object]) -> Gateway:
        """Open a gateway."""
        role = {"backend": "local"} if is_local else {}
        service = {"base_url": self.upstream.base_url, "model": "gpt-4o", "api_key": "k", **role}
        tree = {"order": ["writer"], "services": {"writer": service}, "store": {"enabled": False}, **sections}
        loaded = load_settings(environ={}, editor=tree)
        assert not loaded.problems, loaded.problems
        return await self._gateways.enter_async_context(Gateway.from_settings(loaded))

    def asked(self, call: int = -1) -> tuple[str, str]:
        """Give what the model was told in a call: the instructions, and the rest."""
        messages = self.upstream.requests[call].json["messages"]
        assert isinstance(messages, list)
        system, user = (message["content"] for message in messages)
        return system, user


@pytest.fixture(autouse=True)
def _no_outer_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_outer_repository(monkeypatch)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with FakeOpenAI(models=("gpt-4o",)) as upstream, AsyncExitStack() as gateways:
        upstream.reply("Add a greeting\n\nIt says hello.")
        yield Desk(upstream, gateways)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository whose branch `feature/greet-people` has one commit more than `main`."""
    repo = new_repo(tmp_path / "repo")
    repo.commit("Begin", hello__py="def hello():\n    return None\n")
    repo.branch("feature/greet-people")
    repo.commit("Greet people\n\nThey asked for it.", hello__py='def hello():\n    return "hello"\n')
    return repo
