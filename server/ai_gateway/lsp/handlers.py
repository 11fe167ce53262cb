"""Who answers what. Handlers are as short as this, so that what they do is found where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

Params = Mapping[str, object]
Result = Mapping[str, object]


async def query(ls: GatewayServer, params: Params) -> Result:
    """Ask the gateway."""
    return await (await ls.host.answers()).query(params)


async def embed(ls: GatewayServer, params: Params) -> Result:
    """Turn texts into vectors."""
    return await (await ls.host.answers()).embed(params)


async def models(ls: GatewayServer, params: Params) -> Result:
    """List the models there are."""
    return await (await ls.host.answers()).models(params)


async def health(ls: GatewayServer, params: Params) -> Result:
    """Tell how things are."""
    return await ls.host.health(params)


async def sign_in(ls: GatewayServer, params: Params) -> Result:
    """Sign in to a provider."""
    return await (await ls.host.answers()).sign_in(params)


async def sign_out(ls: GatewayServer, params: Params) -> Result:
    """Forget what was signed in to."""
    return await (await ls.host.answers()).sign_out(params)


async def drill(ls: GatewayServer, params: Params) -> Result:
    """Rehearse an outage."""
    return await (await ls.host.answers()).drill(params)


async def reset(ls: GatewayServer, params: Params) -> Result:
    """Close breakers by hand."""
    return await (await ls.host.answers()).reset(params)


async def force(ls: GatewayServer, params: Params) -> Result:
    """Keep a breaker open or closed by hand."""
    return (await ls.host.answers()).force(params)


async def explain(ls: GatewayServer, params: Params) -> Result:
    """Tell how a query went."""
    return await (await ls.host.answers()).explain(params)


async def metrics(ls: GatewayServer, params: Params) -> Result:
    """Give the figures so far."""
    return (await ls.host.answers()).metrics(params)


def initialize(ls: GatewayServer, params: types.InitializeParams) -> None:
    """Take in what the client is and wants."""
    ls.protocol.keep_documents()
    ls.host.settings.take_options(params.initialization_options)
    ls.on_client(params.process_id)


def initialized(ls: GatewayServer, _params: types.InitializedParams) -> None:
    """Get to work, now that the client has its reply."""
    ls.host.open()


def did_change_configuration(ls: GatewayServer, params: types.DidChangeConfigurationParams) -> None:
    """Take on new settings."""
    ls.host.settings.take_pushed(params.settings)
    ls.host.refresh()


def did_change_folders(ls: GatewayServer, _params: types.DidChangeWorkspaceFoldersParams) -> None:
    """Take on what other folders say."""
    ls.host.refresh()


HANDLERS: dict[str, Callable[..., object]] = {
    "ai/query": query,
    "ai/embed": embed,
    "ai/models": models,
    "ai/health": health,
    "ai/drill": drill,
    "ai/reset": reset,
    "ai/force": force,
    "ai/explain": explain,
    "ai/signIn": sign_in,
    "ai/signOut": sign_out,
    "ai/metrics": metrics,
    types.INITIALIZE: initialize,
    types.INITIALIZED: initialized,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: did_change_configuration,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: did_change_folders,
}
