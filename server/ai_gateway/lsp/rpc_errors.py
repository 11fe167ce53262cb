"""What clients are told of errors: codes, and texts that are safe to show.

Only errors that the gateway raises on purpose keep their text. Anything else becomes an incident: a number for the
client, and under the same number, in the log, what was raised where.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from enum import IntEnum

from pygls.exceptions import JsonRpcInvalidParams, JsonRpcMethodNotFound

from ai_gateway.failures import GatewayClosed, GatewayError, InvalidQuery, NoTierAnswered, where

log = logging.getLogger(__name__)

ErrorObject = dict[str, object]
"""`code`, `message` and maybe `data` (JSON-RPC 2.0, section 5.1)."""


class Code(IntEnum):
    """Error codes of JSON-RPC, of LSP, and our own."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    NOT_INITIALIZED = -32002
    NO_TIER_ANSWERED = -32050
    SHUTTING_DOWN = -32051
    REQUEST_FAILED = -32803
    CANCELLED = -32800


class Refused(Exception):
    """A message that is not served; the text is safe to show."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def error_object(error: BaseException) -> ErrorObject:
    """Say on the wire what went wrong."""
    code, message, data = _told(error)
    told: ErrorObject = {"code": int(code), "message": message}
    return told if data is None else {**told, "data": data}


def incident(error: BaseException) -> str:
    """Log what was raised where, and nothing of what it said; give the number that it is logged under."""
    number = uuid.uuid4().hex[:12]
    log.error("incident %s: %s", number, where(error))
    return number


def _told(error: BaseException) -> tuple[int, str, object]:
    message, data = str(error), None
    match error:
        case Refused() | JsonRpcMethodNotFound() | JsonRpcInvalidParams():
            quotes = isinstance(error, JsonRpcInvalidParams)  # of pygls, with what the client sent in its text
            return error.code, "the parameters are not valid" if quotes else message, data
        case InvalidQuery():
            return Code.INVALID_PARAMS, message, {"field": error.field}
        case NoTierAnswered():
            from ai_gateway.messages.encode import no_answer_data  # noqa: PLC0415 - too slow before the handshake

            return Code.NO_TIER_ANSWERED, message, no_answer_data(error)
        case GatewayError():
            code = Code.SHUTTING_DOWN if isinstance(error, GatewayClosed) else Code.REQUEST_FAILED
            return code, message, data
        case asyncio.CancelledError():
            return Code.CANCELLED, "the request was cancelled", data
        case _:
            return Code.INTERNAL_ERROR, "internal error", {"incident": incident(error)}
