"""`ai/prompt`: what an action would ask, for a client that shows answers in a place of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ai_gateway.code_actions.kinds import ActionKind
from ai_gateway.code_actions.prompts import prompt_for
from ai_gateway.code_actions.titles import title_of
from ai_gateway.failures import FileExcluded, InvalidQuery
from ai_gateway.gateway import Gateway
from ai_gateway.lsp.documents import Document
from ai_gateway.lsp.editing.edits import place_of
from ai_gateway.lsp.editing.targets import open_document, target_in
from ai_gateway.messages.commands import PromptParams

if TYPE_CHECKING:
    from ai_gateway.lsp.server import GatewayServer
    from ai_gateway.messages.results import PromptResult


def prompt_result(server: GatewayServer, gateway: Gateway, params: Mapping[str, object]) -> PromptResult:
    """Answer `ai/prompt`, without asking anybody.

    Raises:
        InvalidQuery: There is no such place or no question, or the file is kept out of prompts.
        NotHere: It can't be done there.
    """
    wanted = PromptParams.parse(params)
    if wanted.kind is ActionKind.ASK and not wanted.question:
        raise InvalidQuery("question: is missing", field="question")
    document = _document(server, wanted)
    path = None if wanted.document is None else wanted.document.path
    target = target_in(server, document, wanted.kind, wanted.place, path)
    excerpt = target.excerpt
    if (why := gateway.excluded(target.uri)) is not None:
        raise FileExcluded(excerpt.path, why)
    prompt = prompt_for(wanted.kind, excerpt, wanted.question)
    return {
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        "paths": [target.uri],
        "title": title_of(wanted.kind, excerpt),
        "range": place_of(document, excerpt.first_line, excerpt.last_line),
        "language_id": excerpt.language_id,
    }


def _document(server: GatewayServer, wanted: PromptParams) -> Document:
    """Give the one that is open, or make the one that the client has given."""
    given = wanted.document
    if given is None:
        return open_document(server, wanted.uri)
    try:
        return Document(wanted.uri, given.text, wanted.version, given.language_id, server.documents.position_codec)
    except ValueError as error:  # of `urlsplit`, for a host like `[x`
        raise InvalidQuery("uri: is none", field="uri") from error
