"""The language server, from the command line."""

from __future__ import annotations

from ai_gateway.cli.arguments import Arguments


def serve(arguments: Arguments) -> int:
    """Serve until the editor leaves; give the exit code that LSP asks for."""
    raise NotImplementedError
