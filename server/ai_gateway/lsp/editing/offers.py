"""Code actions: what can be asked here, told at once, without asking anybody.

Editors ask whenever the cursor rests. Requests and replies are plain JSON here: pygls makes its readers and writers of
these types when they are first used, which alone takes longer than the whole answer may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from lsprotocol import types

from ai_gateway.code_actions.kinds import KINDS, ActionKind, Product
from ai_gateway.code_actions.languages import test_path
from ai_gateway.code_actions.region import comment_region
from ai_gateway.lsp.editing.abilities import Abilities
from ai_gateway.lsp.editing.names import STOP
from ai_gateway.lsp.rpc_errors import Code, Refused

if TYPE_CHECKING:
    from ai_gateway.lsp.documents import Document
    from ai_gateway.lsp.server import GatewayServer

Json = Mapping[str, object]

NEAR_LINES = 200
"""How far from the cursor the ends of a comment are looked for."""
MOST_NEAR = 100_000
"""Characters of these lines; where they are longer, as in code that was minified, nobody has commented."""
STOPPING = "Stop what is being written"
TOLD_OF_PROBLEMS = ("range", "message", "severity", "source", "code")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks for.

    Attributes:
        only: The kinds that it wants; None: all.
        is_unasked: Whether the editor asks by itself, to show a light bulb.
    """

    uri: str
    range: Json
    first_line: int
    last_line: int
    is_empty: bool
    diagnostics: tuple[Json, ...]
    only: tuple[str, ...] | None
    is_unasked: bool

    @classmethod
    def of(cls, params: Json) -> Self:
        """Read the parameters of `textDocument/codeAction`.

        Raises:
            Refused: They are not what LSP defines.
        """
        context = _mapping(params.get("context", {}), "context")
        selected = _mapping(params.get("range"), "range")
        start, end = _position(selected.get("start"), "range.start"), _position(selected.get("end"), "range.end")
        uri = _mapping(params.get("textDocument"), "textDocument").get("uri")
        if not isinstance(uri, str):
            raise _unlike("textDocument.uri")
        only = context.get("only")
        return cls(
            uri,
            selected,
            start[0],
            end[0] - 1 if end[1] == 0 and end[0] > start[0] else end[0],
            start == end,
            tuple(each for each in _list(context.get("diagnostics")) if isinstance(each, Mapping)),
            None if only is None else tuple(str(kind) for kind in _list(only)),
            context.get("triggerKind") == types.CodeActionTriggerKind.Automatic,
        )

    def includes(self, kind: str) -> bool:
        """Whether it wants actions of a kind: that itself, or one that it is part of (LSP 3.17, `CodeActionKind`)."""
        return self.only is None or any(
            not wanted or kind == wanted or kind.startswith(f"{wanted}.") for wanted in self.only
        )


def offers(server: GatewayServer, params: Json) -> list[Json]:
    """Answer `textDocument/codeAction`."""
    wanted = Wanted.of(params)
    document = server.documents.open_document(wanted.uri)
    answers = server.host.opened
    settings = None if answers is None else answers.gateway.settings
    if document is None or (settings is not None and not settings.settings.actions.enabled):
        return []
    kinds = [kind for kind in _kinds_for(wanted, document) if wanted.includes(KINDS[kind].lsp_kind)]
    abilities = Abilities.of(server.client_capabilities)
    reason = None if answers is None or not kinds else answers.gateway.excluded(wanted.uri)
    if reason is not None and not (abilities.takes_actions and abilities.shows_disabled):
        return []
    resolves = abilities.resolves_edits and (
        not abilities.applies_edits or (settings is not None and settings.settings.actions.delivery == "resolve")
    )
    return [
        *_of_what_began_before(server, wanted, abilities),
        *(_offer(kind, wanted, document, abilities, reason, resolves=resolves) for kind in kinds),
    ]


def _of_what_began_before(server: GatewayServer, wanted: Wanted, abilities: Abilities) -> list[Json]:
    """Offer edits that wait, and to stop what runs: Kate and Helix show no other way to do so."""
    if (answers := server.host.opened) is None or wanted.is_unasked or not abilities.takes_actions:
        return []
    found: list[Json] = answers.kept_edits(wanted.uri, wanted.first_line, wanted.last_line)
    if answers.has_jobs:
        found.append({"title": STOPPING, "kind": "", "command": {"title": STOPPING, "command": STOP}})
    return [each for each in found if wanted.includes(str(each["kind"]))]


def product_of(kind: ActionKind, path: str, language_id: str) -> Product:
    """Say what comes of an action: tests are only to be read where the language has no place of its own for them."""
    product = KINDS[kind].product
    has_place = product is not Product.NEW_FILE or test_path(path, language_id) is not None
    return product if has_place else Product.READ


def _kinds_for(wanted: Wanted, document: Document) -> list[ActionKind]:
    """Choose what makes sense here; unasked, only what the person has pointed at: a selection, a problem, a comment."""
    lines = document.lines if wanted.is_empty else document.lines[wanted.first_line : wanted.last_line + 1]
    if wanted.first_line > len(document.lines) or all(map(str.isspace, lines)):
        return []
    sensible = {
        ActionKind.FIX: bool(wanted.diagnostics),
        ActionKind.COMMENT: _is_comment(wanted, document),
    }
    is_general = not (wanted.is_unasked and wanted.is_empty)
    return [kind for kind in ActionKind if sensible.get(kind, is_general)]


def _is_comment(wanted: Wanted, document: Document) -> bool:
    start = max(0, wanted.first_line - NEAR_LINES)
    near = "".join(document.lines[start : wanted.first_line + NEAR_LINES])
    line = wanted.first_line - start
    return len(near) <= MOST_NEAR and comment_region(near, line, document.language_id or "") is not None


def _arguments(kind: ActionKind, wanted: Wanted, document: Document) -> Json:
    arguments: Json = {"uri": wanted.uri, "range": wanted.range, "version": document.version}
    if kind is not ActionKind.FIX:
        return arguments
    problems = [{name: each[name] for name in TOLD_OF_PROBLEMS if name in each} for each in wanted.diagnostics]
    return {**arguments, "diagnostics": problems}


def _offer(
    kind: ActionKind, wanted: Wanted, document: Document, abilities: Abilities, reason: str | None, *, resolves: bool
) -> Json:
    """Make a code action; or a command, for clients that know nothing else.

    None is `isPreferred`: what a language server proposes by itself is surer than what a model will write.
    """
    info, arguments = KINDS[kind], _arguments(kind, wanted, document)
    command: Json = {"title": info.title, "command": info.command, "arguments": [arguments]}
    if not abilities.takes_actions:
        return command
    action: dict[str, object] = {"title": info.title, "kind": info.lsp_kind}
    if kind is ActionKind.FIX:
        action["diagnostics"] = wanted.diagnostics
    if abilities.knows_tags:
        action["tags"] = [types.CodeActionTag.LlmGenerated]
    if reason is not None:
        return {**action, "disabled": {"reason": reason}}
    if resolves and product_of(kind, document.path, document.language_id or "") is not Product.READ:
        return {**action, "data": {"kind": kind, **arguments}}
    return {**action, "command": command}


def _mapping(value: object, field: str) -> Json:
    if not isinstance(value, Mapping):
        raise _unlike(field)
    return value


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _position(value: object, field: str) -> tuple[int, int]:
    position = _mapping(value, field)
    line, character = position.get("line"), position.get("character")
    if type(line) is not int or type(character) is not int or line < 0 or character < 0:
        raise _unlike(field)
    return line, character


def _unlike(field: str) -> Refused:
    return Refused(Code.INVALID_PARAMS, f"params.{field}: not as LSP defines it")
