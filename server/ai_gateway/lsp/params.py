"""Parameters as handlers get them: LSP's own typed, ours as plain mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import cattrs
from lsprotocol import types

from ai_gateway.lsp.rpc_errors import Code, Refused

if TYPE_CHECKING:
    from cattrs import Converter

OWN_PREFIX = "ai/"
OWN_NOTIFICATIONS = frozenset({"ai/settings", "ai/editor/models"})
"""What clients tell us that is no request."""
PLAIN = frozenset({types.TEXT_DOCUMENT_CODE_ACTION, types.CODE_ACTION_RESOLVE, types.PROGRESS})
"""Methods of LSP's whose handlers get a mapping, too: to make what reads the types takes longer than the answer may."""


def is_request(method: str) -> bool:
    """Whether a method is one that gets a reply, as far as it is known at all."""
    if method.startswith(OWN_PREFIX):
        return method not in OWN_NOTIFICATIONS
    return types.METHOD_TO_TYPES.get(method, (None, True))[1] is not None


def params_of(method: str, params: object, converter: Converter) -> object:
    """Give the parameters of a call: an object of lsprotocol's, a mapping, or None for a method that has none.

    Absent, null, `{}`, `[]` and `[null]` all mean no parameters: vscode-jsonrpc sends each of them.

    Raises:
        Refused: They do not fit the method; the text names the field, and quotes nothing.
    """
    if isinstance(params, list) and len(params) <= 1:
        params = params[0] if params else None
    given = {} if params is None else params
    if not isinstance(given, Mapping):
        raise Refused(Code.INVALID_PARAMS, "params is an object")
    if method not in types.METHOD_TO_TYPES or method in PLAIN:
        return given
    wanted = types.METHOD_TO_TYPES[method][2]
    if wanted is None:
        return None
    try:
        return cast("object", converter.structure(given, cast("type[Any]", wanted)))
    except Exception as error:
        raise Refused(Code.INVALID_PARAMS, _first_fault(error)) from error


def _first_fault(error: Exception) -> str:
    """Name the field, as LSP spells it."""
    fault = cattrs.transform_error(error, path="params", format_exception=_fault)[0]
    return re.sub("_([a-z])", lambda match: match[1].upper(), fault)


def _fault(error: BaseException, _type: type | None) -> str:
    return "missing" if isinstance(error, KeyError) else "not as LSP defines it"
