"""How pytest-lsp starts the real server."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from pytest_lsp import ClientServerConfig, LanguageClient

from support.rpc import SERVER, environment

NO_HOME = Path(tempfile.gettempdir()) / "ai-gateway-tests-have-no-home"


def over_stdio(new_editor: Callable[[], LanguageClient]) -> ClientServerConfig:
    """Speak with it over its pipes, as an editor that this makes; it knows nothing of whoever runs the tests."""
    return ClientServerConfig(server_command=list(SERVER), client_factory=new_editor, server_env=environment(NO_HOME))
