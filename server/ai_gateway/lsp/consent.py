"""The person's consent to spending, asked for by the editor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.clock import SYSTEM_CLOCK
from ai_gateway.lsp.protocol import ClientError
from ai_gateway.spending import Consent, NobodyToAsk, SpendRequest
from ai_gateway.spending.words import CHOICES, question_of

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

_CONSENTS = {title: consent for consent, title in CHOICES.items()}


async def ask_in_editor(server: GatewayServer, request: SpendRequest) -> Consent:
    """Ask by `window/showMessageRequest`, which every client of LSP has; a dialog that is closed says no.

    Once cancelled, the client is told so (`$/cancelRequest`), and what it answers later is ignored.

    Raises:
        NobodyToAsk: The client can't ask, or answers what is none of the choices.
    """
    wanted = types.ShowMessageRequestParams(
        type=types.MessageType.Info,
        message=f"AI Gateway: {question_of(request, SYSTEM_CLOCK.time())}",
        actions=[types.MessageActionItem(title) for title in CHOICES.values()],
    )
    try:
        chosen = await server.window_show_message_request_async(wanted)
    except ClientError as error:
        raise NobodyToAsk(str(error)) from error
    if chosen is None:
        return Consent.NO
    if chosen.title not in _CONSENTS:
        raise NobodyToAsk("the client answered what was not among the choices")
    return _CONSENTS[chosen.title]
