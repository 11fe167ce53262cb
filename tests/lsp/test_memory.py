from __future__ import annotations

import subprocess
import sys

SCRIPT = """
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


def test_the_http_stack_comes_without_its_command_line_and_trusts_nobody_by_itself() -> None:
    """In a process of its own, for what is imported stays."""
    finished = subprocess.run((sys.executable, "-c", SCRIPT), capture_output=True, text=True, check=False, timeout=60)
    assert (finished.stdout, finished.stderr, finished.returncode) == ("ok\n", "", 0)
