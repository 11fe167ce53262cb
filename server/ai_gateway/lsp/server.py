"""The language server of one client: pygls's server with our protocol, our handlers and a gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ai_gateway import __version__
from ai_gateway.lsp.documents import Documents
from ai_gateway.lsp.editing.names import COMMANDS, action_options
from ai_gateway.lsp.handlers import HANDLERS
from ai_gateway.lsp.host import GatewayHost, SettingsSource
from ai_gateway.lsp.inline_completion import InlineCompletions
from ai_gateway.lsp.outbox import Outbox
from ai_gateway.lsp.protocol import GatewayProtocol

NAME = "ai-gateway"


class GatewayServer(LanguageServer):
    """Serves one client. Made within a running event loop.

    Args:
        outbox: Where messages to the client go.
        load: Loads the settings; None: they lead to simulated upstreams, and to nobody else.
        on_exit: Called when the client says `exit`.
        on_client: Called with the process id of the client, if it names one.
    """

    protocol: GatewayProtocol

    def __init__(
        self,
        outbox: Outbox,
        load: SettingsSource,
        *,
        on_exit: Callable[[], None],
        on_client: Callable[[int | None], object],
    ) -> None:
        self.outbox = outbox
        self.client_name: str | None = None
        """What the client calls itself, if it says so."""
        self.on_exit = on_exit
        self.on_client = on_client
        self._is_stopping = False
        super().__init__(NAME, __version__, protocol_cls=GatewayProtocol)
        self.host = GatewayHost(self, load)
        self.completions = InlineCompletions(self)
        for method, handler in HANDLERS.items():
            self.feature(method)(handler)
        self.protocol.fm.commands.update(dict.fromkeys(COMMANDS, HANDLERS[types.WORKSPACE_EXECUTE_COMMAND]))

    def offer_actions(self) -> None:
        """Say what kinds of code actions there are, to a client that knows of kinds."""
        if (options := action_options(self.client_capabilities)) is not None:
            self.protocol.fm.feature_options[types.TEXT_DOCUMENT_CODE_ACTION] = options

    @property
    def documents(self) -> Documents:
        """What the client has open, once it is initialized."""
        return cast("Documents", self.workspace)

    async def stop(self) -> None:
        """Take no more requests, let those that run end with a reply that they were cancelled, close the gateway."""
        if self._is_stopping:  # by the request `shutdown`, which is one of those that run
            await self.protocol.finished()
            return
        self._is_stopping = True
        self.protocol.is_shutting_down = True
        self.protocol.cancel_all()
        await self.protocol.finished()
        await self.host.aclose()
