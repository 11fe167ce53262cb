"""A question that only the person knows: LSP has no box to type it into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.code_actions.prompts import LONGEST_QUESTION
from ai_gateway.failures import InvalidQuery
from ai_gateway.lsp.editing.abilities import Abilities
from ai_gateway.lsp.protocol import ClientError

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer

INPUT = "ai/editor/input"
TITLE = "Ask AI Gateway"
PLACEHOLDER = "What do you want to know?"
READY = (
    "What does this do, step by step?",
    "What could go wrong here?",
    "How can this be made faster?",
    "How would you test this?",
)
"""For clients that can only show choices."""


async def ask_person(server: GatewayServer) -> str | None:
    """Ask the person for a question; None: there is none after all.

    Raises:
        InvalidQuery: The client can't ask, or the question is too long.
    """
    asks = _by_input if Abilities.of(server.client_capabilities).takes_input else _by_choice
    try:
        text = await asks(server)
    except ClientError as error:
        raise InvalidQuery("the editor could not ask for it; give the command a question", field="question") from error
    question = (text or "").strip()
    if len(question) > LONGEST_QUESTION:
        raise InvalidQuery(
            f"the question is longer than {LONGEST_QUESTION:,} characters; select the text", field="question"
        )
    return question or None


async def _by_input(server: GatewayServer) -> str | None:
    wanted = {"title": TITLE, "placeholder": PLACEHOLDER}
    answer: object = await server.protocol.send_request_async(INPUT, wanted)
    text = answer.get("text") if isinstance(answer, Mapping) else None
    return text if isinstance(text, str) else None


async def _by_choice(server: GatewayServer) -> str | None:
    choices = [types.MessageActionItem(question) for question in READY]
    wanted = types.ShowMessageRequestParams(types.MessageType.Info, TITLE, choices)
    chosen = await server.window_show_message_request_async(wanted)
    return None if chosen is None else chosen.title
