"""What the client says about settings: once when it starts the server, and then whenever they change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.lsp.protocol import ClientError

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

log = logging.getLogger(__name__)

SECTION = "aiGateway"
ANSWER_SECONDS = 3.0
"""How long the client may take to say what its settings are."""


class ClientSettings:
    """One client's settings.

    Attributes:
        editor: What it sets itself: its initialization options, or what it has said in their place.
        workspaces: Its section `aiGateway` for each folder of the workspace, as far as it is known.
    """

    def __init__(self, server: GatewayServer) -> None:
        self._server = server
        self.editor: Mapping[str, object] | None = None
        self.workspaces: Sequence[Mapping[str, object]] = ()

    def take_options(self, options: object) -> None:
        """Take in the initialization options, or what takes their place."""
        self.editor = options if isinstance(options, Mapping) else None

    def take_pushed(self, settings: object) -> None:
        """Take in what a client sends that can't be asked."""
        section = settings.get(SECTION) if isinstance(settings, Mapping) else None
        if isinstance(section, Mapping):
            self.workspaces = (section,)

    async def pull(self) -> None:
        """Ask the client, if it can be asked, for each folder. If it does not answer, what was known before holds."""
        workspace = self._server.client_capabilities.workspace
        if workspace is None or not workspace.configuration:
            return
        scopes = [folder.uri for folder in self._server.workspace.folders.values()] or [None]
        items = [types.ConfigurationItem(scope_uri=scope, section=SECTION) for scope in scopes]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answers = await self._server.workspace_configuration_async(types.ConfigurationParams(items))
        except (TimeoutError, ClientError):
            log.warning("the client did not say what its settings are")
            return
        self.workspaces = [section for section in answers or () if isinstance(section, Mapping)]

    async def follow(self) -> None:
        """Ask to be told of changes, where that has to be asked for."""
        workspace = self._server.client_capabilities.workspace
        changes = workspace.did_change_configuration if workspace is not None else None
        if changes is None or not changes.dynamic_registration:
            return
        wanted = types.Registration(
            id="settings",
            method=types.WORKSPACE_DID_CHANGE_CONFIGURATION,
            register_options=types.DidChangeConfigurationRegistrationOptions(section=SECTION),
        )
        try:
            await self._server.client_register_capability_async(types.RegistrationParams([wanted]))
        except ClientError:
            log.warning("the client will not tell of changed settings")
