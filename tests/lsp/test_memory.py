from __future__ import annotations

import subprocess
import sys

HTTP = """
import ssl, sys
usual = ssl.create_default_context
from ai_gateway.lsp.memory import import_http
import_http()
import aiohttp, click, httpx
assert "ai_gateway.providers.http" in sys.modules
assert "httpx._main" in sys.modules and sys.modules["httpx._main"] is None
assert ssl.create_default_context is usual
assert not aiohttp.connector._SSL_CONTEXT_VERIFIED.get_ca_certs()
assert aiohttp.connector._SSL_CONTEXT_VERIFIED.verify_mode is ssl.CERT_REQUIRED
print("ok")
"""

PROTOCOL = """
from ai_gateway.lsp.memory import import_protocol
import_protocol()
import attrs, lsprotocol
from lsprotocol import types
assert types is lsprotocol.types
assert "ServerCapabilities" not in types.Position.__init__.__globals__
assert {"__eq__", "__repr__"}.isdisjoint(vars(types.TextDocumentIdentifier))
assert attrs.fields(types.Position).line.name == "line"
import_protocol()
assert types is lsprotocol.types

@attrs.define
class Ours:
    number: int

assert Ours(1) == Ours(1)
from pygls.lsp.server import LanguageServer
position = types.Position(1, 2)
converter = LanguageServer("a", "1").protocol._converter
read = converter.structure(converter.unstructure(position), types.Position)
assert (read.line, read.character) == (1, 2)
print("ok")
"""


OPTIONAL = """
import sys
from ai_gateway.lsp.memory import import_protocol
import_protocol()
from ai_gateway.lsp import answers, server
from ai_gateway.lsp.editing import offers
lending = {"ai_gateway.lsp.editor_chat", "ai_gateway.messages.editor", "ai_gateway.providers.editor_models"}
assert not lending & sys.modules.keys()
print("ok")
"""


def said_by(script: str) -> tuple[str, str, int]:
    """What a script says in a process of its own, for what is imported stays."""
    finished = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False, timeout=60)
    return finished.stdout, finished.stderr, finished.returncode


def test_the_http_stack_comes_without_its_command_line_and_trusts_nobody_by_itself() -> None:
    assert said_by(HTTP) == ("ok\n", "", 0)


def test_the_protocols_types_come_without_what_nobody_asks_of_them_and_are_read_and_written_as_ever() -> None:
    assert said_by(PROTOCOL) == ("ok\n", "", 0)


def test_what_only_an_editor_that_lends_its_models_needs_waits_for_one() -> None:
    assert said_by(OPTIONAL) == ("ok\n", "", 0)
