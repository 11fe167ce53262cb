"""JSON-RPC as it has to be: every request gets exactly one reply, whatever is wrong with it.

pygls's own protocol stays in charge of the features that LSP defines. What a message is, who answers it, and how
errors are told is decided here; see the tests for what pygls would do instead.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import cattrs
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol

from ai_gateway.lsp.rpc_errors import Code, ErrorObject, Refused, error_object, incident

if TYPE_CHECKING:
    from cattrs import Converter

    from ai_gateway.lsp.outbox import Outbox
    from ai_gateway.lsp.server import GatewayServer

log = logging.getLogger(__name__)

MessageId = str | int | float | None
