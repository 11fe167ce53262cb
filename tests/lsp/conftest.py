"""The server, as the tests of it need it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ai_gateway.fakes import FakeOpenAI
from support.listener import listening
from support.rpc import Json, ServerProcess, running_server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """One initialized server for all tests of a module, with no upstream that it could reach."""
    async with running_server(tmp_path_factory.mktemp("home"), environ={"AI_GATEWAY_ORDER": "copilot"}) as server:
        await server.initialize()
        await server.notification("ai/status")
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Of one process for all tests of a module: whoever connects has a server of its own there, and a cache."""
    unshared = {"AI_GATEWAY_STORE__ENABLED": "false"}
    async with listening(tmp_path_factory.mktemp("home"), "tcp", unshared) as (_, address):
        yield address


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    """A cloud provider."""
    async with FakeOpenAI() as upstream:
        yield upstream


@pytest.fixture
def cloud(upstream: FakeOpenAI) -> dict[str, str]:
    """The environment of a server whose only tier is that upstream."""
    return cloud_only(upstream)


@pytest.fixture
def settings(upstream: FakeOpenAI) -> Json:
    """The same as an editor's settings, for a connection to `address`."""
    return {"order": ["cloud"], "openai": {"base_url": upstream.base_url, "api_key": "key"}}


def cloud_only(upstream: FakeOpenAI) -> dict[str, str]:
    return {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": "key", "AI_GATEWAY_ORDER": "cloud"}
