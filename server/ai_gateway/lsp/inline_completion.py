"""Code that is proposed where the person types (LSP 3.18, `textDocument/inlineCompletion`).

Nobody has asked for it, so nobody is told why there is none: whatever is in its way, the answer is nothing at all. The
traces know.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from lsprotocol import types

from ai_gateway.failures import GatewayError
from ai_gateway.lsp.protocol import ClientError

if TYPE_CHECKING:
    from pygls.workspace import ServerTextPosition

    from ai_gateway.completion.gap import Gap
    from ai_gateway.gateway import Gateway
    from ai_gateway.lsp.documents import Document
    from ai_gateway.lsp.server import GatewayServer
    from ai_gateway.model import Query
    from ai_gateway.settings import CompletionSettings

log = logging.getLogger(__name__)

METHOD = types.TEXT_DOCUMENT_INLINE_COMPLETION
REGISTRATION = "inline-completion"

Params = types.InlineCompletionParams
Proposal = types.InlineCompletionList


class InlineCompletions:
    """The proposals for one client: at most one at a time for each document."""

    def __init__(self, server: GatewayServer) -> None:
        self._server = server
        self._asked: dict[str, asyncio.Task[Proposal | None]] = {}
        self._is_registered = False

    @property
    def can_be_registered(self) -> bool:
        """Whether the client can be told at any time that there are proposals; others must know from the beginning."""
        document = self._server.client_capabilities.text_document
        ability = None if document is None else document.inline_completion
        return ability is not None and bool(ability.dynamic_registration)

    async def follow(self) -> None:
        """Tell a client that can be told whether there are proposals, as the settings are now; stop them if not."""
        wanted = self._settings is not None
        for uri in () if wanted else tuple(self._asked):
            self.leave(uri)
        if wanted == self._is_registered or not self.can_be_registered:
            return
        self._is_registered = wanted  # before the client answers: by then the settings may be others
        try:
            if wanted:
                options = types.InlineCompletionRegistrationOptions()
                registration = types.Registration(REGISTRATION, METHOD, options)
                await self._server.client_register_capability_async(types.RegistrationParams([registration]))
            else:
                removal = types.Unregistration(REGISTRATION, METHOD)
                await self._server.client_unregister_capability_async(types.UnregistrationParams([removal]))
        except ClientError:
            log.warning("the client will not be told whether there are inline completions")

    def leave(self, uri: str) -> None:
        """Give up what is asked for a document: it has changed, or is asked for anew."""
        if (asked := self._asked.pop(uri, None)) is not None:
            asked.cancel()

    async def propose(self, params: Params) -> Proposal | None:
        """Propose what could be typed next; None: nothing, and nothing as well to a request that another replaced."""
        uri = params.text_document.uri
        self.leave(uri)
        opened, settings = self._server.host.opened, self._settings
        if opened is None or settings is None:
            return None
        asked = self._asked[uri] = asyncio.create_task(self._proposal(opened.gateway, settings, params))
        try:
            await asyncio.wait((asked,))
        finally:
            asked.cancel()
            if self._asked.get(uri) is asked:
                del self._asked[uri]
            await asyncio.wait((asked,))
        return None if asked.cancelled() else asked.result()

    @property
    def _settings(self) -> CompletionSettings | None:
        """What is set; None: they are off, or it is not known yet."""
        opened = self._server.host.opened
        loaded = None if opened is None else opened.gateway.settings
        return loaded.settings.completion if loaded is not None and loaded.settings.completion.enabled else None

    async def _proposal(self, gateway: Gateway, settings: CompletionSettings, params: Params) -> Proposal | None:
        is_automatic = params.context.trigger_kind is not types.InlineCompletionTriggerKind.Invoked
        if is_automatic:
            await asyncio.sleep(settings.debounce_ms / 1000)
        uri = params.text_document.uri
        document = self._server.documents.open_document(uri)
        if document is None or gateway.excluded(uri) is not None:
            return None
        gap, place = self._gap(document, params)
        if is_automatic and gap.is_within_word:
            return None
        text = await _answer(gateway, self._query(document, gap, settings), gap)
        if text is None:
            return None
        chosen = _chosen(params)
        item = types.InlineCompletionItem(insert_text=("" if chosen is None else chosen.text) + text, range=place)
        return types.InlineCompletionList([item])

    def _gap(self, document: Document, params: Params) -> tuple[Gap, types.Range]:
        """Find the place in the document, and what of it a proposal replaces: a chosen completion, and blanks."""
        from ai_gateway.completion.gap import gap_at  # noqa: PLC0415 - for those who have it on

        lines, chosen = document.lines, _chosen(params)
        here = self._position(lines, params.position)
        start, until, inserted = here.character, here.character, ""
        if chosen is not None:
            start = min(start, self._position(lines, chosen.range.start).character)
            until = max(until, self._position(lines, chosen.range.end).character)
            inserted = chosen.text
        gap = gap_at(lines, here.line, start, until=until, inserted=inserted)
        if not gap.is_within_line:
            until += len(gap.line_after)
        codec = self._server.workspace.position_codec
        ends = (types.Position(here.line, character) for character in (start, until))
        first, last = (codec.position_to_client_units(lines, end) for end in ends)
        return gap, types.Range(first, last)

    def _position(self, lines: tuple[str, ...], position: types.Position) -> ServerTextPosition:
        return self._server.workspace.position_codec.position_from_client_units(lines, position)

    def _query(self, document: Document, gap: Gap, settings: CompletionSettings) -> Query:
        from ai_gateway.lsp.folders import shown_path  # noqa: PLC0415 - as above
        from ai_gateway.model import CacheMode, Infill, Query  # noqa: PLC0415

        given = Infill(
            gap.prefix,
            gap.suffix,
            language_id=document.language_id,
            path=shown_path(self._server.workspace, document.uri)[0],
            max_tokens=settings.max_tokens,
            stop=("\n",) if gap.is_within_line else (),
        )
        return Query(
            given,
            cache=CacheMode.OFF,
            timeout_seconds=settings.timeout_seconds,
            dearest=settings.dearest,
            first_token_seconds=settings.first_token_seconds,
            paths=(document.uri,),
        )


async def _answer(gateway: Gateway, query: Query, gap: Gap) -> str | None:
    """Ask for what fits; None: there is nothing, or nobody to say it."""
    from ai_gateway.chain import final_answer  # noqa: PLC0415 - as above
    from ai_gateway.completion.trimming import usable  # noqa: PLC0415
    from ai_gateway.model import FinishReason  # noqa: PLC0415

    if query.prompt.is_empty:
        return None
    try:
        answer = await final_answer(gateway.stream(query))
    except GatewayError as error:
        log.debug("no inline completion: %s", type(error).__name__)
        return None
    if answer.finish_reason not in {FinishReason.STOP, FinishReason.LENGTH}:
        return None
    return usable(answer.content, gap, is_cut=answer.finish_reason is FinishReason.LENGTH)


def _chosen(params: Params) -> types.SelectedCompletionInfo | None:
    """Give the completion that is chosen in the client's own list, which a proposal has to go on from."""
    chosen = params.context.selected_completion_info
    if chosen is None or not chosen.range.start.line == params.position.line == chosen.range.end.line:
        return None
    return chosen
